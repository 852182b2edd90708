"""What a batch says of a delivery, in brief: like findings are one, however many files or rows have them; the manifest has each."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Any

from connectors.extraction import Note
from connectors.unreadable import Unreadable
from core.nouns import noun

# Of so many files each is named; more are counted.
_NAMED = 5
_REASONS = _POSITIONS = 20
READ_WHOLE = "read-whole"  # note of a part after which all of the source has to be read
BLANK = "blank"  # in a note: how many rows there were that had nothing in them
_BEGINS = "file"  # the kind of note that says where a file begins


def notes_of(notes: Sequence[Note]) -> list[dict[str, Any]]:
    """The notes of connectors as the catalog keeps them."""
    like: dict[tuple[str, str], list[Note]] = {}
    for note in notes:
        like.setdefault((note.kind, "" if note.kind == _BEGINS and note.file else note.said), []).append(note)
    return [{"kind": some[0].kind, "message": message} for some in like.values() for message in _messages(some)]


def has_all(notes: Sequence[Note]) -> bool:
    """Whether the catalog keeps each note."""
    return len(notes_of(notes)) == len(notes)


def _messages(like: Sequence[Note]) -> Iterator[str]:
    if len(like) <= _NAMED or not like[0].file:
        yield from (note.message for note in like)
    elif like[0].kind == _BEGINS:
        yield f"{len(like)} files: where each of them begins stands in the manifest of the batch"
    else:
        yield f"{len(like)} files: {like[0].said}"


def unreadable_notes(stretches: Iterable[Unreadable]) -> list[dict[str, Any]]:
    """One note per reason, the most frequent first, with the first positions; together they count every row."""
    by_reason = [list(some) for _, some in groupby(sorted(stretches, key=attrgetter("why")), key=attrgetter("why"))]
    ordered = sorted(by_reason, key=_rows_of, reverse=True)
    notes: list[dict[str, Any]] = [
        {
            "kind": "unreadable",
            "message": f"{(rows := _rows_of(some))} {noun(rows, 'row')}: {some[0].why}"
            + (f"; the first is {some[0].place}" if some[0].place else ""),
            "positions": [row.position for row in islice(chain.from_iterable(row.each() for row in some), _POSITIONS)],
            **({BLANK: rows} if some[0].is_blank else {}),
        }
        for some in ordered[:_REASONS]
    ]
    if others := ordered[_REASONS:]:
        count, reasons = sum(map(_rows_of, others)), len(others)
        why = noun(reasons, "other reason, which stands", "other reasons, which stand")
        message = f"{count} {noun(count, 'row')} for {reasons} {why} in the manifest of the batch"
        notes.append({"kind": "unreadable", "message": message, "positions": [some[0].position for some in others[:_POSITIONS]]})
    return notes


def _rows_of(stretches: Iterable[Unreadable]) -> int:
    return sum(row.rows for row in stretches)

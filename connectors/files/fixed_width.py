"""Lines of fixed width, as old systems write them: every value in its own places, counted in characters or in the bytes of the encoding.

Blanks that fill a place up are part of the form, not of the value.
"""

import codecs
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import plan_columns
from connectors.extraction import BATCH_ROWS, Extraction, Note, text_schema
from connectors.files.drop import DAMAGE, DeliveredFile, delivered_files, open_bytes
from connectors.files.json_lines import placed
from connectors.files.text import REPLACEMENT, STILL_WRITTEN, Encoding, damage
from connectors.files.text_lines import BLOCK, SomeLines, checked_encoding, text_lines
from connectors.unreadable import Unreadable, UnreadableRows
from contracts.model import Contract
from contracts.sources import FixedField, FixedWidthSource
from core.connections import Connections
from core.errors import SourceError
from core.nouns import noun

_Places = tuple[int, int]  # behind which up to which


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read all files of a delivery; raises SourceError if one is no text, is empty, or has no place for a column the contract needs."""
    source = contract.source
    assert isinstance(source, FixedWidthSource)
    plan = plan_columns(contract, [field.name for field in source.fields], "the list of fields")
    files = [
        (file, checked_encoding(contract.id, file, source.encoding, "ask the department for a text file"))
        for file in delivered_files(contract.id, source, connections)
    ]
    notes = [*plan.notes, *(Note("encoding", f"read as {encoding.name}", file=file.name) for file, encoding in files)]
    extraction = Extraction(text_schema(plan.names), iter(()), notes=notes)
    extraction.batches = _delivery(contract, source, files, extraction)
    return extraction


def _delivery(
    contract: Contract, source: FixedWidthSource, files: list[tuple[DeliveredFile, Encoding]], extraction: Extraction
) -> Iterator[pa.RecordBatch]:
    position, several = 0, len(files) > 1
    fields = {field.name: field for field in source.fields}
    wanted = [fields[name] for name in extraction.schema.names[:-1]]
    least = max(field.start for field in wanted)
    gaps, undeclared = _gaps(source, wanted), _undeclared(source)
    for file, encoding in files:
        if several:
            extraction.notes.append(Note("file", f"its line 1 is position {position + 1}", position + 1, file.name))
        unreadable = UnreadableRows()
        last, damaged, left = source.skipped_lines, 0, Counter[_Places]()
        for lines in _lines(contract, source, file, encoding, unreadable, extraction.notes):
            for start in range(0, len(lines.texts), BATCH_ROWS):
                texts, numbers = lines.texts.slice(start, BATCH_ROWS), lines.numbers[start : start + BATCH_ROWS]
                last = int(numbers[-1])
                kept = _kept(source, texts, numbers, least, unreadable)
                for field, begin in gaps:
                    kept &= ~_cut(field, begin, encoding, SomeLines(texts, numbers), kept, unreadable)
                texts, numbers = texts.filter(pa.array(kept)), numbers[kept]
                left += Counter({places: _filled(source, texts, *places) for places in undeclared})
                columns = [_value(source, encoding, texts, field.start - 1, field.start - 1 + field.width) for field in wanted]
                damaged += _damaged(columns) if source.unit == "bytes" else 0
                if len(numbers):
                    yield pa.RecordBatch.from_arrays([*columns, pa.array(numbers + position, pa.int64())], schema=extraction.schema)
        extraction.notes += [
            Note(
                "undeclared-places",
                f"{count} {noun(count, 'line has', 'lines have')} something behind place {place}, where no field is",
                count,
                file.name,
            )
            for (place, _), count in sorted(left.items())
        ]
        extraction.notes += damage(damaged, encoding.name, file.name)
        last = max(last, unreadable.last)
        extraction.unreadable += placed(unreadable, position, file.name if several else "")
        position += last


def _kept(source: FixedWidthSource, texts: pa.Array, numbers: np.ndarray, least: int, unreadable: UnreadableRows) -> np.ndarray:
    """Which lines are records; the others are added to `unreadable`. Lines before the records are neither."""
    lengths = (pc.binary_length if source.unit == "bytes" else pc.utf8_length)(texts).to_numpy(zero_copy_only=False)
    blank = pc.equal(pc.binary_length(_trimmed(texts)), 0).to_numpy(zero_copy_only=False)
    begun = numbers > source.skipped_lines
    wrong = lengths != source.line_width if source.line_width else lengths < least
    expected = f"{source.line_width}" if source.line_width else f"at least {least}"
    reasons = {True: "the line is blank"}
    unreadable += [
        Unreadable(int(numbers[place]), reasons.get(bool(blank[place]), f"the line has {lengths[place]} {source.unit}, not {expected}"))
        for place in np.flatnonzero(begun & (blank | wrong))
    ]
    kept: np.ndarray = begun & ~blank & ~wrong
    return kept


def _undeclared(source: FixedWidthSource) -> list[_Places]:
    """Places between the fields, and all behind the last: what stands there is in no column."""
    found, end = list[_Places](), 0
    for field in sorted(source.fields, key=lambda field: field.start):
        if field.start - 1 > end:
            found.append((end, field.start - 1))
        end = max(end, field.start - 1 + field.width)
    return [*found, (end, BLOCK)]


def _filled(source: FixedWidthSource, texts: pa.Array, start: int, stop: int) -> int:
    """How many lines have something in some places."""
    cut = (pc.binary_slice if source.unit == "bytes" else pc.utf8_slice_codeunits)(texts, start, stop)
    return len(texts) - int(pc.sum(pc.equal(pc.binary_length(_trimmed(cut)), 0)).as_py() or 0)


def _gaps(source: FixedWidthSource, wanted: list[FixedField]) -> list[tuple[FixedField, int]]:
    """Columns with bytes in front of them that belong to no field which ends there, and where those begin: a character that begins in them must
    not reach into the column.

    In a field a half character at the end is a value that an old system cut off: it is refused, and what follows stands.
    """
    if source.unit == "characters":
        return []
    begins = {field.start - 1 for field in source.fields}
    ends = {field.start - 1 + field.width for field in source.fields}
    return [
        (field, max((bound for bound in begins | ends if bound < field.start - 1), default=0))
        for field in wanted
        if field.start > 1 and field.start - 1 not in ends
    ]


def _cut(field: FixedField, begin: int, encoding: Encoding, lines: SomeLines, kept: np.ndarray, unreadable: UnreadableRows) -> np.ndarray:
    """Which lines have a character that begins before the places of a column and ends in them; those kept so far become `unreadable`."""
    start = field.start - 1
    cut = np.zeros(len(lines.numbers), dtype=bool)
    wide = ~pc.string_is_ascii(pc.binary_slice(lines.texts, begin, start).view(pa.string())).to_numpy(zero_copy_only=False)
    decoder = codecs.getincrementaldecoder(encoding.name)("replace")
    for place in np.flatnonzero(kept & wide):
        line = lines.texts[place].as_py()
        decoder.reset()
        decoder.decode(line[begin:start])
        half = decoder.getstate()[0]
        # Half a character that nothing completes is what was cut off there.
        cut[place] = bool(half) and any(_is_character(half + line[start : start + more], encoding) for more in (1, 2, 3))
    unreadable += [
        Unreadable(int(lines.numbers[place]), f"the places of {field.name} begin within a character") for place in np.flatnonzero(cut)
    ]
    return cut


def _is_character(data: bytes, encoding: Encoding) -> bool:
    try:
        return len(data.decode(encoding.name)) == 1
    except UnicodeDecodeError:
        return False


def _trimmed(texts: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(texts) if pa.types.is_string(texts.type) else pc.ascii_trim_whitespace(texts.view(pa.string()))


def _value(source: FixedWidthSource, encoding: Encoding, texts: pa.Array, start: int, stop: int) -> pa.Array:
    if source.unit == "characters":
        return pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(texts, start, stop))
    slices = pc.binary_slice(texts, start, stop).to_pylist()
    # Decoded as one text: one call a column instead of one a value. No encoding in use has a line end within a character.
    values = b"\n".join(slices).decode(encoding.name, "replace").split("\n") if slices else []
    return pc.utf8_trim_whitespace(pa.array(values, pa.string()))


def _damaged(columns: list[pa.Array]) -> int:
    """In how many places of values that were decoded something is no character."""
    return sum(pc.sum(pc.count_substring(column, REPLACEMENT)).as_py() or 0 for column in columns)


def _lines(
    contract: Contract, source: FixedWidthSource, file: DeliveredFile, encoding: Encoding, unreadable: UnreadableRows, notes: list[Note]
) -> Iterator[SomeLines]:
    if source.unit == "characters":
        yield from text_lines(contract.id, file, encoding, unreadable, notes)
        return
    if not _has_places(encoding.name):
        raise SourceError(
            f"{contract.id}: {file.name} is {encoding.name}, in which bytes are no places",
            hint="say unit: characters in the contract, and count those",
        )
    number, rest = 1, b""
    try:
        with open_bytes(file) as stream:
            stream.read(len(encoding.mark))
            while block := stream.read(BLOCK):
                *whole, rest = _split(rest + block)
                if whole:
                    yield _numbered(whole, number)
                number += len(whole)
            if rest := rest.removesuffix(b"\r"):
                yield _numbered([rest], number)
    except DAMAGE:
        raise SourceError(f"{contract.id}: {file.name} cannot be read to its end", hint=STILL_WRITTEN, transient=True) from None


def _has_places(encoding: str) -> bool:
    """Whether blanks, digits and line ends are a byte each wherever they stand, and never part of another character."""
    return "\n 0".encode(encoding, "ignore") == b"\n 0" and not ("中".encode(encoding, "ignore") or b"\xff").isascii()


def _split(data: bytes) -> list[bytes]:
    """The lines of a block, however they end. Of the last the end may be to come: half of it, too."""
    half = b"\r" if data.endswith(b"\r") else b""
    lines = data.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return [*lines[:-1], lines[-1] + half]


def _numbered(lines: list[bytes], first: int) -> SomeLines:
    texts = pa.array(lines, pa.binary())
    return SomeLines(texts, np.arange(first, first + len(lines), dtype=np.int64))


# So many lines show where the places of a column end.
_LOOKED_AT, _FEWEST_LINES = 2000, 5


def preview(contract: Contract, path: DeliveredFile) -> FixedWidthSource | None:
    """Places as blanks that stand below each other show them, counted as the lines are equally long; None if they are not."""
    encoding = checked_encoding(contract.id, path, None, "ask the department for a text file")
    first = next(text_lines(contract.id, path, encoding, UnreadableRows(), []), None)
    lines = [line for line in (first.texts.slice(0, _LOOKED_AT).to_pylist() if first else []) if line.strip()]
    for unit, of_unit in (("characters", lines), ("bytes", [_as_bytes(line, encoding) for line in lines])):
        widths = {len(line) for line in of_unit}
        if len(lines) >= _FEWEST_LINES and len(widths) == 1:
            width = widths.pop()
            # Of a line of another width the places are others: where what places count was guessed wrongly, it is refused and not misread.
            found = {"unit": unit, "line_width": width, "fields": _fields(of_unit, width)}
            return FixedWidthSource.model_validate(
                {"kind": "fixed", "connection": contract.source.connection, "path": path.name}
                | found
                | ({"encoding": encoding.name} if unit == "bytes" else {})
            )
    return None


def _as_bytes(line: str, encoding: Encoding) -> str:
    """A line with a character for each byte."""
    return line.encode(encoding.name, "replace").decode("latin-1")


def _fields(lines: list[str], width: int) -> list[dict[str, object]]:
    """From where behind a blank something begins to where the next does; named by their number."""
    blank = [all(line[place].isspace() for line in lines) for place in range(width)]
    starts = [place for place in range(width) if not blank[place] and (place == 0 or blank[place - 1])]
    return [
        {"name": str(number), "start": start + 1, "width": end - start}
        for number, (start, end) in enumerate(zip(starts, [*starts[1:], width], strict=True), start=1)
    ]

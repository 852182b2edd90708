"""Records written as JSON objects, taken apart by the engine: a batch of texts at a time, and every value as the text that stood there.

A member of an object is a column; what is itself an object or a list stays JSON. A contract reaches into it with a pointer (RFC 6901):
`/address/city`. The engine would read a number as a number and write it anew (1.50 as 1.5, an account of 25 digits as 1.2e24), so numbers
that it could change are made texts beforehand, marked by a character that no text has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import duckdb
import numpy as np
import pyarrow as pa

from core.engine import literal

POINTER = "/"
_NUL = "\x00"
_MARK = "\ufdd0"  # one of the characters that Unicode keeps for use within programs
_TOKENS = r'("(?:[^"\\]|\\.)*")|(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)'
# Numbers with a fraction, an exponent or more digits than 64 bits hold. A text may look like one; that costs time only.
_CHANGEABLE = r"[:,\[]\s*-?[0-9]+([.eE]|[0-9]{16})"


@dataclass(frozen=True)
class Records:
    """The records among some texts: their columns, and which texts are one. The others are `refused`, with the reason."""

    columns: list[pa.StringArray]
    kept: "np.typing.NDArray[np.int64]"
    refused: list[tuple[int, str]]


@dataclass(frozen=True)
class Members:
    """The names of the members that occur in any of some objects, in the order in which they first do, and whether an object is refused for its
    names: it has one twice, or one with a character that no name can have (NUL)."""

    names: tuple[str, ...]
    is_any_odd: bool


class JsonReader:
    """An engine that takes JSON apart. Use it as a context manager."""

    def __init__(self) -> None:
        self._engine = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def members(self, texts: Iterable[pa.StringArray]) -> Members:
        """The members of the objects."""
        found: dict[str, None] = {}
        is_any_odd = False
        for some in texts:
            self._engine.register("given", pa.table({"text": some}))
            numbered = f"SELECT row_number() OVER () AS nr, json_keys(text) AS names FROM given WHERE {_IS_RECORD}"
            # Most have the same ones, so that few lists of them leave the engine.
            rows = self._engine.execute(f"SELECT any_value(names) FROM ({numbered}) GROUP BY to_json(names) ORDER BY min(nr)").fetchall()
            for (names,) in rows:
                own = dict.fromkeys(name for name in names if _NUL not in name)
                found |= own
                is_any_odd = is_any_odd or len(own) < len(names)
        return Members(tuple(found), is_any_odd)

    def records(self, texts: pa.StringArray, paths: Sequence[str], *, is_any_odd: bool = False) -> Records:
        """What paths (`member_path`, or a pointer) name in the objects, a column each; null where nothing is there. `is_any_odd`: see `Members`."""
        self._engine.register("given", pa.table({"nr": np.arange(len(texts)), "text": texts}))
        is_record = _HAS_PLAIN_NAMES if is_any_odd else _IS_RECORD
        # All at once: a call for each would read every text anew, and hold what it read.
        listed = ", ".join(map(literal, paths))
        marked = f"SELECT nr, text FROM given WHERE {is_record}"
        found = f"SELECT nr, is_marked, json_extract_string(text, [{listed}]) AS found FROM ({_marked(marked)})" if paths else marked
        values = "".join(f", {_unmarked(f'found[{place + 1}]')} AS c{place}" for place in range(len(paths)))
        table = self._engine.execute(f"SELECT nr{values} FROM ({found}) ORDER BY nr").to_arrow_table()
        others = self._engine.execute(
            f"SELECT nr, CASE WHEN trim(text, ' \t') = '' THEN 'the line is blank' "
            f"WHEN {_IS_RECORD} AND {_HAS_NUL} THEN 'a name has a character in it that no column can have' "
            f"WHEN {_IS_RECORD} THEN 'a name stands twice in the object' "
            f"WHEN json_valid(text) THEN 'the line is no JSON object' ELSE 'the line is no JSON' END "
            f"FROM given WHERE NOT coalesce({is_record}, false) ORDER BY nr"
        ).fetchall()
        columns = [table.column(f"c{place}").combine_chunks() for place in range(len(paths))]
        return Records(columns, table.column("nr").to_numpy(), others)

    def is_json(self, text: str) -> bool:
        """Whether a text is one JSON document."""
        return self._engine.execute("SELECT json_valid($1)", [text]).fetchall() == [(True,)]

    def kind(self, document: str, pointer: str) -> str | None:
        """What a pointer names in a document: `ARRAY`, `NULL`, `VARCHAR`, …; None if it names nothing."""
        found = self._engine.execute("SELECT json_type($1, $2)", [document, _document_path(pointer)]).fetchall()[0][0]
        return None if found is None else str(found)

    def text(self, document: str, pointer: str) -> str | None:
        """The value that a pointer names in a document, as text; None if there is none or it is null."""
        found = self._engine.execute(f"SELECT {_unmarked('json_extract_string(text, $2)')} FROM ({_marked('SELECT $1::varchar AS text')})",
                                     [document, _document_path(pointer)]).fetchall()[0][0]  # fmt: skip
        return None if found is None else str(found)

    def elements(self, document: str, pointer: str) -> list[str | None]:
        """The elements of the list that a pointer names, each as JSON without a line break; None for one that is null."""
        query = (
            f"SELECT {_unmarked('element')} FROM (SELECT is_marked, unnest(from_json(json_extract(text, $2), '[\"JSON\"]'))::varchar AS element"
            f" FROM ({_marked('SELECT $1::varchar AS text')}))"
        )
        return [element for (element,) in self._engine.execute(query, [document, _document_path(pointer)]).fetchall()]


_IS_RECORD = "CASE WHEN json_valid(text) THEN json_type(text) = 'OBJECT' ELSE false END"
# Which of two values is meant nobody knows: the engine reads the first, other programs the last.
_IS_SINGLE = "len(json_keys(text)) = len(list_distinct(json_keys(text)))"
_HAS_NUL = "contains(to_json(json_keys(text))::varchar, '\\u0000')"
_HAS_PLAIN_NAMES = f"CASE WHEN {_IS_RECORD} THEN {_IS_SINGLE} AND NOT {_HAS_NUL} ELSE false END"


def _marked(relation: str) -> str:
    """SQL for the same rows with numbers made texts where one could change; `is_marked` says in which."""
    numbers = f"regexp_replace(text, {literal(_TOKENS)}, '\\1' || chr(1) || '\\2' || chr(2), 'g')"
    quoted = f"replace(replace(replace({numbers}, chr(1) || chr(2), ''), chr(1), {literal(chr(34) + _MARK)}), chr(2), {literal(chr(34))})"
    # A text that has the mark itself is left as it is.
    needed = (
        f"regexp_matches(text, {literal(_CHANGEABLE)}) AND NOT contains(text, {literal(_MARK)}) AND NOT contains(lower(text), '\\ufdd0')"
    )
    return f"SELECT * REPLACE (CASE WHEN is_marked THEN {quoted} ELSE text END AS text) FROM (SELECT *, {needed} AS is_marked FROM ({relation}))"


def _unmarked(value: str) -> str:
    """SQL for a value as it stood there."""
    plain = f"regexp_replace({value}, {literal(f'^{_MARK}')}, '')"
    within = f"regexp_replace({plain}, {literal(f'{chr(34)}{_MARK}([^{chr(34)}]*){chr(34)}')}, '\\1', 'g')"
    return f"CASE WHEN is_marked THEN {within} ELSE {value} END"


def _document_path(pointer: str) -> str:
    return pointer or "$"


def member_path(name: str) -> str:
    """The engine's path to a member of an object, whatever it is called."""
    # In a path, quotes, escapes and a name of nothing cannot be written, and a star means every member, even in quotes; a pointer takes any
    # name as it is.
    return f"{POINTER}{_escaped(name)}" if name in ("", "*") or '"' in name or "\\" in name else f'$."{name}"'


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")

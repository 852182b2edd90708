"""The codes of a list as they stand in its CSV: one row each, several aliases or successors parted by semicolons."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from standards.documents import Finding, read_table
from standards.model import Code

_CODES = TypeAdapter(tuple[Code, ...])
_NEEDED = ("code", "name_zh")
_PLAIN = ("code", "valid_from", "valid_to", "parent", "level", "sureness")
_LISTED = ("aliases", "successors")
_NAMES = {"title.zh": "name_zh", "title.en": "name_en"}  # attributes of a code whose columns are called otherwise


def read_codes(path: Path, own: Sequence[str] | None) -> tuple[tuple[Code, ...] | None, list[Finding]]:
    """The codes of a table, None where any is at fault, and the faults; `own` are the columns that the list declares, None if unknown."""
    possible = None if own is None else (*_PLAIN, *_LISTED, "name_en")
    rows, findings = read_table(path, (*_NEEDED, *(own or ())), possible)
    whole = [row for row in rows if row.cells.keys() >= {*_NEEDED, *(own or ())}]
    try:
        codes = _CODES.validate_python([_code(row.cells, own or ()) for row in whole])
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        return None, [
            *findings,
            *((_place(whole[int(problem["loc"][0])].line, problem["loc"][1:]), problem["msg"]) for problem in problems),
        ]
    return None if findings else codes, findings


def _place(line: int, attribute: Sequence[int | str]) -> str:
    name = ".".join(part for part in attribute if isinstance(part, str))
    return f"line {line}, column {_NAMES.get(name, name)}"


def _code(row: Mapping[str, str], own: Sequence[str]) -> dict[str, Any]:
    """The attributes of a code that a row gives."""
    made: dict[str, Any] = {name: row[name] for name in _PLAIN if row.get(name)}
    made["title"] = {"zh": row["name_zh"], "en": row.get("name_en", "")}
    for name in _LISTED:
        if row.get(name):
            made[name] = tuple(part for part in row[name].split(";") if part)
    made["attributes"] = {name: row[name] for name in own if row[name]}
    return made

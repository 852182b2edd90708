"""The command that gives the standard's answer: normalize, for one value or for a file of values."""

import csv
import gzip
import os
import shutil
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import typer

from cli.output import Json, answer, print_json
from core.nouns import noun

_GIVEN, _ADDED = ("element", "raw"), ("value", "status", "issues")
_EXPECTED = "a CSV file with the columns element,raw is expected, in UTF-8 or GB18030"
_STANDARD_INPUT = Path("-")
_SHOWN, _BLOCK = 5, 1 << 20


@dataclass(frozen=True)
class _Values:
    """The rows of a file of values, each as wide as its header."""

    columns: Sequence[str]
    rows: list[dict[str, str]]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(normalize)


def normalize(
    value: Annotated[str | None, typer.Argument(help="One value.")] = None,
    element: Annotated[str | None, typer.Option("--element", "-e", help="Data element, by id or alias.")] = None,
    formats: Annotated[
        list[str] | None, typer.Option("--format", "-f", help='Date format as a contract declares it: "%d/%m/%Y", "%y(1930)%m%d".')
    ] = None,
    written_in: Annotated[str, typer.Option("--list", help="Another code list in which the value is written.")] = "",
    unit: Annotated[str, typer.Option("--unit", help="What a bare number counts: 万元.")] = "",
    csv_file: Annotated[Path | None, typer.Option("--csv", help="File with columns element,raw; - reads standard input.")] = None,
    as_json: Json = False,
) -> None:
    """The standard's answer for one value, or for a CSV file: the same rows on standard output with value,status,issues added."""
    from core.errors import RequestError

    if csv_file is not None and element is None and value is None and not (formats or written_in or unit):
        _normalize_file(csv_file, as_json)
    elif csv_file is None and element is not None and value is not None:
        _normalize_one(element, value, _Declared(formats or [], written_in, unit), as_json)
    else:
        raise RequestError(
            "give --element and a value, or --csv FILE alone",
            hint="./hub normalize --element resident_id VALUE, or ./hub normalize --csv FILE",
        )


@dataclass(frozen=True)
class _Declared:
    """What a contract would say of the column that the value stands in."""

    formats: list[str]
    written_in: str
    unit: str


def _normalize_one(element: str, value: str, declared: _Declared, as_json: bool) -> None:
    from core.errors import RequestError
    from standards.date_formats import format_fault
    from standards.loader import load_standards
    from standards.single import normalize_values

    # A terminal that writes GB18030 passes bytes on that are no UTF-8.
    text = os.fsencode(value).decode("gb18030", "replace") if any("\udc80" <= character <= "\udcff" for character in value) else value
    if fault := next((fault for form in declared.formats if (fault := format_fault(form))), ""):
        raise RequestError(f"a date format cannot be used: {fault}", hint='declare it as a contract does: "%d/%m/%Y"')
    (found,) = normalize_values(load_standards(), element, [text], declared.formats, written_in=declared.written_in, unit=declared.unit)
    row: dict[str, Any] = {"value": found.value, "status": found.status, "issues": list(found.issues)}
    parts = _parts(element, found.read)
    if as_json:
        print_json(row | ({"parts": parts} if parts else {}))
        return
    answer(False, None, _ADDED, [(found.value, found.status, ", ".join(found.issues))])
    if parts:
        answer(False, None, ("part", "text"), [(name, text) for name, text in parts.items() if text])


def _parts(element: str, value: str | None) -> dict[str, str]:
    """The parts of an address, also of one that is refused for what it lacks; nothing for any other element."""
    from standards.address_forms import parts_of
    from standards.loader import load_standards
    from standards.single import find_element

    return asdict(parts_of(value)) if value and find_element(load_standards(), element).type == "address" else {}


def _normalize_file(path: Path, as_json: bool) -> None:
    with _on_disk(path) as file:
        values = _read(file, "standard input" if path == _STANDARD_INPUT else path.name)
    rows = _answered(values.rows)
    if as_json:
        print_json(rows)
        return
    writer = csv.DictWriter(sys.stdout, [*values.columns, *_ADDED], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "value": row["value"] or "", "issues": ";".join(row["issues"])} for row in rows)


@contextmanager
def _on_disk(path: Path) -> Iterator[Path]:
    """The file; standard input or a pipe as a file that only this user can read and that is gone afterwards: an encoding takes two looks."""
    from core.errors import RequestError

    if path.is_file():
        yield path
        return
    if path != _STANDARD_INPUT and not path.is_fifo():
        raise RequestError(f"there is no file {path}" if not path.is_dir() else f"{path} is a folder", hint=_EXPECTED)
    with NamedTemporaryFile(prefix="govhub-") as file:
        with sys.stdin.buffer if path == _STANDARD_INPUT else path.open("rb") as given:
            shutil.copyfileobj(given, file)
        file.flush()
        yield Path(file.name)


def _read(path: Path, name: str) -> _Values:
    """Raises RequestError for what is no table of values: empty, binary, without its columns, with rows of another width."""
    from core.errors import RequestError

    text = _text(path, name)
    (_, columns), *rows = _rows(text, name)
    if "\0" in text and not {*_GIVEN} <= {*columns}:
        raise RequestError(f"{name} is binary, not a text", hint=_EXPECTED)
    fault = next(_column_faults(columns), None)
    if fault is not None:
        raise RequestError(f"{name} {fault[0]}", hint=fault[1])
    if uneven := [line for line, cells in rows if len(cells) != len(columns)]:
        places = ", ".join(map(str, uneven[:_SHOWN])) + ("…" if len(uneven) > _SHOWN else "")
        hint = "put a value that holds a comma, a quotation mark or a line end into quotation marks"
        raise RequestError(
            f"{name}: {len(uneven)} {noun(len(uneven), 'row has', 'rows have')} not the {len(columns)} cells of the header; lines: {places}",
            hint=hint,
        )
    return _Values(columns, [dict(zip(columns, cells, strict=True)) for _, cells in rows])


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """The header and the rows, each with its line."""
    from core.errors import RequestError
    from standards.documents import Lines

    lines = Lines(text)
    try:
        rows = [(line, cells) for line, cells in lines if cells]
    except csv.Error as error:
        raise RequestError(f"{name}, line {lines.begin}, is not CSV: {error}", hint=_EXPECTED) from None
    if not rows:
        raise RequestError(f"{name} is empty", hint=_EXPECTED)
    return rows


def _column_faults(columns: Sequence[str]) -> Iterator[tuple[str, str]]:
    if missing := [name for name in _GIVEN if name not in columns]:
        # A first line with neither name may be a row, and a row is somebody's.
        is_header = any(name in column.lower() for name in _GIVEN for column in columns)
        said = f"its header line is: {_shown(columns)}" if is_header else "its first line is no header"
        yield f"has no column {' and no column '.join(missing)}", f"{_EXPECTED}; {said}"
    if taken := [name for name in _ADDED if name in columns]:
        yield f"has columns that this command adds: {', '.join(taken)}", "rename them or take them out of the file"
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        yield f"has columns of one name: {_shown(twice)}", "rename all but one"


def _text(path: Path, name: str) -> str:
    """The text of a file in whatever encoding departments use, as connectors read it."""
    from connectors.files.drop import open_bytes, real_kind
    from connectors.files.text import Utf8Stream, find_encoding
    from core.errors import RequestError

    try:
        with open_bytes(path) as file:
            kind = real_kind(path, file.read(64))
        if kind is not None:
            raise RequestError(f"{name} is {kind}, not a text", hint=f"{_EXPECTED}: save it as one")
        with Utf8Stream(path, find_encoding(path, None)) as stream:
            return b"".join(iter(lambda: stream.read(_BLOCK), b"")).decode()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise RequestError(f"{name} is a damaged gzip archive", hint=_EXPECTED) from None


def _shown(names: Sequence[str]) -> str:
    """Names of columns for a message, without what cannot be printed and not longer than a line."""
    text = ", ".join(names)
    return "".join(character if character.isprintable() else "�" for character in text[:80]) + ("…" if len(text) > 80 else "")


def _answered(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The rows with the standard's answers; one whose element there is not says so."""
    from core.errors import RequestError
    from standards.loader import load_standards
    from standards.single import normalize_values

    by_element: dict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        by_element[row["element"]].append(position)
    answers: dict[int, dict[str, Any]] = {}
    for element, positions in by_element.items():
        try:
            found = normalize_values(load_standards(), element, [rows[position]["raw"] for position in positions])
        except RequestError:
            unknown = {"value": None, "status": "unknown-element", "issues": ["unknown-element"]}
            answers |= dict.fromkeys(positions, unknown)
            continue
        answers |= {
            position: {"value": item.value, "status": item.status, "issues": list(item.issues)}
            for position, item in zip(positions, found, strict=True)
        }
    return [{**row, **answers[position]} for position, row in enumerate(rows)]

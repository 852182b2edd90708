"""Where the header of a file stands: titles, notes and blank lines often come before it."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.columns import clean_name, listed, plan_columns, unique_names
from connectors.extraction import Note
from contracts.model import Contract
from contracts.sources import CsvSource, WorkbookSource
from core.errors import SourceError
from core.nouns import noun

SEARCHED_LINES = 20


@dataclass(frozen=True)
class Row:
    """One row near the top of a file: the lines it takes and its values."""

    line: int
    last_line: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Header:
    """Names of a file's columns, and the last line before its data."""

    names: tuple[str, ...]
    last_line: int
    notes: tuple[Note, ...] = ()


def searched_lines(source: CsvSource | WorkbookSource) -> int:
    """How far down a header is looked for."""
    return source.header_row or SEARCHED_LINES


def find_header(contract: Contract, source: CsvSource | WorkbookSource, rows: Sequence[Row], file: str) -> Header:
    """The header among the first rows; raises SourceError, naming what is missing, if no row has all columns the contract needs."""
    if not source.header:
        return _numbered_header(rows)
    candidates = [row for row in rows if row.line == source.header_row or (source.header_row is None and row.line <= SEARCHED_LINES)]
    needed = set(contract.source_columns)
    named = {row: unique_names(row.values) for row in candidates}
    found = next((row for row in candidates if needed.issubset(named[row])), None)
    if found is None:
        raise _not_found(contract, source, {row.line: names for row, names in named.items()}, file)
    return Header(named[found], found.last_line, _skipped(found, file))


def _numbered_header(rows: Sequence[Row]) -> Header:
    """Columns are named by their place; how many there are is what most of the first rows say."""
    widths = [len(row.values) for row in rows if any(clean_name(value) for value in row.values)]
    width = max(sorted(set(widths)), key=widths.count, default=0)
    return Header(tuple(str(place) for place in range(1, width + 1)), 0)


def _skipped(header: Row, file: str) -> tuple[Note, ...]:
    lines = header.line - 1
    found = Note("header_line", f"header found in line {header.line}", header.line, file)
    return (
        (
            found,
            Note(
                "skipped_lines",
                f"{lines} {noun(lines, 'line before the header is no row', 'lines before the header are not rows')}",
                lines,
                file,
            ),
        )
        if lines
        else (found,)
    )


def _not_found(contract: Contract, source: CsvSource | WorkbookSource, named: dict[int, tuple[str, ...]], file: str) -> SourceError:
    """The error for a header that lacks columns. Only a line with half of the contract's names is one: any other may be a person's record."""
    needed = contract.source_columns
    present = {line: [name for name in needed if name in names] for line, names in named.items()}
    line = max(present, key=lambda line: (len(present[line]), -line), default=0)
    if 2 * len(present.get(line, ())) >= len(needed):
        try:
            plan_columns(contract, named[line], f"{file}, header in line {line},")
        except SourceError as error:
            return error
    place = f"line {source.header_row}" if source.header_row else f"the first {SEARCHED_LINES} lines"
    what = f"line {line} has only {listed(present[line])} of" if present.get(line) else "there is none of"
    return SourceError(
        f"{contract.id}: {file} has no header in {place}: {what} the columns {listed(needed)}",
        hint='if the file has no header, say "header: false" and name columns "1", "2", …; else compare delimiter and columns',
    )

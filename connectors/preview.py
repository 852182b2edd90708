"""What a file is that nobody has described yet: text or workbook, its delimiter, and where its header stands, if it has one."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors import csv, xlsx
from connectors.columns import clean_name
from connectors.files import open_bytes, real_kind
from connectors.header import Row
from contracts.model import Contract, CsvSource, FileSource, WorkbookSource
from contracts.proposal.names import read_name
from contracts.proposal.vocabulary import Vocabulary
from core.errors import SourceError

_DELIMITERS = (",", "\t", ";", "|")
# Numbers, dates, codes and long texts are what stands below a header.
_DATA = re.compile(r"^[\d.,:/\-\s%*]+$|^[0-9A-Z*]{9,}$|^.{41,}$", re.DOTALL)
_PLACEHOLDER = re.compile(r"^Unnamed: [0-9]+$")
# Of the filled cells of a header at least so many are names that somebody has used before.
_KNOWN = 0.3


@dataclass(frozen=True)
class Preview:
    """How a file is to be read, and what stands above its header."""

    source: FileSource
    titles: tuple[str, ...]


def preview(contract: Contract, path: Path, sheet: str | None, vocabulary: Vocabulary) -> Preview:
    """Look at the top of a file. Raises SourceError for what is neither text nor a workbook, or is empty."""
    with open_bytes(path) as file:
        kind = real_kind(path, file.read(4096))
    if kind is not None and ("workbook" in kind or "ods" in kind):
        book = WorkbookSource(kind="xlsx", connection=contract.source.connection, path=path.name, sheet=sheet)
        rows = xlsx.first_rows(contract, book, path)
        if not any(map(clean_name, (value for row in rows for value in row.values))):
            raise SourceError(f"{contract.id}: {path.name}: the sheet is empty", hint="name another with --sheet")
        return _with_header(book, rows, vocabulary)
    text = CsvSource(kind="csv", connection=contract.source.connection, path=path.name)
    read = [(delimiter, csv.first_rows(contract, text.model_copy(update={"delimiter": delimiter}), path)) for delimiter in _DELIMITERS]
    delimiter, rows = max(read, key=lambda item: _regularity(item[1]))
    return _with_header(text.model_copy(update={"delimiter": delimiter}), rows, vocabulary)


def _regularity(rows: Sequence[Row]) -> float:
    """How many values a delimiter finds, if it finds equally many in each row."""
    widths = Counter(len(row.values) for row in rows)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return count / len(rows) * min(width - 1, 3) if rows else 0.0


def _with_header(source: FileSource, rows: Sequence[Row], vocabulary: Vocabulary) -> Preview:
    scored = [(_score(row, vocabulary), row) for row in rows]
    score, header = max(scored, key=lambda item: (item[0], -item[1].line), default=(0.0, None))
    if header is None or score <= 0:
        return Preview(source.model_copy(update={"header": False}), ())
    above = [row for row in rows if row.line < header.line]
    titles = tuple(text for row in above for value in row.values if (text := clean_name(value)) and not _PLACEHOLDER.match(text))
    first = next((row.line for row in rows if any(map(clean_name, row.values))), header.line)
    row = None if header.line == first == 1 else header.line
    return Preview(source.model_copy(update={"header_row": row}), titles)


def _score(row: Row, vocabulary: Vocabulary) -> float:
    """How much a row looks like a header: many different names, few of them data, some of them known."""
    cells = [text for value in row.values if any(map(str.isalnum, text := clean_name(value))) and not _PLACEHOLDER.match(text)]
    if not cells or (len(cells) == 1 and len(row.values) > 1):
        return 0.0
    data = sum(bool(_DATA.match(cell)) for cell in cells)
    known = sum(any(reading.score >= 0.5 for reading in read_name(cell, vocabulary)) for cell in cells)
    if data > len(cells) / 3 or (data and known < _KNOWN * len(cells)) or len(set(cells)) < 0.7 * len(cells):
        return 0.0
    return known + 0.2 * (len(cells) - data) - data if known >= _KNOWN * len(cells) else 0.0 if data else 0.1

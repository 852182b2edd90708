"""What a file is that nobody has described yet: text, records or a workbook, its delimiter, and where its header stands, if it has one."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.columns import clean_name
from connectors.files import csv, fixed_width, records, xlsx
from connectors.files.drop import DeliveredFile, open_bytes, real_kind, unpacked
from connectors.files.header import Row
from contracts.model import Contract
from contracts.proposal.names import read_name
from contracts.proposal.vocabulary import Vocabulary
from contracts.sources import CsvSource, FileSource, WorkbookSource
from core.connections import Connections
from core.errors import SourceError

_OTHER_DELIMITERS = ("\t", ";", "|")
# Numbers, dates, codes and long texts are what stands below a header.
_DATA = re.compile(r"^[\d.,:/\-\s%*]+$|^[0-9A-Z*]{9,}$|^.{41,}$", re.DOTALL)
_PLACEHOLDER = re.compile(r"^Unnamed: [0-9]+$")
# Where some cells of a header look like data, at least so many of all are names that somebody has used before.
_KNOWN, _READ = 0.3, 0.5
# Titles and notes above a header fill few cells of their row.
_FULL, _DIFFERENT = 0.6, 0.7


@dataclass(frozen=True)
class Preview:
    """How a file is to be read, and what stands above its header."""

    source: FileSource
    titles: tuple[str, ...]


def preview(contract: Contract, path: Path, connections: Connections, sheet: str | None, vocabulary: Vocabulary) -> Preview:
    """Look at the top of a file, of an archive the first in it. Raises SourceError for what is neither text nor a workbook, or is empty."""
    return _preview(contract, unpacked(contract.id, path)[0], connections, sheet, vocabulary)


def _preview(contract: Contract, path: DeliveredFile, connections: Connections, sheet: str | None, vocabulary: Vocabulary) -> Preview:
    with open_bytes(path) as file:
        kind = real_kind(path, file.read(4096))
    if kind is not None and ("workbook" in kind or "ods" in kind):
        book = WorkbookSource(kind="xlsx", connection=contract.source.connection, path=path.name, sheet=sheet)
        rows = xlsx.first_rows(contract, book, path, connections)
        if not any(map(clean_name, (value for row in rows for value in row.values))):
            raise SourceError(f"{contract.id}: {path.name}: the sheet is empty", hint="name another with --sheet")
        return _with_header(book, rows, vocabulary)
    found = records.preview(contract, path, kind)
    if found is not None:
        return Preview(found, ())
    text = CsvSource(kind="csv", connection=contract.source.connection, path=path.name)
    rows = csv.first_rows(contract, text, path)
    if _regularity(rows) == 0:
        others = [text.model_copy(update={"delimiter": delimiter}) for delimiter in _OTHER_DELIMITERS]
        read = [(rows, text), *((csv.first_rows(contract, other, path), other) for other in others)]
        rows, text = max(read, key=lambda item: _regularity(item[0]))
        if _regularity(rows) == 0 and (places := fixed_width.preview(contract, path)) is not None:
            return Preview(places, ())
    return _with_header(text, rows, vocabulary)


def _regularity(rows: Sequence[Row]) -> float:
    """How many values a delimiter finds, if it finds equally many in each row."""
    widths = Counter(len(row.values) for row in rows)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return count / len(rows) * min(width - 1, 3) if rows else 0.0


def _with_header(source: FileSource, rows: Sequence[Row], vocabulary: Vocabulary) -> Preview:
    widest = max((len(_cells(row)) for row in rows), default=0)
    header = next((row for row in rows if len(_cells(row)) >= _FULL * widest and _is_header(row, vocabulary)), None)
    if header is None:
        return Preview(source.model_copy(update={"header": False}), ())
    above = [row for row in rows if row.line < header.line]
    titles = tuple(text for row in above for value in row.values if (text := clean_name(value)) and not _PLACEHOLDER.match(text))
    first = next((row.line for row in rows if any(map(clean_name, row.values))), header.line)
    row = None if header.line == first == 1 else header.line
    return Preview(source.model_copy(update={"header_row": row}), titles)


def _cells(row: Row) -> list[str]:
    return [text for value in row.values if any(map(str.isalnum, text := clean_name(value))) and not _PLACEHOLDER.match(text)]


def _is_header(row: Row, vocabulary: Vocabulary) -> bool:
    """Whether a row looks like names of columns: different ones or all known as names, few of them like data, and if any is, many known ones."""
    cells = _cells(row)
    data = sum(bool(_DATA.match(cell)) for cell in cells)
    if not cells or data > len(cells) / 3:
        return False
    known = sum(any(reading.score >= _READ for reading in read_name(cell, vocabulary)) for cell in cells)
    if len(set(cells)) < _DIFFERENT * len(cells) and known < len(cells):
        return False
    return data == 0 or known >= _KNOWN * len(cells)

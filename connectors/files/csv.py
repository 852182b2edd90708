"""Separated values: plain or gzip-compressed text files of any width, streamed.

Every row of the file becomes a row of a batch or an `Unreadable` with its line; a row of another width than the header is never guessed at.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from connectors.columns import ColumnPlan, look_at_each, plan_columns
from connectors.extraction import BATCH_ROWS, Extraction, Note, text_schema
from connectors.files.drop import DAMAGE, DeliveredFile, delivered_files, open_bytes, real_kind
from connectors.files.header import Header, Row, find_header, searched_lines
from connectors.files.lines import LineCount, Lines
from connectors.files.pacing import PacedStream
from connectors.files.text import STILL_WRITTEN, Encoding, Utf8Stream, damage, find_encoding
from connectors.unreadable import Unreadable
from contracts.model import Contract
from contracts.sources import CsvSource
from core.connections import Connections
from core.errors import SourceError

# A row has to fit into one block; blocks also bound the memory: of eight megabytes each, allocators keep three hundred in pieces.
_BLOCK = 2 << 20
_HEAD = 1 << 18


@dataclass(frozen=True)
class _File:
    path: DeliveredFile
    encoding: Encoding
    header: Header
    data_offset: int
    plan: ColumnPlan


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read all files of a delivery; raises SourceError if one is no text, is empty, or lacks columns the contract needs."""
    source = contract.source
    assert isinstance(source, CsvSource)
    files = look_at_each(contract.id, delivered_files(contract.id, source, connections), lambda path: _look(contract, source, path))
    schema = text_schema(tuple(dict.fromkeys(name for file in files for name in file.plan.names)))
    extraction = Extraction(schema, iter(()))
    for file in files:
        extraction.notes += [Note("encoding", f"read as {file.encoding.name}", file=file.path.name), *file.header.notes, *file.plan.notes]
    extraction.batches = _delivery(contract, source, files, extraction)
    return extraction


def first_rows(contract: Contract, source: CsvSource, path: DeliveredFile) -> list[Row]:
    """The rows near the top of a file, whatever they are; raises SourceError if it is no text or empty."""
    return _top(contract, source, path)[1]


def _look(contract: Contract, source: CsvSource, path: DeliveredFile) -> _File:
    """Everything about a file that has to be known before its rows are read."""
    encoding, rows, offsets = _top(contract, source, path)
    header = find_header(contract, source, rows, path.name)
    offset = offsets[header.last_line] if header.last_line else 0
    return _File(path, encoding, header, offset, plan_columns(contract, header.names, path.name))


def _top(contract: Contract, source: CsvSource, path: DeliveredFile) -> tuple[Encoding, list[Row], dict[int, int]]:
    """How a file is encoded, its first rows, and for each last line of one the offset of what follows it."""
    try:
        with open_bytes(path) as file:
            start = file.read(4096)
        kind = real_kind(path, start)
        if kind:
            raise SourceError(f"{contract.id}: {path.name} is not text but {kind}", hint=_hint(kind))
        encoding = find_encoding(path, source.encoding)
        with Utf8Stream(path, encoding) as stream:
            head, complete = _read_head(stream, searched_lines(source))
    except DAMAGE:
        raise SourceError(f"{contract.id}: {path.name} cannot be read to its end", hint=STILL_WRITTEN, transient=True) from None
    except UnicodeError:
        raise _undecodable(contract, path, source.encoding) from None
    if not head.strip():
        raise SourceError(f"{contract.id}: {path.name} is empty", hint="ask the department for the delivery again")
    rows, offsets = _first_rows(head, source.delimiter, searched_lines(source), complete)
    return encoding, rows, offsets


def _undecodable(contract: Contract, path: DeliveredFile, encoding: str | None) -> SourceError:
    """The error for a file that an encoding refuses whole; single damaged bytes are never an error."""
    return SourceError(
        f"{contract.id}: {path.name} is not {encoding}", hint="correct the encoding in the contract, or leave it out to have it found"
    )


def _hint(kind: str) -> str:
    return 'say "kind: xlsx" in the contract' if "workbook" in kind or "ods" in kind else "ask the department for a text file"


def _read_head(stream: Utf8Stream, searched: int) -> tuple[bytes, bool]:
    """The first lines, and whether they are the whole file."""
    head = b""
    while head.count(b"\n") + head.count(b"\r") <= 4 * searched and len(head) < _BLOCK:
        block = stream.read(_HEAD)
        if not block:
            return head, True
        head += block
    return head, False


def _first_rows(head: bytes, delimiter: str, searched: int, complete: bool) -> tuple[list[Row], dict[int, int]]:
    """Rows that begin in the lines searched, and for each last line the offset of what follows it."""
    lengths: list[int] = []

    def lines() -> Iterator[str]:
        for line in io.StringIO(head.decode(errors="ignore"), newline=""):
            lengths.append(len(line.encode()))
            yield line

    rows: list[Row] = []
    reader = csv.reader(lines(), delimiter=delimiter)
    try:
        for values in reader:
            line = rows[-1].last_line + 1 if rows else 1
            if line > searched:
                break
            rows.append(Row(line, reader.line_num, tuple(values)))
    except csv.Error:
        # A quote that is never closed: what was found before it still counts.
        pass
    if not complete and len(rows) > 1 and rows[-1].last_line == len(lengths):
        rows.pop()
    ends = np.cumsum(lengths)
    return rows, {row.last_line: int(ends[row.last_line - 1]) for row in rows}


def _delivery(contract: Contract, source: CsvSource, files: list[_File], extraction: Extraction) -> Iterator[pa.RecordBatch]:
    position = 0
    for file in files:
        several = len(files) > 1
        if several:
            extraction.notes.append(Note("file", f"its line 1 is position {position + 1}", position + 1, file.path.name))
        count = LineCount(file.header.last_line + 1)
        for batch, lines, refused in _rows(contract, source, file, count, extraction):
            extraction.unreadable += [
                Unreadable(position + line, reason, f"{file.path.name}, line {line}" if several else "") for line, reason in refused
            ]
            for start in range(0, len(lines), BATCH_ROWS):
                part = batch.slice(start, BATCH_ROWS)
                yield _under(part, file.plan.names, pa.array(lines[start : start + BATCH_ROWS] + position), extraction.schema)
        position += count.next_line - 1


def _under(batch: pa.RecordBatch, names: tuple[str, ...], positions: pa.Array, schema: pa.Schema) -> pa.RecordBatch:
    """A file's columns under the delivery's; a column that only other files have is null."""
    columns = dict(zip(names, batch.columns, strict=True))
    arrays = [columns[name] if name in columns else pa.nulls(batch.num_rows, pa.string()) for name in schema.names[:-1]]
    return pa.RecordBatch.from_arrays([*arrays, positions], schema=schema)


_Rows = tuple[pa.RecordBatch, Lines, list[tuple[int, str]]]


def _rows(contract: Contract, source: CsvSource, file: _File, count: LineCount, extraction: Extraction) -> Iterator[_Rows]:
    """Batches of the columns that are read, the line of each row, and line and reason of what was refused meanwhile."""
    with Utf8Stream(file.path, file.encoding) as stream, _translated(contract, file, count):
        stream.skip(file.data_offset)
        if stream.at_end():
            return
        empty = None
        for batch in _parsed(source, file, stream, count):
            lines, refused = count.place(batch, has_quotes=stream.quotes > 0)
            blank = blank_rows(batch)
            read = batch.select(file.plan.places)
            empty = read.slice(0, 0)
            if blank is not None:
                refused = sorted([*refused, *((int(line), "the row is blank") for line in lines[blank])])
                read, lines = read.filter(pa.array(~blank)), lines[~blank]
            yield read, lines, refused
        yield empty, count.next_line * np.ones(0, dtype=np.int64), count.finish()
        if stream.quotes % 2 and count.last_height > 1:
            raise _unclosed(contract, file, count.next_line - count.last_height)
        extraction.notes += damage(stream.damaged, file.encoding.name, file.path.name)


def _parsed(source: CsvSource, file: _File, stream: Utf8Stream, count: LineCount) -> Iterator[pa.RecordBatch]:
    names = [str(place) for place in range(len(file.header.names))]
    paced = PacedStream(stream)
    reader = pyarrow.csv.open_csv(
        paced,
        pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=names),
        pyarrow.csv.ParseOptions(
            delimiter=source.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=count.refuse
        ),
        pyarrow.csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False, check_utf8=False),
    )
    return paced.batches(reader)


def blank_rows(batch: pa.RecordBatch) -> npt.NDArray[np.bool_] | None:
    """Which rows hold nothing but blanks; None if none does, which the first full column usually tells."""
    blank: npt.NDArray[np.bool_] | None = None
    for column in batch.columns:
        empty = pc.equal(pc.utf8_trim_whitespace(column), "").to_numpy(zero_copy_only=False)
        blank = empty if blank is None else blank & empty
        if not blank.any():
            return None
    return blank


def _unclosed(contract: Contract, file: _File, line: int) -> SourceError:
    return SourceError(
        f"{contract.id}: {file.path.name}: a quotation mark opened in or after line {line} is not closed, or a row there is longer than "
        f"{_BLOCK >> 20} MB; the rest cannot be told apart",
        hint="ask the department to export the file again with its quotation marks doubled, and without pictures or whole documents in its cells",
    )


@contextmanager
def _translated(contract: Contract, file: _File, count: LineCount) -> Iterator[None]:
    """The one place where the parser's errors become the hub's; their text may quote values and goes no further."""
    try:
        yield
    except pa.ArrowException as error:
        if "straddling" in str(error):
            raise _unclosed(contract, file, count.next_line) from None
        raise SourceError(f"{contract.id}: {file.path.name} cannot be read near line {count.next_line}") from None
    except UnicodeError:
        raise _undecodable(contract, file.path, file.encoding.name) from None
    except DAMAGE:
        raise SourceError(f"{contract.id}: {file.path.name} cannot be read to its end", hint=STILL_WRITTEN, transient=True) from None

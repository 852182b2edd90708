"""The lines of text files as Arrow columns: for formats in which a record is one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv

from connectors.extraction import Note
from connectors.files.drop import DAMAGE, DeliveredFile, open_bytes, real_kind, still_written
from connectors.files.lines import LineCount, Lines
from connectors.files.pacing import PacedStream
from connectors.files.text import STILL_WRITTEN, Encoding, Utf8Stream, damage, find_encoding
from connectors.unreadable import Unreadable, UnreadableRows
from core.errors import SourceError

# A line has to fit into one block; blocks also bound the memory.
BLOCK = 8 << 20
# No text has it: what separates columns in a reader that knows no format without columns.
_NEVER = "\x01"


@dataclass(frozen=True)
class SomeLines:
    """Lines that follow each other, without their ends, each with its number from 1."""

    texts: pa.StringArray
    numbers: Lines


def checked_encoding(contract_id: str, file: DeliveredFile, declared: str | None, hint: str) -> Encoding:
    """How a file is encoded; raises SourceError if it is empty or no text."""
    with translated(contract_id, file):
        with open_bytes(file) as stream:
            start = stream.read(4096)
        kind = real_kind(file, start)
        # A document of markup is text; whether it is the text that is wanted, its reader will say.
        if kind and kind not in ("an XML document", "an HTML page"):
            raise SourceError(f"{contract_id}: {file.name} is not text but {kind}", hint=hint)
        if not start.strip(b"\xef\xbb\xbf \t\r\n"):
            raise SourceError(f"{contract_id}: {file.name} is empty", hint="ask the department for the delivery again")
        return find_encoding(file, declared)


def text_lines(
    contract_id: str, file: DeliveredFile, encoding: Encoding, unreadable: UnreadableRows, notes: list[Note]
) -> Iterator[SomeLines]:
    """Every line of a file, blank ones as well; one that cannot be a line of text is added to `unreadable`, and damage to `notes`."""
    count = LineCount(1)
    with translated(contract_id, file), Utf8Stream(file, encoding) as stream:
        if stream.at_end():
            return
        for batch in _parsed(stream, count):
            check_text(contract_id, file, batch.column(0))
            numbers, refused = count.place(batch, has_quotes=False)
            unreadable += [Unreadable(line, "the line has a control character in it") for line, _ in refused]
            yield SomeLines(batch.column(0), numbers)
        unreadable += [Unreadable(line, "the line has a control character in it") for line, _ in count.finish()]
        notes += damage(stream.damaged, encoding.name, file.name)


def check_text(contract_id: str, file: DeliveredFile, texts: pa.StringArray) -> None:
    """Raise a transient SourceError for texts that are none in UTF-8: the file is not the one any more whose encoding was found out."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        raise still_written(contract_id, file.name) from None


def _parsed(stream: Utf8Stream, count: LineCount) -> Iterator[pa.RecordBatch]:
    paced = PacedStream(stream)
    reader = pyarrow.csv.open_csv(
        paced,
        pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=["line"]),
        pyarrow.csv.ParseOptions(
            delimiter=_NEVER, quote_char=False, ignore_empty_lines=False, newlines_in_values=False, invalid_row_handler=count.refuse
        ),
        pyarrow.csv.ConvertOptions(column_types={"line": pa.string()}, strings_can_be_null=False, check_utf8=False),
    )
    return paced.batches(reader)


@contextmanager
def translated(contract_id: str, file: DeliveredFile) -> Iterator[None]:
    """The one place where the readers' errors become the hub's; their text may quote values and goes no further."""
    try:
        yield
    except pa.ArrowException:
        raise SourceError(
            f"{contract_id}: {file.name} has a line of more than {BLOCK >> 20} MB", hint="ask the department for one record a line"
        ) from None
    except DAMAGE:
        raise SourceError(f"{contract_id}: {file.name} cannot be read to its end", hint=STILL_WRITTEN, transient=True) from None

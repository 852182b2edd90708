"""XML documents with a repeated element for each record, read as a stream.

Child elements are columns under their names without prefix (`address/city` where they are nested), attributes under theirs with `@`. A name
that occurs again in the same record gets a number. Text that goes on behind a child with text has the child's within it. Documents with a
type declaration are refused whole: entities can make a small file fill any memory, or read others. A file is read twice, first for the names
of its columns.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from xml.parsers import expat

import pyarrow as pa

from connectors.columns import ColumnPlan, free_name, look_at_each, plan_columns
from connectors.extraction import BATCH_ROWS, POSITION, Extraction, Note, text_schema
from connectors.files.drop import DAMAGE, DeliveredFile, delivered_files, open_bytes
from connectors.files.text import STILL_WRITTEN, Encoding, Utf8Stream, damage, decodes
from connectors.files.text_lines import checked_encoding, translated
from connectors.unreadable import Unreadable
from contracts.model import Contract
from contracts.sources import XmlSource
from core.connections import Connections
from core.errors import SourceError

_READ = 1 << 18
# A record is a row of a table; one of more text than this is a sign that its element is the wrong one.
_LONGEST = 4 << 20
_DEEPEST = 64
_PROLOG, _DECLARED = 512, re.compile(rb"""\s*<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")
_TELLING = ("big5", "big5-hkscs", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp", "hz-gb-2312")

_File = tuple[DeliveredFile, Encoding, ColumnPlan]


@dataclass
class _Record:
    line: int
    values: dict[str, str] = field(default_factory=dict)
    size: int = 0
    last: Counter[str] = field(default_factory=Counter)  # the highest number of a name
    fault: str = ""  # why it cannot be read

    def add(self, name: str, text: str) -> None:
        """Keep a value under its name, or under the next free number of it."""
        taken = {POSITION, *self.values} if name == POSITION else self.values
        self.values[free_name(name, taken, self.last)] = text
        self.size += 1 + len(text)  # an element without text is something too


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read all documents of a delivery; raises SourceError if one is not well formed, has no such record, or lacks columns needed."""
    source = contract.source
    assert isinstance(source, XmlSource)
    files = look_at_each(contract.id, delivered_files(contract.id, source, connections), lambda file: _look(contract, source, file))
    schema = text_schema(tuple(dict.fromkeys(name for _, _, plan in files for name in plan.names)))
    notes = [note for file, encoding, plan in files for note in (Note("encoding", f"read as {encoding.name}", file=file.name), *plan.notes)]
    extraction = Extraction(schema, iter(()), notes=notes)
    extraction.batches = _delivery(contract, source, files, extraction)
    return extraction


def _look(contract: Contract, source: XmlSource, file: DeliveredFile) -> _File:
    encoding = document_encoding(contract.id, file, source.encoding)
    names: dict[str, None] = {}
    some = False
    for record in _records(contract, source, file, encoding, []):
        some = True
        names |= dict.fromkeys(record.values)
    if not some:
        raise SourceError(
            f"{contract.id}: {file.name} has no element {source.record}", hint="compare `record` in the contract with the document"
        )
    return file, encoding, plan_columns(contract, tuple(names), file.name)


def document_encoding(contract_id: str, file: DeliveredFile, stated: str | None = None) -> Encoding:
    """How a document is encoded, as a contract states, or it says itself; raises SourceError if it is empty or no text."""
    with translated(contract_id, file):
        declared = stated or _declared_encoding(file)
    return checked_encoding(contract_id, file, declared, "ask the department for an XML document")


def make_parser() -> expat.XMLParserType:
    """A parser of what `Utf8Stream` hands over, whatever encoding the document says it has: of most it knows none."""
    return expat.ParserCreate(encoding="utf-8")


def has_entities(what: str) -> SourceError:
    """The error for a document with a type declaration."""
    return SourceError(
        f"{what} declares a document type, and entities with it; such documents are not read",
        hint="ask the department for the document without a DOCTYPE",
    )


def _declared_encoding(file: DeliveredFile) -> str | None:
    """What a document says of itself, where that tells more than its bytes and is true of them.

    Any bytes are text in one of the Latin encodings, and Chinese exports name them without meaning it.
    """
    with open_bytes(file) as stream:
        start = stream.read(_PROLOG)
    if start.startswith((b"<\0?\0", b"\0<\0?")):
        return "utf-16-le" if start[0] else "utf-16-be"
    found = _DECLARED.match(start)
    name = found[1].decode().lower() if found else ""
    return name if name in _TELLING and decodes(file, name) else None


def _delivery(contract: Contract, source: XmlSource, files: list[_File], extraction: Extraction) -> Iterator[pa.RecordBatch]:
    """Records by their number: several may begin in one line."""
    number, names = 0, extraction.schema.names[:-1]
    for file, encoding, _ in files:
        if len(files) > 1:
            extraction.notes.append(Note("file", f"its record 1 is position {number + 1}", number + 1, file.name))
        records = _records(contract, source, file, encoding, extraction.notes)
        while some := list(islice(records, BATCH_ROWS)):
            places = range(number + 1, number + 1 + len(some))
            number += len(some)
            extraction.unreadable += [
                Unreadable(place, record.fault or "the record is empty", f"{file.name}, line {record.line}")
                for place, record in zip(places, some, strict=True)
                if record.fault or not record.values
            ]
            full = [(place, record) for place, record in zip(places, some, strict=True) if record.values and not record.fault]
            columns = [pa.array([record.values.get(name) for _, record in full], pa.string()) for name in names]
            if full:
                positions = pa.array([place for place, _ in full], pa.int64())
                yield pa.RecordBatch.from_arrays([*columns, positions], schema=extraction.schema)


class _Reader:
    """What the parser calls: keeps the record that is open and hands over those that are closed."""

    def __init__(self, contract: Contract, file: DeliveredFile, record: str) -> None:
        self.done: list[_Record] = []
        self._what = f"{contract.id}: {file.name}"
        self._element = record
        self._open: _Record | None = None
        self._path: list[str] = []
        # Of the record and of each open element in it: its own text in pieces, between children that have text, and all that is in it.
        self._texts: list[tuple[list[str], list[str]]] = []
        self._has_children = False
        self.parser = make_parser()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise has_entities(self._what)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2] or tag
        if self._open is None:
            if name != self._element:
                return
            self._open = _Record(self.parser.CurrentLineNumber)
        else:
            self._path.append(name)
            if len(self._path) > _DEEPEST:
                raise SourceError(f"{self._what} is nested deeper than {_DEEPEST} elements in line {self.parser.CurrentLineNumber}")
        self._texts.append(([""], []))
        self._has_children = False
        for attribute, value in attributes.items():
            self._open.add("/".join((*self._path, f"@{attribute.rpartition(':')[2]}")), value)

    def _text(self, text: str) -> None:
        if self._open is not None:
            pieces, whole = self._texts[-1]
            pieces[-1] += text
            whole.append(text)
            self._open.size += len(text)
            if self._open.size > _LONGEST:
                raise SourceError(
                    f"{self._what}: the record in line {self._open.line} has more than {_LONGEST >> 20} MB",
                    hint="compare `record` in the contract with the document",
                )

    def _end(self, tag: str) -> None:
        if self._open is None:
            return
        pieces, within = self._texts.pop()
        own, whole = "".join(pieces), "".join(within)
        if self._path:
            if not self._has_children or own.strip():
                # A piece before a child with text and one behind it: the child only marks something in one text.
                self._open.add("/".join(self._path), whole if sum(bool(piece.strip()) for piece in pieces) > 1 else own)
            elif self._path[-1] == self._element:
                self._open.fault = f"another element {self._element} stands within the record"
            outer_pieces, outer = self._texts[-1]
            outer.append(whole)
            if whole.strip():
                outer_pieces.append("")
            self._path.pop()
            self._has_children = True
            return
        if own.strip():
            self._open.add(self._element, own)
        self.done.append(self._open)
        self._open = None


def _records(contract: Contract, source: XmlSource, file: DeliveredFile, encoding: Encoding, notes: list[Note]) -> Iterator[_Record]:
    reader = _Reader(contract, file, source.record)
    try:
        with Utf8Stream(file, encoding) as stream:
            while block := stream.read(_READ):
                reader.parser.Parse(block, False)
                yield from reader.done
                reader.done.clear()
            reader.parser.Parse(b"", True)
            yield from reader.done
            notes += damage(stream.damaged, encoding.name, file.name)
    except expat.ExpatError as error:
        raise SourceError(
            f"{contract.id}: {file.name} is not well formed in line {error.lineno}", hint="ask the department to export the document again"
        ) from None
    except DAMAGE:
        raise SourceError(f"{contract.id}: {file.name} cannot be read to its end", hint=STILL_WRITTEN, transient=True) from None

"""Files of records that name their columns themselves, found out by how they begin: JSON lines, and XML with an element for each record."""

from collections import Counter
from contextlib import suppress
from xml.parsers import expat

from connectors.files.drop import DeliveredFile, open_bytes
from connectors.files.text import Utf8Stream
from connectors.files.text_lines import checked_encoding, text_lines
from connectors.files.xml import document_encoding, has_entities, make_parser
from connectors.json_records import JsonReader
from connectors.unreadable import UnreadableRows
from contracts.model import Contract
from contracts.sources import FileSource, JsonLinesSource, XmlSource
from core.errors import SourceError

_XML = "an XML document"
_LOOKED_AT = 1 << 20


def preview(contract: Contract, path: DeliveredFile, kind: str | None) -> FileSource | None:
    """How a file of records is to be read; None for any other. Raises SourceError for one that holds records in a form that is not read."""
    connection = contract.source.connection
    if kind == _XML:
        return XmlSource(kind="xml", connection=connection, path=path.name, record=_likely_record(contract, path))
    with open_bytes(path) as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] not in (b"{", b"["):
        return None
    first = _first_lines(contract, path)
    with JsonReader() as reader:
        if not all(map(reader.is_json, first)) or not all(line.lstrip().startswith("{") for line in first):
            raise SourceError(
                f"{contract.id}: {path.name} is JSON, but not one object a line", hint="ask the department for JSON, one object a line"
            )
    return JsonLinesSource(kind="jsonl", connection=connection, path=path.name)


def _first_lines(contract: Contract, path: DeliveredFile) -> list[str]:
    encoding = checked_encoding(contract.id, path, None, "ask the department for JSON, one object a line")
    first = next(text_lines(contract.id, path, encoding, UnreadableRows(), []), None)
    return [line for line in (first.texts.slice(0, 20).to_pylist() if first else []) if line.strip()]


def _likely_record(contract: Contract, path: DeliveredFile) -> str:
    """The element that stands for a record: among those that repeat and have something in them, the first of the least deep."""
    what, found = f"{contract.id}: {path.name}", _Elements()

    def refuse(*_: object) -> None:  # here nothing of it is to be expanded either
        raise has_entities(what)

    parser = make_parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = found.start, found.end, refuse
    encoding = document_encoding(contract.id, path)
    with Utf8Stream(path, encoding) as stream, suppress(expat.ExpatError):  # its reader will say where
        parser.Parse(stream.read(_LOOKED_AT), False)
    names = [name for (name, _), times in found.seen.items() if times > 1]
    depths = {depth for (name, depth), times in found.seen.items() if times > 1 and name in found.full}
    record = next((name for (name, depth) in found.seen if name in names and name in found.full and depth == min(depths)), None)
    if record is None:
        raise SourceError(f"{what} has no element that repeats and has others in it", hint="write the contract by hand: `record`")
    return record


class _Elements:
    """Elements by name and depth with how often they begin, and the names of those that have elements or attributes in them."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, int]] = Counter()
        self.full: set[str] = set()
        self._open: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition(":")[2]
        if self._open:
            self.full.add(self._open[-1])
        if attributes:
            self.full.add(name)
        self.seen[name, len(self._open)] += 1
        self._open.append(name)

    def end(self, _: str) -> None:
        """An element ends."""
        self._open.pop()

"""JSON lines: one object a line, plain, gzip-compressed or in a zip archive. A file is read twice, first for the names of its columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

import pyarrow as pa

from connectors.columns import ColumnPlan, landed_names, look_at_each, plan_columns
from connectors.extraction import BATCH_ROWS, Extraction, Note, text_schema
from connectors.files.drop import DeliveredFile, delivered_files
from connectors.files.text import Encoding
from connectors.files.text_lines import checked_encoding, text_lines
from connectors.json_records import POINTER, JsonReader, member_path
from connectors.unreadable import Unreadable, UnreadableRows
from contracts.model import Contract
from contracts.sources import JsonLinesSource
from core.connections import Connections
from core.errors import SourceError

_ASK_FOR_LINES = "ask the department for JSON, one object a line"


class NoObjects(SourceError):
    """None of the lines is an object."""


@dataclass(frozen=True)
class _File:
    file: DeliveredFile
    encoding: Encoding
    plan: ColumnPlan
    paths: Mapping[str, str]  # of each column, where in an object it is
    is_any_odd: bool  # see json_records.Members


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Read all files of a delivery; raises SourceError if one is no text, is empty, or lacks columns the contract needs."""
    source = contract.source
    assert isinstance(source, JsonLinesSource)
    files = look_at_each(contract.id, delivered_files(contract.id, source, connections), lambda file: _look(contract, source, file))
    schema = text_schema(tuple(dict.fromkeys(name for item in files for name in item.plan.names)))
    notes = [note for item in files for note in (Note("encoding", f"read as {item.encoding.name}", file=item.file.name), *item.plan.notes)]
    extraction = Extraction(schema, iter(()), notes=notes)
    extraction.batches = _delivery(contract, files, extraction)
    return extraction


def _look(contract: Contract, source: JsonLinesSource, file: DeliveredFile) -> _File:
    encoding = checked_encoding(contract.id, file, source.encoding, _ASK_FOR_LINES)
    with JsonReader() as reader:
        found = reader.members(lines.texts for lines in text_lines(contract.id, file, encoding, UnreadableRows(), []))
    # What a pointer names is no member of its own; whether it is there shows in the values.
    pointers = tuple(name for name in contract.source_columns if name.startswith(POINTER))
    if not found.names and not pointers:
        raise NoObjects(f"{contract.id}: {file.name} has no line that is a JSON object with members", hint=_ASK_FOR_LINES)
    named = {name: member_path(member) for name, member in zip(landed_names(found.names), found.names, strict=True)}
    named |= {name: name for name in pointers if name not in named}
    plan = plan_columns(contract, tuple(named), file.name)
    paths = tuple(named.values())
    return _File(file, encoding, plan, {name: paths[place] for place, name in zip(plan.places, plan.names, strict=True)}, found.is_any_odd)


def _delivery(contract: Contract, files: list[_File], extraction: Extraction) -> Iterator[pa.RecordBatch]:
    position, several = 0, len(files) > 1
    names = extraction.schema.names[:-1]
    with JsonReader() as reader:
        for item in files:
            file = item.file
            if several:
                extraction.notes.append(Note("file", f"its line 1 is position {position + 1}", position + 1, file.name))
            unreadable = UnreadableRows()
            last = 0
            paths = [item.paths.get(name) or member_path(name) for name in names]
            for lines in text_lines(contract.id, file, item.encoding, unreadable, extraction.notes):
                for start in range(0, len(lines.texts), BATCH_ROWS):
                    texts, numbers = lines.texts.slice(start, BATCH_ROWS), lines.numbers[start : start + BATCH_ROWS]
                    found = reader.records(texts, paths, is_any_odd=item.is_any_odd)
                    unreadable += [Unreadable(int(numbers[place]), reason) for place, reason in found.refused]
                    if len(found.kept):
                        positions = pa.array(numbers[found.kept] + position, pa.int64())
                        yield pa.RecordBatch.from_arrays([*found.columns, positions], schema=extraction.schema)
                    last = int(numbers[-1])
            last = max(last, unreadable.last)
            extraction.unreadable += placed(unreadable, position, file.name if several else "")
            position += last


def placed(unreadable: UnreadableRows, position: int, file: str) -> list[Unreadable]:
    """Lines of one of several files as positions of the delivery, in their order."""
    ordered = sorted(unreadable.stretches, key=attrgetter("position"))
    return [replace(row, position=position + row.position, place=f"{file}, line {row.position}" if file else "") for row in ordered]

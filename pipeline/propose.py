"""Read a table that nobody has described: find out what it is, profile it in one pass, and match its columns with data elements."""

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from connectors.apis import preview as api_preview
from connectors.databases.described import describe
from connectors.databases.dialects import dialects
from connectors.extract import extract
from connectors.extraction import Described, Extraction, Note
from connectors.files.preview import preview
from connectors.profile import profile
from connectors.storage.fetched import SCHEMES, at_hand
from contracts.model import WHOLE_ROW, Contract
from contracts.proposal.decide import Decisions, Seen, decide
from contracts.proposal.draft import Dataset, to_document, to_yaml
from contracts.proposal.match import Column, Matches, Table, match_table
from contracts.proposal.profile import TableProfile
from contracts.proposal.slug import slug_of
from contracts.proposal.vocabulary import load_vocabulary
from contracts.references import reference_faults
from contracts.schema import schema_faults
from contracts.sources import CsvSource, DatabaseSource, FileSource, Source, WorkbookSource
from core.connections import Connections, load_connections
from core.engine import Engine
from core.errors import RequestError, SourceError
from core.nouns import noun
from core.settings import Settings
from standards.model import Standards

_ADDRESSED = re.compile(r"^(?P<connection>[a-z][a-z0-9_]*):(?P<object>.+)$")
_KINDS = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
_APIS = ("https", "http")
_ID = "propose"
_ID_OF_A_DEPARTMENT = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Request:
    """What is to be proposed for: a file, `connection:table`, or `connection:path` of an API; for a workbook the sheet."""

    source: str
    sheet: str | None = None
    department: str = "department"
    registries: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Reading:
    """A table as it was read: how, what it showed, what its columns are, and what else is worth knowing."""

    source: Source
    folder: Path | None
    titles: tuple[str, ...]
    profile: TableProfile
    matches: Matches
    notes: tuple[Note, ...]
    remarks: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


def read_table(request: Request, standards: Standards, settings: Settings) -> Reading:
    """Profile and match one table. Raises RequestError for a source that is not there, SourceError for one that cannot be read."""
    connections = load_connections(settings=settings)
    path = Path(request.source)
    if path.is_file():
        return _read_file(request, path.resolve(), standards, settings)
    addressed = _ADDRESSED.match(request.source)
    if addressed is None or path.is_dir():
        raise RequestError(
            f"{path.absolute()} is a folder" if path.is_dir() else f"there is no file {request.source}",
            hint="give a file, or connection:table, as in civil_affairs_db:hj.t_rkxx",
        )
    return _read_connection(request, addressed["connection"], addressed["object"], connections, standards, settings)


def _read_connection(
    request: Request, name: str, wanted: str, connections: Connections, standards: Standards, settings: Settings
) -> Reading:
    scheme = urlsplit(connections.url(name)).scheme.split("+")[0]
    if scheme in SCHEMES:
        source = CsvSource(kind="csv", connection=name, path=wanted)
        with at_hand(_ID, source, connections) as near:
            path = near.path(name, "file") / wanted
            if not path.is_file():
                raise RequestError(f"connection {name} has no file {wanted}", hint="name one file; a pattern can be written into the draft")
            return _read(request, _unmapped(source), path, near, standards, settings)
    if scheme in _APIS:
        api = api_preview.preview(_ID, name, wanted, connections)
        reading = _read(request, _unmapped(api.first), None, connections, standards, settings)
        return replace(reading, source=api.source, remarks=api.remarks)
    if scheme not in _KINDS and scheme not in dialects():
        known = ", ".join((*dialects(), *SCHEMES, *_APIS))
        raise RequestError(f'connection "{name}" leads to {scheme}, which no connector reads', hint=f"there is {known}")
    kind = cast('Literal["postgresql", "mysql", "sqlite", "sql"]', _KINDS.get(scheme, "sql"))
    table = DatabaseSource(kind=kind, connection=name, object=wanted)
    return _read(request, _unmapped(table), None, connections, standards, settings)


def _read_file(request: Request, path: Path, standards: Standards, settings: Settings) -> Reading:
    """A file outside any connection is read through one that leads to its folder; the draft says how to set it up."""
    name = f"{request.department}_drop"
    environment: Mapping[str, str] = {**os.environ, f"HUB_CONNECTION_{name.upper()}": path.parent.as_uri()}
    connections = load_connections(environment, settings)
    contract = _unmapped(CsvSource(kind="csv", connection=name, path=path.name))
    return _read(request, contract, path, connections, standards, settings)


def _nothing_to_learn(contract: Contract, extraction: Extraction) -> SourceError:
    """The error for a source without a row that can be read. Of a workbook the first sheet was looked at, which is often its cover."""
    by_hand = "or write the contract by hand from one in demo/contracts"
    if extraction.unreadable:
        counted = Counter[str]()
        for row in extraction.unreadable.stretches:
            counted[row.why] += row.rows
        why, count = counted.most_common(1)[0]
        return SourceError(
            f"none of the {(rows := len(extraction.unreadable)):,} {noun(rows, 'row')} can be read as rows of this table; {count:,} of them: {why}",
            hint=f"ask the department to mend it, {by_hand}",
        )
    if isinstance(contract.source, WorkbookSource) and contract.source.sheet is None:
        return SourceError("the first sheet has no rows to learn from", hint=f"name the sheet that has them with --sheet, {by_hand}")
    return SourceError("the table has no rows to learn from", hint=f"fill it, {by_hand}")


def _unmapped(source: Source) -> Contract:
    """A contract that maps nothing, so that every column is read; it is never stored."""
    return Contract.model_construct(id=_ID, source=source, record_key=(WHOLE_ROW,), columns={})


def _read(
    request: Request, contract: Contract, path: Path | None, connections: Connections, standards: Standards, settings: Settings
) -> Reading:
    titles: tuple[str, ...] = ()
    if path is not None:
        found = preview(contract, path, connections, request.sheet, load_vocabulary(standards))
        source = found.source.model_copy(update={"path": contract.source.path if not isinstance(contract.source, DatabaseSource) else ""})
        contract, titles = _unmapped(source), found.titles
    extraction = extract(contract, connections)
    with Engine(settings) as engine:
        seen = profile(extraction, engine)
    if seen.rows == 0:
        raise _nothing_to_learn(contract, extraction)
    described = describe(contract, connections)
    titled = tuple(title for title in (request.title, described.table, *titles, _own_title(contract.source)) if title)
    columns = tuple(Column((*_title(described, column.name), column.name), column) for column in seen.columns)
    matches = match_table(Table(titled, columns), standards)
    notes = tuple(note for note in extraction.notes if note.kind != "unmapped_columns")
    return Reading(contract.source, path.parent if path else None, titled, seen, matches, notes, key=described.key)


def _title(described: Described, column: str) -> tuple[str, ...]:
    return (described.columns[column],) if column in described.columns else ()


def _own_title(source: Source) -> str:
    """The table's name, or the file's without its ending."""
    return source.object if isinstance(source, DatabaseSource) else Path(source.path).name.removesuffix(".gz").rsplit(".", 1)[0]


@dataclass(frozen=True)
class Proposal:
    """The draft of a contract, what it rests on, and what the loader would still refuse."""

    dataset: Dataset
    reading: Reading
    decisions: Decisions
    faults: tuple[str, ...]
    draft: str


def propose(request: Request, standards: Standards, settings: Settings) -> Proposal:
    """Read a table and draft its contract. Raises RequestError and SourceError as `read_table` does."""
    if not _ID_OF_A_DEPARTMENT.fullmatch(request.department):
        hint = "small Latin letters, digits and underlines, as in civil_affairs"
        raise RequestError(f"{request.department} cannot be the id of a department", hint=hint)
    for registry in request.registries:
        if registry not in standards.schemas:
            raise RequestError(f"there is no registry {registry}", hint=f"registries are: {', '.join(standards.schemas)}")
    reading = read_table(request, standards, settings)
    is_file = isinstance(reading.source, FileSource)
    decisions = decide(Seen(reading.profile, reading.matches, reading.titles, request.registries, is_file, reading.key), standards)
    dataset = Dataset(
        request.department,
        slug_of(_own_title(reading.source), is_file=is_file),
        _chinese(reading.titles),
        reading.source,
        _unset(request, reading),
        reading.remarks,
    )
    faults = _faults(to_document(dataset, decisions), standards)
    return Proposal(dataset, reading, decisions, faults, to_yaml(dataset, reading.profile, decisions, standards, faults))


def _unset(request: Request, reading: Reading) -> Path | None:
    """The folder of a file that was given by its path: its connection exists only in the draft."""
    return reading.folder if Path(request.source).is_file() else None


def _faults(document: Mapping[str, object], standards: Standards) -> tuple[str, ...]:
    found = schema_faults(document) or reference_faults(Contract.model_validate(document), standards)
    return tuple(f"{key}: {message}" for key, message in found)


def _chinese(titles: tuple[str, ...]) -> str:
    return next((title for title in titles if re.search("[\u3400-\u9fff]", title)), titles[-1])

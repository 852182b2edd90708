"""Why: where every value of one base row comes from, and which values lost.

Nothing of this is stored. The merge of one entity is run again over the inputs that the publication pinned, by the same code that
published it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from catalog.batches import Batch, get_batch
from catalog.datasets import contract_at, dataset_numbers
from contracts.model import Contract
from core.database import reading
from core.engine import Engine, uuid_literal
from core.errors import HubError, RequestError
from pipeline.base import base_state
from pipeline.home import Home
from pipeline.landing import batch_folder
from pipeline.repairs import Repair, delivered_rows, repair_of
from pipeline.resolve import schema_elements, xref_state
from pipeline.state import log_columns, standardized_table, state
from registries.definition import RegistryDefinition, get_definition
from registries.identity import successor
from registries.publications import inputs_of, latest
from registries.survivorship import Contribution, best_records_order, keep_best, merged, ranked, supplied
from registries.versions import as_of_view, ensure_table, history_table
from standards.loader import load_standards
from standards.model import Schema, Standards

CHOSEN, AGREES, OUTRANKED, OLDER, EMPTY = "chosen", "agrees", "outranked", "not-the-best-record-of-its-source", "empty"


@dataclass(frozen=True)
class Candidate:
    """One source record's word on one element, and what became of it."""

    contract_id: str
    batch_id: str
    position: int | None
    raw: str | None
    value: Any
    valid_from: date | None
    verdict: str
    repair: Repair | None = None


@dataclass(frozen=True)
class Answer:
    """One element of one entity: the published value and all candidates, the chosen one first."""

    element: str
    value: Any
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class Why:
    """The account of one entity as of one publication."""

    registry: str
    canonical_id: str
    number: int
    rule: str
    answers: tuple[Answer, ...]


class NotReproduced(HubError):
    """The merge, run again, came out otherwise than published: a fault of the hub."""


@dataclass(frozen=True)
class Moment:
    """A point of both times: a day in the world, and the publication by which it was known; None: the last day, the current publication."""

    valid_at: date | None = None
    known_at: int | None = None


NOW = Moment()


def find_entity(home: Home, registry: str, name: str, known_at: int | None = None) -> str:
    """Turn a canonical id, or the identifier of the registry, into the canonical id, by default as of the current publication.

    An id or identifier that has been retired leads to its successor.

    Raises RequestError where there is no such entity.
    """
    schema = load_standards().schemas[get_definition(registry).id]
    number = _number(home, registry, known_at)
    # The last part may have the separator in it: numbers of certificates do.
    parts = name.split("/", len(schema.identity) - 1)
    where = " AND ".join(f"{element} = :p{i}" for i, element in enumerate(schema.identity))
    values = {f"p{i}": part for i, part in enumerate(parts)} if len(parts) == len(schema.identity) else {}
    named = "_canonical_id = :name" + (f" OR ({where})" if values else "")
    query = f"SELECT _canonical_id FROM {history_table(schema)} WHERE ({named}) AND _publication_from <= :n ORDER BY _publication_from DESC LIMIT 1"
    with reading(home.serving) as connection:
        found = connection.execute(sa.text(query), {"name": name, "n": number, **values}).scalar()
    if found is None:
        wanted = "/".join(schema.identity)
        raise RequestError(f"no such entity in {registry}", hint=f"give a canonical id, or {wanted}")
    return successor(home.serving, schema, str(found), number)


HELD = "_publication_from <= :n AND (_publication_to IS NULL OR _publication_to > :n)"
KNOWN = "_known_from <= :n AND (_known_to IS NULL OR _known_to > :n) AND _valid_from <= :day AND _valid_to > :day"


def _number(home: Home, registry: str, known_at: int | None) -> int:
    """The publication that is meant. Raises RequestError where there is no such one."""
    current = latest(home.serving, registry).number
    if not current:
        raise RequestError(f"{registry} has not been published yet", hint="./hub publish, after a dataset that feeds it was accepted")
    if known_at is not None and not 1 <= known_at <= current:
        raise RequestError(f"{registry} has no publication {known_at}")
    return known_at or current


def show(home: Home, registry: str, canonical_id: str, at: Moment = NOW) -> dict[str, Any]:
    """The base row of one entity, by default the current one; `_publication_from` is the publication that said it.

    With a day the view of both times answers, which says since when and until when as well. Raises RequestError where nothing is known.
    """
    schema, number = load_standards().schemas[registry], _number(home, registry, at.known_at)
    values: dict[str, Any] = {"id": canonical_id, "n": number}
    if at.valid_at is None:
        query = sa.text(f"SELECT * FROM {history_table(schema)} WHERE _canonical_id = :id AND {HELD}")
    else:
        ensure_table(home.serving, schema)  # an installation whose last publication is older than the view gets it now
        query = sa.text(f"SELECT * FROM {as_of_view(schema)} WHERE _canonical_id = :id AND {KNOWN}")
        # SQLite keeps days as texts, and the driver would not turn one into the other.
        values["day"] = at.valid_at.isoformat() if home.serving.dialect.name == "sqlite" else at.valid_at
    with reading(home.serving) as connection:
        row = connection.execute(query, values).one_or_none()
    if row is not None:
        return dict(row._mapping)
    if at.valid_at is None:
        raise RequestError(f"no entity {canonical_id} in {registry}")
    raise RequestError(
        f"publication {number} of {registry} says nothing of {canonical_id} on {at.valid_at}",
        hint="an earlier or later day may have something",
    )


def why_at(home: Home, registry: str, canonical_id: str, at: Moment) -> Why:
    """Account for one entity as it was known of a day: by the publication that said what was still known of that day."""
    if at.valid_at is None:
        return why(home, registry, canonical_id, at.known_at)
    return why(home, registry, canonical_id, show(home, registry, canonical_id, at)["_publication_from"])


def why(home: Home, registry: str, canonical_id: str, number: int | None = None) -> Why:
    """Account for one entity as of a publication (by default the current one).

    Raises RequestError where the entity or publication does not exist, NotReproduced where the merge does not come out as published.
    """
    standards = load_standards()
    definition, schema = get_definition(registry), standards.schemas[registry]
    number = _number(home, registry, number)
    with Engine(home.settings) as engine:
        links = f"SELECT _record_id, _dataset FROM {xref_state(home, registry, number)} WHERE _canonical_id = {uuid_literal(canonical_id)}"
        engine.run("CREATE TABLE links (_record_id UUID, _dataset INTEGER)")
        engine.run(f"INSERT INTO links {links}", doing="reading links")
        if not engine.value("SELECT count(*) FROM links"):
            raise RequestError(f"no entity {canonical_id} in publication {number} of {registry}")
        contributions, records = _gather(engine, home, schema, standards, number)
        published = _published(engine, home, schema, number, canonical_id)
        answers = _answers(engine, definition, schema, contributions, records, published)
    return Why(registry, canonical_id, number, f"{definition.identity.id}/{definition.identity.version}", answers)


@dataclass(frozen=True)
class _Record:
    contract: Contract
    batch_id: str
    row: dict[str, Any]
    raw: dict[str, Any]
    is_best: bool
    repair: Repair | None


def _gather(engine: Engine, home: Home, schema: Schema, standards: Standards, number: int) -> tuple[list[Contribution], list[_Record]]:
    numbers = dataset_numbers(home.catalog)
    present = {row[0] for row in engine.rows("SELECT DISTINCT _dataset FROM links")}
    contributions, records = [], []
    for item in inputs_of(home.serving, schema.id, number).values():
        dataset = numbers[item.contract_id]
        if dataset not in present:
            continue
        batch = get_batch(home.catalog, f"{item.contract_id}@{item.batch_seq}")
        contract = contract_at(home.catalog, item.contract_id, batch.contract_version)
        elements = tuple(schema_elements(contract, schema, standards))
        rows = state(home, standardized_table(contract.id), log_columns(contract, standards), batch.seq)
        engine.run(
            f"CREATE TABLE contribution_{dataset} AS SELECT 0 AS _canonical_id, * FROM {rows} "
            f"WHERE _record_id IN (SELECT _record_id FROM links WHERE _dataset = {dataset})",
            doing=f"reading {contract.id}",
        )
        contribution = keep_best(engine, Contribution(contract.id, contract.department.id, dataset, elements, f"contribution_{dataset}"))
        contributions.append(contribution)
        best = engine.value(f"SELECT _record_id FROM {contribution.relation}")
        for row in engine.records(f"SELECT * FROM contribution_{dataset} ORDER BY {best_records_order(elements)}"):
            examined, record_id = get_batch(home.catalog, f"{contract.id}@{row['_batch_seq']}"), row["_record_id"]
            raw, repair = _raw(engine, home, examined, record_id), repair_of(home, engine, examined, record_id)
            records.append(_Record(contract, examined.batch_id, row, raw, record_id == best, repair))
    return contributions, records


def _raw(engine: Engine, home: Home, batch: Batch, record_id: uuid.UUID) -> dict[str, Any]:
    """The row as received, from the source or as repaired; empty where landing has been purged."""
    if not batch_folder(home.settings, batch.contract_id, batch.seq).exists():
        return {}
    rows = engine.records(f"SELECT * FROM {delivered_rows(home, batch)} WHERE _record_id = {uuid_literal(record_id)} ORDER BY _position")
    return rows[0] if rows else {}


def _published(engine: Engine, home: Home, schema: Schema, number: int, canonical_id: str) -> dict[str, Any]:
    rows = engine.records(f"SELECT * FROM {base_state(home, schema, number)} WHERE _canonical_id = {uuid_literal(canonical_id)}")
    if len(rows) != 1:
        raise RequestError(f"no entity {canonical_id} in publication {number} of {schema.id}")
    return rows[0]


def _answers(
    engine: Engine,
    definition: RegistryDefinition,
    schema: Schema,
    contributions: Sequence[Contribution],
    records: Sequence[_Record],
    published: dict[str, Any],
) -> tuple[Answer, ...]:
    elements = [element.id for element in schema.elements]
    (merge,) = engine.records(merged(definition, supplied(elements, contributions), contributions), doing="merging again")
    again = dict.fromkeys(elements) | merge
    differing = [name for name in elements if again[name] != published[name]]
    if differing:
        raise NotReproduced(f"{', '.join(differing)} of {published['_canonical_id']} came out otherwise than published")
    return tuple(Answer(name, again[name], _candidates(definition, name, again, contributions, records)) for name in elements)


def _candidates(
    definition: RegistryDefinition, element: str, again: dict[str, Any], contributions: Sequence[Contribution], records: Sequence[_Record]
) -> tuple[Candidate, ...]:
    order = {item.contract_id: place for place, item in enumerate(ranked(definition, element, contributions))}
    numbers = {item.contract_id: item.number for item in contributions}
    found = []
    for record in sorted((r for r in records if r.contract.id in order), key=lambda r: (order[r.contract.id], not r.is_best)):
        value = record.row[element]
        chosen = record.is_best and again[f"_from_{element}"] == numbers[record.contract.id]
        lost = AGREES if value == again[element] else OUTRANKED
        verdict = CHOSEN if chosen else EMPTY if value is None else lost if record.is_best else OLDER
        source = record.contract.elements.get(element)
        raw = record.raw.get(source.column) if source else record.contract.constants.get(element)
        found.append(
            Candidate(
                record.contract.id, record.batch_id, record.row["_position"], raw, value, record.row["_valid_from"], verdict, record.repair
            )
        )
    return tuple(sorted(found, key=lambda item: item.verdict != CHOSEN))

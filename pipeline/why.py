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
from registries.publications import history, inputs_of, latest
from registries.survivorship import Contribution, best_records_order, keep_best, merged, ranked, supplied
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


def find_entity(home: Home, registry: str, name: str) -> str:
    """Turn a canonical id, or the identifier of the registry, into the canonical id. Raises RequestError where there is no such entity."""
    schema = load_standards().schemas[get_definition(registry).id]
    columns = ["_canonical_id", *schema.identity]
    if not latest(home.serving, registry).number:
        raise RequestError(f"{registry} has not been published yet", hint="./hub publish, after a dataset that feeds it was accepted")
    # The last part may have the separator in it: numbers of certificates do.
    parts = name.split("/", len(schema.identity) - 1)
    where = " AND ".join(f"{element} = :p{i}" for i, element in enumerate(schema.identity))
    query = f"SELECT _canonical_id FROM {schema.table} WHERE _canonical_id = :name" + (
        f" OR ({where})" if len(parts) == len(schema.identity) else ""
    )
    values = {f"p{i}": part for i, part in enumerate(parts)} if len(parts) == len(columns) - 1 else {}
    with reading(home.serving) as connection:
        found = connection.execute(sa.text(query), {"name": name, **values}).scalar()
    if found is None:
        wanted = "/".join(schema.identity)
        raise RequestError(f"no such entity in {registry}", hint=f"give a canonical id, or {wanted}")
    return str(found)


def show(home: Home, registry: str, canonical_id: str) -> dict[str, Any]:
    """The current base row of one entity."""
    schema = load_standards().schemas[registry]
    with reading(home.serving) as connection:
        row = connection.execute(sa.text(f"SELECT * FROM {schema.table} WHERE _canonical_id = :id"), {"id": canonical_id}).one_or_none()
    if row is None:
        raise RequestError(f"no entity {canonical_id} in {registry}")
    return dict(row._mapping)


def why(home: Home, registry: str, canonical_id: str, number: int | None = None) -> Why:
    """Account for one entity as of a publication (by default the current one).

    Raises RequestError where the entity or publication does not exist, NotReproduced where the merge does not come out as published.
    """
    standards = load_standards()
    definition, schema = get_definition(registry), standards.schemas[registry]
    number = latest(home.serving, registry).number if number is None else number
    if not any(item.number == number for item in history(home.serving, registry, 10_000)):
        raise RequestError(f"{registry} has no publication {number}")
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

"""Why: where every value of one base row comes from, and which values lost.

Nothing of this is stored. The merge of one entity is run again over the inputs that the publication pinned, by the same code that
published it.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations, pairwise
from typing import Any

import sqlalchemy as sa

from catalog.batches import Batch, batch_at
from catalog.datasets import contract_at, dataset_numbers
from catalog.files import files_of
from core.database import reading
from core.engine import Engine, uuid_literal
from core.errors import HubError, NoSuchEntity, RequestError
from core.keys import CANONICAL_KEY, load_key
from pipeline.answers.verdicts import Answer, MergedAgain, Record, answers_of
from pipeline.home import Home
from pipeline.landing import batch_folder
from pipeline.publication.base import base_state
from pipeline.publication.placing import JUDGED_APART_RULE, JUDGED_RULE, is_apart
from pipeline.quarantine.repairs import Repair, delivered_rows, repairs_of
from pipeline.resolve import XREF_COLUMNS, schema_elements, xref_lines, xref_table
from pipeline.standard import standard_of
from pipeline.state import ISSUE_COLUMNS, Sought, fold, log_columns, log_source, standardized_table, state
from registries.definition import RegistryDefinition, get_definition
from registries.definition_versions import definition_at
from registries.further_values import COLUMN
from registries.identity import successor
from registries.judgements import Judgement, judgements_on
from registries.matching import canonical_key, minted
from registries.publications import files_upto, get_publication, inputs_of, published
from registries.silent import silent_codes
from registries.survivorship import (
    Contribution,
    best_records_order,
    keep_best,
    merged,
    provinces_of,
    supplied,
)
from registries.versions import as_of_view, ensure_table, history_view
from standards.loader import load_standards
from standards.model import Schema, Standards


@dataclass(frozen=True)
class Why:
    """The account of one entity as of one publication."""

    registry: str
    canonical_id: str
    number: int
    published_at: datetime
    published_by: str
    standard_version: str
    definition_version: int
    answers: tuple[Answer, ...]
    judgements: tuple[Judgement, ...] = ()  # on records of the entity, as far as the publication had seen them
    placed: tuple[str, ...] = ()  # records that a judgement, and not their identifier, puts here


class NotReproduced(HubError):
    """The merge, run again, came out otherwise than published: a fault of the hub."""


@dataclass(frozen=True)
class Moment:
    """A point of both times: a day in the world, and the publication by which it was known; None: the last day, the current publication."""

    valid_at: date | None = None
    known_at: int | None = None


NOW = Moment()
_MOST_PIECES = 8  # of a name between separators


def find_entity(home: Home, registry: str, name: str, known_at: int | None = None) -> str:
    """Turn a canonical id, or the identifier of the registry, into the canonical id, by default as of the current publication.

    An id or identifier that has been retired leads to its successor. An identifier may stand in several rows, where records were placed by
    other than it: whoever it stands for is the entity that it alone makes, or else the one that has it now.

    Raises NoSuchEntity where there is none.
    """
    definition = get_definition(registry)
    number = publication_number(home, definition.id, known_at)
    schema = standard_of(home, get_publication(home.serving, registry, number)).schemas[registry]
    key = canonical_key(definition, load_key(home.settings, CANONICAL_KEY))
    identities = list(_identities(name, len(schema.identity)))
    own = [str(minted(key, parts)) for parts in identities]
    found, is_held = _entity_named(home, schema, name, identities, own, number)
    if found != name and not (is_held and found in own):
        # Who comes under an identifier may come into the entity of another one, and who is kept apart from it may show it in a row.
        linked = _linked_by(home, registry, own, number)
        found = linked[0] if linked and found not in linked else found
    if found is None:
        wanted = "/".join(schema.identity)
        is_newest = number == published(home.serving, registry).number
        reason = f"no such entity in {registry}" if is_newest else f"publication {number} of {registry} knew no such entity"
        raise NoSuchEntity(reason, hint=f"give a canonical id, or {wanted}")
    return successor(home.serving, schema, found, number)


def _identities(name: str, parts: int) -> Iterator[tuple[str, ...]]:
    """What a name may mean as an identifier of so many parts: each of them may have the separator in it, as types and numbers of certificates do."""
    pieces = name.split("/", _MOST_PIECES - 1)
    for cuts in combinations(range(1, len(pieces)), parts - 1):
        yield tuple("/".join(pieces[start:end]) for start, end in pairwise((0, *cuts, len(pieces))))


def _entity_named(
    home: Home, schema: Schema, name: str, identities: Sequence[tuple[str, ...]], own: Sequence[str], number: int
) -> tuple[str | None, bool]:
    """The id that a name is or was best known as, and whether a row of it holds."""
    values: dict[str, Any] = {"name": name, "n": number}
    is_own = f"_canonical_id IN ({', '.join(f':own{way}' for way in range(len(own)))})" if own else "1 = 0"
    ways = ["_canonical_id = :name", is_own]
    for way, parts in enumerate(identities):
        ways.append("(" + " AND ".join(f"{element} = :p{way}_{i}" for i, element in enumerate(schema.identity)) + ")")
        values |= {f"p{way}_{i}": part for i, part in enumerate(parts)}
    values |= {f"own{way}": canonical_id for way, canonical_id in enumerate(own)}
    query = (
        f"SELECT _canonical_id, CASE WHEN {HELD} THEN 1 ELSE 0 END AS is_held FROM {history_view(schema)} "
        f"WHERE ({' OR '.join(ways)}) AND _publication_from <= :n "
        f"ORDER BY is_held DESC, CASE WHEN {is_own} THEN 0 ELSE 1 END, _publication_from DESC, _canonical_id LIMIT 1"
    )
    with reading(home.serving) as connection:
        row = connection.execute(sa.text(query), values).one_or_none()
    return (None, False) if row is None else (str(row[0]), bool(row[1]))


def _linked_by(home: Home, registry: str, own: Sequence[str], number: int) -> list[str]:
    """The entities of records with an identifier that are placed elsewhere, though nothing keeps them apart from whose it is."""
    if not own:
        return []
    ids = ", ".join(uuid_literal(canonical_id) for canonical_id in own)
    with Engine(home.settings) as engine:
        lines = xref_lines(home, registry, number)
        sql = (
            f"SELECT DISTINCT _canonical_id::varchar FROM {lines} l WHERE _identity IN ({ids}) AND _canonical_id IS NOT NULL "
            f"AND NOT {is_apart('l')} ORDER BY 1"
        )
        return [canonical_id for (canonical_id,) in engine.rows(sql, doing="looking for an identifier")]


HELD = "_publication_from <= :n AND (_publication_to IS NULL OR _publication_to > :n)"
KNOWN = "_known_from <= :n AND (_known_to IS NULL OR _known_to > :n) AND _valid_from <= :day AND _valid_to > :day"


def publication_number(home: Home, registry: str, known_at: int | None) -> int:
    """The publication that is meant. Whoever asks several things about an entity asks for it once, or another publication may come in between.

    Raises RequestError where there is no such one.
    """
    current = published(home.serving, registry).number
    if known_at is not None and not 1 <= known_at <= current:
        raise RequestError(f"{registry} has no publication {known_at}", hint=f"the newest is {current}")
    return known_at or current


def show(home: Home, registry: str, canonical_id: str, at: Moment = NOW) -> dict[str, Any]:
    """The base row of one entity, by default the current one; `_publication_from` is the publication that said it.

    With a day the view of both times answers, which says since when and until when as well. Raises RequestError where nothing is known.
    """
    number = publication_number(home, registry, at.known_at)
    schema = standard_of(home, get_publication(home.serving, registry, number)).schemas[registry]
    values: dict[str, Any] = {"id": canonical_id, "n": number}
    if at.valid_at is None:
        query = sa.text(f"SELECT * FROM {history_view(schema)} WHERE _canonical_id = :id AND {HELD}")
    else:
        # An installation whose last publication is older than the view gets it now.
        ensure_table(home.serving, load_standards().schemas[registry])
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
    """Account for one entity as of a publication (by default the current one), by the standard and the definition of that publication.

    Raises RequestError where the entity or publication does not exist, NotReproduced where the merge does not come out as published.
    """
    publication = get_publication(home.serving, registry, publication_number(home, registry, number))
    standards = standard_of(home, publication)
    definition = definition_at(home.serving, registry, publication.definition_version)
    schema = standards.schemas[registry]
    with Engine(home.settings) as engine:
        links = _links(engine, home, registry, publication.number, canonical_id)
        if not links:
            raise RequestError(f"no entity {canonical_id} in publication {publication.number} of {registry}")
        found = _gather(engine, home, schema, standards, publication.number, links)
        published = _published(engine, home, schema, publication.number, canonical_id)
        answers = _answers(engine, definition, standards, found, published)
    told = (publication.published_at, publication.actor, publication.standard_version, publication.definition_version)
    members, seen = [str(link.record_id) for link in links], publication.judgements
    judged = judgements_on(home.serving, registry, members, seen) if seen else []
    placed = tuple(str(link.record_id) for link in links if link.rule in (JUDGED_RULE, JUDGED_APART_RULE))
    return Why(registry, canonical_id, publication.number, *told, answers, tuple(judged), placed)


@dataclass(frozen=True)
class _Link:
    record_id: uuid.UUID
    dataset: int
    rule: str


def _links(engine: Engine, home: Home, registry: str, number: int, canonical_id: str) -> list[_Link]:
    """The records of an entity as of a publication: those that ever were, and of them those that still are."""
    table, files = xref_table(registry), files_upto(home.serving, registry, xref_table(registry), number)
    mine = f"_canonical_id = {uuid_literal(canonical_id)}"
    ever = engine.rows(
        f"SELECT DISTINCT _record_id FROM {log_source(home, table, XREF_COLUMNS, files)} WHERE {mine}", doing="reading links"
    )
    now = fold(home, table, XREF_COLUMNS, files, "_record_id", "_publication", Sought(engine, [record_id for (record_id,) in ever]))
    found = engine.rows(f"SELECT _record_id, _dataset, _rule FROM {now} WHERE {mine} ORDER BY _record_id", doing="reading links")
    return [_Link(*row) for row in found]


@dataclass(frozen=True)
class _Found:
    """What the sources have of one entity."""

    contributions: list[Contribution]
    records: list[Record]


def _gather(engine: Engine, home: Home, schema: Schema, standards: Standards, number: int, links: Sequence[_Link]) -> _Found:
    numbers, silent, contributions, records = dataset_numbers(home.catalog), silent_codes(standards), [], []
    for item in inputs_of(home.serving, schema.id, number).values():
        dataset = numbers[item.contract_id]
        mine = {link.record_id: link for link in links if link.dataset == dataset}
        if not mine:
            continue
        batch = batch_at(home.catalog, item.contract_id, item.batch_seq)
        contract = contract_at(home.catalog, item.contract_id, batch.contract_version)
        elements = tuple(schema_elements(contract, schema, standards))
        known = state(home, standardized_table(contract.id), log_columns(contract, standards), batch.seq, Sought(engine, list(mine)))
        engine.run(f"CREATE TABLE contribution_{dataset} AS SELECT 0 AS _canonical_id, * FROM {known}", doing=f"reading {contract.id}")
        everything = Contribution(contract.id, contract.department.id, dataset, elements, f"contribution_{dataset}")
        contribution = keep_best(engine, everything, silent)
        contributions.append(contribution)
        best = engine.value(f"SELECT _record_id FROM {contribution.relation}")
        rows = engine.records(f"SELECT * FROM contribution_{dataset} ORDER BY {best_records_order(elements, silent)}")
        origins = {
            seq: _origin(home, engine, contract.id, seq, [r for r in rows if r["_batch_seq"] == seq])
            for seq in {r["_batch_seq"] for r in rows}
        }
        for row in rows:
            record_id, origin = row["_record_id"], origins[row["_batch_seq"]]
            raw, issues = origin.raw.get((row["_position"], record_id)), origin.issues.get(record_id, {})
            repair = origin.repairs.get(record_id)
            records.append(Record(contract, origin.batch, row, raw, record_id == best, repair, issues, mine[record_id].rule))
    return _Found(contributions, records)


@dataclass(frozen=True)
class _Origin:
    """The batch that examined some records: their rows as received, by place and record, their issues and repairs, by record."""

    batch: Batch
    raw: Mapping[tuple[int, uuid.UUID], dict[str, Any]]
    issues: Mapping[uuid.UUID, dict[str, list[str]]]
    repairs: Mapping[uuid.UUID, Repair]


def _origin(home: Home, engine: Engine, contract_id: str, seq: int, rows: Sequence[Mapping[str, Any]]) -> _Origin:
    """All records of a batch are looked up together: to open its files costs more than to find one row in them."""
    batch, record_ids = batch_at(home.catalog, contract_id, seq), [row["_record_id"] for row in rows]
    return _Origin(
        batch, _raw(engine, home, batch, rows), _issues(engine, home, batch, record_ids), repairs_of(home, engine, batch, record_ids)
    )


def _raw(engine: Engine, home: Home, batch: Batch, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, uuid.UUID], dict[str, Any]]:
    """The rows as received, from the source or as repaired; none where landing has been purged."""
    if not batch_folder(home.settings, batch.contract_id, batch.seq).exists():
        return {}
    places = ", ".join(f"({int(row['_position'])}, {uuid_literal(row['_record_id'])})" for row in rows)
    # By positions alone the engine passes over the parts of the file that have none of them.
    positions = ", ".join(str(int(row["_position"])) for row in rows)
    found = engine.records(
        f"SELECT * FROM {delivered_rows(home, batch)} WHERE _position IN ({positions}) AND (_position, _record_id) IN ({places})",
        doing="reading rows as received",
    )
    return {(row["_position"], row["_record_id"]): row for row in found}


def _issues(engine: Engine, home: Home, batch: Batch, record_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, list[str]]]:
    """What the batch found wrong with the rows and let pass, by record and element."""
    table = standardized_table(batch.contract_id)
    files = [file for file in files_of(home.catalog, table, ("issues",), batch.seq) if file.seq == batch.seq]
    found: dict[uuid.UUID, dict[str, list[str]]] = {}
    if files:
        listed = ", ".join(map(uuid_literal, record_ids))
        rows = f"{log_source(home, f'{table}/issues', ISSUE_COLUMNS, files)} WHERE _record_id IN ({listed})"
        for record_id, about, issue in engine.rows(
            f"SELECT _record_id, element, issue_type FROM {rows} ORDER BY ALL", doing="reading issues"
        ):
            found.setdefault(record_id, {}).setdefault(about, []).append(issue)
    return found


def _published(engine: Engine, home: Home, schema: Schema, number: int, canonical_id: str) -> dict[str, Any]:
    base_rows = engine.records(f"SELECT * FROM {base_state(home, schema, number, only=Sought(engine, [uuid.UUID(canonical_id)]))}")
    if len(base_rows) != 1:
        raise RequestError(f"no entity {canonical_id} in publication {number} of {schema.id}")
    return base_rows[0]


def _answers(
    engine: Engine, definition: RegistryDefinition, standards: Standards, found: _Found, published: dict[str, Any]
) -> tuple[Answer, ...]:
    schema, provinces, silent = standards.schemas[definition.id], provinces_of(standards), silent_codes(standards)
    elements = [element.id for element in schema.elements]
    rows = merged(definition, supplied(elements, found.contributions), found.contributions, provinces, silent)
    (merge,) = engine.records(rows, doing="merging again")
    again = dict.fromkeys(elements) | merge
    compared = [*elements, COLUMN] if definition.several else elements
    differing = [name for name in compared if again[name] != published[name]]
    if differing:
        raise NotReproduced(f"{', '.join(differing)} of {published['_canonical_id']} came out otherwise than published")
    return answers_of(MergedAgain(definition, found.contributions, provinces, silent, again), schema, found.records)

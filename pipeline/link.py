"""Link: records without an identifier are compared with the entities that are published, and with each other.

First by codes that entities had before their identifier (`pipeline.publication.earlier_codes`), then by a model. What these are sure of
becomes a judgement and counts from the next publication on; what they are not sure of waits for a person. Entities are not compared among
themselves, so the work follows the records that wait. A record that two entities are equally likely for is a person's to decide
(`registries.linkage.verdicts`), and what is judged is not judged again, until a record of the pair changes (`pipeline.publication.renewing`).
"""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.datasets import contracts_in_force, dataset_numbers
from core.engine import Engine, literal, quote, uuid_literal
from core.errors import RequestError
from core.leases import holding
from pipeline.home import Home, open_home
from pipeline.publication.base import base_state
from pipeline.publication.earlier_codes import CODE_KEY, CODED, HAVING, SHOWN, Codes
from pipeline.publication.offering import pair_of
from pipeline.publication.placing import JUDGED_APART_RULE, JUDGED_RULE
from pipeline.publication.unidentified import unidentified
from pipeline.resolve import last_entities, xref_lines
from pipeline.state import Sought
from registries.candidates import Candidate, drop, found_by_versions, offer
from registries.definition import get_definition
from registries.judgements import DIFFERENT, HUMAN, SAME, Decision, Judgement, Side, judge, judgements_on
from registries.linkage.model import Trained, load_trained
from registries.publications import latest, seen_before
from registries.tables import lease
from standards.loader import load_standards
from standards.model import Schema, Standards

UNLINKED, KNOWN, STAND_INS, PAIRS = "unlinked", "known", "stand_ins", "pairs"
TO_KNOWN, EACH_OTHER = "to_known", "to_each_other"


@dataclass(frozen=True)
class Linked:
    """What was found for the records of a registry that waited: pairs judged the same, and pairs that a person has to decide."""

    registry: str
    model: str | None
    unlinked: int
    judged: int
    offered: int


def link(registry: str, home: Home | None = None) -> Linked:
    """Look for the entities of records without an identifier. Nothing is loaded where there are none, or neither codes nor a model."""
    home = home or open_home()
    definition, standards = get_definition(registry), load_standards()
    number, model = latest(home.serving, registry).number, model_of(registry, home)
    found = Linked(registry, model.parameters.name if model else None, 0, 0, 0)
    if not number or not (model or definition.earlier_codes):
        return found
    with holding(home.serving, lease, f"linking/{registry}", home.settings.actor), Engine(home.settings) as engine:
        codes = Codes(home, definition, standards.schemas[registry], standards, number, xref_lines(home, registry, number))
        found = _link_by_codes(engine, codes, found)
        return _link_by_model(engine, codes, model, found) if model else found


def model_of(registry: str, home: Home) -> Trained | None:
    """What the registry's model has learned, if it has one and it has learned anything."""
    try:
        return load_trained(registry, home.settings.home)
    except RequestError:
        return None


def _link_by_codes(engine: Engine, codes: Codes, found: Linked) -> Linked:
    """Judge records whose earlier code only one entity has; those of several are for a person. Table `coded`: both, as neither is the model's.

    Whom a person has parted from all that have the code, the model still compares.
    """
    engine.run(f"CREATE TABLE {CODED} (_record_id UUID)")
    offered: set[str] = set()
    for rule in codes.definition.earlier_codes:
        pairs: list[tuple[bool, Candidate]] = []
        if codes.find(engine, rule):
            silent = f"({CODE_KEY}, code) NOT IN (SELECT (_key, code) FROM {SHOWN})"
            _stand_in(engine, codes, f"SELECT _canonical_id, code FROM {HAVING}", silent)
            columns = "h._record_id::varchar, _dataset, s._record_id::varchar, _of, is_alone"
            rows = engine.rows(f"SELECT {columns} FROM {HAVING} h JOIN {STAND_INS} s USING (_canonical_id, code) ORDER BY ALL")
            pairs = [(is_alone, Candidate(Side(left, of), Side(right, to), rule.name, rule.bits)) for left, of, right, to, is_alone in rows]
        decisions, candidates = _settle(engine, codes, rule.name, pairs)
        _put_away(engine, {item.left.record_id for item in decisions})
        offered |= {item.left.record_id for item in candidates}
        found = replace(found, judged=found.judged + len(decisions), offered=found.offered + len(candidates))
    # Another code may tell what one leaves open; a likeness may not.
    _put_away(engine, offered)
    return replace(found, unlinked=engine.value(f"SELECT count(DISTINCT _record_id) FROM {CODED}"))


def _put_away(engine: Engine, record_ids: Collection[str]) -> None:
    if record_ids:
        engine.run(f"INSERT INTO {CODED} VALUES {', '.join(f'({uuid_literal(name)})' for name in sorted(record_ids))}")


def _link_by_model(engine: Engine, codes: Codes, model: Trained, found: Linked) -> Linked:
    home, schema = codes.home, codes.schema
    _read_unlinked(engine, home, schema, codes.standards, model, codes.lines)
    waiting = engine.value(f"SELECT count(*) FROM {UNLINKED}")
    if not waiting:
        return found
    find_entities(engine, home, schema, model, codes.number)
    _stand_in(engine, codes, f"SELECT right_record AS _canonical_id, NULL::varchar AS code FROM {TO_KNOWN}")
    _pair(engine)
    decisions, candidates = _settle(engine, codes, str(found.model), list(_pairs(engine, model, str(found.model))))
    return replace(found, unlinked=found.unlinked + waiting, judged=found.judged + len(decisions), offered=found.offered + len(candidates))


def _read_unlinked(engine: Engine, home: Home, schema: Schema, standards: Standards, model: Trained, lines: str) -> None:
    """Table `unlinked`: live records that have no whole identifier, and that neither a judgement nor an earlier code has placed."""
    read_unidentified(engine, home, schema, standards, model)
    engine.run(f"DELETE FROM {UNLINKED} WHERE _record_id IN (SELECT _record_id FROM {lines})", doing="reading records that wait")
    engine.run(f"DELETE FROM {UNLINKED} WHERE _record_id IN (SELECT _record_id FROM {CODED})")


def read_unidentified(engine: Engine, home: Home, schema: Schema, standards: Standards, model: Trained, only: Sought | None = None) -> None:
    """Table `unlinked`: live records that have no whole identifier; with `only`, those whose ids a query gives."""
    parts = [f"SELECT NULL::uuid AS _record_id, '' AS _dataset, {_texts(model, ())} WHERE false"]
    parts += [
        f"SELECT _record_id, {literal(item.contract_id)} AS _dataset, {_texts(model, item.elements)} FROM ({item.rows})"
        for item in unidentified(home, schema, standards, model.model.elements, only)
    ]
    engine.run(f"CREATE TABLE {UNLINKED} AS {' UNION ALL '.join(parts)}", doing="reading records that wait")


def _texts(model: Trained, having: Container[str]) -> str:
    return ", ".join(
        f"{quote(name)}::varchar AS {quote(name)}" if name in having else f"NULL::varchar AS {quote(name)}" for name in model.model.elements
    )


def find_entities(engine: Engine, home: Home, schema: Schema, model: Trained, number: int) -> None:
    """Tables `to_known` and `to_each_other`: what the model finds for `unlinked`. An entity is compared as it is published, under its own id."""
    from registries.linkage.predict import predict, predict_within

    rows = base_state(home, schema, number, ["_canonical_id", *model.model.elements])
    columns = f"_canonical_id AS _record_id, '' AS _dataset, _canonical_id AS _entity, {_texts(model, model.model.elements)}"
    engine.run(f"CREATE VIEW {KNOWN} AS SELECT {columns} FROM {rows}")
    predict(engine, model, UNLINKED, KNOWN, TO_KNOWN)
    predict_within(engine, model, UNLINKED, EACH_OTHER)


def _stand_in(engine: Engine, codes: Codes, entities: str, last: str = "false") -> None:
    """Table `stand_ins`: for each of the `entities` (_canonical_id and, where one is looked at, code) one of its own records, one that its
    identifier links, of the best source; those of which `last` holds come behind all others.
    """
    contracts, numbers = contracts_in_force(codes.home.catalog), dataset_numbers(codes.home.catalog)
    ranks = ", ".join(
        f"({numbers[name]}, {literal(name)}, {codes.definition.rank('default', contract.department.id)})"
        for name, (_, contract) in sorted(contracts.items())
    )
    engine.run(
        f"CREATE OR REPLACE TABLE {STAND_INS} AS SELECT _canonical_id, code, _record_id, _of FROM {codes.lines} "
        f"JOIN (VALUES {ranks}) d(_dataset, _of, _rank) USING (_dataset) JOIN (SELECT DISTINCT * FROM ({entities})) USING (_canonical_id) "
        f"QUALIFY row_number() OVER (PARTITION BY _canonical_id, code "
        f"ORDER BY {last}, _rule IN ('{JUDGED_RULE}', '{JUDGED_APART_RULE}'), _rank, _record_id) = 1",
        doing="reading entities",
    )


def _pair(engine: Engine) -> None:
    """Table `pairs` of records: what the model has found, each entity under the record that stands in for it."""
    engine.run(
        f"CREATE TABLE {PAIRS} AS SELECT r.* EXCLUDE (_dataset), l._dataset AS left_dataset, r._dataset AS right_dataset FROM ("
        f"SELECT t.* REPLACE (s._record_id AS right_record), s._of AS _dataset FROM {TO_KNOWN} t JOIN {STAND_INS} s ON _canonical_id = right_record "
        f"UNION ALL BY NAME SELECT t.*, u._dataset FROM {EACH_OTHER} t JOIN {UNLINKED} u ON u._record_id = right_record) r "
        f"JOIN {UNLINKED} l ON l._record_id = left_record ORDER BY score DESC, left_record, right_record",
        doing="comparing records that wait",
    )


def _pairs(engine: Engine, model: Trained, name: str) -> Iterator[tuple[bool, Candidate]]:
    """Every pair that the model has found, and whether it is sure."""
    for row in engine.records(f"SELECT * FROM {PAIRS}"):
        left, right = (Side(str(row[f"{side}_record"]), row[f"{side}_dataset"]) for side in ("left", "right"))
        yield row["verdict"] == SAME, Candidate(left, right, name, float(row["score"]), dict(_levels(model, row)))


def _settle(engine: Engine, codes: Codes, name: str, found: Sequence[tuple[bool, Candidate]]) -> tuple[list[Decision], list[Candidate]]:
    """Judge the sure pairs that a rule or model has found, and put the others before a person. What is judged is not judged again, what a person
    took back not without one, and what a person has parted is not asked again.

    Returns what was judged, and the pairs that a person has to decide.
    """
    home, registry = codes.home, codes.definition.id
    told = judgements_on(home.serving, registry, sorted({item.left.record_id for _, item in found}))
    judged = {_pair_of(item) for item in told if item.withdrawn is None}
    known = [item.right.record_id for _, item in found]
    taken = [(item, item.withdrawn.number) for item in told if item.withdrawn and item.withdrawn.method == HUMAN and item.method != HUMAN]
    refused = _of_entities(engine, codes, taken, known)
    parted = [(item, item.number) for item in told if not item.withdrawn and item.method == HUMAN and item.verdict == DIFFERENT]
    answered = _of_entities(engine, codes, parted, known)
    decisions, candidates = [], []
    for is_sure, item in found:
        pair = item.left.record_id, item.right.record_id
        if pair_of(*pair) in judged or pair in answered:
            continue
        if is_sure and pair not in refused:
            decisions.append(Decision(item.left, item.right, SAME, f"{item.score:.1f} bits", item.score, name))
        else:
            candidates.append(item)
    judge(home.serving, registry, decisions, home.settings.actor)
    # Also what an earlier version has found, or other parameters of the model.
    before = found_by_versions(home.serving, registry, name.partition("/")[0])
    drop(home.serving, registry, [(item.left.record_id, item.right.record_id) for item in before])
    offer(home.serving, registry, candidates)
    return decisions, candidates


def _pair_of(item: Judgement) -> tuple[str, str]:
    return item.left.record_id, item.right.record_id


def _of_entities(engine: Engine, codes: Codes, said: Iterable[tuple[Judgement, int]], known: Collection[str]) -> set[tuple[str, str]]:
    """The pairs of which something was said by a fact of that number, each both ways round, and the same with whichever of the `known` records
    stands in for the entity: the one that was meant then, or the record's own now.
    """
    home, registry = codes.home, codes.definition.id
    meant = [(pair, number) for item, number in said for pair in (_pair_of(item), _pair_of(item)[::-1])]
    if not meant:
        return set()
    ids = {right for (_, right), _ in meant}
    now = last_entities(engine, home, registry, codes.number, ids.union(known))
    before = {number: seen_before(home.serving, registry, number) for _, number in meant}
    then = {number: last_entities(engine, home, registry, number, ids) for number in set(before.values()) if number}
    entities = {(left, at.get(right)) for (left, right), number in meant for at in (now, then.get(before[number], {}))}
    of_entity: dict[str | None, list[str]] = {}
    for name in known:
        if name in now:
            of_entity.setdefault(now[name], []).append(name)
    return {pair for pair, _ in meant} | {(left, name) for left, entity in entities for name in of_entity.get(entity, ())}


def _levels(model: Trained, row: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int | None, float]]]:
    for comparison in model.model.comparisons:
        yield comparison.id, (row[f"level_{comparison.id}"], round(float(row[f"weight_{comparison.id}"] or 0), 2))

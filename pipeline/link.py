"""Link: records without an identifier are compared with the entities that are published, and with each other.

What a model is sure of becomes a judgement and counts from the next publication on; what it is not sure of waits for a person. Entities are
not compared among themselves, so the work follows the records that wait. A record that two entities are equally likely for is a person's to
decide (`registries.linkage.verdicts`), and what is judged is not judged again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.datasets import contracts_in_force, dataset_numbers
from core.engine import Engine, literal, quote
from core.errors import RequestError
from core.leases import holding
from pipeline.base import base_state
from pipeline.home import Home, open_home
from pipeline.offering import pair_of
from pipeline.placing import JUDGED_APART_RULE, JUDGED_RULE
from pipeline.resolve import xref_lines
from pipeline.state import log_columns, standardized_table, state
from registries.candidates import Candidate, drop, found_by, offer
from registries.definition import RegistryDefinition, get_definition
from registries.judgements import SAME, Decision, Side, judge, judgements_on
from registries.linkage.model import Trained, load_trained
from registries.publications import latest
from registries.tables import lease
from standards.loader import load_standards
from standards.model import Schema, Standards

UNLINKED, KNOWN, STAND_INS, PAIRS = "unlinked", "known", "stand_ins", "pairs"


@dataclass(frozen=True)
class Linked:
    """What was found for the records of a registry that waited: pairs judged the same, and pairs that a person has to decide."""

    registry: str
    model: str | None
    unlinked: int
    judged: int
    offered: int


def link(registry: str, home: Home | None = None) -> Linked:
    """Look for the entities of records without an identifier. Nothing is loaded where there are none, or no model for the registry."""
    home = home or open_home()
    definition, standards = get_definition(registry), load_standards()
    number = latest(home.serving, registry).number
    try:
        model = load_trained(registry, home.settings.home)
    except RequestError:
        return Linked(registry, None, 0, 0, 0)
    name = f"{model.model.id}/{model.model.version}"
    if not number:
        return Linked(registry, name, 0, 0, 0)
    with holding(home.serving, lease, f"linking/{registry}", home.settings.actor), Engine(home.settings) as engine:
        lines = xref_lines(home, registry, number)
        _read_unlinked(engine, home, standards.schemas[registry], standards, model, lines)
        waiting = engine.value(f"SELECT count(*) FROM {UNLINKED}")
        if not waiting:
            return Linked(registry, name, 0, 0, 0)
        _find(engine, home, standards.schemas[registry], model, number)
        _stand_in(engine, home, definition, lines)
        judged, offered = _write(engine, home, registry, model, name)
    return Linked(registry, name, waiting, judged, offered)


def _read_unlinked(engine: Engine, home: Home, schema: Schema, standards: Standards, model: Trained, lines: str) -> None:
    """Table `unlinked`: live records that have no whole identifier, and that no judgement has placed."""
    parts = [f"SELECT NULL::uuid AS _record_id, '' AS _dataset, {_texts(model, {})} WHERE false"]
    for contract_id, (_, contract) in sorted(contracts_in_force(home.catalog).items()):
        if schema.id not in contract.feeds or contract.sharing.sharing_class == "none":
            continue
        columns = log_columns(contract, standards)
        wanted = {name: columns[name] for name in (*schema.identity, *model.model.elements) if name in columns}
        missing = " OR ".join(f"{quote(name)} IS NULL" for name in schema.identity) if set(schema.identity) <= columns.keys() else "true"
        rows = state(home, standardized_table(contract_id), {"_record_id": "UUID", **wanted})
        parts.append(f"SELECT _record_id, {literal(contract_id)} AS _dataset, {_texts(model, wanted)} FROM {rows} WHERE {missing}")
    engine.run(f"CREATE TABLE {UNLINKED} AS {' UNION ALL '.join(parts)}", doing="reading records that wait")
    engine.run(f"DELETE FROM {UNLINKED} WHERE _record_id IN (SELECT _record_id FROM {lines})", doing="reading records that wait")


def _texts(model: Trained, having: Mapping[str, str]) -> str:
    return ", ".join(
        f"{quote(name)}::varchar AS {quote(name)}" if name in having else f"NULL::varchar AS {quote(name)}" for name in model.model.elements
    )


def _find(engine: Engine, home: Home, schema: Schema, model: Trained, number: int) -> None:
    """Tables `to_known` and `to_each_other`: what the model finds. An entity is compared as it is published, under its own id."""
    from registries.linkage.predict import predict, predict_within

    rows, texts = base_state(home, schema, number, ["_canonical_id", *model.model.elements]), dict.fromkeys(model.model.elements, "")
    engine.run(
        f"CREATE VIEW {KNOWN} AS SELECT _canonical_id AS _record_id, '' AS _dataset, _canonical_id AS _entity, {_texts(model, texts)} FROM {rows}"
    )
    predict(engine, model, UNLINKED, KNOWN, "to_known")
    predict_within(engine, model, UNLINKED, "to_each_other")


def _stand_in(engine: Engine, home: Home, definition: RegistryDefinition, lines: str) -> None:
    """Table `pairs` of records: one of its own stands in for each entity found, one that its identifier links, of the best source."""
    contracts, numbers = contracts_in_force(home.catalog), dataset_numbers(home.catalog)
    ranks = ", ".join(
        f"({numbers[name]}, {literal(name)}, {definition.rank('default', contract.department.id)})"
        for name, (_, contract) in sorted(contracts.items())
    )
    engine.run(
        f"CREATE TABLE {STAND_INS} AS SELECT _canonical_id, _record_id, _of FROM {lines} JOIN (VALUES {ranks}) d(_dataset, _of, _rank) "
        "USING (_dataset) WHERE _canonical_id IN (SELECT right_record FROM to_known) "
        f"QUALIFY row_number() OVER (PARTITION BY _canonical_id ORDER BY _rule IN ('{JUDGED_RULE}', '{JUDGED_APART_RULE}'), _rank, _record_id) = 1",
        doing="reading entities",
    )
    engine.run(
        f"CREATE TABLE {PAIRS} AS SELECT r.* EXCLUDE (_dataset), l._dataset AS left_dataset, r._dataset AS right_dataset FROM ("
        f"SELECT t.* REPLACE (s._record_id AS right_record), s._of AS _dataset FROM to_known t JOIN {STAND_INS} s ON _canonical_id = right_record "
        f"UNION ALL BY NAME SELECT t.*, u._dataset FROM to_each_other t JOIN {UNLINKED} u ON u._record_id = right_record) r "
        f"JOIN {UNLINKED} l ON l._record_id = left_record ORDER BY score DESC, left_record, right_record",
        doing="comparing records that wait",
    )


def _write(engine: Engine, home: Home, registry: str, model: Trained, name: str) -> tuple[int, int]:
    """What is judged is not judged again."""
    decisions, candidates = [], []
    found = engine.records(f"SELECT * FROM {PAIRS}")
    judged = _judged(home, registry, sorted({str(row["left_record"]) for row in found}))
    for row in found:
        left, right = (Side(str(row[f"{side}_record"]), row[f"{side}_dataset"]) for side in ("left", "right"))
        if pair_of(left.record_id, right.record_id) in judged:
            continue
        if row["verdict"] == SAME:
            decisions.append(Decision(left, right, SAME, f"{row['score']:.1f} bits", float(row["score"]), name))
        else:
            candidates.append(Candidate(left, right, name, float(row["score"]), dict(_levels(model, row))))
    judge(home.serving, registry, decisions, home.settings.actor)
    drop(home.serving, registry, [(item.left.record_id, item.right.record_id) for item in found_by(home.serving, registry, name)])
    offer(home.serving, registry, candidates)
    return len(decisions), len(candidates)


def _judged(home: Home, registry: str, record_ids: Sequence[str]) -> set[tuple[str, str]]:
    standing = (item for item in judgements_on(home.serving, registry, record_ids) if item.withdrawn is None)
    return {(item.left.record_id, item.right.record_id) for item in standing}


def _levels(model: Trained, row: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int | None, float]]]:
    for comparison in model.model.comparisons:
        yield comparison.id, (row[f"level_{comparison.id}"], round(float(row[f"weight_{comparison.id}"] or 0), 2))

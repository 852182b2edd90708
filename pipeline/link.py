"""Link: records without an identifier are compared with the entities that are published, and with each other.

What a model is sure of becomes a judgement and counts from the next publication on; what it is not sure of waits for a person. Entities are
not compared among themselves, so the work follows the records that wait. A record that two entities are equally likely for is a person's to
decide (`registries.linkage.verdicts`), and what is judged is not judged again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.datasets import contracts_in_force, dataset_numbers
from core.engine import Engine, literal, quote
from core.errors import RequestError
from core.leases import holding
from pipeline.base import base_state
from pipeline.home import Home, open_home
from pipeline.placing import JUDGED_RULE
from pipeline.resolve import xref_lines
from pipeline.state import log_columns, standardized_table, state
from registries.candidates import Candidate, drop, found_by, offer
from registries.definition import RegistryDefinition, get_definition
from registries.judgements import SAME, Decision, Side, facts, judge, newest
from registries.linkage.model import Trained, load_trained
from registries.publications import latest
from registries.tables import lease
from standards.loader import load_standards
from standards.model import Schema, Standards

UNLINKED, KNOWN, LINES, PAIRS = "unlinked", "known", "lines", "pairs"


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
        engine.run(f"CREATE TABLE {LINES} AS SELECT * FROM {xref_lines(home, registry, number)}", doing="reading links")
        _read_unlinked(engine, home, standards.schemas[registry], standards, model)
        waiting = engine.value(f"SELECT count(*) FROM {UNLINKED}")
        if not waiting:
            return Linked(registry, name, 0, 0, 0)
        _read_known(engine, home, definition, standards.schemas[registry], model, number)
        _compare(engine, home, registry, model)
        judged, offered = _write(engine, home, registry, model, name)
    return Linked(registry, name, waiting, judged, offered)


def _read_unlinked(engine: Engine, home: Home, schema: Schema, standards: Standards, model: Trained) -> None:
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
    engine.run(
        f"CREATE TABLE {UNLINKED} AS SELECT * FROM ({' UNION ALL '.join(parts)}) WHERE _record_id NOT IN (SELECT _record_id FROM {LINES})",
        doing="reading records that wait",
    )


def _texts(model: Trained, having: Mapping[str, str]) -> str:
    return ", ".join(
        f"{quote(name)}::varchar AS {quote(name)}" if name in having else f"NULL::varchar AS {quote(name)}" for name in model.model.elements
    )


def _read_known(engine: Engine, home: Home, definition: RegistryDefinition, schema: Schema, model: Trained, number: int) -> None:
    """Table `known`: every entity as it is published, under one of its records: one that its identifier links, of the best source.

    It is no record of that source, so its `_dataset` is none; the record's stands in `_of`.
    """
    contracts, numbers = contracts_in_force(home.catalog), dataset_numbers(home.catalog)
    ranks = ", ".join(
        f"({numbers[name]}, {literal(name)}, {definition.rank('default', contract.department.id)})"
        for name, (_, contract) in sorted(contracts.items())
    )
    rows = base_state(home, schema, number, ["_canonical_id", *model.model.elements])
    engine.run(
        f"CREATE TABLE {KNOWN} AS SELECT r._record_id, '' AS _dataset, r._of, _canonical_id AS _entity, "
        f"{_texts(model, dict.fromkeys(model.model.elements, ''))} FROM {rows} JOIN (SELECT _canonical_id, _record_id, _of FROM {LINES} "
        f"JOIN (VALUES {ranks}) d(_dataset, _of, _rank) USING (_dataset) "
        f"QUALIFY row_number() OVER (PARTITION BY _canonical_id ORDER BY _rule = {literal(JUDGED_RULE)}, _rank, _record_id) = 1) r "
        "USING (_canonical_id)",
        doing="reading entities",
    )


def _compare(engine: Engine, home: Home, registry: str, model: Trained) -> None:
    """Table `pairs`: what is found and not yet judged."""
    from registries.linkage.predict import predict, predict_within

    predict(engine, model, UNLINKED, KNOWN, "to_known")
    predict_within(engine, model, UNLINKED, "to_each_other")
    engine.register("facts", facts(home.serving, registry, newest(home.serving, registry)))
    pair = "least(p.left_record, p.right_record), greatest(p.left_record, p.right_record)"
    standing = (
        "SELECT left_record::uuid, right_record::uuid FROM facts WHERE withdraws IS NULL "
        "AND number NOT IN (SELECT withdraws FROM facts WHERE withdraws IS NOT NULL)"
    )
    engine.run(
        f"CREATE TABLE {PAIRS} AS SELECT p.*, l._dataset AS left_dataset, coalesce(k._of, u._dataset) AS right_dataset "
        "FROM (SELECT * FROM to_known UNION ALL BY NAME SELECT * FROM to_each_other) p "
        f"JOIN {UNLINKED} l ON l._record_id = left_record LEFT JOIN {KNOWN} k ON k._record_id = right_record "
        f"LEFT JOIN {UNLINKED} u ON u._record_id = right_record WHERE ({pair}) NOT IN ({standing}) ORDER BY score DESC, left_record, right_record",
        doing="comparing records that wait",
    )


def _write(engine: Engine, home: Home, registry: str, model: Trained, name: str) -> tuple[int, int]:
    decisions, candidates = [], []
    for row in engine.records(f"SELECT * FROM {PAIRS}"):
        left, right = (Side(str(row[f"{side}_record"]), row[f"{side}_dataset"]) for side in ("left", "right"))
        if row["verdict"] == SAME:
            decisions.append(Decision(left, right, SAME, f"{row['score']:.1f} bits", float(row["score"]), name))
        else:
            candidates.append(Candidate(left, right, name, float(row["score"]), dict(_levels(model, row))))
    judge(home.serving, registry, decisions, home.settings.actor)
    drop(home.serving, registry, [(item.left.record_id, item.right.record_id) for item in found_by(home.serving, registry, name)])
    offer(home.serving, registry, candidates)
    return len(decisions), len(candidates)


def _levels(model: Trained, row: Mapping[str, Any]) -> Iterator[tuple[str, tuple[int | None, float]]]:
    for comparison in model.model.comparisons:
        yield comparison.id, (row[f"level_{comparison.id}"], round(float(row[f"weight_{comparison.id}"] or 0), 2))

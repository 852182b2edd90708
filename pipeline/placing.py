"""Placing: the records whose entity is not simply that of their identifier, because somebody or a model has judged, or a conflict stands.

What judgements say together is worked out over the judged records alone; what follows from it for others (an entity that is one with another
now) is a small table of identifiers. Which unchanged records have to be looked at again is told by the difference to the links of the
publication before.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core.digests import SEPARATOR, digest
from core.engine import Engine, literal
from registries.clusters import Cluster, Link, cluster
from registries.judgements import DIFFERENT, HUMAN, SAME, WITHDRAWN

if TYPE_CHECKING:
    import pyarrow as pa

EXAMINED = "examined"  # view: _record_id, _dataset, _live, _identity of all changed records
OLD_LINKS = "old_links"  # table: _record_id, _dataset, _canonical_id, _identity, _rule as published before
APART = "apart"  # table: _record_id, _identity, _rule of records that a conflict keeps apart from their identifier's entity
PLACED = "placed"  # table: _record_id, _canonical_id (null: with nobody), and the _rule by which it then is with nobody
MOVED = "moved"  # table: _identity, _canonical_id of identifiers whose entity is one with another
TOUCHED = "touched"  # table: _record_id, _dataset of unchanged records whose link may be another now
LEFT_OUT = "left_out"  # table: left_record, right_record, left_dataset, right_dataset, method, score of links that contradict others
JUDGED_RULE, VETO_RULE = "judged/1", "veto/1"

_VERDICTS = (
    f"CREATE TABLE verdicts AS WITH active AS (SELECT * FROM facts WHERE verdict <> '{WITHDRAWN}' "
    "AND number NOT IN (SELECT withdraws FROM facts WHERE withdraws IS NOT NULL)), told AS ("
    f"SELECT *, method = '{HUMAN}' AS is_human, min(number) OVER (PARTITION BY left_record, right_record, verdict) AS since, "
    # A person's newest word counts before a model's.
    f"row_number() OVER (PARTITION BY left_record, right_record ORDER BY method = '{HUMAN}' DESC, number DESC) AS place FROM active) "
    "SELECT * FROM told WHERE place = 1"
)


def place(engine: Engine, facts: "pa.Table", datasets: Mapping[str, tuple[int, int]], key: Mapping[str, str]) -> None:
    """Leave `placed`, `moved`, `touched` and `left_out`. `examined`, `old_links` and `apart` are there.

    `facts`: what is judged; `datasets`: number and rank of each one that takes part; `key` binds `$canonical_key`.
    """
    _read(engine, facts, datasets)
    records = {
        name: (identity, rank) for name, identity, rank in engine.rows("SELECT _record_id::varchar, _identity::varchar, _rank FROM judged")
    }
    verdicts = engine.rows("SELECT left_record, right_record, verdict, coalesce(score, 0), is_human, since FROM verdicts")
    links = [
        Link("human" if human else "model", left, right, 0.0 if human else score, since)
        for left, right, verdict, score, human, since in verdicts
        if verdict == SAME
    ]
    links += [Link("identifier", name, identity, rank=rank) for name, (identity, rank) in records.items() if identity is not None]
    clusters = cluster(records, links, [(left, right) for left, right, verdict, *_ in verdicts if verdict == DIFFERENT])
    _keep(engine, clusters.found, key)
    _keep_left_out(engine, clusters.left_out)
    _touch(engine)


def _read(engine: Engine, facts: "pa.Table", datasets: Mapping[str, tuple[int, int]]) -> None:
    """Tables `verdicts` (what counts of each pair) and `judged` (every record ever judged, with its identifier as it is now)."""
    engine.register("facts", facts)
    engine.run(_VERDICTS, doing="reading judgements")
    known = ", ".join(f"({literal(name)}, {number}, {rank})" for name, (number, rank) in datasets.items()) or "('', 0, 0)"
    engine.run(
        "CREATE TABLE judged AS SELECT r._record_id, d._dataset, coalesce(d._rank, 0) AS _rank, CASE WHEN a._record_id IS NULL THEN "
        "CASE WHEN x._record_id IS NOT NULL THEN x._identity ELSE o._identity END END AS _identity "
        "FROM (SELECT left_record::uuid AS _record_id, left_dataset AS contract FROM facts "
        f"UNION SELECT right_record::uuid, right_dataset FROM facts) r LEFT JOIN (VALUES {known}) d(contract, _dataset, _rank) USING (contract) "
        f"LEFT JOIN {EXAMINED} x USING (_record_id) LEFT JOIN {OLD_LINKS} o USING (_record_id) LEFT JOIN {APART} a USING (_record_id)",
        doing="reading judged records",
    )


def _keep(engine: Engine, found: Sequence[Cluster], key: Mapping[str, str]) -> None:
    """Tables `placed` and `moved`.

    An entity without an identifier is named after the first judgement that made it one: whoever joins it later does not change its id.
    """
    placed = [(name, *_named(item)) for item in found for name in item.records]
    moved = [(name, min(item.keys)) for item in found for name in item.keys if name != min(item.keys)]
    _register(engine, "placed_rows", ("record", "identity", "anchor"), placed)
    _register(engine, "moved_rows", ("identity", "canonical"), moved)
    minted = digest(f"$canonical_key || {SEPARATOR} || 'judged' || {SEPARATOR} || anchor")
    engine.run(
        f"CREATE TABLE {PLACED} AS SELECT record::uuid AS _record_id, CASE WHEN identity IS NOT NULL THEN identity::uuid "
        f"WHEN anchor IS NOT NULL THEN {minted} END AS _canonical_id, coalesce(a._rule, '{VETO_RULE}') AS _rule "
        f"FROM placed_rows LEFT JOIN {APART} a ON a._record_id = record::uuid",
        key,
        doing="placing judged records",
    )
    engine.run(f"INSERT INTO {PLACED} SELECT _record_id, NULL, _rule FROM {APART} WHERE _record_id NOT IN (SELECT _record_id FROM judged)")
    engine.run(f"CREATE TABLE {MOVED} AS SELECT identity::uuid AS _identity, canonical::uuid AS _canonical_id FROM moved_rows")


def _named(item: Cluster) -> tuple[str | None, str | None]:
    return min(item.keys, default=None), item.first.left if item.first else None


def _keep_left_out(engine: Engine, links: Sequence[Link]) -> None:
    """Table `left_out`. An identifier that a person's veto outweighs is no contradiction: that is what the veto is for."""
    _register(engine, "left_out_rows", ("left_record", "right_record"), [(i.left, i.right) for i in links if i.kind != "identifier"])
    engine.run(
        f"CREATE TABLE {LEFT_OUT} AS SELECT left_record, right_record, left_dataset, right_dataset, method, score "
        "FROM left_out_rows JOIN verdicts USING (left_record, right_record)"
    )


def _touch(engine: Engine) -> None:
    """Table `touched`: unchanged records whose published link is not the one that they have now."""
    link = "CASE WHEN p._record_id IS NOT NULL THEN p._canonical_id ELSE coalesce(m._canonical_id, o._identity) END"
    engine.run(
        f"CREATE OR REPLACE TABLE {TOUCHED} AS SELECT _record_id, _dataset FROM (SELECT o._record_id, o._dataset FROM {OLD_LINKS} o "
        f"LEFT JOIN {PLACED} p USING (_record_id) LEFT JOIN {MOVED} m ON m._identity = o._identity "
        f"WHERE {link} IS DISTINCT FROM o._canonical_id UNION SELECT j._record_id, j._dataset FROM judged j JOIN {PLACED} p USING (_record_id) "
        f"WHERE p._canonical_id IS NOT NULL AND j._dataset IS NOT NULL AND j._record_id NOT IN (SELECT _record_id FROM {OLD_LINKS})) "
        f"WHERE _record_id NOT IN (SELECT _record_id FROM {EXAMINED})",
        doing="finding records that judgements touch",
    )


def _register(engine: Engine, name: str, columns: Sequence[str], rows: Sequence[tuple[str | None, ...]]) -> None:
    import pyarrow as pa

    arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(columns))]
    engine.register(name, pa.table(arrays, list(columns)))

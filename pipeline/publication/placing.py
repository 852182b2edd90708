"""Placing: the records whose entity is not simply that of their identifier, because somebody or a model has judged, or a conflict stands.

What judgements say together is worked out over judged records alone, and of those only where something new reaches: a judgement, a changed
record, or an identifier that one has. All others are placed as they were. What follows for records that nobody judged (an entity that is one
with another now) is a small table of identifiers. Which unchanged records have to be looked at again is told by the difference to the links
of the publication before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.digests import SEPARATOR, digest
from core.engine import Engine, literal
from registries.clusters import Cluster, Clusters, Link, cluster
from registries.judgements import DIFFERENT, HUMAN, SAME, WITHDRAWN, Fact

FACTS = "facts"  # view: what is judged, withdrawals included (`registries.judgements.facts`)
EXAMINED = "examined"  # view: _record_id, _dataset, _live, _identity of all changed records
# Table: _record_id, _dataset, _canonical_id, _rule as published before, each with its _identity: of changed and of judged records, of all under
# their identifiers and of those apart; or of all.
OLD_LINKS = "old_links"
APART = "apart"  # table: _record_id, _identity, _rule of records that a conflict keeps apart from their identifier's entity
PLACED = "placed"  # table: _record_id, _canonical_id (null: with nobody), and the _rule by which it then is with nobody
MOVED = "moved"  # table: _identity, _canonical_id of identifiers whose entity is one with another
TOUCHED = "touched"  # table: _record_id, _dataset of unchanged records whose link may be another now
REACHED = "reached"  # table: node, text of the records and identifiers whose placing was worked out
LEFT_OUT = "left_out"  # table: left_record, right_record, left_dataset, right_dataset, method, score of links that contradict others
FREED = "freed"  # the same of those that did so before, among what was reached
# By judgement; by judgement, and by a conflict apart from the entity of its identifier, if it were taken back; a person's word against it.
JUDGED_RULE, JUDGED_APART_RULE, VETO_RULE = "judged/1", "judged-apart/1", "veto/1"

_VERDICTS = (
    f"WITH active AS (SELECT * FROM told WHERE number <= {{upto}} AND verdict <> '{WITHDRAWN}' "
    "AND number NOT IN (SELECT withdraws FROM told WHERE withdraws IS NOT NULL AND number <= {upto})), placed_verdicts AS ("
    f"SELECT *, method = '{HUMAN}' AS is_human, min(number) OVER (PARTITION BY left_record, right_record, verdict) AS since, "
    # A person's newest word counts before a model's.
    f"row_number() OVER (PARTITION BY left_record, right_record ORDER BY method = '{HUMAN}' DESC, number DESC) AS place FROM active) "
    "SELECT * FROM placed_verdicts WHERE place = 1"
)


@dataclass(frozen=True)
class Known:
    """What is judged, `upto` a number, of which the last facts are `renewed` and not written yet; and what the publication before had `seen` of
    it, with its contradictions (None: all is worked out), and how many records it keeps `apart`."""

    upto: int
    seen: int | None
    contradictions: int
    apart: int
    renewed: tuple[Fact, ...] = ()


def place(engine: Engine, known: Known, datasets: Mapping[str, tuple[int | None, int]], key: Mapping[str, str]) -> None:
    """Leave `placed`, `moved`, `touched`, `reached`, `left_out` and `freed`. `facts`, `examined`, `old_links` and `apart` are there.

    `datasets`: number (None: it no longer takes part) and rank of each one; `key` binds `$canonical_key`.
    """
    _read(engine, datasets)
    _reach(engine, known.seen)
    found = _clusters(engine, known.upto, "_identity")
    _keep(engine, found.found, key)
    _keep_left_out(engine, known.upto, found.left_out, LEFT_OUT)
    before = _clusters(engine, known.seen, "_identity_before").left_out if known.seen and known.contradictions else ()
    _keep_left_out(engine, known.seen or 0, before, FREED)
    _touch(engine)


def _clusters(engine: Engine, upto: int, identity: str) -> Clusters:
    """What judgements up to a number and identifiers say of the records that were reached."""
    rows = engine.rows(
        f"SELECT _record_id::varchar, {identity}::varchar, _rank FROM judged SEMI JOIN {REACHED} ON node = _record_id::varchar"
    )
    records = {name: (found, rank) for name, found, rank in rows}
    verdicts = engine.rows(
        f"SELECT left_record, right_record, verdict, coalesce(score, 0), is_human, since FROM ({_VERDICTS.format(upto=upto)})"
    )
    links = [
        Link("human" if human else "model", left, right, 0.0 if human else score, since)
        for left, right, verdict, score, human, since in verdicts
        if verdict == SAME
    ]
    links += [Link("identifier", name, found, rank=rank) for name, (found, rank) in records.items() if found is not None]
    return cluster(records, links, [(left, right) for left, right, verdict, *_ in verdicts if verdict == DIFFERENT])


def _read(engine: Engine, datasets: Mapping[str, tuple[int | None, int]]) -> None:
    """Table `judged`: every record ever judged, with its identifier as it is now and as it was, where that counts."""
    values = [f"({literal(name)}, {'NULL' if number is None else number}::integer, {rank})" for name, (number, rank) in datasets.items()]
    known = ", ".join(values) or "('', 0, 0)"
    engine.run(
        "CREATE TABLE judged AS SELECT r._record_id, d._dataset, coalesce(d._rank, 0) AS _rank, CASE WHEN a._record_id IS NULL THEN "
        "CASE WHEN x._record_id IS NOT NULL THEN x._identity ELSE o._identity END END AS _identity, "
        f"CASE WHEN NOT {is_apart('o')} THEN o._identity END AS _identity_before "
        f"FROM (SELECT left_record::uuid AS _record_id, left_dataset AS contract FROM {FACTS} "
        f"UNION SELECT right_record::uuid, right_dataset FROM {FACTS}) r "
        f"LEFT JOIN (VALUES {known}) d(contract, _dataset, _rank) USING (contract) "
        f"LEFT JOIN {EXAMINED} x USING (_record_id) LEFT JOIN {OLD_LINKS} o USING (_record_id) LEFT JOIN {APART} a USING (_record_id)",
        doing="reading judged records",
    )


def is_apart(links: str) -> str:
    """SQL for a line of the links: a conflict keeps the record apart from the entity of its identifier."""
    return f"({links}._rule = '{JUDGED_APART_RULE}' OR {links}._canonical_id IS NULL AND {links}._rule <> '{VETO_RULE}')"


def apart_lines(own: str, apart: int) -> tuple[str, ...]:
    """The same, each way by itself: what has neither rule is then passed over by whole row groups. No line by the rule `own` is one, and none has
    no entity where no record is `apart`.
    """
    without = f"_rule <> {literal(own)} AND _rule <> '{VETO_RULE}' AND _canonical_id IS NULL"
    return f"_rule = '{JUDGED_APART_RULE}'", *([without] if apart else [])


def _reach(engine: Engine, seen: int | None) -> None:
    """Tables `reached` and, of the facts, `told`: what is connected, by any judgement or identifier there is or was, with anything new."""
    identified = " UNION ALL ".join(
        f"SELECT _record_id::varchar AS node, {name}::varchar AS other FROM judged WHERE {name} IS NOT NULL"
        for name in ("_identity", "_identity_before")
    )
    engine.run(f"CREATE TABLE one_way AS SELECT left_record AS node, right_record AS other FROM {FACTS} UNION {identified}")
    engine.run("CREATE TABLE bonds AS SELECT node, other FROM one_way UNION ALL SELECT other, node FROM one_way")
    new = [
        f"SELECT left_record FROM {FACTS} WHERE number > {seen or 0}",
        f"SELECT node FROM bonds SEMI JOIN {EXAMINED} ON _record_id::varchar = node",
        f"SELECT node FROM bonds SEMI JOIN {EXAMINED} ON _identity::varchar = node",
    ]
    first = "SELECT node FROM bonds" if seen is None else " UNION ".join(new)
    engine.run(
        f"CREATE TABLE {REACHED} AS WITH RECURSIVE found(node) AS ({first} UNION SELECT other FROM found JOIN bonds USING (node)) FROM found",
        doing="finding what judgements reach",
    )
    engine.run(f"CREATE TABLE told AS SELECT * FROM {FACTS} SEMI JOIN {REACHED} ON node = left_record", doing="reading judgements")


def _keep(engine: Engine, found: Sequence[Cluster], key: Mapping[str, str]) -> None:
    """Tables `placed` and `moved`.

    An entity without an identifier is named after the first judgement that made it one: whoever joins it later does not change its id.
    """
    placed, moved = [], []
    for item in found:
        identity, anchor = min(item.keys, default=None), item.first.left if item.first else None
        placed += [(name, identity, anchor) for name in item.records]
        moved += [(name, identity) for name in item.keys if name != identity]
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


def _keep_left_out(engine: Engine, upto: int, links: Sequence[Link], into: str) -> None:
    """A table of links. An identifier that a person's veto outweighs is no contradiction: that is what the veto is for."""
    _register(engine, f"{into}_rows", ("left_record", "right_record"), [(i.left, i.right) for i in links if i.kind != "identifier"])
    engine.run(
        f"CREATE TABLE {into} AS SELECT left_record, right_record, left_dataset, right_dataset, method, score "
        f"FROM {into}_rows JOIN ({_VERDICTS.format(upto=upto)}) USING (left_record, right_record)"
    )


def _touch(engine: Engine) -> None:
    """Table `touched`: unchanged records whose published link is not the one that they have now."""
    link = "CASE WHEN p._record_id IS NOT NULL THEN p._canonical_id ELSE coalesce(m._canonical_id, o._identity) END"
    unjudged = f"o._identity::varchar IN (SELECT node FROM {REACHED}) AND o._record_id NOT IN (SELECT _record_id FROM judged)"
    concerned = f"(p._record_id IS NOT NULL OR {unjudged})"
    engine.run(
        f"CREATE OR REPLACE TABLE {TOUCHED} AS SELECT _record_id, _dataset FROM (SELECT o._record_id, o._dataset FROM {OLD_LINKS} o "
        f"LEFT JOIN {PLACED} p USING (_record_id) LEFT JOIN {MOVED} m ON m._identity = o._identity "
        f"WHERE {concerned} AND {link} IS DISTINCT FROM o._canonical_id "
        f"UNION SELECT j._record_id, j._dataset FROM judged j JOIN {PLACED} p USING (_record_id) "
        f"WHERE p._canonical_id IS NOT NULL AND j._dataset IS NOT NULL AND j._record_id NOT IN (SELECT _record_id FROM {OLD_LINKS})) "
        f"WHERE _record_id NOT IN (SELECT _record_id FROM {EXAMINED})",
        doing="finding records that judgements touch",
    )


def _register(engine: Engine, name: str, columns: Sequence[str], rows: Sequence[tuple[str | None, ...]]) -> None:
    import pyarrow as pa

    arrays = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(columns))]
    engine.register(name, pa.table(arrays, list(columns)))

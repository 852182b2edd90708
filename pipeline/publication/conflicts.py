"""Conflicts: one identifier under which clearly different people or organizations stand. They are taken apart and not merged.

Of an identifier's records, the best source's best one and those that agree with it keep the entity; the others are apart and wait for a
person. A source that gives one identifier to a crowd of names does not know whose it is, so none of those records keeps it. Which elements tell
is data: `conflict` in the definition of a registry. What one side does not say is never a disagreement.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.engine import Engine, literal, quote
from pipeline.publication.placing import APART, EXAMINED, OLD_LINKS, TOUCHED, is_apart
from registries.definition import ConflictRule
from registries.silent import Silent, telling

DISPUTED = "disputed"  # table: _record_id, _dataset and `anchor`, `anchor_dataset`: who keeps the entity, if anybody does
SUSPECTS = "suspects"  # table: _identity


@dataclass(frozen=True)
class Source:
    """A dataset's records to look at: relation with `_record_id`, `_live`, `_identity`, `_valid_from` and its elements."""

    number: int
    rank: int
    relation: str
    elements: frozenset[str]


def touch_members(engine: Engine) -> None:
    """Table `touched`: unchanged records under an identifier that a changed record has or had."""
    engine.run(
        f"CREATE OR REPLACE TABLE {TOUCHED} AS SELECT _record_id, _dataset FROM {OLD_LINKS} WHERE _identity IN "
        f"(SELECT _identity FROM {EXAMINED} UNION SELECT o._identity FROM {OLD_LINKS} o JOIN {EXAMINED} USING (_record_id)) "
        f"AND _record_id NOT IN (SELECT _record_id FROM {EXAMINED})",
        doing="finding records under the same identifiers",
    )


def find_conflicts(engine: Engine, rule: ConflictRule, sources: Sequence[Source], silent: Silent) -> None:
    """Leave `apart` and `disputed`. What was found earlier holds on for identifiers that nothing has changed about."""
    engine.run(f"CREATE TABLE {APART} (_record_id UUID, _identity UUID, _rule VARCHAR)")
    engine.run(f"CREATE TABLE {DISPUTED} (_record_id UUID, _dataset INTEGER, anchor UUID, anchor_dataset INTEGER)")
    before = f"FROM {OLD_LINKS} o WHERE {is_apart('o')}"
    # Mostly there are none, and then who is examined need not be listed.
    if engine.rows(f"SELECT 1 {before} LIMIT 1"):
        examined = f"(SELECT _record_id FROM {EXAMINED})"
        engine.run(f"INSERT INTO {APART} SELECT _record_id, _identity, {literal(rule.name)} {before} AND _record_id NOT IN {examined}")
    _suspect(engine, rule, sources, silent)
    if not engine.value(f"SELECT count(*) FROM {SUSPECTS}"):
        return
    _gather(engine, rule, sources, silent)
    engine.run(
        f"INSERT INTO {DISPUTED} SELECT m._record_id, m._dataset, a._record_id, a._dataset FROM members m LEFT JOIN anchors a USING (_identity) "
        f"WHERE m.is_crowd OR {_disagree(rule)}",
        doing="taking conflicts apart",
    )
    engine.run(
        f"INSERT INTO {APART} SELECT _record_id, _identity, {literal(rule.name)} FROM members SEMI JOIN {DISPUTED} USING (_record_id)",
        doing="taking conflicts apart",
    )


def _suspect(engine: Engine, rule: ConflictRule, sources: Sequence[Source], silent: Silent) -> None:
    """Table `suspects`: a quick look with few columns, which passes over nearly all identifiers."""
    conditions = []
    if rule.disagree:
        conditions.append(" OR ".join(f"min({quote(name)}) <> max({quote(name)})" for name in rule.disagree[0]))
    if rule.crowd:
        conditions.append(f"count(*) > {rule.crowd.more_than}")
    first = rule.disagree[0] if rule.disagree else ()
    parts = [
        f"SELECT _identity, {', '.join(_columns(first, source, silent)) or 'NULL AS nothing'} FROM {source.relation} WHERE _identity IS NOT NULL"
        for source in sources
        if rule.crowd or not source.elements.isdisjoint(first)
    ]
    rows = " UNION ALL ".join(parts) or "SELECT NULL::uuid AS _identity WHERE false"
    having = f"HAVING {' OR '.join(f'({condition})' for condition in conditions)}" if parts else ""
    engine.run(f"CREATE TABLE {SUSPECTS} AS SELECT _identity FROM ({rows}) GROUP BY _identity {having}", doing="looking for conflicts")


def _gather(engine: Engine, rule: ConflictRule, sources: Sequence[Source], silent: Silent) -> None:
    """Tables `members`, the records of suspects, and `anchors`, which keep the entity: if there is one, a record that says all that tells."""
    parts = [
        f"SELECT _record_id, {source.number} AS _dataset, {source.rank} AS _rank, _identity, _valid_from, "
        f"{', '.join(_columns(rule.elements, source, silent))} "
        f"FROM {source.relation} WHERE _identity IN (SELECT _identity FROM {SUSPECTS})"
        for source in sources
    ]
    crowd = f"crowded > {rule.crowd.more_than}" if rule.crowd else "false"
    names = f"greatest({', '.join(f'count(DISTINCT {quote(name)})' for name in rule.crowd.elements)})" if rule.crowd else "0"
    engine.run(
        f"CREATE TABLE members AS WITH found AS ({' UNION ALL '.join(parts)}), "
        f"named AS (SELECT _identity, _dataset, {names} AS crowded FROM found GROUP BY _identity, _dataset) "
        f"SELECT found.*, {crowd} AS is_crowd FROM found JOIN named USING (_identity, _dataset)",
        doing="looking for conflicts",
    )
    tells_all = (
        " AND ".join(f"coalesce({', '.join(f'{quote(name)}::varchar' for name in group)}) IS NOT NULL" for group in rule.disagree) or "true"
    )
    order = f"({tells_all}) DESC, _rank, _valid_from DESC NULLS LAST, _record_id"
    engine.run(
        f"CREATE TABLE anchors AS SELECT * FROM members WHERE NOT is_crowd QUALIFY row_number() OVER (PARTITION BY _identity ORDER BY {order}) = 1",
        doing="looking for conflicts",
    )


def _columns(elements: Sequence[str], source: Source, silent: Silent) -> list[str]:
    """What a source says of elements: nothing where it has none, or a code that says nothing."""
    said = {name: telling(quote(name), silent.get(name, ())) if name in source.elements else "NULL" for name in elements}
    return [f"{word} AS {quote(name)}" for name, word in said.items()]


def _disagree(rule: ConflictRule) -> str:
    if not rule.disagree:
        return "false"
    groups = [" OR ".join(f"coalesce(m.{quote(name)} <> a.{quote(name)}, false)" for name in group) for group in rule.disagree]
    return " AND ".join(f"({group})" for group in groups)

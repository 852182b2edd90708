"""What became of entities whose records belong to others now: merges, splits and re-keys, with old and new canonical ids.

A canonical id never changes its meaning. Where the identifier of a record is corrected, the record moves to the entity of the right one; what
that means for the two entities is an event of the publication:
`rekey` the old one is gone, and the new one is new and has nobody else's past · `merge` the old one is gone, and its records joined an entity
that there was, or that others joined as well · `split` the records of the old one went to several, or it stays and some of its records are a
new entity now. A record that moves between two entities that both stay makes no event: neither id has lost its entity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.database import reading
from core.errors import RequestError
from core.leases import Lease, writing_under
from registries.tables import identity_event
from registries.versions import ended_table, history_view
from standards.model import Schema

CHUNK = 5_000  # rows per writing transaction


def events_sql(moved: str, difference: str) -> str:
    """SQL for the events: `old_id`, `new_id`, `kind`; from the moves of records (`old`, `new`) and what became of entities (`_op`)."""
    return (
        "SELECT old::varchar AS old_id, new::varchar AS new_id, "
        "CASE WHEN NOT retired OR parts > 1 THEN 'split' WHEN born AND wholes = 1 THEN 'rekey' ELSE 'merge' END AS kind "
        "FROM (SELECT *, count(*) OVER (PARTITION BY old) AS parts, count(*) OVER (PARTITION BY new) AS wholes FROM "
        "(SELECT m.old, m.new, coalesce(o._op = 'delete', false) AS retired, coalesce(n._op = 'insert', false) AS born "
        f"FROM (SELECT DISTINCT old, new FROM {moved} WHERE old <> new) m LEFT JOIN {difference} o ON o._canonical_id = m.old "
        f"LEFT JOIN {difference} n ON n._canonical_id = m.new) WHERE retired OR born) ORDER BY old_id, new_id"
    )


def load_events(serving: sa.Engine, registry: str, number: int, events: Sequence[tuple[str, str, str]], lease: Lease | None = None) -> None:
    """Write the events of a coming publication (old id, new id, kind); invisible until that is committed.

    Raises LeaseHeld where another run has taken the lease meanwhile.
    """
    for start in range(0, len(events), CHUNK):
        rows = [
            {"registry": registry, "number": number, "old_id": old, "new_id": new, "kind": kind}
            for old, new, kind in events[start : start + CHUNK]
        ]
        with writing_under(serving, lease) as connection:
            connection.execute(identity_event.insert(), rows)


def clear_events(serving: sa.Engine, registry: str, number: int, lease: Lease | None = None) -> int:
    """Undo what a publication after `number` has loaded before it died; returns the rows."""
    with writing_under(serving, lease) as connection:
        later = (identity_event.c.registry == registry) & (identity_event.c.number > number)
        return connection.execute(identity_event.delete().where(later)).rowcount


def successor(serving: sa.Engine, schema: Schema, canonical_id: str, number: int) -> str:
    """The entity that an id stands for as of a publication: itself, or what became of it.

    Raises RequestError, naming them, where several became of it, also if some of these are gone since, and where nobody is left.
    """
    with reading(serving) as connection:
        became = _what_became(connection, schema, canonical_id, number)
    living, gone = sorted(became.living), sorted(became.ended)
    if len(living) == 1 and not gone:
        return living[0]
    parts = ", ".join(sorted([*living, *gone]))
    if living and gone:  # who is left of several is not for that whoever was meant
        raise RequestError(f"{canonical_id} has been split into {parts}; deleted since: {', '.join(gone)}", hint="ask for one of these")
    if living:
        raise RequestError(f"{canonical_id} has been split into {parts}", hint="ask for one of these")
    last = max((ended for ended in became.ended.values() if ended is not None), default=None)
    if last is None:
        raise RequestError(f"no entity {canonical_id} in {schema.id}")
    raise RequestError(
        f"{canonical_id} has been deleted from {schema.id} by publication {last}", hint=f"publication {last - 1} still had it"
    )


@dataclass(frozen=True)
class _Became:
    """The entities that hold what an id once stood for, and those at which a way ended: deleted, by which publication (None: never there)."""

    living: Sequence[str]
    ended: Mapping[str, int | None]


def _what_became(connection: sa.Connection, schema: Schema, canonical_id: str, number: int) -> _Became:
    """Go on step by step; ids that several ways lead to are looked at once."""
    held = (
        f"SELECT 1 FROM {history_view(schema)} WHERE _canonical_id = :id AND _publication_from <= :n "
        "AND (_publication_to IS NULL OR _publication_to > :n)"
    )
    living, gone, seen, waiting = list[str](), dict[str, int | None](), {canonical_id}, [canonical_id]
    while waiting:
        asked = waiting.pop()
        if connection.execute(sa.text(held), {"id": asked, "n": number}).scalar():
            living.append(asked)
            continue
        # Only what the last end of an entity said counts: it may have come back, and gone again for good.
        ended = _ended(connection, schema, asked, number)
        query = sa.select(identity_event.c.new_id).where(
            identity_event.c.registry == schema.id, identity_event.c.number == ended, identity_event.c.old_id == asked
        )
        new = set(connection.execute(query).scalars())
        if not new:
            gone[asked] = ended
        waiting += new - seen
        seen |= new
    return _Became(living, gone)


def _ended(connection: sa.Connection, schema: Schema, canonical_id: str, number: int) -> int | None:
    query = f"SELECT max(_publication_to) FROM {ended_table(schema)} WHERE _canonical_id = :id AND _publication_to <= :n"
    found: int | None = connection.execute(sa.text(query), {"id": canonical_id, "n": number}).scalar()
    return found

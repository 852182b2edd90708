"""Who uses a base registry: taken from the audit log, which every read of a record goes through."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.database import reading
from exchange.audit import entity_subject, part_subject
from exchange.tables import audit_entry

# Who decides on pairs of records looks at them for the hub's own sake, and reuses nothing.
_OWN_WORK = ("judge", "review", "review-masked")


@dataclass(frozen=True)
class Reader:
    """Someone who has read records of a registry for a purpose, how often and when last (UTC)."""

    registry: str
    actor: str
    purpose: str
    reads: int
    last: datetime


def readers_of(audit: sa.Engine, registry: str) -> list[Reader]:
    """Everyone in the audit log who has read records or changes of a registry, by purpose, the most frequent first."""
    count = sa.func.count().label("reads")
    starts = (entity_subject(registry, ""), part_subject(registry, ""))
    query = (
        sa.select(audit_entry.c.actor, audit_entry.c.purpose, count, sa.func.max(audit_entry.c.at).label("last"))
        .where(sa.or_(*(audit_entry.c.subject.startswith(start, autoescape=True) for start in starts)))
        .where(audit_entry.c.action.not_in(_OWN_WORK))
        .group_by(audit_entry.c.actor, audit_entry.c.purpose)
        .order_by(count.desc(), audit_entry.c.actor, audit_entry.c.purpose)
    )
    with reading(audit) as connection:
        return [Reader(registry, **row._mapping) for row in connection.execute(query)]

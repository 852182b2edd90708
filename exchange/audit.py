"""The audit call: every read of a person's record by portal, API or command goes through `record`, before the record is shown."""

from typing import Any

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from exchange.tables import audit_entry


def record(audit: sa.Engine, *, actor: str, action: str, subject: str, purpose: str) -> None:
    """Write down who does what with whose record and why. Raises StoreError where it cannot: then nothing may be shown."""
    with writing(audit) as connection:
        connection.execute(audit_entry.insert().values(at=now(), actor=actor, action=action, subject=subject, purpose=purpose))


def entries(audit: sa.Engine, *, subject: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest entries, of one subject if given."""
    query = sa.select(audit_entry).order_by(audit_entry.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit_entry.c.subject == subject)
    with reading(audit) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]

"""The audit call: every read of a person's record by portal, API or command goes through `record`, before the record is shown.

An entry's subject is an entity (`registry/canonical id`), a batch (`dataset@number`), a dataset or a registry. Whoever writes about an
entity names it by `entity_subject`: one question then finds everybody who read it, by whichever door they came.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args
from uuid import UUID

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from exchange.tables import audit_entry
from standards.model import ObjectClass

Kind = Literal["entity", "batch", "dataset", "registry"]


def entity_subject(registry: str, canonical_id: str) -> str:
    """How the log names an entity of a base registry."""
    return f"{registry}/{canonical_id}"


def kind_of(subject: str) -> Kind:
    """What a subject is; a canonical id on its own is an entity as well."""
    if "/" in subject or _is_canonical_id(subject):
        return "entity"
    return "batch" if "@" in subject else "dataset" if "__" in subject else "registry"


def _is_canonical_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _names(subject: str) -> Sequence[str]:
    """Every name under which the log may have a subject: early entries have the canonical id of an entity without its registry."""
    if kind_of(subject) != "entity":
        return [subject]
    registry, _, canonical_id = subject.rpartition("/")
    return [canonical_id, *(entity_subject(name, canonical_id) for name in ([registry] if registry else get_args(ObjectClass)))]


def record(audit: sa.Engine, *, actor: str, action: str, subject: str, purpose: str) -> None:
    """Write down who does what with whose record and why. Raises StoreError where it cannot: then nothing may be shown."""
    with writing(audit) as connection:
        connection.execute(audit_entry.insert().values(at=now(), actor=actor, action=action, subject=subject, purpose=purpose))


def entries(audit: sa.Engine, *, subject: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest entries, of one subject if given; an entity may be given by its canonical id alone."""
    query = sa.select(audit_entry).order_by(audit_entry.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit_entry.c.subject.in_(_names(subject)))
    with reading(audit) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]

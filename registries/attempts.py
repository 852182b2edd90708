"""Attempts that became no publication: stopped by the gate, or ended by an error. What is current stays current."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from core.errors import GateFailed, HubError
from registries.publications import Publication
from registries.tables import publication_attempt

STOPPED, FAILED = "stopped", "failed"
Found = Literal["deleted", "findings"]


@dataclass(frozen=True)
class Attempt:
    """One attempt: the publication that it would have become, why it did not, and what it would have changed (None: it never came to that)."""

    registry: str
    number: int
    at: datetime
    actor: str
    outcome: str
    reason: str
    hint: str
    previous: int
    inserted: int | None
    updated: int | None
    deleted: int | None
    findings: Sequence[Mapping[str, Any]] | None = None


def record_attempt(serving: sa.Engine, before: Publication, actor: str, error: HubError, found: Mapping[str, Any]) -> None:
    """Keep that the publication after `before` did not come about, why, and what was `found`: counts, findings."""
    outcome = STOPPED if isinstance(error, GateFailed) else FAILED
    with writing(serving) as connection:
        connection.execute(
            publication_attempt.insert().values(
                registry=before.registry,
                number=before.number + 1,
                at=now(),
                actor=actor,
                outcome=outcome,
                reason=error.message,
                hint=error.hint,
                previous=before.entities,
                **found,
            )
        )


def standing_attempt(serving: sa.Engine, current: Publication, *, found: Found | None = None) -> Attempt | None:
    """The newest attempt since the current publication, if there is one, or the newest that has found something: how many entities would be
    `deleted`, or `findings`. A good publication settles those before it.
    """
    mine = (publication_attempt.c.registry == current.registry) & (publication_attempt.c.number > current.number)
    if found is not None:
        mine &= publication_attempt.c[found].is_not(sa.null())
    with reading(serving) as connection:
        row = connection.execute(
            sa.select(publication_attempt).where(mine).order_by(publication_attempt.c.id.desc()).limit(1)
        ).one_or_none()
    return None if row is None else Attempt(**{name: getattr(row, name) for name in Attempt.__dataclass_fields__})

"""The audit call: every read of a person's record by portal, API or command goes through `record`, before the record is shown.

An entry's subject is an entity (`registry/canonical id`), a batch (`dataset@number`), a dataset or a registry, whole or the part of it that
was read (`registry#first-last` of its change feed). Whoever writes about an entity names it by `entity_subject`: one question then finds
everybody who read it, by whichever door they came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import category
from uuid import UUID

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from exchange.tables import audit_entry
from standards.loader import load_standards

# Everything that is written down: by portal and API, and by commands.
ACTIONS = (
    *("portal-view-masked", "portal-reveal", "api-view-masked", "api-reveal", "search-without-result"),
    *("show", "why", "show-without-result", "why-without-result"),
    *("changes", "api-changes-masked", "api-changes", "export", "export-masked"),
    *("review", "review-masked", "judge"),
    *("view-quarantine", "view-warnings", "export-quarantine", "export-warnings", "replay", "backup", "standards-diff"),
)
SORTED = ("id", "actor", "action", "subject", "purpose")
LONGEST_PURPOSE, SHORTEST_PURPOSE = 400, 2  # characters: 核验
Kind = Literal["entity", "batch", "dataset", "registry"]


def entity_subject(registry: str, canonical_id: str) -> str:
    """How the log names an entity of a base registry."""
    return f"{registry}/{canonical_id}"


def part_subject(registry: str, part: str) -> str:
    """How the log names many entities at once: by the numbers of their changes, or as a page of the table."""
    return f"{registry}#{part}"


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
    return [canonical_id, *(entity_subject(name, canonical_id) for name in ([registry] if registry else load_standards().schemas))]


class NoPurpose(RequestError):
    """What is given as the purpose is none."""


def record(audit: sa.Engine, *, actor: str, action: str, subject: str, purpose: str) -> None:
    """Write down who does what (one of ACTIONS) with whose record and why.

    Raises StoreError where it cannot, NoPurpose where the purpose is longer than the log holds, or nothing that a reader of the log could see:
    then nothing may be shown.
    """
    if action not in ACTIONS:
        raise ValueError(f"{action} is no action of the audit log")
    if len(purpose) > LONGEST_PURPOSE:
        raise NoPurpose(f"the purpose is longer than {LONGEST_PURPOSE} characters", hint="say it in fewer words")
    if not is_readable(purpose):
        raise NoPurpose(
            "the purpose has to be words that can be read", hint="say in a line why the record is needed, in at least two characters"
        )
    with writing(audit) as connection:
        connection.execute(audit_entry.insert().values(at=now(), actor=actor, action=action, subject=subject, purpose=purpose))


def is_readable(purpose: str) -> bool:
    """Whether it is a line in which a reader of the log sees something."""
    return sum(category(character)[0] not in "CZ" for character in purpose) >= SHORTEST_PURPOSE and not any(map(_is_control, purpose))


def _is_control(character: str) -> bool:
    """Whether it is no character of a line of text: also those that turn the direction of others round."""
    return category(character) == "Cc" or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass(frozen=True)
class Selection:
    """Which entries: about one subject (an entity also by its canonical id alone), of one actor, of one action."""

    subject: str = ""
    actor: str = ""
    action: str = ""

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """As SQL."""
        columns = audit_entry.c
        chosen = [(columns.actor, self.actor), (columns.action, self.action)]
        found = [column == value for column, value in chosen if value]
        if self.subject:
            # Reads of a part of a registry are reads of that registry.
            parts = columns.subject.startswith(part_subject(self.subject, ""), autoescape=True)
            found.append(sa.or_(columns.subject.in_(_names(self.subject)), parts))
        return found


EVERYTHING = Selection()


def entries(
    audit: sa.Engine, which: Selection = EVERYTHING, *, order: str = "id", descending: bool = True, limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """Return entries, the newest first unless asked otherwise."""
    ordered = [audit_entry.c[name].desc() if descending else audit_entry.c[name] for name in dict.fromkeys((order, "id"))]
    query = sa.select(audit_entry).where(*which.conditions()).order_by(*ordered).limit(limit).offset(offset)
    with reading(audit) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def count(audit: sa.Engine, which: Selection = EVERYTHING) -> int:
    """How many entries there are."""
    with reading(audit) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(audit_entry).where(*which.conditions())).scalar_one()


def actors(audit: sa.Engine) -> list[str]:
    """Everyone whom the log names."""
    with reading(audit) as connection:
        return list(connection.execute(sa.select(audit_entry.c.actor).distinct().order_by(audit_entry.c.actor)).scalars())

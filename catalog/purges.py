"""Purges as the catalog keeps them: what was removed, when, by whom and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from catalog.tables import lake_file, purge, purge_item
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from core.leases import Lease


@dataclass(frozen=True)
class Item:
    """One thing that is removed: path below HUB_HOME, its layer, whose it was, why, and what it held."""

    path: str
    layer: str
    subject: str
    reason: str
    files: int
    bytes: int


@dataclass(frozen=True)
class Purge:
    """One purge with everything that it removed."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    actor: str
    files: int
    bytes: int
    notes: list[dict[str, Any]]
    items: tuple[Item, ...]


def start_purge(
    catalog: sa.Engine, lease: Lease, actor: str, items: Sequence[Item], notes: Sequence[dict[str, Any]], unlisted: Sequence[str] = ()
) -> int:
    """Write down what is going to be removed, take lake files off the list, and return the purge's number."""
    with writing(catalog) as connection:
        lease.check(connection)
        number: int = (connection.execute(sa.select(sa.func.max(purge.c.number))).scalar() or 0) + 1
        sums = {"files": sum(item.files for item in items), "bytes": sum(item.bytes for item in items)}
        connection.execute(purge.insert().values(number=number, started_at=now(), actor=actor, notes=list(notes), **sums))
        if unlisted:
            connection.execute(lake_file.delete().where(lake_file.c.path.in_(unlisted)))
        if items:
            connection.execute(purge_item.insert(), [{"number": number, **vars(item)} for item in items])
    return number


def end_purge(catalog: sa.Engine, account: Purge, kept: Sequence[Item] = ()) -> None:
    """Write down that all of it is gone, but for what was kept after all and leaves the account."""
    mine = purge.c.number == account.number
    with writing(catalog) as connection:
        for item in kept:
            connection.execute(purge_item.delete().where(purge_item.c.number == account.number, purge_item.c.path == item.path))
        sums = {"files": account.files - sum(item.files for item in kept), "bytes": account.bytes - sum(item.bytes for item in kept)}
        connection.execute(purge.update().where(mine).values(finished_at=now(), **sums))


def get_purge(catalog: sa.Engine, number: int) -> Purge:
    """Return one purge. Raises RequestError where there is none of that number."""
    with reading(catalog) as connection:
        row = connection.execute(sa.select(purge).where(purge.c.number == number)).one_or_none()
        items = connection.execute(sa.select(purge_item).where(purge_item.c.number == number).order_by(purge_item.c.path)).all()
    if row is None:
        raise RequestError(f"there is no purge {number}", hint="./hub purge makes one")
    return Purge(**row._mapping, items=tuple(Item(*(getattr(item, name) for name in Item.__dataclass_fields__)) for item in items))


def purge_of(catalog: sa.Engine, layer: str, subject: str) -> int | None:
    """The number of the purge that removed something of a layer by its retention; None where none has."""
    which = (purge_item.c.layer == layer, purge_item.c.subject == subject, purge_item.c.reason == "retention")
    with reading(catalog) as connection:
        found: int | None = connection.execute(sa.select(sa.func.max(purge_item.c.number)).where(*which)).scalar()
    return found


def unfinished(catalog: sa.Engine) -> list[Purge]:
    """Return the purges that died before all was gone."""
    with reading(catalog) as connection:
        numbers = (
            connection.execute(sa.select(purge.c.number).where(purge.c.finished_at.is_(None)).order_by(purge.c.number)).scalars().all()
        )
    return [get_purge(catalog, number) for number in numbers]


def latest_purge(catalog: sa.Engine) -> Purge | None:
    """Return the last purge, if there was one."""
    with reading(catalog) as connection:
        number = connection.execute(sa.select(sa.func.max(purge.c.number))).scalar()
    return None if number is None else get_purge(catalog, number)

"""Publications: the only commit point of a base registry. What a publication row names exists; what it does not name does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from catalog.files import LakeFile
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from core.leases import Lease
from core.sums import EMPTY, shown_digest
from registries.judgements import Fact, write_facts
from registries.tables import current_publication, publication, publication_file, publication_input


@dataclass(frozen=True)
class Input:
    """One dataset in one publication: the batch it is pinned to, and its records = linked + unlinked + withheld."""

    contract_id: str
    batch_seq: int
    records: int
    linked: int
    unlinked: int
    withheld: int


@dataclass(frozen=True)
class Publication:
    """One publication of one registry; entities = previous + inserted − deleted.

    `shrink_accepted` is why its actor let more entities disappear than the gate does, `change_accepted` why sources may change that much.
    """

    registry: str
    number: int
    published_at: datetime
    actor: str
    standard_version: str
    definition_version: int
    records: int
    linked: int
    unlinked: int
    withheld: int
    entities: int
    inserted: int
    updated: int
    deleted: int
    digest: str
    seconds: Mapping[str, float]
    shrink_accepted: str | None = None
    identity_events: int = 0
    apart: int = 0
    judgements: int = 0
    contradictions: int = 0
    not_replayable_since: datetime | None = None
    written_by: Mapping[str, Any] | None = None
    change_accepted: str | None = None


def shown(item: Publication) -> dict[str, Any]:
    """A publication as it may be shown; before the first one nothing was published at any time."""
    return {**vars(item), "digest": shown_digest(item.digest, item.entities), "published_at": item.published_at if item.number else None}


def nothing_yet(registry: str) -> Publication:
    """The state before the first publication."""
    return Publication(registry, 0, now(), "", "", 0, 0, 0, 0, 0, 0, 0, 0, 0, EMPTY, {})


def commit(
    serving: sa.Engine, lease: Lease, new: Publication, inputs: Sequence[Input], files: Sequence[LakeFile], judged: Sequence[Fact] = ()
) -> None:
    """Make a publication current: its row, its inputs, its files, what was `judged` for it, and the pointer that readers follow, in one short
    transaction.
    """
    with writing(serving) as connection:
        lease.check(connection)
        write_facts(connection, new.registry, judged)
        connection.execute(publication.insert().values(**vars(new)))
        key = {"registry": new.registry, "number": new.number}
        if inputs:
            connection.execute(publication_input.insert(), [{**key, **vars(item)} for item in inputs])
        if files:
            rows = [{**key, "path": f.path, "table_name": f.table_name, "kind": f.kind, "rows": f.rows} for f in files]
            connection.execute(publication_file.insert(), rows)
        mine = current_publication.c.registry == new.registry
        if connection.execute(current_publication.update().where(mine).values(number=new.number)).rowcount == 0:
            connection.execute(current_publication.insert().values(**key))


def mark_not_replayable(serving: sa.Engine, registry: str, numbers: Sequence[int]) -> None:
    """Write down from when on publications cannot be worked out again; one that is marked keeps its date."""
    mine = (publication.c.registry == registry) & publication.c.number.in_(numbers) & publication.c.not_replayable_since.is_(None)
    with writing(serving) as connection:
        connection.execute(publication.update().where(mine).values(not_replayable_since=now()))


def latest(serving: sa.Engine, registry: str) -> Publication:
    """The current publication, or the empty one before the first."""
    found = history(serving, registry, limit=1)
    return found[0] if found else nothing_yet(registry)


def published(serving: sa.Engine, registry: str) -> Publication:
    """The current publication. Raises RequestError where there is none yet."""
    current = latest(serving, registry)
    if not current.number:
        raise not_published(registry)
    return current


def not_published(registry: str) -> RequestError:
    """What is said to whoever asks for what a registry publishes before it has."""
    return RequestError(
        f"{registry} has not been published yet", hint=f"./hub publish {registry}, after a dataset that feeds it was accepted"
    )


def get_publication(serving: sa.Engine, registry: str, number: int) -> Publication:
    """One publication. Raises RequestError where there is none of that number."""
    query = sa.select(publication).where(publication.c.registry == registry, publication.c.number == number)
    with reading(serving) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise RequestError(f"{registry} has no publication {number}", hint=f"the newest is {published(serving, registry).number}")
    return Publication(**row._mapping)


def seen_before(serving: sa.Engine, registry: str, fact: int) -> int:
    """The number of the last publication that had not yet seen what was judged under a number; 0 where there was none."""
    mine = (publication.c.registry == registry) & (publication.c.judgements < fact)
    with reading(serving) as connection:
        return connection.execute(sa.select(sa.func.max(publication.c.number)).where(mine)).scalar() or 0


def history(serving: sa.Engine, registry: str, limit: int = 100, before: int | None = None) -> list[Publication]:
    """Publications of a registry, newest first; those before one, where it is given."""
    mine = (publication.c.registry == registry) & (publication.c.number < before if before is not None else sa.true())
    query = sa.select(publication).where(mine).order_by(publication.c.number.desc()).limit(limit)
    with reading(serving) as connection:
        return [Publication(**row._mapping) for row in connection.execute(query)]


def inputs_of(serving: sa.Engine, registry: str, number: int) -> dict[str, Input]:
    """The inputs of one publication, by dataset."""
    return _inputs(serving, registry, publication_input.c.number == number).get(number, {})


def inputs_by_publication(serving: sa.Engine, registry: str) -> dict[int, dict[str, Input]]:
    """The inputs of every publication, by its number and by dataset."""
    return _inputs(serving, registry, sa.true())


def _inputs(serving: sa.Engine, registry: str, which: sa.ColumnElement[bool]) -> dict[int, dict[str, Input]]:
    query = sa.select(publication_input).where(publication_input.c.registry == registry, which).order_by(publication_input.c.contract_id)
    found: dict[int, dict[str, Input]] = {}
    with reading(serving) as connection:
        for row in connection.execute(query).mappings():
            found.setdefault(row["number"], {})[row["contract_id"]] = Input(**{name: row[name] for name in Input.__dataclass_fields__})
    return found


def files_upto(serving: sa.Engine, registry: str, table_name: str, number: int) -> list[LakeFile]:
    """Log and compact files of one of the registry's tables, up to and including one publication."""
    query = sa.select(publication_file).where(
        publication_file.c.registry == registry, publication_file.c.table_name == table_name, publication_file.c.number <= number
    )
    with reading(serving) as connection:
        rows: list[Any] = list(connection.execute(query.order_by(publication_file.c.number, publication_file.c.path)))
    return [LakeFile(row.path, row.table_name, row.kind, row.number, row.rows) for row in rows]


def files_of_publication(serving: sa.Engine, registry: str, number: int) -> list[LakeFile]:
    """The files of all tables that one publication added."""
    mine = (publication_file.c.registry == registry) & (publication_file.c.number == number)
    with reading(serving) as connection:
        rows: list[Any] = list(connection.execute(sa.select(publication_file).where(mine).order_by(publication_file.c.path)))
    return [LakeFile(row.path, row.table_name, row.kind, row.number, row.rows) for row in rows]


def all_files(serving: sa.Engine, registry: str) -> set[str]:
    """Paths of every file that a publication of this registry names."""
    with reading(serving) as connection:
        return set(connection.execute(sa.select(publication_file.c.path).where(publication_file.c.registry == registry)).scalars())

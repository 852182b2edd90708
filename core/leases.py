"""Leases: one writer per dataset and per registry.

A lease has an epoch that rises with every acquisition. Whatever the writer commits, also what nobody sees yet, checks in the same transaction
that the epoch is still its own, so a writer that was believed dead and comes back can commit nothing.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.clock import now
from core.database import reading, writing
from core.errors import LeaseHeld
from core.holder import is_alive, is_here, me, words

# A holder on another machine cannot be asked whether it lives; after this time it counts as gone. One on this machine never does while it
# lives.
TIME_TO_LIVE = timedelta(minutes=60)
NOT_AT_ALL = timedelta(0)
LOOK_AGAIN_SECONDS = 0.5
# What this process holds, by database and name. A lease that says it is this process's and is not here could not be given back: the disk
# was full, or the database gone.
_mine: set[tuple[str, str]] = set()


def lease_table(metadata: sa.MetaData) -> sa.Table:
    """The table of leases; it lives in the database whose commits it guards."""
    return sa.Table(
        "lease",
        metadata,
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.String(200)),
        sa.Column("expires_at", sa.DateTime),
    )


@dataclass(frozen=True)
class Lease:
    """A held lease: the name of what may be written, and the epoch under which."""

    table: sa.Table
    name: str
    epoch: int

    def check(self, connection: sa.Connection) -> None:
        """Raise LeaseHeld unless this lease is still the newest; call it inside the committing transaction."""
        # Until this transaction ends nobody takes over: also not from a process that dies while its commit is under way.
        query = sa.select(self.table.c.epoch).where(self.table.c.name == self.name).with_for_update()
        if connection.execute(query).scalar() != self.epoch:
            raise self._lost()

    def begin(self, cursor: Any, dialect: str) -> None:
        """Begin a transaction by a cursor of another driver, and raise LeaseHeld as `check` does."""
        is_sqlite = dialect == "sqlite"
        cursor.execute("BEGIN IMMEDIATE" if is_sqlite else "BEGIN")
        query = f"SELECT epoch FROM {self.table.name} WHERE name = {'?' if is_sqlite else '$1 FOR UPDATE'}"
        cursor.execute(query, (self.name,))
        if cursor.fetchall() != [(self.epoch,)]:
            raise self._lost()

    def _lost(self) -> LeaseHeld:
        return LeaseHeld(f"another run has taken over the writing of {self.name}; nothing of this run was committed")


def held(engine: sa.Engine, table: sa.Table, names: Sequence[str]) -> set[str]:
    """Those of some leases that somebody has who may still be alive."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(table).where(table.c.name.in_(names), table.c.holder.is_not(None))).all()
    return {row.name for row in rows if is_alive(row.holder) and (is_here(row.holder) or row.expires_at > now())}


@contextmanager
def writing_under(engine: sa.Engine, lease: Lease | None) -> Iterator[sa.Connection]:
    """A writing transaction that begins with asking whether the lease is still held, where there is one."""
    with writing(engine) as connection:
        if lease:
            lease.check(connection)
        yield connection


@contextmanager
def holding(engine: sa.Engine, table: sa.Table, name: str, actor: str = "", *, patience: timedelta = NOT_AT_ALL) -> Iterator[Lease]:
    """Hold the lease on `name` for an actor and the time of the block.

    Raises LeaseHeld, naming the holder, where someone alive has it and does not give it back in the time that the caller waits for it.
    """
    lease = _acquire_in_time(engine, table, name, me(actor), patience)
    try:
        yield lease
    finally:
        _mine.discard((str(engine.url), name))
        with writing(engine) as connection:
            mine = (table.c.name == name) & (table.c.epoch == lease.epoch)
            connection.execute(table.update().where(mine).values(holder=None, expires_at=None))


def _acquire_in_time(engine: sa.Engine, table: sa.Table, name: str, holder: str, patience: timedelta) -> Lease:
    until = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return _acquire(engine, table, name, holder)
        except LeaseHeld:
            if time.monotonic() >= until:
                raise
        time.sleep(LOOK_AGAIN_SECONDS)


def _acquire(engine: sa.Engine, table: sa.Table, name: str, holder: str) -> Lease:
    held, is_noted = (str(engine.url), name), False
    try:
        with writing(engine) as connection:
            epoch = _next_epoch(connection, table, name, holder, held)
            # Before the commit: another thread of this process that sees the holder must not take the lease for one that was left behind.
            _mine.add(held)
            is_noted = True
    except BaseException:
        if is_noted:
            _mine.discard(held)
        raise
    return Lease(table, name, epoch)


def _next_epoch(connection: sa.Connection, table: sa.Table, name: str, holder: str, held: tuple[str, str]) -> int:
    """Write the holder down; raises LeaseHeld where someone alive is."""
    query = sa.select(table.c.epoch, table.c.holder, table.c.expires_at).where(table.c.name == name).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        try:
            connection.execute(table.insert().values(name=name, epoch=1, holder=holder, expires_at=now() + TIME_TO_LIVE))
        except sa.exc.IntegrityError:
            raise LeaseHeld(f"{name} is being written by a run that began at the same moment") from None
        return 1
    left = found.holder and found.holder.rpartition("@")[2] == me() and held not in _mine
    if found.holder and not left and is_alive(found.holder) and (is_here(found.holder) or found.expires_at > now()):
        raise LeaseHeld(f"{name} is being written by {words(found.holder)}")
    epoch: int = found.epoch + 1
    connection.execute(table.update().where(table.c.name == name).values(epoch=epoch, holder=holder, expires_at=now() + TIME_TO_LIVE))
    return epoch

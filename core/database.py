"""The hub's own databases through SQLAlchemy: SQLite by default, PostgreSQL by URL.

SQLite runs in WAL mode with a busy timeout; a writing transaction takes the lock at its start (BEGIN IMMEDIATE), so two writers queue
up rather than fail half-way, and a reading one never blocks a writer.
"""

import atexit
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.errors import RequestError, StoreError

BUSY_TIMEOUT_MS = 60_000
PAGE_BYTES = 16_384  # rows of a base table take some 500 bytes: four times SQLite's own page saves a tenth of loading them
MIGRATION_LOCK = 4_817_205  # any number that nobody else uses as an advisory lock


def driver_url(url: str) -> str:
    """Name the driver that the hub ships for a plain `postgresql://` address."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


def open_database(url: str, *, kept: bool = False) -> sa.Engine:
    """Return the engine of a database, one per process and address. Connects on first use, not here.

    Connections to PostgreSQL are kept; those to SQLite where that is asked for, which spares every short transaction half a millisecond.
    The driver of Arrow (ADBC) brings an SQLite of its own, and locks of files are a process's, so neither of the two sees that the other has the
    file open; where both have, one reads what stood there before. A database that is also opened through it must not be kept.
    """
    return _opened(url, kept and url.startswith("sqlite"))


@cache
def _opened(url: str, kept: bool) -> sa.Engine:
    try:
        engine = sa.create_engine(driver_url(url), hide_parameters=True, **_pooling(url, kept))
    except (sa.exc.ArgumentError, ImportError, ValueError):  # their texts quote the address, and with it a password
        raise RequestError(
            "the address of one of the hub's databases cannot be understood",
            hint="see HUB_CATALOG_URL, HUB_SERVING_URL, HUB_AUDIT_URL and HUB_LAKE_URL: postgresql://user:password@host:port/database",
        ) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        if kept:
            _keep_while_it_is_the_same_file(engine)
    return engine


def _pooling(url: str, kept: bool) -> dict[str, Any]:
    if not url.startswith("sqlite"):
        return {"pool_pre_ping": True, "pool_size": 2}
    # Nobody waits for another's connection: SQLite lets readers read side by side.
    return {"poolclass": sa.pool.QueuePool, "pool_size": 2, "max_overflow": -1} if kept else {"poolclass": sa.pool.NullPool}


# The engines that keep connections to SQLite, and what a forked process has of those that were in use when it began: it must neither use nor
# close them. Those that wait are closed before: SQLite would take their locks, which the child does not have, for locks of its own connections,
# and whoever is then the last to close a database folds its log in and removes it under a child that goes on writing there.
_keeping: list[sa.Engine] = []
_inherited: list[sa.Pool] = []


def close_kept() -> None:
    """Close the connections to SQLite that wait for their next use."""
    for engine in _keeping:
        if engine.pool.checkedin():  # type: ignore[attr-defined]
            engine.dispose()


def _leave_to_parent() -> None:
    for engine in _keeping:
        _inherited.append(engine.pool)
        engine.dispose(close=False)


atexit.register(close_kept)
os.register_at_fork(before=close_kept, after_in_child=_leave_to_parent)


def _keep_while_it_is_the_same_file(engine: sa.Engine) -> None:
    """A connection whose file was taken away, or put back from a backup, is not used again."""
    path = Path(engine.url.database or "")

    def file() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def note(_connection: sqlite3.Connection, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["file"] = file()

    def check(_connection: sqlite3.Connection, record: sa.pool.ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["file"] != file():
            raise sa.exc.DisconnectionError

    sa.event.listen(engine, "connect", note)
    sa.event.listen(engine, "checkout", check)
    _keeping.append(engine)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy sends BEGIN itself, see below
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a database that is made now
    _use_wal(connection)
    for pragma in ("synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Where several processes make a database at once, all but one find it locked: SQLite does not wait with this one statement."""
    last = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("hub_reading", False):
        # Of a short look-up, beginning through SQLAlchemy would be a tenth. It asks for no lock, and so cannot fail.
        connection.connection.cursor().execute("BEGIN")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One short writing transaction. Raises StoreError where the database cannot be reached or stays locked."""
    with _translated(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One consistent reading transaction that never waits for a writer. Raises RequestError where what is asked for can be in no column."""
    options: dict[str, Any] = {"hub_reading": True}
    if engine.dialect.name == "postgresql":
        # By itself, every statement there sees what was committed since the one before.
        options["isolation_level"] = "REPEATABLE READ"
    try:
        with _translated(engine), engine.connect().execution_options(**options) as connection:
            yield connection
    except (sa.exc.DataError, OverflowError):  # from the server, and from the driver of SQLite
        raise RequestError(
            "nothing in the database can have such a number or text",
            hint="numbers go up to 2,147,483,647, and no text has the character NUL",
        ) from None


@contextmanager
def _translated(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        place = engine.url.render_as_string(hide_password=True)
        raise StoreError(
            f"the database {place} could not be used ({type(error.orig).__name__})",
            hint="check that it is running and reachable, and that its disk is not full",
            transient=True,
        ) from None
    except sa.exc.DatabaseError as error:
        # Only the class itself: those below it are about a statement, which is the hub's own fault.
        if type(error) is not sa.exc.DatabaseError:
            raise
        place = engine.url.render_as_string(hide_password=True)
        raise StoreError(f"{place} is no database or a damaged one", hint="restore it from the backup") from None


def run_as_written(connection: sa.Connection, statement: str) -> None:
    """Run a statement that binds nothing, whatever characters it has: PostgreSQL's driver takes a per cent sign for the place of a parameter."""
    connection.exec_driver_sql(statement.replace("%", "%%") if connection.dialect.name == "postgresql" else statement)


def migrate(url: str, folder: Path, *, may_make: bool = True) -> None:
    """Bring a database to the newest revision in `folder/versions`; a no-op, without loading Alembic, where it is there already.

    A revision's id is its file's name, so the newest one is known from the listing. Raises StoreError where a newer hub has made the database,
    and where there is none yet though it may not be made.
    """
    newest = max(path.stem for path in (folder / "versions").glob("[0-9]*.py"))
    if _revision(url) == newest:
        return
    with _alone(open_database(url)):
        found = _revision(url)
        if found is not None and not (folder / "versions" / f"{found}.py").exists():
            if other := next(folder.parents[1].glob(f"*/migrations/versions/{found}.py"), None):
                raise StoreError(
                    f"{open_database(url).url.render_as_string()} is the {other.parents[2].name} database of an installation and cannot be its "
                    f"{folder.parent.name} database too",
                    hint="name a database of its own for each: HUB_CATALOG_URL, HUB_SERVING_URL, HUB_AUDIT_URL",
                )
            raise StoreError(
                f"a newer hub has brought the {folder.parent.name} database to {found}; this one knows it up to {newest}",
                hint="use the newer program again, or restore the backup from before the upgrade into an empty HUB_HOME",
            )
        if found is None and not may_make:
            raise StoreError(
                f"the {folder.parent.name} database of this installation is gone: {open_database(url).url.render_as_string()} is empty",
                hint="put it back from a backup (./hub restore into an empty HUB_HOME); what is in landing and lake is lost without it",
            )
        if found != newest:
            _upgrade(url, folder)


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Keep other processes from migrating a PostgreSQL database meanwhile; on SQLite the migration itself takes the lock."""
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        yield


def _upgrade(url: str, folder: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def _revision(url: str) -> str | None:
    engine = open_database(url)
    with reading(engine) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()

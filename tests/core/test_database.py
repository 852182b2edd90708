"""Connections to SQLite that are kept from one transaction to the next, and when they are not."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.database import close_kept, open_database, reading, writing
from core.errors import StoreError
from tests.conftest import both_databases
from tests.factories import Hub


def count(engine: sa.Engine) -> int:
    """How many rows its table has."""
    with reading(engine) as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one())


def insert(engine: sa.Engine) -> None:
    """One more row."""
    with writing(engine) as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))


def made(path: Path) -> sa.Engine:
    """A database with a table of one row, on connections that are kept."""
    engine = open_database(f"sqlite:///{path}", kept=True)
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE t (a INTEGER)"))
    insert(engine)
    return engine


@pytest.fixture
def connects() -> Iterator[list[int]]:
    """A note of every connection that is made."""
    notes: list[int] = []

    def note(*_: object) -> None:
        notes.append(1)

    sa.event.listen(sa.Engine, "connect", note)
    yield notes
    sa.event.remove(sa.Engine, "connect", note)


def test_one_connection_does_for_many_transactions(tmp_path: Path, connects: list[int]) -> None:
    engine = made(tmp_path / "a.db")
    for _ in range(10):
        insert(engine)
    assert (count(engine), len(connects)) == (11, 1)


def test_what_is_loaded_through_arrow_is_not_kept(hub: Hub) -> None:
    """Two SQLites of one process would not see each other's locks."""
    for name, engine in {"catalog": hub.home.catalog, "serving": hub.home.serving, "audit": hub.home.audit}.items():
        assert isinstance(engine.pool, sa.pool.NullPool) == (name == "serving"), name


@both_databases
def test_what_is_read_at_once_is_of_one_moment(any_hub: Hub) -> None:
    """Though somebody writes between two statements: a list and its length belong together."""
    engine = any_hub.home.catalog
    with writing(engine) as connection:
        connection.execute(sa.text("CREATE TABLE t (a INTEGER)"))
    with reading(engine) as connection:
        query = sa.text("SELECT count(*) FROM t")
        before = connection.execute(query).scalar()
        insert(engine)
        assert (before, connection.execute(query).scalar()) == (0, 0)
    assert count(engine) == 1


def test_what_others_have_written_is_read(tmp_path: Path) -> None:
    engine = made(tmp_path / "a.db")
    assert count(engine) == 1
    with closing(sqlite3.connect(tmp_path / "a.db")) as other, other:
        other.execute("INSERT INTO t VALUES (2)")
    assert count(engine) == 2


def test_a_file_that_stands_in_its_place_is_read(tmp_path: Path) -> None:
    engine = made(tmp_path / "a.db")
    close_kept()
    shutil.copy(tmp_path / "a.db", tmp_path / "backup")
    insert(engine)
    (tmp_path / "backup").replace(tmp_path / "a.db")
    for name in ("a.db-wal", "a.db-shm"):
        (tmp_path / name).unlink()
    assert count(engine) == 1
    insert(engine)
    close_kept()
    assert count(open_database(f"sqlite:///{tmp_path / 'a.db'}")) == 2


def test_a_file_that_was_taken_away_is_not_written_to(tmp_path: Path) -> None:
    engine = made(tmp_path / "a.db")
    (tmp_path / "a.db").unlink()
    with pytest.raises(StoreError):  # an empty one is made in its place, and has no such table
        insert(engine)


def test_threads_read_side_by_side(tmp_path: Path) -> None:
    engine = made(tmp_path / "a.db")
    found: list[int] = []
    together = threading.Barrier(8)

    def read() -> None:
        with reading(engine) as connection:
            together.wait(10)
            found.append(connection.execute(sa.text("SELECT count(*) FROM t")).scalar_one())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8


def test_a_forked_process_opens_its_own(tmp_path: Path) -> None:
    engine = made(tmp_path / "a.db")
    pid = os.fork()
    if pid == 0:
        try:
            insert(engine)
            os._exit(0 if count(engine) == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    insert(engine)
    assert count(engine) == 3
    close_kept()
    with closing(sqlite3.connect(tmp_path / "a.db")) as after:
        assert after.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_a_forked_process_writes_outlives_whoever_closes_the_database_meanwhile(tmp_path: Path) -> None:
    """It holds the locks of its own connections, and does not go by those of its parent's, which end with the parent."""
    engine = made(tmp_path / "a.db")
    (has_written, written), (may_go_on, goes_on) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            insert(engine)
            os.write(written, b".")
            os.read(may_go_on, 1)
            insert(engine)
            os._exit(0 if count(engine) == 4 else 1)
        finally:
            os._exit(2)
    os.read(has_written, 1)
    close_kept()
    statement = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('INSERT INTO t VALUES (2)'); c.commit(); c.close()"
    subprocess.run([sys.executable, "-c", statement, str(tmp_path / "a.db")], check=True)
    os.write(goes_on, b".")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert count(engine) == 4


def test_nothing_stays_beside_a_database_that_is_closed(tmp_path: Path) -> None:
    made(tmp_path / "a.db")
    assert len(list(tmp_path.iterdir())) == 3
    close_kept()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]

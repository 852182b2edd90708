import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors.databases.identifiers import quote, split_object
from connectors.extract import check_window
from core.connections import load_connections
from core.errors import RequestError, SourceError
from tests.connectors.helpers import make_contract

BEIJING = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("window", "clock", "is_open"),
    [
        ("22:00-06:00", "23:30", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "06:00", False),
        ("08:00-18:00", "12:00", True),
        ("08:00-18:00", "19:00", False),
    ],
)
def test_a_source_is_read_in_the_hours_agreed_only(window, clock, is_open):
    contract = make_contract({"kind": "sqlite", "connection": "x", "object": "t"}, ["a"], reading={"window": window})
    now = datetime.fromisoformat(f"2024-05-01T{clock}:00").replace(tzinfo=BEIJING).astimezone(UTC)
    if is_open:
        check_window(contract, now)
    else:
        with pytest.raises(SourceError) as error:
            check_window(contract, now)
        assert error.value.transient


def test_reading_is_no_faster_than_agreed(drop):
    drop.put("a.csv", "a\n" + "1\n" * 100)
    started = time.monotonic()
    drop.read(["a"], reading={"rows_per_second": 400})
    assert time.monotonic() - started >= 0.25


@pytest.mark.parametrize(
    ("name", "parts"),
    [("t", (None, "t")), ("hj.t", ("hj", "t")), ('hj."a.b"', ("hj", "a.b")), ('"x""y"', (None, 'x"y'))],
)
def test_names_of_tables_are_split_and_quoted(name, parts):
    assert split_object(name) == parts
    assert quote('a"b') == '"a""b"'


def test_a_name_of_three_parts_is_refused():
    with pytest.raises(SourceError, match="is not the name of a table"):
        split_object("a.b.c")


def test_connections_come_from_the_environment_then_from_the_file(tmp_path):
    (tmp_path / "connections.yml").write_text("ps_db: postgresql://filed/x\nother: file:///srv\n", encoding="utf-8")
    connections = load_connections({"HUB_HOME": str(tmp_path), "HUB_CONNECTION_PS_DB": "postgresql://hub:s3cret@host/x"})
    assert connections.url("ps_db", "postgresql") == "postgresql://hub:s3cret@host/x"
    assert str(connections.path("other", "file")) == "/srv"
    assert "s3cret" not in repr(connections)


def test_a_connection_that_is_not_set_up_says_where_to_do_it(tmp_path):
    with pytest.raises(RequestError, match='"ps_db" is not set up') as error:
        load_connections({"HUB_HOME": str(tmp_path)}).url("ps_db")
    assert "HUB_CONNECTION_PS_DB" in error.value.hint
    assert "connections.yml" in error.value.hint


def test_a_connection_of_another_kind_is_refused_without_its_address(tmp_path):
    connections = load_connections({"HUB_HOME": str(tmp_path), "HUB_CONNECTION_X": "postgresql://hub:s3cret@host/x"})
    with pytest.raises(RequestError, match="leads to postgresql; this contract needs file") as error:
        connections.path("x", "file")
    assert "s3cret" not in str(error.value)


def test_importing_the_dispatch_loads_no_driver():
    drivers = "('duckdb', 'pymysql', 'adbc_driver_postgresql', 'python_calamine', 'pandas')"
    code = f"import sys, connectors.extract; print([name for name in {drivers} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"

"""What a cursor reads of a table: the same rows on each database, selected by the source."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.databases.increment import Increment, Period
from connectors.extract import extract
from core.connections import Connections
from core.errors import RequestError, SourceError
from tests.connectors.conftest import connect_mariadb
from tests.connectors.helpers import Delivery, consume, make_contract

TABLE = "hub_test_increment"
COLUMNS = "k INTEGER, n BIGINT, ts {time}, d {day}, t VARCHAR(40)"
MORNING = "2024-03-01 08:00:00"


class Table:
    """A table of one database that tests write to."""

    def __init__(self, kind: str, url: str, execute: Callable[..., None]) -> None:
        self.kind, self.url, self.execute = kind, url, execute
        self.execute(f"DROP TABLE IF EXISTS {TABLE}")
        time, day = {"postgresql": ("timestamp", "date"), "mysql": ("DATETIME(6)", "DATE"), "sqlite": ("TEXT", "TEXT")}[kind]
        self.execute(f"CREATE TABLE {TABLE} ({COLUMNS.format(time=time, day=day)})")

    def put(self, *rows: tuple[Any, ...]) -> None:
        mark = "?" if self.kind == "sqlite" else "%s"
        values = ", ".join(f"({', '.join([mark] * 5)})" for _ in rows)
        self.execute(f"INSERT INTO {TABLE} VALUES {values}", tuple(value for row in rows for value in row))

    def read(self, column: str, since: str | None, overlap: int = 0) -> tuple[list[int], str | None, bool, Delivery]:
        return self._read(Increment(column, overlap, since))

    def period(self, first: str, last: str, *columns: str) -> list[int]:
        return self._read(Period(columns, date.fromisoformat(first), date.fromisoformat(last)))[0]

    def _read(self, request: Increment | Period) -> tuple[list[int], str | None, bool, Delivery]:
        contract = make_contract({"kind": self.kind, "connection": "source", "object": TABLE}, ["k"])
        extraction = extract(contract, Connections({"HUB_CONNECTION_SOURCE": self.url}, Path("none.yml")), request)
        delivery = consume(extraction)
        return sorted(map(int, delivery.values("k"))), extraction.cursor, extraction.is_whole, delivery


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    if request.param == "sqlite":
        path = tmp_path / "source.db"
        with closing(sqlite3.connect(path)) as lite:

            def write(sql: str, values: tuple[Any, ...] = ()) -> None:
                lite.execute(sql, values)
                lite.commit()

            yield Table("sqlite", f"sqlite:///{path}", write)
    elif request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
        with psycopg.connect(url, autocommit=True) as connection:
            yield Table("postgresql", url, lambda sql, values=None: connection.execute(sql, values) and None)
    else:
        url = request.getfixturevalue("mariadb")
        with connect_mariadb(url) as maria, maria.cursor() as cursor:
            maria.autocommit(True)
            yield Table("mysql", url, lambda sql, values=None: cursor.execute(sql, values) and None)


def test_a_rising_number(table: Table) -> None:
    table.put(*((k, k * 10, MORNING, "2024-03-01", "x") for k in range(1, 11)))
    assert table.read("n", None)[:3] == (list(range(1, 11)), "100", True)
    # Equal values at the edge are read again, and with an overlap those a little below it.
    assert table.read("n", "100")[:3] == ([10], "100", False)
    assert table.read("n", "100", overlap=20)[:3] == ([8, 9, 10], "100", False)
    table.put((11, 100, MORNING, None, "x"), (12, 130, MORNING, None, "x"))
    assert table.read("n", "100")[:3] == ([10, 11, 12], "130", False)


def test_numbers_are_compared_as_numbers(table: Table) -> None:
    table.put((1, 9, None, None, "x"), (2, 10, None, None, "x"), (3, 9007199254740993, None, None, "x"))
    assert table.read("n", "10")[:3] == ([2, 3], "9007199254740993", False)
    assert table.read("n", "9007199254740993")[0] == [3]


def test_an_overlap_reaches_no_further_down_than_numbers_do(table: Table) -> None:
    """A system that counts from the least number on: of SQLite every reading but the first ended with the department asked to wait."""
    least = -(1 << 63)
    table.put((1, least, None, None, None), (2, least + 1, None, None, None))
    assert table.read("n", str(least + 1), 600)[:3] == ([1, 2], str(least + 1), False)


def test_a_time_of_change(table: Table) -> None:
    table.put(*((k, k, f"2024-03-01 08:{k:02}:00", "2024-03-01", "x") for k in range(60)))
    _, top, is_whole, _ = table.read("ts", None)
    assert is_whole
    assert top is not None
    assert top.startswith("2024-03-01 08:59:00")
    assert table.read("ts", top)[0] == [59]
    found, again, is_whole, _ = table.read("ts", top, overlap=600)
    assert (found, again, is_whole) == (list(range(49, 60)), top, False)


def test_a_day_of_change(table: Table) -> None:
    table.put(*((k, k, None, f"2024-03-{k:02}", "x") for k in range(1, 29)))
    top = table.read("d", None)[1]
    assert {27, 28} >= set(table.read("d", top, overlap=600)[0]) >= {28}
    assert set(table.read("d", top, overlap=2 * 86_400)[0]) >= {26, 27, 28}


def test_rows_without_a_value_are_read_every_time(table: Table) -> None:
    table.put((1, 1, MORNING, None, "x"), (2, None, None, None, "x"), (3, 3, "2024-03-01 09:00:00", None, "x"))
    assert table.read("n", "3")[0] == [2, 3]
    assert table.read("ts", "2024-03-01 09:00:00")[0] == [2, 3]


def test_a_cursor_that_runs_backwards_reads_the_whole_table_and_says_so(table: Table) -> None:
    table.put((1, 5, MORNING, None, "x"), (2, 6, MORNING, None, "x"))
    for column, since in (("n", "7"), ("ts", "2024-03-01 08:00:01")):
        found, top, is_whole, delivery = table.read(column, since)
        assert (found, is_whole) == ([1, 2], True)
        assert top
        assert "ran backwards" in delivery.notes["cursor-backwards"]
    table.execute(f"DELETE FROM {TABLE}")
    assert table.read("n", "7")[:3] == ([], None, True)
    assert table.read("n", None)[:3] == ([], None, True)


def test_a_cursor_of_another_kind_than_before_reads_the_whole_table(table: Table) -> None:
    table.put((1, 5, MORNING, None, "x"))
    assert table.read("n", MORNING)[:3] == ([1], "5", True)
    found, _, is_whole, _ = table.read("ts", "5")
    assert (found, is_whole) == ([1], True)


def test_a_time_to_come_does_not_end_all_reading(table: Table) -> None:
    table.put((1, 1, "2999-01-01 00:00:00", None, "x"), (2, 2, MORNING, None, "x"))
    top = table.read("ts", None)[1]
    assert top is not None
    assert top.startswith(MORNING)
    # Also where the source's clock is another than the hub's, so that what is new there is long past here.
    table.put((3, 3, "2998-01-01 00:00:00", None, "x"), (4, 4, "2024-03-01 08:00:01", None, "x"), (5, 5, "2024-02-29 08:00:00", None, "x"))
    assert table.read("ts", top)[0] == [1, 2, 3, 4]


def test_where_all_times_are_still_to_come_everything_is_read(table: Table) -> None:
    table.put((1, 1, "2999-01-01 00:00:00", None, "x"))
    assert table.read("ts", None)[:3] == ([1], None, True)
    table.put((2, 2, MORNING, None, "x"))
    assert table.read("ts", None)[0] == [1, 2]


EARLY = {
    "postgresql": ["4714-11-24 00:00:00 BC", "0001-01-01 00:00:00", "-infinity"],
    "mysql": ["0000-00-00 00:00:00", "2026-00-00 00:00:00", "2026-11-00 00:00:00"],
    "sqlite": ["0001-01-01 00:00:00", "0000-00-00 00:00:00", "2026-02-30 10:00:00", "2024-11-28 24:00:00", "2024-11-28 10:00:60"],
}


def test_days_that_there_are_not_and_the_first_of_all_end_no_reading(table: Table) -> None:
    if table.kind == "mysql":
        table.execute("SET SESSION sql_mode = ''")
    days = [("d", EARLY["mysql"][0])] if table.kind == "mysql" else []
    for column, early in [*(("ts", early) for early in EARLY[table.kind]), *days]:
        table.execute(f"DELETE FROM {TABLE}")
        table.put((1, 1, early, early[:10] if table.kind == "mysql" else None, "x"))
        top = table.read(column, None)[1]
        table.put((2, 2, "2026-11-28 08:00:00", "2026-11-28", "x"), (3, 3, "2026-11-28 10:00:00", "2026-11-28", "x"))
        found, later, _, _ = table.read(column, top, overlap=600)
        assert {2, 3} <= set(found), early
        table.put((4, 4, "2026-11-28 10:30:00", "2026-11-28", "x"))
        assert 4 in table.read(column, later, overlap=600)[0], early
        # One that a program before this one has kept, too.
        assert {2, 3, 4} <= set(table.read(column, early, overlap=600)[0]), early


def test_numbers_of_any_scale_and_what_is_none(table: Table) -> None:
    if table.kind == "sqlite":
        pytest.skip("numbers of SQLite that are not whole are no cursor")
    table.execute(f"ALTER TABLE {TABLE} ADD COLUMN v DECIMAL(30, 12)")
    table.execute(f"INSERT INTO {TABLE} (k, v) VALUES (1, 1.999999999999)")
    assert table.read("v", "1.999999999999")[:3] == ([1], "1.999999999999", False)
    if table.kind == "postgresql":
        table.execute(f"ALTER TABLE {TABLE} ALTER COLUMN v TYPE numeric")
        table.execute(f"INSERT INTO {TABLE} (k, v) VALUES (2, 'NaN')")
        assert table.read("v", "1.999999999999")[:3] == ([1, 2], "1.999999999999", False)


def test_a_column_without_an_order_is_refused_by_name(table: Table) -> None:
    table.put((1, 1, MORNING, None, "third"))
    with pytest.raises(SourceError, match=r"cursor column t is of type .*: it has to be a day, with or without") as raised:
        table.read("t", None)
    assert not raised.value.transient
    if table.kind != "sqlite":  # a time of day is none: "of type time" was said to have to be one
        table.execute(f"ALTER TABLE {TABLE} ADD COLUMN o TIME")
        with pytest.raises(SourceError, match=r"cursor column o is of type time.*: it has to be a day, with or without the time of day"):
            table.read("o", None)
    with pytest.raises(SourceError, match="lacks the cursor column gone"):
        table.read("gone", None)


def test_days_of_a_period_both_included(table: Table) -> None:
    table.put(*((k, k, f"2024-03-{k:02} 23:59:59", f"2024-03-{k:02}", "x") for k in range(1, 29)), (40, 1, None, None, "x"))
    assert table.period("2024-03-05", "2024-03-07", "ts") == [5, 6, 7]
    assert table.period("2024-03-05", "2024-03-05", "n", "d") == [5]
    with pytest.raises(RequestError, match="no column says from which day"):
        table.period("2024-03-05", "2024-03-07", "n", "t")


def test_a_column_may_be_called_anything(table: Table) -> None:
    name = "B {table} %s ? 率%"
    quote = "`" if table.kind == "mysql" else '"'
    table.execute(f"ALTER TABLE {TABLE} RENAME COLUMN n TO {quote}{name}{quote}".replace("%", "%" if table.kind == "sqlite" else "%%"), ())
    table.put(*((k, k, MORNING, None, "x") for k in range(3)))
    assert table.read(name, None)[:2] == ([0, 1, 2], "2")
    assert table.read(name, "1")[:2] == ([1, 2], "2")


def test_times_that_sqlite_has_written_in_several_ways_are_read_every_time(tmp_path: Path) -> None:
    """A blank comes before a T, whatever the time is."""
    path = tmp_path / "source.db"
    rows = [
        (1, "2024-01-30T08:00:00"),
        (2, "2024-01-31T10:00:00"),
        (3, "2024-01-31 23:00:00"),
        (4, "2024-01-30 01:00:00"),
        (5, "2024-01-30T23:00:00Z"),
    ]
    with sqlite3.connect(path) as lite:
        lite.execute(f"CREATE TABLE {TABLE} ({COLUMNS.format(time='TEXT', day='TEXT')})")
        lite.executemany(f"INSERT INTO {TABLE} (k, ts) VALUES (?, ?)", rows)
    lite.close()
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": TABLE}, ["k"])
    connections = Connections({"HUB_CONNECTION_SOURCE": f"sqlite:///{path}"}, Path("none.yml"))
    extraction = extract(contract, connections, Increment("ts", 0, "2024-01-31T09:00:00"))
    assert sorted(consume(extraction).values("k")) == ["2", "3", "4", "5"]


def test_what_a_cursor_says_is_never_read_as_sql(table: Table) -> None:
    table.put((1, 1, MORNING, None, "x"))
    found, _, is_whole, _ = table.read("n", f"0; DROP TABLE {TABLE}")
    assert (found, is_whole) == ([1], True)
    assert table.read("n", None)[0] == [1]


def test_texts_of_sqlite_that_are_no_times_are_read_every_time(tmp_path: Path) -> None:
    path = tmp_path / "source.db"
    with sqlite3.connect(path) as lite:
        lite.execute(f"CREATE TABLE {TABLE} ({COLUMNS.format(time='', day='TEXT')})")
        rows = [(1, "2024-03-01T08:00:00Z"), (2, "2024-03-01T09:00:00.250Z"), (3, 17), (4, ""), (5, b"\x00"), (6, "2024-02-01T09:00:00Z")]
        lite.executemany(f"INSERT INTO {TABLE} (k, ts) VALUES (?, ?)", rows)
    lite.close()
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": TABLE}, ["k"])
    connections = Connections({"HUB_CONNECTION_SOURCE": f"sqlite:///{path}"}, Path("none.yml"))
    # Also where the highest value of all is none.
    extraction = extract(contract, connections, Increment("ts", 600, "2024-03-01T09:00:00.250Z"))
    assert sorted(consume(extraction).values("k")) == ["2", "3", "4", "5"]


@pytest.mark.parametrize(("values", "since", "kept"), [(("2024-03-01", "2024-03-02"), "2024-03-02", "2024-03-02"), ((1, 7), "7", "7")])
def test_a_word_among_the_values_of_a_sqlite_cursor_ends_no_reading(
    tmp_path: Path, values: tuple[object, ...], since: str, kept: str
) -> None:
    path = tmp_path / "source.db"
    words = ("暂无", "2026/3/2 9:00", "2026-03-02 at nine")
    with sqlite3.connect(path) as lite:
        lite.execute("CREATE TABLE t (k, ts)")
        lite.executemany("INSERT INTO t VALUES (?, ?)", enumerate([*values, *words]))
    lite.close()
    contract = make_contract({"kind": "sqlite", "connection": "source", "object": "t"}, ["k"])
    connections = Connections({"HUB_CONNECTION_SOURCE": f"sqlite:///{path}"}, Path("none.yml"))
    whole = extract(contract, connections, Increment("ts", 0))
    assert (consume(whole).values("k"), whole.cursor, whole.is_whole) == (["0", "1", "2", "3", "4"], kept, True)
    part = extract(contract, connections, Increment("ts", 0, since))
    assert (consume(part).values("k"), part.cursor, part.is_whole) == (["1", "2", "3", "4"], kept, False)

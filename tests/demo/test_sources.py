"""The departments' stores can be read back as their own programs would, and are replaced whole."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook

from core.errors import StoreError
from demo import lists, postgres
from demo.departments import Supply
from demo.sources import PLACES, is_ragged, write_sources


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    yield folder
    postgres.stop(folder, remove=True)


@pytest.fixture(scope="module")
def urls(home: Path, first_day: Supply) -> dict[str, str]:
    return write_sources(first_day.tables, home / "sources", postgres.start(home), 1)


def path_of(url: str) -> Path:
    return Path(urlsplit(url).path)


def test_every_connection_has_a_url(urls: dict[str, str]) -> None:
    assert set(urls) == {place.connection for place in PLACES.values()}


@pytest.mark.parametrize("dataset", [name for name, place in PLACES.items() if place.kind == "sqlite"])
def test_sqlite_tables_hold_every_row(urls: dict[str, str], first_day: Supply, dataset: str) -> None:
    place = PLACES[dataset]
    connection = sqlite3.connect(urls[place.connection].removeprefix("sqlite:///"))
    cursor = connection.execute(f'SELECT * FROM "{place.object}"')
    assert [column[0] for column in cursor.description] == first_day.tables[dataset].column_names
    assert len(cursor.fetchall()) == first_day.tables[dataset].num_rows
    connection.close()


@pytest.mark.parametrize("dataset", [name for name, place in PLACES.items() if place.kind == "postgresql"])
def test_postgresql_tables_hold_every_row(urls: dict[str, str], first_day: Supply, dataset: str) -> None:
    with psycopg.connect(urls[PLACES[dataset].connection]) as connection:
        schema, name = PLACES[dataset].object.split(".")
        table = psycopg.sql.Identifier(schema, name)
        cursor = connection.execute(psycopg.sql.SQL("SELECT * FROM {}").format(table))
        assert cursor.description is not None
        assert [column.name for column in cursor.description] == first_day.tables[dataset].column_names
        assert len(cursor.fetchall()) == first_day.tables[dataset].num_rows


def test_the_workbook_has_a_title_above_its_header(urls: dict[str, str], first_day: Supply) -> None:
    place, table = PLACES["education__student"], first_day.tables["education__student"]
    rows = CalamineWorkbook.from_path(path_of(urls[place.connection]) / place.object).get_sheet_by_name("学生信息").to_python()
    assert rows[1] == table.column_names
    assert len(rows) == table.num_rows + 2


@pytest.mark.parametrize("dataset", [name for name, place in PLACES.items() if place.kind == "csv"])
def test_csv_drops_hold_every_row_in_their_encoding(urls: dict[str, str], first_day: Supply, dataset: str) -> None:
    place, table = PLACES[dataset], first_day.tables[dataset]
    lines = (path_of(urls[place.connection]) / place.object).read_bytes().decode(place.encoding).split("\r\n")[:-1]
    header = lines.index(",".join(table.column_names))
    rows = lines[header + 1 :]
    assert header == (1 if dataset == "housing__property" else 0)
    assert len(rows) == table.num_rows
    wrong = sum(line.count(",") != len(table.column_names) - 1 for line in rows)
    assert bool(wrong) == bool(lists.ragged_lines()[dataset])


def test_a_line_is_ragged_by_its_text_alone() -> None:
    lines = [f"{number},x" for number in range(20_000)]
    assert 20 < sum(is_ragged(line, 0.004) for line in lines) < 160


def test_a_department_that_is_down_has_no_file_until_it_is_back(tmp_path: Path, second_day: Supply) -> None:
    tables: dict[str, pa.Table] = {name: second_day.tables[name] for name in PLACES if name.startswith("transport")}
    file = tmp_path / "transport.db"
    assert write_sources(tables, tmp_path, None, 2) == {"transport_db": f"sqlite:///{file}"}
    assert not file.exists()
    write_sources(tables, tmp_path, None, 2, down=())
    assert [path.name for path in tmp_path.iterdir()] == ["transport.db"]


def test_tables_are_replaced_by_the_next_day(home: Path, urls: dict[str, str], second_day: Supply) -> None:
    again = write_sources(second_day.tables, home / "sources", postgres.start(home), 2)
    assert again == urls
    with psycopg.connect(again["health_db"]) as connection:
        row = connection.execute("SELECT count(*) FROM resident_card").fetchone()
    assert row == (second_day.tables["health__resident_card"].num_rows,)


def test_the_server_comes_back_after_a_kill(home: Path, urls: dict[str, str]) -> None:
    pid_file = postgres.server_folder(home) / "postmaster.pid"
    pid = int(pid_file.read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    uri = postgres.start(home)
    assert pid_file.read_text().split()[0] != str(pid)
    with psycopg.connect(urls["public_security_db"]) as connection:
        row = connection.execute("SELECT count(*) FROM hj.t_rkxx").fetchone()
    assert row is not None
    assert row[0] > 0
    assert uri == postgres.start(home)


def test_up_runs_the_server_of_a_demo_beside_the_hub(home: Path, urls: dict[str, str], tmp_path: Path) -> None:
    """Where a demo was told, two departments' databases are in it; elsewhere there is nothing to run."""
    pid_file = postgres.server_folder(home) / "postmaster.pid"
    told: list[str] = []
    with postgres.beside(tmp_path, told.append):
        assert not postgres.server_folder(tmp_path).exists()
    assert told == []
    postgres.stop(home)
    with postgres.beside(home, told.append), psycopg.connect(urls["health_db"]) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM resident_card").fetchone() == (True,)
    assert told == ["the demo's PostgreSQL runs: two of its departments keep their databases in it"]
    assert not pid_file.exists()
    postgres.start(home)


def test_up_says_so_where_the_server_of_a_demo_does_not_start(home: Path, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Path) -> str:
        raise StoreError("it does not start")

    monkeypatch.setattr(postgres, "start", failing)
    told: list[str] = []
    with postgres.beside(home, told.append):
        pass
    assert told == ["the demo's PostgreSQL does not run, so two of its departments cannot be read: it does not start"]

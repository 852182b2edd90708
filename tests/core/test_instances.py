"""Instances of DuckDB that one engine leaves to the next: nothing of the first is there for the second."""

import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import instances
from core.engine import Engine, EngineError, parquet
from tests.factories import Hub

# What an engine's connection says of itself; a folder is each engine's own.
STATE = {
    "tables": "SELECT database_name, schema_name, table_name FROM duckdb_tables()",
    "views": "SELECT view_name FROM duckdb_views() WHERE NOT internal",
    "functions": "SELECT function_name FROM duckdb_functions() WHERE NOT internal",
    "databases": "SELECT database_name FROM duckdb_databases() WHERE NOT internal",
    "variables": "SELECT name FROM duckdb_variables()",
    "statements": "SELECT name FROM duckdb_prepared_statements()",
    "settings": "SELECT name, value FROM duckdb_settings() WHERE name NOT LIKE '%temp_directory'",
    "files": "SELECT path FROM duckdb_external_file_cache()",
    "memory": "SELECT tag, memory_usage_bytes, temporary_storage_bytes FROM duckdb_memory()",
    "database": "SELECT current_database(), current_schema()",
}


@pytest.fixture(autouse=True)
def _none_idle() -> None:
    instances._close_idle()


def state(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Everything of `STATE`."""
    return {name: sorted(engine.rows(sql)) for name, sql in STATE.items()}


def use(engine: Engine, hub: Hub) -> None:
    """Leave something of every kind in an engine."""
    pq.write_table(pa.table({"a": list(range(100_000))}), hub.settings.work / "rows.parquet")
    engine.run(f"CREATE TABLE rows AS SELECT * FROM {parquet([hub.settings.work / 'rows.parquet'])}")
    engine.register("given", pa.table({"a": [1]}))
    for statement in (
        "CREATE TEMP TABLE passing AS SELECT * FROM rows",
        "CREATE VIEW seen AS SELECT * FROM rows",
        "CREATE MACRO twice(x) AS 2 * x",
        "CREATE TEMP MACRO thrice(x) AS 3 * x",
        "CREATE SCHEMA other",
        "CREATE TYPE mood AS ENUM ('a')",
        "ATTACH ':memory:' AS further",
        "CREATE TABLE further.rows AS SELECT * FROM rows",
        "SET VARIABLE said = 7",
        "PREPARE later AS SELECT 1",
        "PRAGMA disable_optimizer",
        "SET TimeZone = 'Asia/Shanghai'",
    ):
        engine.run(statement)
    engine.use_one_thread()
    assert next(engine.batches("SELECT * FROM rows", 100)).num_rows == 100  # and no more are asked for


def test_what_comes_next_finds_nothing_of_what_was_there(hub: Hub) -> None:
    with Engine(hub.settings, threads=2) as engine:
        before, instance = state(engine), engine._instance
    with Engine(hub.settings, threads=2) as engine:
        assert engine._instance is instance
        use(engine, hub)
        assert state(engine) != before
        engine.run("DETACH further")
    with Engine(hub.settings, threads=2) as engine:
        assert engine._instance is instance
        assert state(engine) == before


def test_limits_are_those_of_each_engine(hub: Hub) -> None:
    limits = "SELECT current_setting('threads'), current_setting('memory_limit')"
    with (
        Engine(hub.settings, threads=1, memory_limit_mb=1_000) as first,
        Engine(hub.settings, threads=1, memory_limit_mb=500) as second,
        Engine(hub.settings, threads=1, memory_limit_mb=600) as third,
    ):
        seen, instances_seen = first.row(limits), {first._instance, second._instance, third._instance}
    with Engine(hub.settings, threads=2, memory_limit_mb=2_000) as engine:
        assert engine._instance in instances_seen
        assert (seen, engine.row(limits)) == ((1, "953.6 MiB"), (2, "1.8 GiB"))
        assert engine.value("SELECT current_setting('temp_directory')") == str(engine._spill)


def test_engines_of_other_limits_leave_alone_what_was_planned(hub: Hub) -> None:
    def planned(engine: Engine) -> int:
        return len(engine._instance.recurring._planned)

    for narrow, before in ((False, 0), (True, 0), (False, 1), (True, 1)):
        with Engine(hub.settings, threads=1, memory_limit_mb=128 if narrow else 1_000) as engine:
            assert planned(engine) == before
            engine.staying({"given": "a integer"})
            for _ in range(2):
                assert engine.again("INSERT INTO given SELECT 1") == [(1,)]
            assert engine.value("SELECT count(*) FROM staying.given") == 2
            engine.again("DELETE FROM given", once=True)


def test_few_statements_stay_planned(hub: Hub) -> None:
    with Engine(hub.settings) as engine:
        engine.staying({"given": "a integer"})
        for number in range(200):
            assert engine.again(f"SELECT {number} + count(*) FROM given") == [(number,)]
        names = engine._instance.recurring._connection.execute("SELECT count(*) FROM duckdb_prepared_statements()").fetchall()
        assert engine.again("SELECT 0 + count(*) FROM given") == [(0,)]
    assert names == [(96,)]
    with pytest.raises(EngineError, match=r"refused a statement .CatalogException. while counting"), Engine(hub.settings) as engine:
        engine.again("SELECT count(*) FROM nothing_there", doing="counting")
    assert instances._idle == []


def test_two_at_once_have_one_each(hub: Hub) -> None:
    with Engine(hub.settings) as first, Engine(hub.settings) as second:
        first.run("CREATE TABLE t AS SELECT 1 AS a")
        second.run("CREATE TABLE t AS SELECT 2 AS a")
        assert (first.value("SELECT a FROM t"), second.value("SELECT a FROM t")) == (1, 2)


def test_what_failed_or_holds_something_is_not_used_again(hub: Hub) -> None:
    with pytest.raises(EngineError), Engine(hub.settings) as engine:
        engine.run("SELECT nothing")
    assert instances._idle == []
    with Engine(hub.settings) as engine:
        engine.run("ATTACH ':memory:' AS further")
        engine.run("CREATE TABLE further.rows AS SELECT * FROM range(100_000)")
    assert instances._idle == []


def test_what_had_to_spill_gives_its_folder_back(hub: Hub) -> None:
    with Engine(hub.settings, memory_limit_mb=60, threads=1) as engine:
        instance = engine._instance
        engine.run("CREATE TABLE t AS SELECT md5(i::varchar) AS a FROM range(3_000_000) r(i)")
        assert list(engine._spill.iterdir())
    with Engine(hub.settings) as engine:
        assert engine._instance is not instance
        assert engine.value("SELECT current_setting('temp_directory')") == str(engine._spill)
    assert not list(hub.settings.work.glob("spill*"))


def test_no_more_are_kept_than_are_used_again(hub: Hub) -> None:
    with Engine(hub.settings), Engine(hub.settings), Engine(hub.settings), Engine(hub.settings):
        assert instances._idle == []
    assert len(instances._idle) == 3


def test_threads_that_take_and_leave_at_once_have_one_each(hub: Hub) -> None:
    def work(number: int) -> list[int]:
        found = []
        for _ in range(15):
            with Engine(hub.settings, threads=1) as engine:
                engine.run(f"CREATE TABLE t AS SELECT {number} AS a")
                found.append(engine.value("SELECT sum(a) FROM t"))
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [[number] * 15 for number in range(8)]


def test_a_forked_process_begins_with_its_own(hub: Hub) -> None:
    with Engine(hub.settings, threads=2) as engine:
        instance = engine._instance
    pid = os.fork()
    if pid == 0:
        try:
            with Engine(hub.settings, threads=2) as engine:
                os._exit(0 if engine._instance is not instance and engine.value("SELECT sum(i) FROM range(1000000) r(i)") > 0 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    with Engine(hub.settings, threads=2) as engine:
        assert engine._instance is instance

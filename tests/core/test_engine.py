"""The engine: errors without values, a spill folder of its own, no work left behind."""

import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from core.engine import Engine, EngineError, literal, parquet, quote
from core.errors import StoreError
from tests.factories import Hub

MARKER = "MARKER110101199003078888"
NAME, COLUMN, TEXT = quote('a"b'), quote('中 "文"'), literal("it's")


@pytest.fixture
def engine(hub: Hub) -> Iterator[Engine]:
    with Engine(hub.settings) as engine:
        engine.run(f"CREATE TABLE t AS SELECT CASE WHEN i = 90000 THEN '{MARKER}' ELSE '1' END AS x FROM range(100000) r(i)")
        yield engine


WAYS: dict[str, Callable[[Engine], object]] = {
    "run": lambda engine: engine.run("CREATE TABLE u AS SELECT x::integer FROM t"),
    "rows": lambda engine: engine.rows("SELECT x::integer FROM t"),
    "row": lambda engine: engine.row(f"SELECT '{MARKER}'::integer"),
    "value": lambda engine: engine.value("SELECT max(x::integer) FROM t"),
    "records": lambda engine: engine.records("SELECT x::integer FROM t"),
    "arrow": lambda engine: engine.arrow("SELECT x::integer FROM t"),
    "batches": lambda engine: list(engine.batches("SELECT x::integer FROM t")),
    "parameter": lambda engine: engine.rows("SELECT $x::integer", {"x": MARKER}),
    "syntax": lambda engine: engine.rows(f"SELECT {MARKER}"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_value_leaves_in_an_error(engine: Engine, way: str) -> None:
    with pytest.raises(EngineError) as raised:
        WAYS[way](engine)
    shown = "".join(traceback.format_exception(raised.value)).split("engine.py")[-1]
    assert MARKER not in str(raised.value)
    assert "Error: " + MARKER not in shown
    assert "Conversion Error" not in shown


def test_an_input_that_fails_is_reported_without_what_it_said(engine: Engine) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"a": ["1"]})
        raise ValueError(MARKER)

    engine.register("arrivals", pa.RecordBatchReader.from_batches(pa.schema([("a", pa.string())]), failing()))
    with pytest.raises(EngineError) as raised:
        engine.rows("SELECT * FROM arrivals")
    assert MARKER not in str(raised.value)


def test_a_missing_file_is_a_store_error(engine: Engine) -> None:
    with pytest.raises(StoreError):
        engine.rows(f"SELECT * FROM {parquet(['/nowhere/a.parquet'])}")


def test_a_key_that_is_pressed_within_a_statement_is_no_error_of_the_engine(engine: Engine) -> None:
    # Whoever is started in the background by a shell begins without one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.rows("SELECT sum(hash(i)) FROM range(20_000_000_000) r(i)")
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_out_of_memory_is_said_in_words(hub: Hub) -> None:
    with (
        Engine(hub.settings, memory_limit_mb=20) as engine,
        pytest.raises(StoreError, match="ran out of memory"),
    ):
        engine.value("SELECT length(string_agg(i::varchar || repeat('x', 200), ',')) FROM range(2000000) r(i)")


def test_the_spill_folder_goes_with_the_engine(hub: Hub) -> None:
    with Engine(hub.settings):
        assert len(list(hub.settings.work.glob("spill*"))) == 1
    assert not list(hub.settings.work.glob("spill*"))


def test_the_engine_reaches_for_no_extension(engine: Engine) -> None:
    assert engine.rows("SELECT value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions' AND value <> 'false'") == []


def test_names_and_texts_are_quoted(engine: Engine) -> None:
    engine.run(f"CREATE TABLE {NAME} AS SELECT {TEXT} AS {COLUMN}")
    assert engine.records(f"SELECT * FROM {NAME}") == [{'中 "文"': "it's"}]


def test_few_rows_are_worked_on_by_one_thread(hub: Hub) -> None:
    with Engine(hub.settings, threads=2) as engine:
        engine.use_one_thread()
        assert engine.value("SELECT current_setting('threads')") == 1
        assert engine.value("SELECT sum(i) FROM range(1000) r(i)") == 499_500

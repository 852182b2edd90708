"""The profile of a delivery: counts as plain Python counts them, and the same whatever the batches."""

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.columns import MOST_COLUMNS
from connectors.extraction import Extraction, text_schema
from connectors.profile import MOST_CODES, SAMPLE_ROWS, profile
from contracts.proposal.profile import TableProfile, shape
from core.engine import Engine
from core.errors import SourceError
from core.settings import load_settings

MISSING = {"", "无", "NULL", "/", "N/A", "未知"}
TEXTS = st.lists(
    st.one_of(st.none(), st.sampled_from(["a", " a ", "无", "null", "/", "", "张三", "\u3000李四 "]), st.text(max_size=6)), max_size=60
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(load_settings({"HUB_HOME": str(tmp_path_factory.mktemp("home")), "HUB_MEMORY_MB": "512"}), threads=1) as found:
        yield found


def seen(engine: Engine, columns: dict[str, Sequence[str | None]], size: int) -> TableProfile:
    """The profile of columns that arrive in batches of a size."""
    schema = text_schema(tuple(columns))
    rows = len(next(iter(columns.values())))
    table = pa.table(
        [*(pa.array(values, pa.string()) for values in columns.values()), pa.array(range(1, rows + 1), pa.int64())], schema=schema
    )
    return profile(Extraction(schema, iter(table.to_batches(max_chunksize=size))), engine)


def values_of(column: Sequence[str | None]) -> list[str]:
    cleaned = [value.strip(" \t\r\n\u3000\u00a0\ufeff\u200b") for value in column if value is not None]
    return [value for value in cleaned if value.upper() not in MISSING]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(column=TEXTS.filter(bool), size=st.integers(1, 20))
def test_counts_are_those_of_plain_python(engine: Engine, column: list[str | None], size: int) -> None:
    (found,) = seen(engine, {"c": column}, size).columns
    # Markers that the strategy may hit by chance are left to the standard's own list.
    expected = [value for value in values_of(column) if value in found.sample]
    assert sorted(found.sample) == sorted(expected)
    assert (found.rows, found.filled, found.distinct) == (len(column), len(expected), len(set(expected)))
    assert (found.shortest, found.longest) == (min(map(len, expected), default=0), max(map(len, expected), default=0))
    assert found.values == tuple(sorted(set(expected)))


def test_what_is_wrong_with_a_source_is_said_and_not_that_the_engine_stopped(engine: Engine) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch([pa.array(["1"]), pa.array([1])], names=["n", "_position"])
        raise SourceError("a quotation mark is not closed")

    with pytest.raises(SourceError, match="a quotation mark is not closed"):
        profile(Extraction(text_schema(("n",)), batches()), engine)


def test_the_profile_does_not_depend_on_the_batches(engine: Engine) -> None:
    column = [f"{number:05}" for number in range(3 * SAMPLE_ROWS)]
    first, second = (seen(engine, {"n": column, "m": ["x"] * len(column)}, size) for size in (len(column), 777))
    assert first == second
    assert len(first.columns[0].sample) == SAMPLE_ROWS
    assert first.columns[0].sample != tuple(column[:SAMPLE_ROWS])


def test_keys_and_few_values_are_exact(engine: Engine) -> None:
    rows = 5_000
    found = seen(
        engine,
        {
            "id": [str(n) for n in range(rows)],
            "repeats": [str(max(n, 1)) for n in range(rows)],
            "code": [str(n % MOST_CODES) for n in range(rows)],
        },
        999,
    )
    assert found.keys == ("id",)
    assert [column.distinct for column in found.columns] == [rows, rows - 1, MOST_CODES]
    assert [column.is_exact for column in found.columns] == [True, True, True]


def test_thousands_of_declared_columns_are_not_looked_into(engine: Engine) -> None:
    columns = {"企业名称": ["甲公司", "乙公司"], **{f"unnamed_{place}": ["", None] for place in range(2, 5_000)}}
    found = seen(engine, columns, 10)
    assert [column.name for column in found.columns] == ["企业名称"]
    assert len(found.left_out) == 4_998


def test_columns_with_a_name_come_first_where_there_are_too_many(engine: Engine) -> None:
    columns = {f"unnamed_{place}": ["x"] for place in range(MOST_COLUMNS)} | {f"c{place}": ["y"] for place in range(10)}
    found = seen(engine, columns, 10)
    assert {column.name for column in found.columns} >= {f"c{place}" for place in range(10)}
    assert (found.left_out, len(found.too_many)) == ((), 10)


def test_an_empty_delivery_has_no_columns(engine: Engine) -> None:
    assert profile(Extraction(text_schema(("a",)), iter(())), engine).rows == 0


@given(st.text(max_size=30))
@example("３３０１０２１９９００３０７")
@example("꧐")
def test_a_shape_shows_nothing_of_a_value(value: str) -> None:
    left = set(re.sub(r"\{\d+\}", "", shape(value)))
    assert left <= set("9A汉·…-/:. ()（）〔〕{}年月日号,")


def test_values_stand_in_no_text_form(engine: Engine) -> None:
    assert "张三丰" not in repr(seen(engine, {"XM": ["张三丰", "张三丰"]}, 5))


def test_shapes_say_how_values_are_formed() -> None:
    assert shape("2024-01-31") == "9999-99-99"
    assert shape("３３０１０２") == "9{6}"
    assert shape("京房售证字(2017)74号") == "汉{5}(9999)99汉"

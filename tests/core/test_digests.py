"""Digests: no two rows share a text, and sums do not depend on order."""

import hashlib
import random
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.digests import canonical_text, digest_sums, named, record_id, row_digest
from core.engine import Engine
from core.sums import EMPTY, add, combine
from tests.factories import hub_in

values = st.one_of(st.none(), st.text("ab\x1f\x1eesn'\"中", max_size=4))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(hub_in(tmp_path_factory.mktemp("digests")).settings) as engine:
        yield engine


def texts(engine: Engine, rows: list[tuple[str | None, ...]], sql: str) -> list[str]:
    columns = {f"c{place}": pa.array([row[place] for row in rows], pa.string()) for place in range(len(rows[0]))}
    engine.register("given", pa.table(columns | {"nr": pa.array(range(len(rows)))}))
    return [row[0] for row in engine.rows(f"SELECT {sql} FROM given ORDER BY nr")]


@settings(max_examples=60)
@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[values] * width), min_size=2, max_size=40)))
def test_no_two_rows_share_a_text(engine: Engine, rows: list[tuple[str | None, ...]]) -> None:
    found = texts(engine, rows, canonical_text([f"c{place}" for place in range(len(rows[0]))]))
    assert len(set(found)) == len(set(rows))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((None, "a"), ("", "a")),
        (("a\x1f", "b"), ("a", "\x1fb")),
        (("a", "b\x1fc"), ("a\x1fb", "c")),
        (("\x1en", ""), (None, "")),
        (("\x1e", "s"), ("\x1es", "")),
        (("\x1f", ""), ("\x1es", "")),
        (("a ", "b"), ("a", "b")),
    ],
)
def test_marks_within_values_do_not_make_rows_equal(engine: Engine, first: tuple[str | None, ...], second: tuple[str | None, ...]) -> None:
    one, other = texts(engine, [first, second], canonical_text(["c0", "c1"]))
    assert one != other


def test_a_digest_is_the_first_half_of_the_sha256_of_the_text(engine: Engine) -> None:
    (found,) = texts(engine, [("a", None)], f"{row_digest(['c0', 'c1'])}::varchar")
    assert found.replace("-", "") == hashlib.sha256(b"a\x1f\x1en").hexdigest()[:32]


def test_a_column_that_is_null_in_every_row_counts_as_null(engine: Engine) -> None:
    rows: list[tuple[str | None, ...]] = [("a", None), ("\x1f", None)]
    given = ["c0", None, None, "c0", "c0", None]
    written = [text or "NULL::varchar" for text in given]
    assert texts(engine, rows, canonical_text(given)) == texts(engine, rows, canonical_text(written))
    assert texts(engine, rows[:1], canonical_text([None, None])) == ["\x1en\x1f\x1en"]


@settings(max_examples=60)
@given(st.lists(st.tuples(values, values, values), min_size=2, max_size=40))
def test_texts_that_stand_behind_are_told_apart_and_count_where_they_are(engine: Engine, rows: list[tuple[str | None, ...]]) -> None:
    found = texts(engine, rows, canonical_text(["c0"], [named("one", "c1"), named("two", "c2")]))
    assert len(set(found)) == len(set(rows))
    alone = texts(engine, rows, canonical_text(["c0"]))
    assert [text == whole for text, whole in zip(alone, found, strict=True)] == [row[1:] == (None, None) for row in rows]


@pytest.mark.parametrize("text", ["a", "a\x1fb", "\x1e", None])
def test_a_text_that_cannot_have_marks_changes_nothing(engine: Engine, text: str | None) -> None:
    rows: list[tuple[str | None, ...]] = [("2026-01-31", text)]
    assert texts(engine, rows, canonical_text(["c0", "c1"], plain={"c0"})) == texts(engine, rows, canonical_text(["c0", "c1"]))


def test_a_record_id_depends_on_key_dataset_and_fields(engine: Engine) -> None:
    engine.register("person", pa.table({"c0": ["1"], "c1": ["2"]}))
    sql = f"SELECT {record_id(['c0', 'c1'])}::varchar FROM person"
    ids = {engine.value(sql, {"record_key": key, "dataset": dataset}) for key in ("k", "l") for dataset in ("a", "b")}
    assert len(ids) == 4
    expected = hashlib.sha256(b"k\x1fa\x1f1\x1f2").hexdigest()[:32]
    assert engine.value(sql, {"record_key": "k", "dataset": "a"}).replace("-", "") == expected


def test_sums_do_not_depend_on_order_and_come_apart_again(engine: Engine) -> None:
    rows = [(str(number),) for number in range(500)]
    rows += rows[:7]
    shuffled = random.Random(1).sample(rows, len(rows))
    sums = []
    for given_rows in (rows, shuffled):
        engine.register("summed", pa.table({"c0": [row[0] for row in given_rows]}))
        sums.append(combine(*engine.row(f"SELECT {digest_sums('d')} FROM (SELECT {row_digest(['c0'])} AS d FROM summed)")))
    assert sums[0] == sums[1]
    expected = sum(int(hashlib.sha256(row[0].encode()).hexdigest()[:32], 16) for row in rows) % (1 << 128)
    assert sums[0] == expected
    total = add(EMPTY, expected)
    assert add(total, -expected) == EMPTY
    assert add(total, 1) == f"{(expected + 1) % (1 << 128):032x}"


def test_the_sum_of_nothing_is_empty(engine: Engine) -> None:
    assert combine(*engine.row(f"SELECT {digest_sums('d')} FROM (SELECT NULL::uuid AS d WHERE false)")) == 0

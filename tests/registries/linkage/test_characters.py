"""Likeness by characters, held against an independent library, on texts of Han characters, letters and signs that mean something elsewhere."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler, LCSseq

from core.engine import Engine
from core.settings import load_settings
from registries.linkage.characters import LONGEST, make_macros

TEXTS = st.text(st.sampled_from("张三李四王五赵六丰㐂𠀀·abAB01'%_\\.*( "), min_size=1, max_size=12)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=50, max_size=200)
MEASURES = "edits(a, b), likeness(a, b), shared_characters(a, b), is_within(a, b), same_characters(a, b)"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    settings_ = load_settings({"HUB_HOME": str(tmp_path_factory.mktemp("linkage"))})
    with Engine(settings_, threads=1) as engine:
        make_macros(engine)
        yield engine


def measured(engine: Engine, pairs: list[tuple[str, str]]) -> list[tuple]:
    engine.register("pairs", pa.table({"a": [a for a, _ in pairs], "b": [b for _, b in pairs]}))
    return engine.rows(f"SELECT a, b, {MEASURES} FROM pairs")


@settings(max_examples=10)
@given(PAIRS)
def test_likeness_is_that_of_characters(engine, pairs):
    for a, b, edits, likeness, shared, within, same in measured(engine, pairs):
        assert edits == DamerauLevenshtein.distance(a, b)
        assert likeness == pytest.approx(JaroWinkler.similarity(a, b))
        assert shared == pytest.approx(len(set(a) & set(b)) / len(set(a) | set(b)))
        assert within == (LCSseq.similarity(a, b) == min(len(a), len(b)))
        assert same == (sorted(a) == sorted(b))


@settings(max_examples=10)
@given(PAIRS)
def test_likeness_does_not_depend_on_the_sides(engine, pairs):
    there = [row[2:] for row in measured(engine, pairs)]
    back = [row[2:] for row in measured(engine, [(b, a) for a, b in pairs])]
    for one, other in zip(there, back, strict=True):
        assert one == pytest.approx(other)


def test_a_long_text_is_compared_by_its_beginning(engine):
    text = "".join(chr(0x4E00 + place) for place in range(LONGEST + 20))
    other = text[:10] + "甲" + text[11:]
    assert [row[2] for row in measured(engine, [(text, text), (text, other)])] == [0, 1]


def test_parts_weigh_where_the_other_text_has_them(engine):
    parts = "[{'part': '松云', 'bits': 6.0}, {'part': '小区', 'bits': 2.0}]"
    measures = f"bits_of({parts}), bits_within({parts}, '柏雨小区'), share_within({parts}, '柏雨小区'), bits_within({parts}, '')"
    assert engine.row(f"SELECT {measures}") == (8.0, 2.0, 0.25, 0.0)
    nothing = "[]::STRUCT(part VARCHAR, bits DOUBLE)[]"
    assert engine.row(f"SELECT shared_bits({parts}, '松云小区', {parts}, '小区'), shared_bits({parts}, '小区', {nothing}, '')") == (
        0.625,
        0.25,
    )
    assert engine.row(f"SELECT bits_of({nothing}), share_within({nothing}, '柏'), shared_bits({nothing}, '柏', {nothing}, '')") == (0, 1, 1)

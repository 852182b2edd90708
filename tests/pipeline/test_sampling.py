"""Estimates from samples: exact where all was looked at, and else an interval that keeps its word."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine import Engine
from core.settings import load_settings
from pipeline.impact.sampling import Estimate, estimate, take_sample, weigh


@given(rows=st.integers(1, 10_000), most=st.integers(1, 10_000), share=st.floats(0, 1))
def test_an_estimate_lies_between_what_was_seen_and_what_there_is(rows: int, most: int, share: float) -> None:
    sample = take_sample(rows, most)
    looked_at = min(rows, most)
    found = round(share * looked_at)
    answer = sample.scale(found)
    assert answer.found == found
    assert found <= answer.low <= answer.expected <= answer.high <= rows
    assert sample.is_whole == (rows <= most)
    if sample.is_whole:
        assert answer == Estimate(found, found, found, found)


@pytest.mark.parametrize("truth", [0, 3, 40, 700, 5_000])
@pytest.mark.parametrize("probability", [0.02, 0.3, 0.9])
def test_the_interval_holds_the_truth_as_often_as_it_says(truth: int, probability: float) -> None:
    chance = random.Random(7)
    runs = 400
    held = 0
    for _ in range(runs):
        found = sum(chance.random() < probability for _ in range(truth)) if truth < 1000 else round(_normal(chance, truth, probability))
        answer = estimate(found, probability, 10_000)
        held += answer.low <= truth <= answer.high
    assert held / runs >= 0.92


def _normal(chance: random.Random, truth: int, probability: float) -> float:
    return chance.gauss(truth * probability, (truth * probability * (1 - probability)) ** 0.5)


def test_things_seen_with_different_probabilities_count_for_as_many_as_they_stand_for() -> None:
    assert weigh({}, 1.0) == Estimate(0, 0, 0, 0)
    assert weigh({}, 0.1).high > 30  # nothing in a tenth does not mean nothing
    assert weigh({1.0: 5}, 1.0) == Estimate(5, 5, 5, 5)
    mixed = weigh({1.0: 5, 0.5: 10}, 0.5)
    assert (mixed.found, mixed.expected) == (15, 25)
    assert mixed.low < 25 < mixed.high


def test_a_sample_of_ids_has_the_size_asked_for_and_is_the_same_every_time(tmp_path: object) -> None:
    sample = take_sample(20_000, 2_000)
    with Engine(load_settings({"HUB_HOME": str(tmp_path)})) as engine:
        engine.run("CREATE TABLE ids AS SELECT substr(sha256(range::varchar), 1, 32)::uuid AS _record_id FROM range(20000)")
        first = engine.rows(f"SELECT _record_id FROM ids WHERE {sample.condition()} ORDER BY 1")
        assert first == engine.rows(f"SELECT _record_id FROM ids WHERE {sample.condition()} ORDER BY 1")
        assert engine.value(f"SELECT count(*) FROM ids WHERE {take_sample(20_000, 20_000).condition()}") == 20_000
    assert 1_800 < len(first) < 2_200

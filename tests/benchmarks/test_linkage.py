"""Linkage on records whose truth others have kept: small ones always, those with aims in the long tests, and the aims are held on the other half."""

import numpy as np
import pytest

from benchmarks.linkage import measure
from benchmarks.linkage_addresses import RIDGE, logistic
from benchmarks.linkage_counts import Count
from benchmarks.linkage_trials import Trial, trials
from tests.connectors.helpers import REAL_DATA

AIMED = [trial for trial in trials(REAL_DATA) if trial.least_precision]


def _there(trial: str) -> dict[str, Count]:
    if not (REAL_DATA / "person_linkage").is_dir():
        pytest.skip(f"no published records in {REAL_DATA}: set GOVHUB_REAL_DATA")
    return {count.half: count for count in measure(trial) if count.trial == trial}


@pytest.mark.parametrize(
    ("trial", "precision", "recall"), [("febrl1", 0.98, 0.95), pytest.param("fake", 0.97, 0.85, marks=pytest.mark.long)]
)
def test_small_records_are_found(trial: str, precision: float, recall: float) -> None:
    other = _there(trial)["other"]
    assert other.precision.share >= precision
    assert other.recall.share >= recall


@pytest.mark.long
@pytest.mark.parametrize("trial", AIMED, ids=lambda trial: trial.id)
def test_aims_are_reached_on_the_half_that_nobody_chose_by(trial: Trial) -> None:
    other = _there(trial.id)["other"]
    assert other.precision.low >= trial.least_precision
    assert other.recall.low >= trial.least_recall


def test_weights_learned_together_are_at_the_top_of_a_hill_and_do_not_count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(1)
    telling, other = dice.random(400) < 0.3, dice.random(400) < 0.5
    truth = (dice.random(400) < np.where(telling, 0.8, 0.1)).astype(float)
    once, twice = (np.column_stack(columns).astype(float) for columns in ((telling, other), (telling, telling, other)))
    weights = logistic(once, truth)
    likely = 1 / (1 + np.exp(-once @ weights[:-1] - weights[-1]))
    assert once.T @ (truth - likely) == pytest.approx(RIDGE * weights[:-1], abs=1e-6)
    assert sum(truth - likely) == pytest.approx(0, abs=1e-6)
    doubled = logistic(twice, truth)
    assert doubled[0] == pytest.approx(doubled[1])
    assert weights[0] <= doubled[0] + doubled[1]
    # Of two that say the same, each is shrunk by itself: together they weigh what one does that is shrunk half as much.
    monkeypatch.setattr("benchmarks.linkage_addresses.RIDGE", np.array([RIDGE / 2, RIDGE]))
    assert doubled[0] + doubled[1] == pytest.approx(logistic(once, truth)[0])

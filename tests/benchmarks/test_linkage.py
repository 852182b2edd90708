"""Linkage on records whose truth others have kept: small ones always, those with aims in the long tests, and the aims are held on the other half."""

import pytest

from benchmarks.linkage import measure
from benchmarks.linkage_counts import Count
from benchmarks.linkage_trials import Trial, trials
from tests.connectors.helpers import REAL_DATA

AIMED = [trial for trial in trials(REAL_DATA) if trial.least_precision]


def _there(trial: str) -> dict[str, Count]:
    if not (REAL_DATA / "person_linkage").is_dir():
        pytest.skip(f"no published records in {REAL_DATA}: set GOVHUB_REAL_DATA")
    return {count.half: count for count in measure(trial) if count.trial == trial}


@pytest.mark.parametrize(("trial", "precision", "recall"), [("febrl1", 0.98, 0.95), ("fake", 0.97, 0.85)])
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

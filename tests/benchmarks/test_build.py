"""The build benchmark in small: every line is there and the counts agree; how long it takes is not asked here."""

import json

import pytest

from benchmarks.build import run
from benchmarks.hub import CORE, STEPS

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_a_small_build_has_every_line_and_counts_that_agree(capsys):
    run(people=2_000, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert list(found["steps"]) == list(STEPS)
    assert set(CORE) < set(STEPS)
    assert found["landed"] == found["accepted"] + found["quarantined"] + found["repeated"]
    assert 0 < found["linked"] <= found["accepted"]
    assert 0 < found["entities"] <= 2_000
    assert found["pandas"]["rows"] == found["landed"]
    # The comparison must come to the same people, or its seconds would mean nothing.
    assert abs(found["pandas"]["entities"] - found["entities"]) <= 0.005 * found["entities"]
    assert found["limit"] > 0
    # The floor leaves as much behind, but for those who stand twice in a source; without rules it takes what is no identifier for one.
    assert 0.95 * found["linked"] <= found["floor"]["links"] <= found["landed"]
    assert found["entities"] <= found["floor"]["entities"] <= 1.1 * found["entities"]


@pytest.mark.long
def test_a_million_rows_add_up_and_stay_within_four_gigabytes(capsys):
    run(people=300_000, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["landed"] > 1_000_000
    assert found["landed"] == found["accepted"] + found["quarantined"] + found["repeated"]
    assert 0 < found["entities"] <= 300_000
    assert found["peak_mb"] < 4096

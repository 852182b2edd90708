"""The increment benchmark in small: what was changed and taken away in the sources is what is updated and deleted."""

import json

import pytest

from benchmarks.increment import AFTER, KINDS, RUNS, run, taken


@pytest.mark.long
def test_a_small_increment_brings_in_what_changed_and_nothing_else(capsys):
    run(people=5_000, as_json=True)
    found = json.loads(capsys.readouterr().out)
    for kind in KINDS:
        part = found[kind]
        assert set(AFTER) <= set(part["steps"]) & set(part["full"])
        assert part["share"] == sorted(part["shares"])[RUNS // 2] == taken(part["steps"]) / taken(part["full"])
        # A changed row may get what it had, and one that waits in quarantine is no record.
        assert 0.8 * part["changed"] <= part["updated"] <= part["changed"]
        assert 0.8 * part["gone"] <= part["deleted"] <= part["gone"]
        assert 0 < part["published"]["updated"] <= part["updated"] + part["deleted"]
        assert part["published"]["deleted"] <= part["deleted"]
        assert part["bare"] > 0
        assert part["landing"] > 0
    # Of one person of a hundred, in every table: not of many more.
    assert found["people"]["published"]["updated"] <= 1.3 * 0.01 * found["people"]["entities"]
    assert found["people"]["published"]["updated"] < 0.5 * found["any"]["published"]["updated"]

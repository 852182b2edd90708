"""The increment benchmark in small: what was changed and taken away in the sources is what is updated and deleted."""

import json

import pytest

from benchmarks.increment import AFTER, run


@pytest.mark.long
def test_a_small_increment_brings_in_what_changed_and_nothing_else(capsys):
    run(people=5_000, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert set(AFTER) <= set(found["steps"]) & set(found["full"])
    # A changed row may get what it had, and one that waits in quarantine is no record.
    assert 0.8 * found["changed"] <= found["updated"] <= found["changed"]
    assert 0.8 * found["gone"] <= found["deleted"] <= found["gone"]
    assert 0 < found["published"]["updated"] <= found["updated"] + found["deleted"]
    assert found["published"]["deleted"] <= found["deleted"]
    assert found["bare"] > 0
    assert found["landing"] > 0

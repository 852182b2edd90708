"""The extract benchmark in small: every way brings every row, and what is missing is named; how long it takes is not asked here."""

import pytest

from benchmarks import extract
from benchmarks.extract import OWN, PEERS, measure, shares

pytestmark = pytest.mark.long


def test_every_way_of_the_hub_brings_every_row_and_missing_peers_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(extract, "TURNS", 1)
    monkeypatch.delenv("HUB_BENCH_PEERS", raising=False)
    found = measure(3_000, tmp_path)
    assert list(found["sources"]) == ["postgresql", "mysql", "csv", "sqlite"]
    for kind, ways in found["sources"].items():
        if "missing" in ways:
            continue
        assert set(ways) == {*OWN, *PEERS}
        assert all(figures.get("rows") == 3_000 or figures["missing"] for figures in ways.values()), kind
        assert {"rows", "seconds"} <= ways["landed"].keys() & ways["rows_only"].keys()
        assert all("missing" in ways[peer] for peer in PEERS)
    assert {"rows_only", "landed"} <= shares(found)["csv"].keys()

"""The memory benchmark in small: every source that answers is landed twice, and what is missing is named. So few rows show no growth.

That nothing is read ahead of its reader is held in tests/core/test_engine_stream.py and tests/connectors/test_pacing.py, by counts.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import second_delivery
from benchmarks.extract import sources
from benchmarks.extract_table import make_csv
from benchmarks.memory import MOST_MB, SECOND, WORKBOOK, measure
from pipeline.delivery.differing import ASKABLE

pytestmark = [pytest.mark.long, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")]


def test_every_source_is_landed_twice(tmp_path):
    found = measure(5_000, tmp_path)
    assert list(found["sources"]) == ["postgresql", f"postgresql, {SECOND}", "mysql", f"mysql, {SECOND}", "csv", "sqlite", WORKBOOK]
    for kind, peaks in found["sources"].items():
        if "missing" not in peaks:
            assert 0 < peaks["few"] < MOST_MB, (kind, peaks)
            assert 0 < peaks["many"] < MOST_MB, (kind, peaks)


@pytest.mark.parametrize("kind", ASKABLE)
def test_of_a_second_delivery_only_what_differs_is_read(tmp_path, kind):
    with ExitStack() as servers:
        address = dict(sources(make_csv(60_000, tmp_path), tmp_path, servers))[kind]
        if not address.startswith(kind):
            pytest.skip(address)
        found = second_delivery.measure(kind, address, tmp_path / "hub")
    assert found["rows"] == 600
    assert 0 < found["peak_mb"] < MOST_MB

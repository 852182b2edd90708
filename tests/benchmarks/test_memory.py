"""Landing takes as much memory for many rows as for few. 500,000 and 2,000,000 rows of thirteen columns: far beyond what all buffers hold.

Two and eight million are measured by `./hub bench memory --people 2000000`; what grows by row shows here as well: holding the rows as they
come would be 300 MB more.
"""

from pathlib import Path

import pytest

from benchmarks.memory import MOST_MB, measure

pytestmark = [pytest.mark.long, pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")]
# The allocator is noisy on a machine that does other work; what is held by row would be three times as much.
MOST_GROWTH = 1.2


def test_four_times_the_rows_take_no_more_memory(tmp_path):
    found = measure(500_000, tmp_path)
    assert list(found["sources"]) == ["postgresql", "mysql", "csv", "sqlite"]
    for kind, peaks in found["sources"].items():
        if "missing" not in peaks:
            assert peaks["many"] < MOST_MB, (kind, peaks)
            assert peaks["ratio"] <= MOST_GROWTH, (kind, peaks)

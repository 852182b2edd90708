"""The next delivery of a generated table: a few rows with another row's values, fewer still that are gone."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHANGED, DELETED = 0.01, 0.001


def write_changed(source: Path, target: Path, columns: list[str], seed: int) -> tuple[int, int]:
    """Write the table anew, and return how many rows have been changed and deleted. A changed row gets the values of another in `columns`."""
    table = pq.read_table(source)
    dice, rows = np.random.default_rng(seed), len(table)
    chosen = dice.permutation(rows)
    changed, deleted = chosen[: int(rows * CHANGED)], chosen[rows - int(rows * DELETED) :]
    from_row = np.arange(rows)
    from_row[changed] = (changed + 1 + dice.integers(0, rows - 1, len(changed))) % rows
    kept = np.delete(np.arange(rows), deleted)
    taken, others = pa.array(kept), pa.array(from_row[kept])
    new = {name: table[name].take(others if name in columns else taken) for name in table.column_names}
    pq.write_table(pa.table(new), target, compression="zstd", compression_level=1)
    return len(changed), len(deleted)

"""The next delivery of a generated table: a few rows with another row's values, fewer still that are gone."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Of a thousand rows, or of a thousand people.
CHANGED, DELETED = 10, 1

Rows = npt.NDArray[np.int64]


def change_rows(table: pa.Table, _identifier: str, seed: int) -> tuple[Rows, Rows]:
    """Places of the rows that change and of those that go: any rows, so that those of other tables are of other people."""
    chosen = np.random.default_rng(seed).permutation(len(table))
    return chosen[: len(table) * CHANGED // 1000], chosen[len(table) - len(table) * DELETED // 1000 :]


def change_people(table: pa.Table, identifier: str, seed: int) -> tuple[Rows, Rows]:
    """Places of the rows of the people who change and of those who go: the same people in every table in which they have an identity number.

    A number of 15 digits is that of 18 without the century and the check character (GB 11643).
    """
    plain = pc.utf8_upper(pc.utf8_trim_whitespace(pc.utf8_normalize(table[identifier].cast(pa.string()), form="NFKC")))
    short = pc.utf8_slice_codeunits(plain, 0, 15)
    long = pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 0, 6), pc.utf8_slice_codeunits(plain, 8, 17), "")
    person = pc.if_else(pc.equal(pc.utf8_length(plain), 15), short, long)
    known = pc.fill_null(pc.equal(pc.utf8_length(person), 15), False).to_numpy()
    of_thousand = pd.util.hash_array(person.to_pandas().to_numpy(dtype=object), hash_key=f"{seed:016}") % 1000
    return np.flatnonzero(known & (of_thousand < CHANGED)), np.flatnonzero(known & (of_thousand >= 1000 - DELETED))


def write_changed(table: pa.Table, target: Path, columns: list[str], places: tuple[Rows, Rows], seed: int) -> tuple[int, int]:
    """Write the table anew, and return how many rows have been changed and deleted. A changed row gets the values of another in `columns`."""
    dice, rows = np.random.default_rng(seed), len(table)
    changed, deleted = places
    from_row = np.arange(rows)
    from_row[changed] = (changed + 1 + dice.integers(0, rows - 1, len(changed))) % rows
    kept = np.delete(np.arange(rows), deleted)
    taken, others = pa.array(kept), pa.array(from_row[kept])
    new = {name: table[name].take(others if name in columns else taken) for name in table.column_names}
    pq.write_table(pa.table(new), target, compression="zstd", compression_level=1)
    return len(changed), len(deleted)

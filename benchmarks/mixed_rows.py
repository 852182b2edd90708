"""Rows with a value for every population element, one cell in sixteen written as departments write: for the benchmark of standardizing.

What the generated city knows of a person is taken from it; the other columns are drawn from the same people, from the code lists, and from
numbers and dates, so that a column has as many different values as its like would have.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from demo.city import make_city, truth_at
from demo.dice import Dice, Ints
from demo.text import Text, date_text, digits, joined, picked, where
from standards.loader import load_standards
from standards.model import DataElement
from standards.render.examples import example

MESSY_SHARE = 1 / 16
_FULL = "".join(chr(ord(half) + 0xFEE0) for half in "0123456789X")
# As a cell may be written: each takes and gives a column.
_WRITTEN: tuple[Callable[[Text], Text], ...] = (
    lambda cells: joined(" ", cells, "　"),
    lambda cells: joined("'", cells),
    lambda cells: _replaced(cells, "0123456789X", _FULL),
    lambda cells: pc.utf8_lower(cells),
    lambda cells: pc.utf8_slice_codeunits(cells, 0, 5),
    lambda cells: pc.if_else(pc.is_valid(cells), "不详", cells),
)


def write_mixed_rows(rows: int, seed: int, path: Path) -> None:
    """Write a Parquet file of `rows` rows, a text column for each element of the population schema."""
    table = mixed_rows(rows, seed)
    pq.write_table(table, path, compression="zstd", compression_level=1)


def mixed_rows(rows: int, seed: int) -> pa.Table:
    """The rows as an Arrow table."""
    # Who has left the city is not on record.
    people = truth_at(make_city(rows + rows // 50 + 10, seed), 1).table("population").slice(0, rows)
    dice, keys = Dice(seed), np.arange(len(people), dtype=np.int64)
    columns = {}
    for element in load_standards().schemas["population"].elements:
        right = pc.cast(people[element.id], pa.string()) if element.id in people.column_names else _drawn(element, people, dice, keys)
        columns[element.id] = _messy(element, right.combine_chunks() if isinstance(right, pa.ChunkedArray) else right, dice, keys)
    return pa.table(columns)


def _drawn(element: DataElement, people: pa.Table, dice: Dice, keys: Ints) -> Text:
    """Right values of an element that the city does not know."""
    like = {
        "resident_id": "resident_id",
        "person_name": "person_name",
        "address": "residence_address",
        "organization_name": "employer_name",
    }
    others = dice.below(f"{element.id} of", keys, len(people))
    if element.type in like:
        return people[like[element.type]].take(pa.array(others))
    if element.code_list is not None:
        codes = load_standards().code_lists[element.code_list].current
        return picked(codes, dice.below(element.id, keys, len(codes)))
    days = np.datetime64("1960-01-01") + dice.below(element.id, keys, 23_000).astype("timedelta64[D]")
    if element.type in ("date", "timestamp"):
        return joined(date_text(days, "%Y-%m-%d"), " 08:30:00") if element.type == "timestamp" else date_text(days, "%Y-%m-%d")
    if element.type == "identifier":
        numbers = digits(dice.below(element.id, keys, 10**9), 9)
        ids = people["resident_id"].take(pa.array(others)).combine_chunks()
        return next(
            cells for cells in (numbers, joined("X", numbers), joined(ids, "44")) if re.search(element.pattern or "", cells[0].as_py())
        )
    return pa.array([example(element, load_standards())] * len(people), pa.string())


def _messy(element: DataElement, right: Text, dice: Dice, keys: Ints) -> Text:
    """The column with some cells written otherwise, each way of writing equally often."""
    way = np.where(dice.chance(f"{element.id} messy", keys, MESSY_SHARE), dice.below(f"{element.id} way", keys, len(_WRITTEN)), -1)
    for number, written in enumerate(_WRITTEN):
        right = where(way == number, written(right), right)
    return right


def _replaced(cells: Text, characters: str, others: str) -> Text:
    for one, other in zip(characters, others, strict=True):
        cells = pc.replace_substring(cells, one, other)
    return cells

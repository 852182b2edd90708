"""Columns of text made in one go: joined, picked from lists, and numbers and dates written out, a million at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from demo.dice import Flags, Ints

Days = NDArray[np.datetime64]
# pyarrow has no type hints of its own: an Arrow array of strings is `Any` to the type checker.
Text = Any


def from_bytes(matrix: NDArray[np.uint8]) -> Text:
    """Return one string per row of a matrix of ASCII codes."""
    count, width = matrix.shape
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(width)
    data = np.ascontiguousarray(matrix)
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def digit_matrix(numbers: Ints, width: int) -> NDArray[np.uint8]:
    """Return the last `width` decimal digits of each number, one per column."""
    matrix = np.empty((len(numbers), width), dtype=np.uint8)
    rest = numbers.astype(np.int64)
    for column in range(width - 1, -1, -1):
        matrix[:, column] = rest % 10
        rest = rest // 10
    return matrix


def digits(numbers: Ints, width: int) -> Text:
    """Return numbers with leading zeros."""
    return from_bytes(digit_matrix(numbers, width) + np.uint8(48))


def plain(numbers: Ints) -> Text:
    """Return numbers without leading zeros."""
    return pc.cast(pa.array(numbers), pa.string())


def picked(values: Sequence[str], indices: Ints) -> Text:
    """Return `values[i]` for each index; -1 gives null."""
    return pa.array(list(values), pa.string()).take(pa.array(indices, mask=indices < 0))


def joined(*parts: Text | str) -> Text:
    """Return the parts put together; null where one of them is null."""
    scalars = [pa.scalar(part, pa.string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, "")


def where(flags: Flags, yes: Text | str | None, no: Text | str | None) -> Text:
    """Return `yes` where the flag is set, else `no`."""
    one, other = (pa.scalar(value, pa.string()) if value is None or isinstance(value, str) else value for value in (yes, no))
    return pc.if_else(pa.array(flags), one, other)


def parts_of(days: Days) -> tuple[Ints, Ints, Ints]:
    """Return year, month and day of the month; of NaT whatever, so mask it."""
    months = days.astype("datetime64[M]")
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return year, months.astype(np.int64) % 12 + 1, (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def date_text(days: Days, form: str) -> Text:
    """Write dates: `%Y%m%d`, `%Y-%m-%d`, `Y/m/d` (without zeros) or `Y年m月d日` (without zeros)."""
    known = ~np.isnat(days)
    safe = np.where(known, days, np.datetime64("2000-01-01"))
    write: Callable[[Days], Text] = _FORMS[form]
    return where(known, write(safe), None)


def _compact(days: Days) -> Text:
    year, month, day = parts_of(days)
    return digits(year * 10000 + month * 100 + day, 8)


def _separated(days: Days, separators: tuple[str, str, str], zeros: bool) -> Text:
    year, month, day = parts_of(days)
    two = (lambda numbers: digits(numbers, 2)) if zeros else plain
    return joined(digits(year, 4), separators[0], two(month), separators[1], two(day), separators[2])


_FORMS: dict[str, Callable[[Days], Text]] = {
    "%Y%m%d": _compact,
    "%Y-%m-%d": lambda days: _separated(days, ("-", "-", ""), True),
    "Y/m/d": lambda days: _separated(days, ("/", "/", ""), False),
    "Y年m月d日": lambda days: _separated(days, ("年", "月", "日"), False),
}


def spreadsheet_days(days: Days) -> Text:
    """Return dates as numbers of the 1900 system of spreadsheets, which counts a 29th of February 1900 that never was."""
    return pa.array((days - np.datetime64("1899-12-30")).astype(np.int64))


def dates(days: Days) -> Text:
    """Return an Arrow column of dates; NaT becomes null."""
    return pa.array(days.astype("datetime64[D]"), pa.date32(), from_pandas=True)

"""One pass over a delivery: exact counts by the engine, and a sample of rows chosen by a hash of their position, so that it is the same each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from connectors.columns import MOST_COLUMNS
from connectors.extraction import POSITION, Extraction
from contracts.proposal.profile import ColumnProfile, TableProfile
from core.engine import Engine, quote
from standards.types.general import MISSING

SAMPLE_ROWS = 2000
# All values of a column with at most so many are kept: it may be coded.
MOST_CODES = 200
# In the first batch a column that may be a key has at least this share of different values; only there every value is counted.
LEAST_DIFFERENT = 0.9
# Counting exactly takes memory for each column that is counted.
MOST_KEYS = 24
_BLANKS = " \t\r\n\u3000\u00a0\ufeff\u200b"
_UNNAMED = "unnamed_"


_MARKERS = pa.array(["", *MISSING])


@dataclass
class _Count:
    """What is counted of one column."""

    filled: int = 0
    shortest: int | None = None
    longest: int = 0
    values: set[str] | None = field(default_factory=set)

    def add(self, column: pa.Array) -> None:
        """Count one batch of cleaned values."""
        self.filled += len(column) - column.null_count
        if column.null_count == len(column):
            return
        length = pc.min_max(pc.utf8_length(column))
        self.shortest = length["min"].as_py() if self.shortest is None else min(self.shortest, length["min"].as_py())
        self.longest = max(self.longest, length["max"].as_py())
        if self.values is not None:
            found = pc.unique(column.drop_null())
            self.values.update(found.slice(0, MOST_CODES + 1).to_pylist())
            if len(self.values) > MOST_CODES:
                self.values = None


@dataclass
class _Tap:
    """What is seen while the engine reads: counts, and the sample so far."""

    columns: tuple[str, ...]
    rows: int = 0
    counts: dict[str, _Count] = field(default_factory=dict)
    hashes: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    sample: pa.Table | None = None

    def see(self, batch: pa.RecordBatch) -> None:
        """Count a batch and draw from it."""
        self.rows += batch.num_rows
        cleaned = [_cleaned(batch.column(name)) for name in self.columns]
        for name, column in zip(self.columns, cleaned, strict=True):
            self.counts.setdefault(name, _Count()).add(column)
        self._draw(pa.table(cleaned, names=list(self.columns)), _mixed(batch.column(POSITION).to_numpy(zero_copy_only=False)))

    def _draw(self, table: pa.Table, hashes: npt.NDArray[np.uint64]) -> None:
        full = len(self.hashes) >= SAMPLE_ROWS
        chosen = np.flatnonzero(hashes < self.hashes.max()) if full else np.arange(len(hashes))
        together = np.concatenate([self.hashes, hashes[chosen]])
        order = np.argsort(together, kind="stable")[:SAMPLE_ROWS]
        drawn = table.take(chosen)
        self.sample = (drawn if self.sample is None else pa.concat_tables([self.sample, drawn])).take(order)
        self.hashes = together[order]


def profile(extraction: Extraction, engine: Engine) -> TableProfile:
    """Profile a delivery while it is read, once. How many different values a column has is exact where they are few or nearly all differ."""
    first = next(extraction.batches, None)
    if first is None or first.num_rows == 0:
        return TableProfile(0, len(extraction.unreadable), ())
    names = [name for name in extraction.schema.names if name != POSITION]
    some = _in_use(names, first)
    columns = _looked_into(some)
    tap = _Tap(columns)
    likely = [name for name in columns if _may_be_key(first.column(name))][:MOST_KEYS]
    exact = [name in likely for name in columns]
    counted = ", ".join(_distinct(name, exact=exactly) for name, exactly in zip(columns, exact, strict=True))
    with engine.streamed("delivery", extraction.schema, _tapped(first, extraction.batches, tap)):
        distinct = engine.row(f"SELECT {counted} FROM delivery", doing="profiling a source")
    found = tuple(_column(name, int(number), tap, exact=exactly) for name, number, exactly in zip(columns, distinct, exact, strict=True))
    declared, too_many = ([name for name in named if name not in kept] for named, kept in ((names, set(some)), (some, set(columns))))
    return TableProfile(tap.rows, len(extraction.unreadable), found, tuple(declared), tuple(too_many))


def _in_use(names: Sequence[str], first: pa.RecordBatch) -> list[str]:
    """Columns that have a name or, in the first batch, a value; the others are only declared."""
    return [name for name in names if not _is_nameless(name) or _cleaned(first.column(name)).null_count < first.num_rows]


def _looked_into(some: Sequence[str]) -> tuple[str, ...]:
    kept = set(sorted(some, key=_is_nameless)[:MOST_COLUMNS])
    return tuple(name for name in some if name in kept)


def _is_nameless(name: str) -> bool:
    return name.startswith(_UNNAMED) or not any(character.isalnum() for character in name.rpartition("_")[0] or name)


def _tapped(first: pa.RecordBatch, others: Iterator[pa.RecordBatch], tap: _Tap) -> Iterator[pa.RecordBatch]:
    tap.see(first)
    yield first
    for batch in others:
        if batch.num_rows:
            tap.see(batch)
            yield batch


def _cleaned(column: pa.Array) -> pa.Array:
    """Texts without blanks around them; null where they only say that there is no value."""
    text = pc.utf8_trim(column, _BLANKS)
    return pc.if_else(pc.is_in(pc.utf8_upper(text), _MARKERS), pa.scalar(None, pa.string()), text)


def _may_be_key(column: pa.Array) -> bool:
    different = len(pc.unique(column))
    return different > MOST_CODES and different >= LEAST_DIFFERENT * len(column)


def _distinct(name: str, *, exact: bool) -> str:
    return f"count(DISTINCT {quote(name)})" if exact else f"approx_count_distinct({quote(name)})"


def _column(name: str, distinct: int, tap: _Tap, *, exact: bool) -> ColumnProfile:
    count = tap.counts[name]
    assert tap.sample is not None
    sample = tuple(tap.sample.column(name).drop_null().to_pylist())
    values = tuple(sorted(count.values)) if count.values is not None else None
    known = min(distinct, count.filled) if values is None else len(values)
    return ColumnProfile(
        name, tap.rows, count.filled, known, values is not None or exact, count.shortest or 0, count.longest, sample, values
    )


def _mixed(positions: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Positions in an order without any pattern (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = positions.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))

"""What one pass over a table showed: per column how often it is filled, how many values, how long, of which shape, and a sample to test.

Values are kept only for the tests that follow; they are left out of every text form.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

# Digits of any script and width, Latin letters and Chinese characters.
_CLASSES = ((re.compile(r"\d+"), "9"), (re.compile("[A-Za-z]+"), "A"), (re.compile("[\u3400-\u9fff]+"), "汉"))
_LONGEST_SHAPE, _SHOWN_SHAPES = 24, 3


@dataclass(frozen=True)
class ColumnProfile:
    """One column. Missing-value markers (无, NULL, /) count as not filled.

    `distinct` is exact where the values are few or nearly all differ, else an estimate (`is_exact`); `values` are all of them where few.
    """

    name: str
    rows: int
    filled: int
    distinct: int
    is_exact: bool
    shortest: int
    longest: int
    sample: tuple[str, ...] = field(repr=False)
    values: tuple[str, ...] | None = field(default=None, repr=False)

    @property
    def fill(self) -> float:
        """Share of rows with a value."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def is_key(self) -> bool:
        """Whether every row has a value of its own."""
        return self.is_exact and 0 < self.rows == self.filled == self.distinct

    @property
    def is_nearly_key(self) -> bool:
        """Whether nearly every row has a value of its own: rows delivered twice are common."""
        return self.filled >= 0.995 * self.rows > 0 and self.distinct >= 0.97 * self.filled

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each value stands in the sample, the frequent ones first."""
        return dict(sorted(Counter(self.sample).items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def shapes(self) -> tuple[tuple[str, float], ...]:
        """The commonest shapes (`9999-99-99`, `汉{12}`) with their share of the sample."""
        found = Counter(shape(value) for value in self.sample)
        first = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_SHAPES]
        return tuple((text, round(count / len(self.sample), 3)) for text, count in first)


@dataclass(frozen=True)
class TableProfile:
    """A table: its rows, those that could not be read as one, its columns, those that are only declared, and those that were too many."""

    rows: int
    unreadable: int
    columns: tuple[ColumnProfile, ...]
    left_out: tuple[str, ...] = ()
    too_many: tuple[str, ...] = ()

    def column(self, name: str) -> ColumnProfile | None:
        """The profile of a column."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns in which every row has a value of its own."""
        return tuple(column.name for column in self.columns if column.is_key)


def shape(value: str) -> str:
    """A value with its characters replaced by their class: nothing of it is left but its form."""
    text = value
    for pattern, mark in _CLASSES:
        text = pattern.sub(lambda found, mark=mark: mark * len(found[0]), text)  # type: ignore[misc]
    runs = re.sub(r"([9A汉])\1{4,}", lambda found: f"{found[1]}{{{len(found[0])}}}", text)
    other = re.sub(r"[^9A汉{}0-9\-/:. ()（）〔〕年月日号,·]", "·", runs)
    return other if len(other) <= _LONGEST_SHAPE else f"{other[:_LONGEST_SHAPE]}…"

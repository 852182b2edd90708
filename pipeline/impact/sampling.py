"""Samples of records, and what they say about all of them.

A record's id is a keyed digest, so the ids below a bound are a random sample, and the same one every time. A record is in the sample with a
known probability, independent of every other; so the number found is binomial, and the interval is the score interval of that law.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from uuid import UUID

from core.engine import uuid_literal

# Normal quantile of a two-sided 95 % interval.
QUANTILE = 1.96
_ALL_IDS = 1 << 128


@dataclass(frozen=True)
class Sample:
    """The share of a dataset's records that is looked at, out of `population` rows."""

    population: int
    share: Fraction

    @property
    def is_whole(self) -> bool:
        """Whether everything is looked at, so that counts are counts and not estimates."""
        return self.share >= 1

    @property
    def probability(self) -> float:
        """With which a record is in the sample."""
        return 1.0 if self.is_whole else float(self.share)

    def condition(self, column: str = "_record_id") -> str:
        """SQL for whether an id, which is a keyed digest, belongs to the sample."""
        if self.is_whole:
            return "true"
        return f"{column} < {uuid_literal(UUID(int=int(_ALL_IDS * self.share)))}"

    def scale(self, found: int) -> "Estimate":
        """What a count in the sample says about all rows."""
        return estimate(found, self.probability, self.population)


@dataclass(frozen=True)
class Estimate:
    """A number of rows or entities: found in the sample, expected in all, and the bounds that hold it 95 times in 100."""

    found: int
    expected: int
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.found:,}" if self.low == self.high else f"{self.expected:,} ({self.low:,} to {self.high:,})"


def take_sample(rows: int, most: int) -> Sample:
    """A sample of about `most` of a dataset's rows; all of them where they are no more."""
    return Sample(rows, Fraction(1) if rows <= most else Fraction(most, rows))


def estimate(found: int, probability: float, population: int | None = None) -> Estimate:
    """What `found` says, where each of the things counted was in the sample with a probability.

    The bounds are the solutions T of (found - T·p)² = z²·T·p·(1 - p), kept between what was seen and what there is.
    """
    if probability >= 1:
        return Estimate(found, found, found, found)
    spread = QUANTILE**2 * (1 - probability)
    middle, width = 2 * found + spread, QUANTILE * sqrt((1 - probability) * (4 * found + spread))
    low, high = ((middle + side * width) / (2 * probability) for side in (-1, 1))
    most = population if population is not None else max(found, round(high))
    expected = min(round(found / probability), most)
    return Estimate(found, expected, min(max(found, int(low)), expected), max(min(most, -int(-high // 1)), expected))


def weigh(counts: Mapping[float, int], least: float) -> Estimate:
    """An estimate from things that were in the sample with different probabilities, `least` at least: how many were found with each."""
    found = sum(counts.values())
    if not found:
        return estimate(0, least)
    return estimate(found, found / sum(count / probability for probability, count in counts.items()))

"""A department's table under construction: which rows of the truth it holds, and its columns with the department's faults."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.certificates import Certificates
from demo.city import City
from demo.dice import Dice, Flags, Ints
from demo.faults import Press
from demo.organizations import Organizations
from demo.people import People, date_of
from demo.text import Days, Text, where

Entity = TypeVar("Entity", People, Organizations, Certificates)
AGAIN = 1 << 60  # added to the key of a row that repeats a person with other content


@dataclass
class Sheet:
    """Rows, by place in the city's frames, with a dice key for each; columns in the department's order."""

    city: City
    dataset: str
    rows: Ints
    keys: Ints
    again: Flags
    press: Press
    columns: dict[str, Text] = field(default_factory=dict)

    @property
    def dice(self) -> Dice:
        """The city's dice."""
        return self.city.dice

    def put(self, name: str, values: Text) -> None:
        """Add a column, with the faults that faults.yml names for it."""
        self.columns[name] = self.press.spoil(name, values, self.keys)

    def clean(self, name: str, values: Text) -> None:
        """Add a column that has no faults."""
        self.columns[name] = values

    def stale(self, column: str, old: Text, now: Text) -> Text:
        """Return `now`, but `old` where the department has not heard of the change; rows that repeat a person are always old."""
        mixed = where(self.press.happens(column, "stale", self.keys) | self.again, old, now)
        self.press.count(column, "stale", pc.sum(pc.not_equal(mixed, now)).as_py() or 0)
        return mixed

    def lose(self, name: str, encoding: str) -> None:
        """Let a column lose the characters that the department's encoding does not have: each becomes a question mark."""
        before = self.columns[name].to_pylist()
        after = [value and value.encode(encoding, "replace").decode(encoding) for value in before]
        self.press.count(name, "lost_in_encoding", sum(old != new for old, new in zip(before, after, strict=True)))
        self.columns[name] = pa.array(after, pa.string())

    def updated(self, *changed_on: Ints, since: int = 1500) -> Days:
        """Return when the row was last changed: the last of these days of the story, else a date before it."""
        last = np.maximum.reduce(list(changed_on)) if changed_on else np.zeros(len(self.rows), dtype=np.int64)
        ago = 1 + self.dice.below(f"{self.dataset}/updated", self.keys, since)
        # The copy with older content was written before its twin.
        before = date_of(1) - (ago + np.where(self.again, since, 0)).astype("timedelta64[D]")
        updated: Days = np.where((last > 0) & ~self.again, date_of(1) + (last - 1).astype("timedelta64[D]"), before)
        return updated

    def table(self) -> pa.Table:
        """Return the finished table in an order of its own, with rows that stand twice."""
        made = pa.table(self.columns)
        places = np.arange(len(self.rows))
        twice = places[self.press.happens("rows", "exact_duplicate", self.keys)]
        self.press.count("rows", "exact_duplicate", len(twice))
        order = np.argsort(self.dice.roll(f"{self.dataset}/order", self.keys), kind="stable")
        return made.take(pa.array(np.concatenate([places[order], twice])))


def sheet(city: City, dataset: str, held: Flags, numbers: Ints, counts: Counter[tuple[str, str, str]]) -> Sheet:
    """Return an empty sheet of the rows held; some of them a second time, as faults.yml says."""
    press = Press(city.dice, dataset, counts)
    rows = np.flatnonzero(held)
    again = rows[press.happens("rows", "twice_with_other_content", numbers[rows])]
    press.count("rows", "twice_with_other_content", len(again))
    both = np.concatenate([rows, again])
    second = np.concatenate([np.zeros(len(rows), dtype=bool), np.ones(len(again), dtype=bool)])
    return Sheet(city, dataset, both, numbers[both] + second * AGAIN, second, press)

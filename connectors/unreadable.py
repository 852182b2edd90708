"""Rows of a source that could not be read as rows: which ones, and why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from core.errors import SourceError

# So many stretches are kept; with more, no table was delivered, and their account would take more memory than a million rows.
MOST_STRETCHES = 200_000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of the source that could not be read as one, and why, which quotes no value; of several files, also where it stands. Or a stretch of
    so many rows with one reason: neighbours, or with a `step` every second, every third: a file whose lines end twice has a blank row after each.
    """

    position: int
    why: str
    place: str = ""
    rows: int = 1
    step: int = 1

    @property
    def last(self) -> int:
        """The position of its last row."""
        return self.position + (self.rows - 1) * self.step

    @property
    def reason(self) -> str:
        """Why, behind the place."""
        return f"{self.place}: {self.why}" if self.place else self.why

    @property
    def is_blank(self) -> bool:
        """Whether nothing stood there, so that it is no record that got lost."""
        return self.why.endswith(("is blank", "record is empty"))

    def each(self) -> Iterator["Unreadable"]:
        """Its rows."""
        for number in range(self.rows):
            yield Unreadable(self.position + number * self.step, self.why, self._place_after(number * self.step))

    def with_next(self, other: "Unreadable") -> "Unreadable | None":
        """One stretch of this and another, where that goes on as this does."""
        gap = other.position - self.last
        goes_on = gap > 0 and all(item.rows == 1 or item.step == gap for item in (self, other))
        if not goes_on or other.why != self.why or other.place != self._place_after(other.position - self.position):
            return None
        return Unreadable(self.position, self.why, self.place, self.rows + other.rows, gap)

    def _place_after(self, positions: int) -> str:
        """Where the row stands that is so many positions behind the first; a place ends with its number in the file."""
        if not positions or not self.place:
            return self.place
        where, _, first = self.place.rpartition(" ")
        return f"{where} {int(first) + positions}"


class UnreadableRows:
    """The unreadable rows of a delivery, in the order in which they were found. A sheet may end with a million blank ones, and a file of another
    form may have nothing else: what is kept goes by stretches, not by rows.
    """

    def __init__(self) -> None:
        self._stretches: list[Unreadable] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[Unreadable]:
        for stretch in self._stretches:
            yield from stretch.each()

    def __iadd__(self, rows: Iterable[Unreadable]) -> Self:
        for row in rows:
            self.append(row)
        return self

    @property
    def stretches(self) -> Sequence[Unreadable]:
        """Rows that follow each other with one reason as one."""
        return tuple(self._stretches)

    @property
    def last(self) -> int:
        """The last position of any; 0 where there is none."""
        return max((stretch.last for stretch in self._stretches), default=0)

    def append(self, row: Unreadable) -> None:
        """Add a row or a stretch. Raises SourceError where there are too many to tell each."""
        self._rows += row.rows
        if self._stretches and (longer := self._stretches[-1].with_next(row)):
            self._stretches[-1] = longer
            return
        if len(self._stretches) == MOST_STRETCHES:
            first = self._stretches[0]
            raise SourceError(
                f"rows cannot be read as rows of this table in more than {MOST_STRETCHES} places, up to position {row.position}; "
                f"the first, {first.position}: {first.reason}",
                hint="look at what was delivered, and at what the contract says of its form (delimiter, quotes, encoding, lines above the header)",
            )
        self._stretches.append(row)

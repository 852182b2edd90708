"""How often a base table is wrong, where the truth is known: of a checked sample, or of the demo's city. By source, and by group of people.

Two shares say it: the entities that are missing, and of the values given those that are wrong. Each has a 95 % interval (Wilson's score
interval, which holds for small groups and for shares near zero). A group stands out where one of its intervals lies wholly above that of all
others of its kind taken together: a rule that is unfair to a group is seen so, and chance seldom looks like it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from standards.model import Title

Z = 1.959963984540054  # of a two-sided interval of 95 %
LEAST_CASES = 3
SOURCE, ALL = "source", "all"


@dataclass(frozen=True)
class Share:
    """A share with its interval; without a whole there is none."""

    part: int
    whole: int

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the share, from 0 to 1."""
        if not self.whole:
            return 0.0, 1.0
        share, spread = self.part / self.whole, Z * Z / self.whole
        middle = share + spread / 2
        reach = Z * sqrt(share * (1 - share) / self.whole + spread / (4 * self.whole))
        return max((middle - reach) / (1 + spread), 0.0), min((middle + reach) / (1 + spread), 1.0)

    def is_above(self, other: "Share") -> bool:
        """Whether the whole interval lies above another one; one or two cases are nobody's pattern."""
        return self.part >= LEAST_CASES and self.interval[0] > other.interval[1]


@dataclass(frozen=True)
class Accuracy:
    """One group (or source, or all): entities that there truly are, those found, values given of these, and of them those that are wrong."""

    kind: str
    group: str
    title: Title
    entities: int
    found: int
    given: int
    wrong: int

    @property
    def missed(self) -> Share:
        """The entities that are not in the table."""
        return Share(self.entities - self.found, self.entities)

    @property
    def errors(self) -> Share:
        """The values given that are wrong, or that truly are none."""
        return Share(self.wrong, self.given)


@dataclass(frozen=True)
class AccuracyReport:
    """The account of one publication: what it was held against, and its lines."""

    basis: Title
    lines: tuple[Accuracy, ...]

    def standing_out(self, line: Accuracy) -> tuple[str, ...]:
        """In what a group does worse than all others of its kind together: `missed`, `errors`. A source need not know everybody."""
        rest = _together(other for other in self.lines if other.kind == line.kind and other is not line)
        asked = () if line.kind == ALL or rest is None else ("errors",) if line.kind == SOURCE else ("missed", "errors")
        return tuple(name for name in asked if getattr(line, name).is_above(getattr(rest, name)))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of groups, in the order of the lines."""
        return tuple(dict.fromkeys(line.kind for line in self.lines))

    def of(self, kind: str) -> Sequence[Accuracy]:
        """The lines of one kind."""
        return [line for line in self.lines if line.kind == kind]


def _together(lines: Iterable[Accuracy]) -> Accuracy | None:
    found = list(lines)
    if not found:
        return None
    sums = {name: sum(getattr(line, name) for line in found) for name in ("entities", "found", "given", "wrong")}
    return Accuracy(found[0].kind, "", found[0].title, **sums)

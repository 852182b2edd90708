"""Masks: how a value may be shown outside lake and databases. Which mask applies is an attribute of the data element.

A mask is written once and rendered twice: for one value, and as SQL for a column.
"""

from dataclasses import dataclass

DOT = "*"


@dataclass(frozen=True)
class Mask:
    """Keeps the first `kept` characters of a value of at least `least`, with at most `most` dots behind them; of a shorter one nothing."""

    least: int
    kept: int
    most: int | None = None

    def of(self, value: str) -> str:
        """The value as it may be shown."""
        if len(value) < self.least:
            return DOT * len(value)
        hidden = len(value) - self.kept
        return value[: self.kept] + DOT * (hidden if self.most is None else min(hidden, self.most))

    def sql(self, value: str) -> str:
        """SQL for the same of an expression that is a text; null stays null."""
        hidden = f"length({value}) - {self.kept}"
        dots = hidden if self.most is None else f"least({hidden}, {self.most})"
        return (
            f"CASE WHEN length({value}) >= {self.least} THEN left({value}, {self.kept}) || repeat('{DOT}', {dots}) "
            f"ELSE repeat('{DOT}', length({value})) END"
        )


MASKS: dict[str, Mask | None] = {
    "none": None,
    "name": Mask(2, 1, 5),
    # The first four characters of a Chinese identifier are its province and city.
    "identifier": Mask(12, 4),
    "phone": Mask(7, 3),
    "address": Mask(7, 6, 8),
    "full": Mask(0, 0, 8),
}


def mask(value: str | None, kind: str) -> str | None:
    """Return the value as it may be shown; null stays null."""
    found = MASKS[kind]
    return value if value is None or found is None else found.of(value)


def mask_sql(value: str, kind: str) -> str:
    """SQL for the same of an expression that is a text."""
    found = MASKS[kind]
    return value if found is None else found.sql(value)

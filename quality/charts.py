"""Geometry of the few charts there are, for templates to draw as SVG: no script, no image library, no inline style."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 1000.0  # units of a bar's view box; the page stretches it
LEAST = 6.0  # the narrowest that a part with at least one row is drawn, so that it can be seen at all


@dataclass(frozen=True)
class Part:
    """One part of a whole: its key (for title and color) and its count."""

    key: str
    count: int


@dataclass(frozen=True)
class Segment:
    """A part as drawn: where it begins and how wide it is."""

    key: str
    count: int
    x: float
    width: float


def segments(parts: Sequence[Part]) -> list[Segment]:
    """Lay the parts out along one bar of WIDTH. Parts too small to be seen get LEAST, taken from the others in proportion."""
    shown = [part for part in parts if part.count > 0]
    total = sum(part.count for part in shown)
    if not total:
        return []
    small = [part for part in shown if part.count / total * WIDTH < LEAST]
    rest = sum(part.count for part in shown) - sum(part.count for part in small)
    room = WIDTH - LEAST * len(small)
    x, laid = 0.0, []
    for part in shown:
        width = LEAST if part in small else part.count / rest * room
        laid.append(Segment(part.key, part.count, round(x, 2), round(width, 2)))
        x += width
    return laid


def sparkline(values: Sequence[float], width: float = 120.0, height: float = 24.0) -> str:
    """The points of a trend line, oldest first, scaled from zero to the largest value."""
    if not values:
        return ""
    top = max(values) or 1
    step = width / max(len(values) - 1, 1)
    return " ".join(f"{i * step:.1f},{height - 2 - value / top * (height - 4):.1f}" for i, value in enumerate(values))


def number_text(value: float | None) -> str:
    """A count with thousands apart; what is not known is a dash."""
    return "—" if value is None else f"{value:,}"


def interval_text(bounds: tuple[float, float]) -> str:
    """An interval of shares in percent."""
    low, high = (100 * bound for bound in bounds)
    digits = 2 if high < 10 or low > 90 else 1
    return f"{low:.{digits}f}–{high:.{digits}f}%"


def share_text(part: int, whole: int) -> str:
    """A share in percent, rounded, but never onto an end: what is not all never reads 100 %, what is not nothing never 0 %."""
    if not whole:
        return "—"
    if part in (0, whole):
        return "0%" if part == 0 else "100%"
    percent = part / whole * 100
    digits = 2 if percent > 99 or percent < 1 else 1
    least = 10.0**-digits
    return f"{min(max(round(percent, digits), least), 100 - least):.{digits}f}%"

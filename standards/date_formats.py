"""Declared date formats of a contract (`%Y %m %d`, with `%H %M %S` read and dropped), as patterns and the ISO form of what they find.

A year of two digits is read only with its century: `%y(1930)` stands for the hundred years from 1930 to 2029.
"""

import re

from standards.patterns import one_of

_PARTS = {
    "%Y": "([12][0-9]{3}|9999)",
    "%m": "([0-9]{1,2})",
    "%d": "([0-9]{1,2})",
    "%H": "(?:[01]?[0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": r"[0-5][0-9](?:\.[0-9]+)?",
}
_DAY = ("%Y", "%m", "%d")
_SHORT_YEAR = re.compile(r"%y\(([0-9]{4})\)")
_TOKEN = re.compile("%.", re.DOTALL)


def format_fault(declared: str, *, whole_day: bool = True) -> str:
    """What keeps a declared format from being used, in words; empty where nothing does. Without `whole_day`, a year may stand alone."""
    written = _SHORT_YEAR.sub("%Y", declared)
    tokens = _TOKEN.findall(written)
    if "%y" in tokens:
        return "%y does not say the century: write %y(1930) for the hundred years from 1930 to 2029, %y(1900) for 1900 to 1999"
    unknown = sorted({*tokens, *(["%"] if "%" in _TOKEN.sub("", written) else [])} - _PARTS.keys())
    if unknown:
        return f"{', '.join(unknown)} cannot be used; use %Y %m %d, and %H %M %S for a time of day that is dropped"
    if any(tokens.count(token) != 1 for token in (_DAY if whole_day else ["%Y"])):
        return "%Y, %m and %d are each needed once" if whole_day else "%Y is needed once"
    twice = sorted({token for token in tokens if tokens.count(token) > 1})
    return f"{', '.join(twice)} stands there more than once" if twice else ""


def format_patterns(declared: str) -> tuple[tuple[str, str], ...]:
    """The patterns of a format, each with its replacement: one, or one for each century into which the years of a two-digit year reach.

    Raises ValueError for an unusable format.
    """
    year = _SHORT_YEAR.search(declared)
    if year is None:
        return (format_pattern(declared),)
    pattern, groups = format_pattern(declared.replace(year[0], "%Y"))
    # Six zeros are no day of the year 2000 but a missing value.
    pattern, place = pattern.replace("([0-9]{2})", "(0[1-9]|[12][0-9]|3[01])"), groups[:2]
    return tuple(
        (pattern.replace(_PARTS["%Y"], f"({years})"), groups.replace(place, f"{century}{place}"))
        for century, years in _by_century(int(year[1]))
    )


def _by_century(first: int) -> list[tuple[int, str]]:
    """The first two digits of the hundred years from one on, each with a pattern for the last two."""
    found: dict[int, list[str]] = {}
    for year in range(first, first + 100):
        found.setdefault(year // 100, []).append(f"{year % 100:02}")
    return [(century, one_of(years)) for century, years in found.items()]


def format_pattern(declared: str) -> tuple[str, str]:
    """The pattern of a format and the replacement that turns a match into year-month-day. Raises ValueError for an unusable format."""
    if fault := format_fault(declared):
        raise ValueError(fault)
    tokens = _TOKEN.findall(declared)
    # Digits that touch cannot share a free number of places.
    parts = {**_PARTS, "%m": "([0-9]{2})", "%d": "([0-9]{2})", "%H": "(?:[01][0-9]|2[0-3])"} if re.search("%.%", declared) else _PARTS
    pattern = "".join(parts.get(piece, re.escape(piece)) for piece in re.split("(%.)", declared) if piece)
    order = [token for token in tokens if token in _DAY]
    return f"^{pattern}$", "-".join(f"\\{order.index(token) + 1}" for token in _DAY)

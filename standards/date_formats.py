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
_SHORT_YEAR = re.compile(r"%y\(([0-9]{4})\)")
_TOKEN = re.compile("%.")


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
    tokens = _TOKEN.findall(declared)
    if "%y" in tokens:
        raise ValueError("%y does not say the century: write %y(1930) for the hundred years from 1930 to 2029, %y(1900) for 1900 to 1999")
    unknown = sorted(set(tokens) - _PARTS.keys())
    if unknown:
        raise ValueError(f"{', '.join(unknown)} cannot be used; use %Y %m %d, and %H %M %S for a time of day that is dropped")
    if sorted(token for token in tokens if token in {"%Y", "%m", "%d"}) != ["%Y", "%d", "%m"]:
        raise ValueError("%Y, %m and %d are each needed once")
    # Digits that touch cannot share a free number of places.
    parts = {**_PARTS, "%m": "([0-9]{2})", "%d": "([0-9]{2})", "%H": "(?:[01][0-9]|2[0-3])"} if re.search("%.%", declared) else _PARTS
    pattern = "".join(parts.get(piece, re.escape(piece)) for piece in re.split("(%.)", declared) if piece)
    order = [token for token in tokens if token in {"%Y", "%m", "%d"}]
    return f"^{pattern}$", "-".join(f"\\{order.index(token) + 1}" for token in ("%Y", "%m", "%d"))

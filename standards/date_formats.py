"""Declared date formats of a contract (`%Y %m %d`, with `%H %M %S` read and dropped), as a pattern and the ISO form of what it finds."""

import re

_PARTS = {
    "%Y": "([12][0-9]{3}|9999)",
    "%m": "([0-9]{1,2})",
    "%d": "([0-9]{1,2})",
    "%H": "(?:[01]?[0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": r"[0-5][0-9](?:\.[0-9]+)?",
}
_TOKEN = re.compile("%.")


def format_pattern(declared: str) -> tuple[str, str]:
    """The pattern of a format and the replacement that turns a match into year-month-day. Raises ValueError for an unusable format."""
    tokens = _TOKEN.findall(declared)
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

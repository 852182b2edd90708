"""Declared date formats of a contract (`%Y %m %d`, with `%H %M %S` read and dropped), as a pattern and the ISO form of what it finds."""

import re

_PARTS = {
    "%Y": "([12][0-9]{3}|9999)",
    "%m": "([0-9]{1,2})",
    "%d": "([0-9]{1,2})",
    "%H": "[0-9]{1,2}",
    "%M": "[0-9]{2}",
    "%S": r"[0-9]{2}(?:\.[0-9]+)?",
}
_DAY = ("%Y", "%m", "%d")
_TOKEN = re.compile("%.", re.DOTALL)


def format_fault(declared: str, *, whole_day: bool = True) -> str:
    """What keeps a declared format from being used, in words; empty where nothing does. Without `whole_day`, a year may stand alone."""
    tokens = _TOKEN.findall(declared)
    unknown = sorted({*tokens, *(["%"] if "%" in _TOKEN.sub("", declared) else [])} - _PARTS.keys())
    if unknown:
        return f"{', '.join(unknown)} cannot be used; use %Y %m %d, and %H %M %S for a time of day that is dropped"
    if any(tokens.count(token) != 1 for token in (_DAY if whole_day else ["%Y"])):
        return "%Y, %m and %d are each needed once" if whole_day else "%Y is needed once"
    twice = sorted({token for token in tokens if tokens.count(token) > 1})
    return f"{', '.join(twice)} stands there more than once" if twice else ""


def format_pattern(declared: str) -> tuple[str, str]:
    """The pattern of a format and the replacement that turns a match into year-month-day. Raises ValueError for an unusable format."""
    if fault := format_fault(declared):
        raise ValueError(fault)
    tokens = _TOKEN.findall(declared)
    # Digits that touch cannot share a free number of places.
    parts = {**_PARTS, "%m": "([0-9]{2})", "%d": "([0-9]{2})", "%H": "[0-9]{2}"} if re.search("%.%", declared) else _PARTS
    pattern = "".join(parts.get(piece, re.escape(piece)) for piece in re.split("(%.)", declared) if piece)
    order = [token for token in tokens if token in _DAY]
    return f"^{pattern}$", "-".join(f"\\{order.index(token) + 1}" for token in _DAY)

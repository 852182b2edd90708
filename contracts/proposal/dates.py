"""How a column writes its dates, declared only where its values leave no doubt."""

import re
from collections.abc import Mapping

from standards.date_formats import format_pattern

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S")
_FORMATS = tuple(f"{day}{clock}" for day in _DAYS for clock in _CLOCKS if clock == "" or day != "%Y%m%d")
# Day and month may stand in either order: one value above twelve tells.
_EITHER = re.compile(r"^([0-9]{1,2})([/.-])([0-9]{1,2})[/.-][0-9]{4}( [0-9]{1,2}:[0-9]{2}(?P<seconds>:[0-9]{2})?)?$")
# A writing seen less often than this is a slip, not a form of the column.
_LEAST = 0.005


def formats_of(counts: Mapping[str, int]) -> tuple[tuple[str, ...], bool]:
    """The formats of a column's values, commonest first, and whether the order of day and month cannot be told."""
    total = sum(counts.values())
    found = {form: _matching(form, counts) for form in _FORMATS}
    ordered, doubtful = _day_and_month(counts)
    found |= ordered
    common = sorted((form for form, count in found.items() if count >= max(1, _LEAST * total)), key=lambda form: (-found[form], form))
    return tuple(common), doubtful


def _matching(form: str, counts: Mapping[str, int]) -> int:
    pattern = re.compile(format_pattern(form)[0])
    return sum(count for value, count in counts.items() if pattern.search(value))


def _day_and_month(counts: Mapping[str, int]) -> tuple[dict[str, int], bool]:
    matches = [(found, count) for value, count in counts.items() if (found := _EITHER.match(value))]
    if not matches:
        return {}, False
    day_first = any(int(found[1]) > 12 for found, _ in matches)
    month_first = any(int(found[3]) > 12 for found, _ in matches)
    if day_first == month_first:
        return {}, True
    result: dict[str, int] = {}
    for found, count in matches:
        day = found[2].join(("%d", "%m", "%Y") if day_first else ("%m", "%d", "%Y"))
        clock = "" if found[4] is None else " %H:%M:%S" if found["seconds"] else " %H:%M"
        result[day + clock] = result.get(day + clock, 0) + count
    return result, False

"""Period of validity (ISO 8601 interval): first and last day as `begin/end`; an open end is 9999-12-31."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK, real_date
from standards.types import date
from standards.types.general import let

FORM = "^[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_REAL = f"^{real_date('-')}/{real_date('-')}$"
_DAY = "[0-9]{4}[-./年][0-9]{1,2}[-./月][0-9]{1,2}日?|[0-9]{8}|[〇零○一二三四五六七八九]{4}年[一二三四五六七八九十]+月[一二三四五六七八九十廿卅]+日"
_PARTS = f"^[自从]?[{BLANK}]*({_DAY})[{BLANK}]*(?:[起始]?[{BLANK}]*(?:[至到~～—–-]|--|——|/)[至到]?)[{BLANK}]*(.+?)[{BLANK}]*(?:止|为止)?$"


def ready(element: DataElement) -> str:
    """The form of a period that needs no repair."""
    return FORM


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Periods between days of the calendar, in their order."""
    return raw.re_search(_REAL) & (raw.substr(0, 10) <= raw.substr(11, 10))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Both days in ISO form, joined by a slash; a text without two of them stays."""
    begin = let(text.re_replace(_PARTS, r"\1"), lambda day: date.read(day, open_end=False))
    end = let(text.re_replace(_PARTS, r"\2"), lambda day: date.read(day, open_end=True))
    return ibis.cases((text.re_search(_PARTS), begin + ibis.literal("/") + end), else_=text)


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Periods with days that do not exist, and those that end before they begin."""
    formed = value.re_search(FORM)
    return {
        "no-such-date": formed & ~value.re_search(_REAL),
        "end-before-begin": ibis.cases((formed, value.substr(0, 10) > value.substr(11, 10)), else_=False),
    }

"""Period of validity (ISO 8601 interval): first and last day as `begin/end`; an open end is 9999-12-31."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards import moments
from standards.model import DataElement
from standards.patterns import real_date
from standards.types import date
from standards.types.general import let

FORM = "^[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_REAL = f"^{real_date('-')}/{real_date('-')}$"
_SEPARATORS = r"[./\\_,:;|·、年月 -]{1,3}"
_DAY = f"[0-9]{{4}}{_SEPARATORS}[0-9]{{1,2}}{_SEPARATORS}[0-9]{{1,2}}|[0-9]{{8}}"
_CLOCK = "(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?)?"
_JOIN = " ?[起始]?[ ,]*(?:[至到]|~+|-+|/|→|TO|UNTIL|THROUGH)[ ,]*[至到]? ?| ?起[ ,]*| "
_PARTS = f"^(?:自|从|由|FROM)? ?({_DAY}) ?[日号]?{_CLOCK}(?:{_JOIN})(.+?) ?(?:止|为止|截止)?$"


def ready(element: DataElement) -> str:
    """The form of a period that needs no repair."""
    return FORM


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Periods between days of the calendar, in their order."""
    return raw.re_search(_REAL) & (raw.substr(0, 10) <= raw.substr(11, 10))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Both days in ISO form, joined by a slash; a text without two of them stays."""
    return let(moments.tidy(text), lambda plain: ibis.cases((plain.re_search(_PARTS), _joined(plain)), else_=text)).coalesce(text)


def _joined(text: StringValue) -> StringValue:
    """Null where a side is no day."""
    begin = moments.read_tidy(text.re_replace(_PARTS, r"\1")).substr(0, 10)
    end = let(
        date.read(text.re_replace(_PARTS, r"\2"), open_end=True),
        lambda day: ibis.cases((day.re_search(date.FORM), day), else_=ibis.null("string")),
    )
    return begin + ibis.literal("/") + end


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Periods with days that do not exist, and those that end before they begin."""
    formed = value.re_search(FORM)
    return {
        "no-such-date": formed & ~value.re_search(_REAL),
        "end-before-begin": ibis.cases((formed, value.substr(0, 10) > value.substr(11, 10)), else_=False),
    }

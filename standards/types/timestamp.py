"""A moment (GB/T 7408.1, ISO 8601) as date and time of day in Beijing, to the second. A day without a time is refused: midnight is a claim."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards import moments
from standards.model import DataElement
from standards.patterns import real_date
from standards.types import date
from standards.types.general import let

CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_REAL = f"^{real_date('-')} {CLOCK}$"
_FORM = "^[0-9]{4}-[0-9]{2}-[0-9]{2} "
_MOMENT = f"{_FORM}{CLOCK}$"


def ready(element: DataElement) -> str:
    """The form of a moment that needs no repair."""
    return f"^(?:1[0-9]{{3}}|2[0-9]{{3}})-[0-9]{{2}}-[0-9]{{2}} {CLOCK}$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Moments of days that are in the calendar."""
    return raw.re_search(ready(element)) & raw.re_search(_REAL)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Day and time of day in Beijing where both can be read; any other text stays."""
    return let(moments.read(text), lambda found: ibis.cases((found.re_search(_MOMENT), found), else_=text))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Moments of days that the calendar does not have."""
    return {"no-such-date": value.re_search(_FORM) & ~value.substr(0, 10).re_search(date.REAL)}

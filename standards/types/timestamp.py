"""A moment (GB/T 7408.1, ISO 8601) as date and time of day in Beijing, to the second. A day without a time is refused: midnight is a claim."""

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK, real_date
from standards.types import date
from standards.types.general import let

CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_REAL = f"^{real_date('-')} {CLOCK}$"
_FORM = "^[0-9]{4}-[0-9]{2}-[0-9]{2} "
_ZONE = "(?:[.,][0-9]+)?(?:[+]08:?00)?"
_LOCAL = f"^(.*[0-9日号])[T{BLANK}]+([0-9]{{1,2}})[:：时]([0-9]{{1,2}})(?:[:：分]([0-9]{{1,2}}))?[分秒]?{_ZONE}$"
_DIGITS = "^([0-9]{8})([0-9]{2})([0-9]{2})([0-9]{2})$"
_UTC = "^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.][0-9]+)?)?(?:Z|[+-]00:?00)$"
_MILLISECONDS = "^([0-9]{12,13})$"
_BEIJING = 8 * 3600
_PAIRS = "".join(f"{number:02}" for number in range(60))


def ready(element: DataElement) -> str:
    """The form of a moment that needs no repair."""
    return f"^(?:1[0-9]{{3}}|2[0-9]{{3}})-[0-9]{{2}}-[0-9]{{2}} {CLOCK}$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Moments of days that are in the calendar."""
    return raw.re_search(ready(element)) & raw.re_search(_REAL)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Day and time of day in Beijing where both can be read; any other text stays."""
    return let(text.upper(), lambda given: _joined(given, element))


def _joined(text: StringValue, element: DataElement) -> StringValue:
    day = let(date.normalize(text, element), lambda found: ibis.cases((found.re_search(date.FORM), found), else_=ibis.null("string")))
    return (day + ibis.literal(" ") + _clock(text)).coalesce(text)


def _clock(text: StringValue) -> StringValue:
    """The time of day in Beijing, null where the text has none."""
    return ibis.cases(
        (text.re_search(_UTC), _moved(text)),
        (text.re_search(_LOCAL), _padded(text.re_replace(_LOCAL, r"0\2:0\3:0\4"))),
        (text.re_search(_DIGITS), text.re_replace(_DIGITS, r"\2:\3:\4")),
        (text.re_search(_MILLISECONDS), _of_day(text.try_cast("int64") // 1000 + _BEIJING)),
        else_=ibis.null("string"),
    )


def _padded(clock: StringValue) -> StringValue:
    """Two digits each; a minute without seconds begins with its first."""
    return clock.re_replace(":0$", ":00").re_replace("0([0-9]{2})", r"\1")


def _moved(text: StringValue) -> StringValue:
    hour = (text.re_replace(_UTC, r"\2").try_cast("int64") + 8) % 24
    return _two(hour) + text.re_replace(_UTC, r":\3:0\4").re_replace(":0$", ":00").re_replace(":0([0-9]{2})$", r":\1")


def _of_day(seconds: IntegerValue) -> StringValue:
    return _two(seconds // 3600 % 24) + ibis.literal(":") + _two(seconds // 60 % 60) + ibis.literal(":") + _two(seconds % 60)


def _two(number: IntegerValue) -> StringValue:
    return ibis.literal(_PAIRS).substr(number * 2, 2)


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Moments of days that the calendar does not have."""
    return {"no-such-date": value.re_search(_FORM) & ~value.substr(0, 10).re_search(date.REAL)}

"""Calendar date (GB/T 7408.1, ISO 8601): year-month-day. A form with one safe reading is read, any other is refused, never guessed."""

from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.date_formats import format_patterns
from standards.model import OPEN_END, TODAY, DataElement
from standards.patterns import BLANK, real_date
from standards.types.general import let, where

FORM = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
REAL = f"^{real_date('-')}$"
_OPEN = "^至?(?:长期|永久|无固定期限|无限期|不限|不约定期限)(?:有效)?$"
_CLOCK = r"[0-9]{1,2}[:：时][0-9]{1,2}(?:[:：分][0-9]{1,2}(?:[.,][0-9]+)?秒?)?"
_TIME = f"(?:[T{BLANK}]+{_CLOCK}(?:[+]08:?00)?)?"
_ANY = f"^(?:公元)?([0-9]{{4}})[年./\\\\_—–,-]([0-9]{{1,2}})[月./\\\\_—–,-]([0-9]{{1,2}})[日号]?{_TIME}$"
_DIGITS = "^([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{6})?$"
_UTC = r"^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-]00:?00)$"
_MILLISECONDS = "^(?:/DATE[(])?(-?[0-9]{12,13})(?:[)]/)?$"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_ENGLISH = (
    (r"^([A-Z]{3})[A-Z]*[. ]+([0-9]{1,2}),? ([0-9]{4})$", r"\3-\1-\2"),
    (r"^([0-9]{1,2})[ -]([A-Z]{3})[A-Z]*[ ,-]+([0-9]{4})$", r"\3-\2-\1"),
    (r"^[A-Z]{3} ([A-Z]{3}) ([0-9]{2}) [0-9:]{8} (?:CST|GMT[+]0?8:?00) ([0-9]{4})$", r"\3-\1-\2"),
)
_AMBIGUOUS = "^[0-9]{1,2}[./年-][0-9]{1,2}[./月-](?:[0-9]{1,2}|[0-9]{4})日?$|^[0-9]{6}$|^[0-9]{1,2}-[A-Z]{3}-[0-9]{2}$"


def ready(element: DataElement) -> str:
    """The form of a date that needs no repair."""
    return "^(?:1[0-9]{3}|2[0-9]{3}|9999)-[0-9]{2}-[0-9]{2}$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Days of the calendar, up to today where the future is an issue."""
    real = raw.re_search(ready(element)) & raw.re_search(REAL)
    return real & (raw <= today) if element.maximum == TODAY else real


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """ISO text where there is one safe reading."""
    return read(text, open_end=element.maximum == OPEN_END)


def read(text: StringValue, *, open_end: bool) -> StringValue:
    """ISO text where there is one safe reading; the words for an open end are read where there can be one."""
    dated = where(text.upper(), "[一二三四五六七八九十廿卅〇零○]", _arabic).re_replace(f"[{BLANK}]*(?:星期|周|礼拜)[0-9日天]$", "")
    return let(where(dated, "^[0-9O]{4}[0-9O./年月日-]+$", lambda part: part.replace("O", "0")), lambda date: _read(date, open_end))


# Unambiguous whatever the contract says, and common enough to be read without the general rules.
PLAIN_FORMATS = ("%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S")


def declared_branches(text: StringValue, formats: Sequence[str]) -> list[tuple[BooleanValue, StringValue]]:
    """For each format, in their order: where it fits, and the ISO text it gives there."""
    pairs = (pair for declared in formats for pair in format_patterns(declared))
    return [(text.re_search(pattern), _iso(text, pattern, groups)) for pattern, groups in pairs]


def _read(text: StringValue, open_end: bool) -> StringValue:
    english = [(text.re_search(pattern), _padded(_numbered(text, pattern, groups))) for pattern, groups in _ENGLISH]
    opened = [(text.re_search(_OPEN), ibis.literal(OPEN_END))] if open_end else []
    return ibis.cases(
        (text.re_search(_ANY), _iso(text, _ANY, r"\1-\2-\3")),
        (text.re_search(_DIGITS), _iso(text, _DIGITS, r"\1-\2-\3")),
        *opened,
        (text.re_search("^[1-9][0-9]{4}$"), _day("1899-12-30", text.try_cast("int64"))),
        (text.re_search(_MILLISECONDS), _beijing_day(text.re_replace(_MILLISECONDS, r"\1").try_cast("int64"))),
        (text.re_search(_UTC), _from_utc(text)),
        *english,
        else_=text,
    )


def _iso(text: StringValue, pattern: str, groups: str) -> StringValue:
    """The parts joined by hyphens, months and days with two digits."""
    joined = text.re_replace(pattern, groups)
    return _padded(joined) if "{1,2}" in pattern else joined


def _padded(date: StringValue) -> StringValue:
    return date.re_replace("-([0-9])-", r"-0\1-").re_replace("-([0-9])$", r"-0\1")


def _numbered(text: StringValue, pattern: str, groups: str) -> StringValue:
    date = text.re_replace(pattern, groups)
    for number, month in enumerate(_MONTHS, start=1):
        date = date.replace(month, f"{number:02}")
    return date


def _day(epoch: str, days: IntegerValue) -> StringValue:
    return (ibis.date(epoch) + days.as_interval("D")).cast("string").substr(0, 10)  # DuckDB adds to a date and gets a timestamp


def _beijing_day(milliseconds: IntegerValue) -> StringValue:
    return _day("1970-01-01", (milliseconds + 8 * 3_600_000) // 86_400_000)


def _from_utc(text: StringValue) -> StringValue:
    """Beijing is eight hours ahead: from 16:00 on it is the next day there."""
    later = text.re_replace(_UTC, r"\4") >= "16"
    day = text.substr(0, 10)
    real = day.re_search(REAL)
    moved = ibis.cases((real, day), else_=ibis.null("string")).try_cast("date") + ibis.interval(days=1)
    return ibis.cases((later & real, moved.cast("string").substr(0, 10)), else_=day)


def _arabic(text: StringValue) -> StringValue:
    """Chinese numerals as digits: 二〇二四年十二月廿一日, 一九九〇年一月一日."""
    digits = text.translate("〇零○一二三四五六七八九", "000123456789").replace("廿", "2十").replace("卅", "3十")
    tens = digits.re_replace("([0-9])十([0-9])", r"\1\2").re_replace("([0-9])十", r"\1零")
    return tens.re_replace("十([0-9])", r"1\1").replace("十", "10").replace("零", "0")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Days that do not exist, that cannot be told, or that lie ahead; `today` is an ISO date."""
    formed = value.re_search(FORM)
    found = {"no-such-date": ~value.re_search(REAL) & formed, "ambiguous-date": value.re_search(_AMBIGUOUS)}
    if element.maximum == TODAY:
        found["future-date"] = ibis.cases((value > today, formed), else_=False)
    return found

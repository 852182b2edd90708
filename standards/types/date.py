"""Calendar date (GB/T 7408.1, ISO 8601): year-month-day. A form with one safe reading is read, any other is refused, never guessed."""

from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards import moments
from standards.date_formats import format_patterns
from standards.model import OPEN_END, TODAY, DataElement
from standards.patterns import real_date
from standards.types.general import without_blanks

FORM = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
REAL = f"^{real_date('-')}$"
# An open end (长期), whatever says so around it.
_OPEN_WORDS = "长期|永久|永续|长久|终身|终生|无固定期限|无期限?|无限期?|不限期?限?|[不未]约定期限|不设期限|无截止日期|无固定期"
_OPEN_ENGLISH = "PERMANENT|INDEFINITE|FOREVER|UNLIMITED|LONG-?TERM"
_OPEN = f"^(?:有效)?(?:期限?)?[至到]?(?:{_OPEN_WORDS}|{_OPEN_ENGLISH})(?:有效|性|存续|经营|使用|期限)?$"
_UNTIL, _ENDS = "^(?:有效期?)?(?:截)?[至止到] ?", " ?(?:为止|截止|截至|到期|止)$"
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
    day = moments.read(_ending(text) if open_end else text).substr(0, 10).coalesce(text)
    if not open_end:
        return day
    word = without_blanks(text).upper().re_replace("[(（)）.。]", "").translate("長無終", "长无终")
    return ibis.cases((word.re_search(_OPEN), OPEN_END), else_=day)


def _ending(text: StringValue) -> StringValue:
    """Without the words that say that a period ends there."""
    return text.re_replace(f"{_UNTIL}|{_ENDS}", "")


# Unambiguous whatever the contract says, and common enough to be read without the general rules.
PLAIN_FORMATS = ("%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S")


def declared_branches(text: StringValue, formats: Sequence[str]) -> list[tuple[BooleanValue, StringValue]]:
    """For each format, in their order: where it fits, and the ISO text it gives there."""
    pairs = (pair for declared in formats for pair in format_patterns(declared))
    return [(text.re_search(pattern), _iso(text, pattern, groups)) for pattern, groups in pairs]


def _iso(text: StringValue, pattern: str, groups: str) -> StringValue:
    """The parts joined by hyphens, months and days with two digits."""
    joined = text.re_replace(pattern, groups)
    return joined.re_replace("-([0-9])-", r"-0\1-").re_replace("-([0-9])$", r"-0\1") if "{1,2}" in pattern else joined


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Days that do not exist, that cannot be told, or that lie ahead; `today` is an ISO date."""
    formed = value.re_search(FORM)
    found = {"no-such-date": ~value.re_search(REAL) & formed, "ambiguous-date": value.re_search(_AMBIGUOUS)}
    if element.maximum == TODAY:
        found["future-date"] = ibis.cases((value > today, formed), else_=False)
    return found

"""Phone number: eleven digits of a mobile, or area code, number and extension of a landline joined by hyphens."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK, DASHES
from standards.types.general import is_masked, let

_MOBILE = "^[+]?(?:00)?(?:86)?0?(1[3-9][0-9]{9})$"
_AREA = "10|2[0-9]|[3-9][0-9]{2}"
# The area code needs its 0, unless the country code or brackets say that it is one; a number may be parted before its last four digits.
_COUNTRY = "[(]?[+]?(?:00)?86[)]?-?[(]?0?[)]?-?[(]?"
_LANDLINE = f"^(?:{_COUNTRY}|[(]0?|0)({_AREA})[)]?[-/.]?([0-9]{{3,4}})-?([0-9]{{4}})(?:-([0-9]{{1,6}}))?$"
_EXTENSION = "-?[(]?-?(?:转接?|分机号?|内线|EXT[.:]?|X|#)-?(?:分机号?)?[:：.]?-?([0-9]{1,6})-?(?:分机)?[)]?$"


def ready(element: DataElement) -> str:
    """The form of a number that needs no repair."""
    form = element.pattern or "^(?:1[3-9][0-9]{9}|0[0-9]{2,3}-[0-9]{7,8})$"
    return form.replace("0[0-9]{2,3}-", "0[1-9][0-9]{1,2}-")  # zeros alone stand for a missing number


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Numbers in their form."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The digits without country code, in the one form of a mobile or landline number; the letter O is read as 0."""
    joined = text.upper().translate("（）轉分機", "()转分机").re_replace(f"[{BLANK}{DASHES}]+", "-").re_replace("[OＯ]", "0")
    return let(joined.re_replace(_EXTENSION, r"-\1").re_replace("[)]?[(]([0-9]{1,6})[)]$", r"-\1"), lambda given: _read(given, text))


def _read(given: StringValue, text: StringValue) -> StringValue:
    digits = given.re_replace("[()-]", "")
    landline = given.re_replace(_LANDLINE, r"0\1-\2\3-\4").re_replace("-$", "")
    return ibis.cases(
        (digits.re_search(_MOBILE), digits.re_replace(_MOBILE, r"\1")),
        (given.re_search(_LANDLINE), landline),
        else_=text,
    )


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Numbers with covered digits."""
    return {"masked-value": is_masked(value)}

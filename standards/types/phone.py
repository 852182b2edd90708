"""Phone number: eleven digits of a mobile, or area code, number and extension of a landline joined by hyphens."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK
from standards.types.general import is_masked, let

_MOBILE = "^[+]?(?:00)?(?:86)?0?(1[3-9][0-9]{9})$"
_AREA = "10|2[0-9]|[3-9][0-9]{2}"
# The area code needs its 0, unless the country code or brackets say that it is one.
_LANDLINE = f"^(?:[+]?(?:00)?86-?[(]?0?|[(]0?|0)({_AREA})[)]?-?([0-9]{{7,8}})(?:(?:转|-|#|EXT[.]?)([0-9]{{1,6}}))?$"


def ready(element: DataElement) -> str:
    """The form of a number that needs no repair."""
    return element.pattern or "^(?:1[3-9][0-9]{9}|0[0-9]{2,3}-[1-9][0-9]{6,7})$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Numbers in their form."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The digits without country code, in the one form of a mobile or landline number; the letter O is read as 0."""
    joined = text.upper().replace("（", "(").replace("）", ")").re_replace(f"[{BLANK}—–－-]+", "-").re_replace("[OＯ]", "0")
    return let(joined, _read)


def _read(text: StringValue) -> StringValue:
    digits = text.re_replace("[()-]", "")
    landline = text.re_replace(_LANDLINE, r"0\1-\2-\3").re_replace("-$", "")
    return ibis.cases(
        (digits.re_search(_MOBILE), digits.re_replace(_MOBILE, r"\1")),
        (text.re_search(_LANDLINE), landline),
        else_=text,
    )


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Numbers with covered digits."""
    return {"masked-value": is_masked(value)}

"""Full name of an organization as registered (GB/T 36104-2018): full-width brackets, no blanks within Chinese."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK, DECODED_WRONG, HAN, MISREAD_START, han_except
from standards.types.general import is_lossy, is_masked, without_blanks

_HAN, _FIRST = han_except(DECODED_WRONG), han_except(DECODED_WRONG + MISREAD_START)


def ready(element: DataElement) -> str:
    """The form of a name that needs no repair."""
    return f"^[{HAN}A-Za-z][{HAN}A-Za-z0-9·（）]+$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Names of ordinary characters; an X may cover something."""
    return raw.re_search(f"^[{_FIRST}A-WYZa-wyz][{_HAN}A-WYZa-wyz0-9·（）]+$")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Full-width brackets, `·` for every dot between words, no stop at the end."""
    bracketed = text.re_replace("[(﹙❨]", "（").re_replace("[)﹚❩]", "）")
    dotted = bracketed.re_replace("[•‧・･∙⋅●﹒]", "·").re_replace(f'["{BLANK}。.；;，,]+$', "")
    single = dotted.re_replace(f"[{BLANK}]+", " ")
    return ibis.cases((text.re_search("[A-Za-z]"), single), else_=without_blanks(dotted))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Names with lost or covered characters."""
    return {"masked-value": is_masked(value), "lossy-encoding": is_lossy(value)}

"""Unified social credit code (GB 32100-2015): authority 1, category 1, region 6, organization code 9 (GB 11714), check character."""

from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import BLANK, DASHES, NOT_A_CODE_OF_18, one_of
from standards.types import organization_code
from standards.types.general import character_sum, is_masked, let

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FORM = "^[0-9A-HJ-NPQRTUWXY]{18}$"
_WEIGHTS = tuple(3**place % 31 for place in range(17))
_NATIONAL = "10"  # bodies of the central government


def ready(element: DataElement) -> str:
    """The form of a code that needs no repair."""
    return "^[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Codes of a known authority and province whose check characters are right."""
    known = raw.re_search(category_pattern()) & raw.re_search(province_pattern())
    return raw.re_search(ready(element)) & known & is_right(raw)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without separators; letters that are never used are read as digits only if both checks are right afterwards."""
    return let(text.re_replace(f"[{BLANK}{DASHES}]+", ""), _repaired)


def _repaired(text: StringValue) -> StringValue:
    """L is a letter of the alphabet, but a small one the commonest misreading of 1: a code with it is first tried as it stands."""
    ones = let(_digits(text.replace("l", "1")), lambda read: ibis.cases((is_right(read), read), else_=text.upper()))
    doubtful = let(_digits(text), lambda read: ibis.cases((is_right(read), read), else_=ones))
    return ibis.cases((text.re_search("^[0-9A-Za-z]{18}$") & text.re_search("[OoIiZzSsl]"), doubtful), else_=text.upper())


def _digits(text: StringValue) -> StringValue:
    return text.upper().replace("O", "0").replace("I", "1").replace("Z", "2").replace("S", "5")


def is_right(code: StringValue) -> BooleanValue:
    """Whether both check characters agree."""
    return has_right_check(code) & has_right_inner_check(code)


def has_right_check(code: StringValue) -> BooleanValue:
    """Whether the eighteenth character makes the weighted sum a multiple of 31."""
    return character_sum(code, ALPHABET, 0, (*_WEIGHTS, 1)) % 31 == 0


def has_right_inner_check(code: StringValue) -> BooleanValue:
    """Whether characters 9 to 17 are an organization code with its check character."""
    return organization_code.has_right_check(code, start=8)


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """What is wrong with a code beyond its characters and length."""
    return {
        "unknown-category": ~value.re_search(f"{category_pattern()}|{NOT_A_CODE_OF_18}"),
        "unknown-division": ~value.re_search(f"{province_pattern()}|{NOT_A_CODE_OF_18}"),
        "wrong-inner-code": ibis.cases((~has_right_inner_check(value), value.re_search(FORM)), else_=False),
        "wrong-check-character": ibis.cases((~has_right_check(value), value.re_search(FORM)), else_=False),
        # Four X in a row occur in real codes; whoever covers characters does not leave both checks right.
        "masked-value": ibis.cases((is_masked(value), ~is_right(value)), else_=False),
    }


@while_in_force
def category_pattern() -> str:
    """The valid pairs of authority and category."""
    return f"^{one_of(load_standards().code_lists['uscc_category'].current)}"


@lru_cache(maxsize=1)
def province_pattern() -> str:
    """Six digits that begin with a province: authorities use regions outside GB/T 2260 below it."""
    codes = load_standards().code_lists["division"].codes
    return f"^..{one_of({code.code[:2] for code in codes} | {_NATIONAL})}[0-9]{{4}}"

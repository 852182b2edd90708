"""Unified social credit code (GB 32100-2015): authority 1, category 1, region 6, organization code 9 (GB 11714), check character."""

from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import BLANK, one_of
from standards.types.general import is_masked, let

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FORM = "^[0-9A-HJ-NPQRTUWXY]{18}$"
_WEIGHTS = tuple(3**place % 31 for place in range(17))
_INNER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_INNER_CHECK_CHARACTERS = "0X987654321"  # by the remainder: 11 − 0 is written 0, 10 is written X
_NATIONAL = "10"  # bodies of the central government


def ready(element: DataElement) -> str:
    """The form of a code that needs no repair."""
    return "^[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without separators; letters that are never used are read as digits only if both checks are right afterwards."""
    return let(text.re_replace(f"[{BLANK}—–-]+", "").upper(), _repaired)


def _repaired(text: StringValue) -> StringValue:
    read = text.replace("O", "0").re_replace("[IL]", "1").replace("Z", "2").replace("S", "5")
    literal = text.replace("O", "0").replace("I", "1").replace("Z", "2").replace("S", "5")
    return ibis.cases(
        (~text.re_search("^[0-9A-Z]{18}$") | text.re_search(FORM) & ~text.contains("L"), text),
        (text.re_search(FORM) & is_right(text), text),
        (is_right(literal), literal),
        (is_right(read), read),
        else_=text,
    )


def is_right(code: StringValue) -> BooleanValue:
    """Whether both check characters agree."""
    return (check_character(code) == code.substr(17, 1)) & (inner_check_character(code) == code.substr(16, 1))


def check_character(code: StringValue) -> StringValue:
    """The eighteenth character that the first seventeen ask for."""
    rest = _sum(code, ALPHABET, 0, _WEIGHTS) % 31
    return ibis.literal(ALPHABET).substr((31 - rest) % 31, 1)


def inner_check_character(code: StringValue) -> StringValue:
    """The seventeenth character: the check of the organization code in characters 9 to 17."""
    return ibis.literal(_INNER_CHECK_CHARACTERS).substr(_sum(code, _INNER_ALPHABET, 8, _INNER_WEIGHTS) % 11, 1)


def _sum(code: StringValue, alphabet: str, start: int, weights: tuple[int, ...]) -> IntegerValue:
    terms = [ibis.literal(alphabet).find(code.substr(start + place, 1)) * weight for place, weight in enumerate(weights)]
    return sum(terms[1:], start=terms[0])


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """What is wrong with a code beyond its characters and length."""
    formed = value.re_search(FORM)
    return {
        "unknown-category": formed & ~value.re_search(category_pattern()),
        "unknown-division": formed & ~value.re_search(province_pattern()),
        "wrong-inner-code": formed & (inner_check_character(value) != value.substr(16, 1)),
        "wrong-check-character": formed & (check_character(value) != value.substr(17, 1)),
        "masked-value": is_masked(value),
    }


@lru_cache(maxsize=1)
def category_pattern() -> str:
    """The valid pairs of authority and category."""
    return f"^{one_of(load_standards().code_lists['uscc_category'].current)}"


@lru_cache(maxsize=1)
def province_pattern() -> str:
    """Only the province is tested: authorities use regions outside GB/T 2260 below it."""
    codes = load_standards().code_lists["division"].codes
    return f"^..{one_of({code.code[:2] for code in codes} | {_NATIONAL})}"

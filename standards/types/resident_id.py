"""Resident identity number (GB 11643-1999): region 6, birth date 8, sequence 3, check character by ISO 7064 MOD 11-2."""

from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import BLANK, DASHES, NOT_A_NUMBER_OF_18, one_of, real_date
from standards.types.general import is_masked, let, weighted_sum

FORM = "^[0-9]{17}[0-9X]$"
_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
# Х of the Cyrillic and Χ of the Greek alphabet in both cases, the sign of multiplication, crosses, the Roman ten.
_LIKE_X = "[ХхΧχ×✕✖╳⨯⨉ⅩⅹⲬⲭ乂]$"
_CHECK_CHARACTERS = "10X98765432"
# Residence permits of residents of Hong Kong, Macao and Taiwan (since 2018).
PERMIT_REGIONS = ("810000", "820000", "830000")


def ready(element: DataElement) -> str:
    """The form of a number that needs no repair."""
    return "^[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9X]$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Numbers with a known region, a day of birth that has been, and the right check character."""
    formed = raw.re_search(f"{region_pattern()}{real_date()}[0-9]{{3}}[0-9X]$")
    return formed & raw.substr(6, 8).between("18000101", today.replace("-", "")) & has_right_check(raw)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Eighteen characters where there is one safe reading: blanks dropped, look-alikes read, fifteen digits upgraded."""
    compact = text.re_replace(f"[{BLANK}{DASHES}]+", "").upper().re_replace(_LIKE_X, "X")
    return let(compact, _repaired)


def _repaired(text: StringValue) -> StringValue:
    return ibis.cases(
        (text.re_search(FORM), text),
        (text.re_search("^[1-9][0-9]{14}$"), _upgraded(text)),
        (text.re_search("^[0-9OIL]{17}[0-9OILX]$"), _with_digits(text)),
        else_=text,
    )


def _with_digits(text: StringValue) -> StringValue:
    """Letters that look like digits are read as such where the check character then is right."""
    return let(text.re_replace("O", "0").re_replace("[IL]", "1"), lambda read: ibis.cases((has_right_check(read), read), else_=text))


def _upgraded(text: StringValue) -> StringValue:
    """Fifteen digits (first-generation cards), of people born in the twentieth century.

    Sequences 996 to 999 are said to have been kept for people born before 1900, but no source of that was found; the conformance
    values read them as 19.
    """
    body = text.substr(0, 6) + "19" + text.substr(6, 9)
    return let(body, lambda seventeen: seventeen + check_character(seventeen))


def check_character(body: StringValue) -> StringValue:
    """The check character that seventeen digits ask for; null where they are no digits."""
    return ibis.literal(_CHECK_CHARACTERS).substr(_sum(body) % 11, 1)


def has_right_check(number: StringValue) -> BooleanValue:
    """Whether the last character is the one the others ask for: with it the sum leaves 1."""
    last = ibis.literal("0123456789X").find(number.substr(17, 1))
    return ((_sum(number) + last) % 11 == 1).fill_null(False)


def _sum(number: StringValue) -> IntegerValue:
    """Two blocks of digits, since one of seventeen would overflow when weighted."""
    high = let(_block(number.substr(0, 9)), lambda block: weighted_sum(block, _WEIGHTS[:9], 11))
    low = let(_block(number.substr(9, 8)), lambda block: weighted_sum(block, _WEIGHTS[9:], 11))
    return high + low


def _block(digits: StringValue) -> IntegerValue:
    """The number that up to nine digits are. Other texts may be one as well (9e18): what is larger than nine digits is none."""
    return digits.try_cast("int32").cast("int64")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """What is wrong with a number beyond its form and length; `today` is an ISO date."""
    return {
        "no-such-date": ~value.re_search(f"^[0-9]{{6}}{real_date()}|{NOT_A_NUMBER_OF_18}"),
        "future-date": ibis.cases((value.substr(6, 8) > today.replace("-", ""), value.re_search(FORM)), else_=False),
        "unknown-division": ~value.re_search(f"{region_pattern()}|{NOT_A_NUMBER_OF_18}"),
        "wrong-check-character": ibis.cases((~has_right_check(value), value.re_search(FORM)), else_=False),
        "masked-value": is_masked(value),
    }


@while_in_force
def region_pattern() -> str:
    """Every region there has been since 1981, the permit regions, and `9` + province + country of foreign permanent residents."""
    lists = load_standards().code_lists
    regions = {code.code for code in lists["division"].codes} | set(PERMIT_REGIONS)
    provinces = one_of(province for province in _provinces())
    countries = one_of(lists["country"].current)
    return f"^(?:{one_of(regions)}|9{provinces}{countries})"


@lru_cache(maxsize=1)
def _provinces() -> tuple[str, ...]:
    codes = load_standards().code_lists["division"].codes
    return tuple(sorted({code.code[:2] for code in codes if code.level == "province"}))

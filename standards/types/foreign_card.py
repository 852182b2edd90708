"""Number of a foreign permanent resident card (外国人永久居留身份证): fifteen characters on the cards of 2017, eighteen since December 2023.

The old number is country (ISO 3166-1 alpha-3), region 4, birth date YYMMDD, sequence 1 and a check digit. Three letters and twelve digits
were seen in two places; what the digits mean, and the check of ICAO 9303 (weights 7-3-1), in one [1]. The new number is `9`, province,
numeric country, birth date, sequence and the check character of resident identity numbers.
"""

from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import BLANK, one_of, real_short_date
from standards.types import resident_id
from standards.types.general import character_sum, is_masked, let

OLD_FORM = "^[A-Z]{3}[0-9]{12}$"
NEW_FORM = "^9[0-9]{16}[0-9X]$"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WEIGHTS = (7, 3, 1) * 5
# Nine times the check digit takes it off again, modulo ten.
_CHECKED = (*_WEIGHTS[:14], 9)


def ready(element: DataElement) -> str:
    """The forms of a number that needs no repair."""
    return f"{OLD_FORM}|{NEW_FORM}"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Old numbers of a known country and province with a right check digit; new ones are few, and looked at."""
    return ibis.cases(
        (raw.re_search(f"{_countries()}{_provinces()}[0-9]{{2}}{real_short_date()}[0-9]{{2}}$"), has_right_check(raw)), else_=False
    )


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without separators; eighteen characters are repaired as resident identity numbers are."""
    compact = text.re_replace(f"[{BLANK}—–-]+", "").upper()
    return let(compact, lambda number: ibis.cases((number.length() == 18, resident_id.normalize(number, element)), else_=number))


def has_right_check(number: StringValue) -> BooleanValue:
    """Whether the last digit of an old number is the one the others ask for, letters counted from ten on."""
    return character_sum(number, _ALPHABET, 0, _CHECKED) % 10 == 0


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """What is wrong with a number beyond its form and length; of old ones the century of the birth date is not known."""
    is_old, is_new = value.re_search(OLD_FORM), value.re_search(NEW_FORM)
    of_new = resident_id.issues(value, element, today)
    found = {
        "unknown-code": ibis.cases((is_old, ~value.re_search(_countries())), else_=False),
        "unknown-division": ibis.cases((is_old, ~value.re_search(f"^...{_provinces()}")), else_=False),
        "no-such-date": ibis.cases((is_old, ~value.re_search(f"^.{{7}}{real_short_date()}..$")), else_=False),
        "wrong-check-character": ibis.cases((is_old, ~has_right_check(value)), else_=False),
    }
    judged = {name: condition | (is_new & of_new[name]) if name in of_new else condition for name, condition in found.items()}
    return {**judged, "future-date": is_new & of_new["future-date"], "masked-value": is_masked(value)}


@while_in_force
def _countries() -> str:
    return f"^{one_of(load_standards().code_lists['nationality'].current)}"


@lru_cache(maxsize=1)
def _provinces() -> str:
    return one_of({code.code[:2] for code in load_standards().code_lists["division"].codes})

"""Organization code (GB 11714-1997): eight characters and a check character, written without the hyphen of the card."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK, DASHES
from standards.types.general import character_sum, is_masked

FORM = "^[0-9A-Z]{8}[0-9X]$"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "0123456789X"  # 10 is written X, 11 is written 0


def ready(element: DataElement) -> str:
    """The form of a code that needs no repair."""
    return FORM


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Codes with the right check character."""
    return ibis.cases((raw.re_search(FORM), has_right_check(raw)), else_=False)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without blanks and hyphens."""
    return text.re_replace(f"[{BLANK}{DASHES}]+", "").upper()


def has_right_check(code: StringValue, start: int = 0) -> BooleanValue:
    """Whether the nine characters from `start` on are an organization code: with the last the weighted sum is a multiple of 11.

    A letter that is no check character is found nowhere, at -1, which would count as an X; so they are counted from 1.
    """
    last = ibis.literal(f" {_CHECK_CHARACTERS}").find(code.substr(start + 8, 1))
    return ((character_sum(code, _ALPHABET, start, _WEIGHTS) + last) % 11 == 1) & (last > 0)


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Codes of the right form with a wrong check character."""
    wrong = ibis.cases((value.re_search(FORM), ~has_right_check(value)), else_=False)
    return {"wrong-check-character": wrong, "masked-value": is_masked(value)}

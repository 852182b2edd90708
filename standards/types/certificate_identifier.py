"""Identifier of an electronic certificate (GB/T 36904-2018): root, type 21, issuer 18, serial, version 3, check by ISO 7064 MOD 37,36."""

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.model import DataElement
from standards.types.general import let, without_blanks

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ROOT = "1.2.156.3005.2."
_LONGEST = 21 + 18 + 32 + 3 + 1
_NEUTRAL = "I"  # put in front, it leaves the start of the chain as it is
_RUN = 15
_START = 17
_FORM = r"^1\.2\.156\.3005\.2\.[0-9A-Z]{21}\.[0-9A-Z]{18}\.[0-9A-Z]{8,32}\.[0-9]{3}\.[0-9A-Z]$"


def ready(element: DataElement) -> str:
    """The form of an identifier that needs no repair."""
    return _FORM


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Identifiers of the right form and check character."""
    return ibis.cases((raw.re_search(_FORM), _has_right_check(raw)), else_=False)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without blanks."""
    return without_blanks(text).upper()


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """An identifier of the right form whose check character is wrong."""
    return {"wrong-check-character": ibis.cases((value.re_search(_FORM), ~_has_right_check(value)), else_=False)}


def _has_right_check(value: StringValue) -> BooleanValue:
    """Whether the characters without root and dots, check character included, leave 1 at the end of the chain.

    The chain is s → (2s mod 37 + a) mod 36, where 0 counts as 36. It is run in pieces: one formula of 75 steps is deeper than SQL
    tools take.
    """
    return let(value.replace(_ROOT, "").replace(".", "").lpad(_LONGEST, _NEUTRAL), _leaves_one)


def _leaves_one(characters: StringValue) -> BooleanValue:
    rest: IntegerValue = ibis.literal(_START)
    for start in range(0, _LONGEST, _RUN):
        rest = let(rest, lambda before, start=start: _run(before, characters, start))
    return rest == 0


def _run(rest: IntegerValue, characters: StringValue, start: int) -> IntegerValue:
    """`rest` is s − 1, which keeps the formula free of cases."""
    for place in range(start, start + _RUN):
        rest = ((rest * 2 + 2) % 37 + (ibis.literal(_ALPHABET).find(characters.substr(place, 1)) + 35)) % 36
    return rest

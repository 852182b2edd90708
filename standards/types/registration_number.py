"""Registration number of a business (GS 15-2006): authority 6, sequence 8, check digit by ISO 7064 MOD 11,10."""

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.model import DataElement
from standards.types.general import let, without_blanks

FORM = "^[0-9]{15}$"
_RUN = 7


def ready(element: DataElement) -> str:
    """The form of a number that needs no repair."""
    return FORM


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Numbers with the right check digit."""
    return ibis.cases((raw.re_search(FORM), _has_right_check(raw)), else_=False)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Without blanks."""
    return without_blanks(text)


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Numbers of the right form with a wrong check digit."""
    return {"wrong-check-character": ibis.cases((value.re_search(FORM), ~_has_right_check(value)), else_=False)}


def _has_right_check(number: StringValue) -> BooleanValue:
    """The chain is p → 2 · s mod 11, where s is p + digit mod 10 and 0 counts as 10; with the check digit it leaves 1.

    It is run in two pieces, since one formula would be deeper than SQL tools take.
    """
    half = let(_run(ibis.literal(10), number, 0), lambda before: _run(before, number, _RUN))
    return (half + _digit(number, 14)) % 10 == 1


def _run(rest: IntegerValue, number: StringValue, start: int) -> IntegerValue:
    for place in range(start, start + _RUN):
        rest = ((rest + _digit(number, place) + 9) % 10 + 1) * 2 % 11
    return rest


def _digit(number: StringValue, place: int) -> IntegerValue:
    return ibis.literal("0123456789").find(number.substr(place, 1))

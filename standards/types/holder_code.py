"""Code of a certificate holder (GB/T 36903-2018): a resident identity number, a unified social credit code or the number of another document.

They are told apart by shape, and the first two are judged by their check characters; of other documents the form of the element is all that
is asked, and a rule over code and kind the rest. Eighteen digits may be either of the first two. The birth date decides: characters 7 to 14
of a credit code are a date of 1800 to 2099 only in counties whose code ends in 18, 19 or 20, so a number that reads as a person's is wrong
only if it is not a right credit code either.
"""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import real_date
from standards.types import resident_id, uscc
from standards.types.general import is_masked, let

# Passports, permits and cards of soldiers, as far as they are read without a look at the rest.
_OTHER = "[A-Z]{1,3}[0-9]{6,12}"
_CENTURY = "^[1-9][0-9]{5}(?:18|19|20)"
_PERSON = f"^[1-9][0-9]{{5}}{real_date()}[0-9]{{3}}[0-9X]$"


def ready(element: DataElement) -> str:
    """The form of a code that needs no repair."""
    return f"^(?:[1-9][0-9]{{5}}(?:18|19|20)[0-9]{{9}}[0-9X]|{uscc.ready(element).strip('^$')}|{_OTHER})$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Codes whose check characters are right, and plain numbers of other documents."""
    organization = raw.re_search(uscc.ready(element)) & uscc.is_right(raw)
    return ibis.cases((_is_person(raw), resident_id.has_right_check(raw)), (raw.re_search(f"^{_OTHER}$"), True), else_=organization)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """As a resident number where that gives one, else as a credit code; other numbers lose blanks and hyphens."""
    return let(
        resident_id.normalize(text, element),
        lambda number: ibis.cases((_is_person(number), number), else_=uscc.normalize(text, element)),
    )


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """A code whose own check, as person or as organization, is wrong."""
    person = _is_person(value)
    organization = value.re_search(uscc.FORM) & ~person
    wrong = ibis.cases(
        (person, ~(resident_id.has_right_check(value) | uscc.is_right(value))), (organization, ~uscc.is_right(value)), else_=False
    )
    return {"wrong-check-character": wrong, "masked-value": ibis.cases((is_masked(value), ~uscc.is_right(value)), else_=False)}


def _is_person(number: StringValue) -> BooleanValue:
    """Whether the text has the form of a resident number with a day of birth that can be one."""
    return number.re_search(_CENTURY) & number.re_search(_PERSON)

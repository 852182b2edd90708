"""Forms of the numbers that documents have, by the names that code lists give under `number_form`: can the number be one of the document?

Only what is sure is held against a number. A kind of document whose numbers nobody has stated has no form; `own` says no more than that they
are not the numbers of other documents.
"""

from collections.abc import Callable
from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.loader import load_standards
from standards.patterns import one_of, real_date
from standards.types import foreign_card, resident_id, uscc
from standards.types.document_number import shape_pattern

Fits = Callable[[StringValue], BooleanValue]


def is_of_identity_card(number: StringValue) -> BooleanValue:
    """A resident identity number with a region of the mainland: neither of a residence permit nor of a foreign card."""
    return number.re_search(_mainland())


def is_citizen_number(number: StringValue) -> BooleanValue:
    """A resident identity number, that of a residence permit included, and no credit code of the same digits."""
    return ibis.cases((number.re_search(shape_pattern()) & ~number.re_search("^9"), ~_is_credit_code_only(number)), else_=False)


def is_of_residence_permit(number: StringValue) -> BooleanValue:
    """The number of a permit of Hong Kong, Macao or Taiwan residents, or none that has the inside of an identity number."""
    return ~number.re_search(shape_pattern()) | number.re_search(f"^{one_of(resident_id.PERMIT_REGIONS)}")


def is_of_foreign_card(number: StringValue) -> BooleanValue:
    """Either form of the number of a foreign permanent resident card."""
    return number.re_search(f"{foreign_card.OLD_FORM}|{foreign_card.NEW_FORM}")


def is_credit_code(number: StringValue) -> BooleanValue:
    """A unified social credit code of a known authority, and no identity number of the same digits."""
    formed = number.re_search(uscc.FORM) & number.re_search(uscc.category_pattern())
    return ibis.cases((formed & number.re_search(shape_pattern()), uscc.is_right(number)), else_=formed)


def is_no_citizen_number(number: StringValue) -> BooleanValue:
    """Anything but a right identity number."""
    return ~_is_right_identity_number(number)


def is_no_credit_code(number: StringValue) -> BooleanValue:
    """Anything but a right credit code."""
    return ~_is_credit_code_only(number)


def is_own(number: StringValue) -> BooleanValue:
    """A number of the document's own: no right identity number and no right credit code."""
    return is_no_citizen_number(number) & is_no_credit_code(number)


FORMS: dict[str, Fits] = {
    "identity_card": is_of_identity_card,
    "citizen_number": is_citizen_number,
    "residence_permit": is_of_residence_permit,
    "foreign_card": is_of_foreign_card,
    "credit_code": is_credit_code,
    "no_citizen_number": is_no_citizen_number,
    "no_credit_code": is_no_credit_code,
    "own": is_own,
}


def codes_by_form(code_list: str) -> dict[str, list[str]]:
    """The codes of a list of documents by the form of their numbers."""
    found: dict[str, list[str]] = {}
    for code in load_standards().code_lists[code_list].codes:
        if form := code.attributes.get("number_form"):
            found.setdefault(form, []).append(code.code)
    return found


def _is_right_identity_number(number: StringValue) -> BooleanValue:
    return ibis.cases((number.re_search(shape_pattern()), resident_id.has_right_check(number)), else_=False)


def _is_credit_code_only(number: StringValue) -> BooleanValue:
    """A right credit code that is no right identity number as well."""
    formed = number.re_search(uscc.FORM) & number.re_search(uscc.category_pattern())
    return ibis.cases((formed, uscc.is_right(number) & ~_is_right_identity_number(number)), else_=False)


@lru_cache(maxsize=1)
def _mainland() -> str:
    regions = {code.code for code in load_standards().code_lists["division"].codes} - set(resident_id.PERMIT_REGIONS)
    return f"^{one_of(regions)}{real_date()}[0-9]{{3}}[0-9X]$"

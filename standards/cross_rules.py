"""The expressions of `cross_rules.yml`: each takes a table of standard values (text) and says which records break the rule.

Where one of the values is missing or has not the form the rule needs, the record does not break it.
"""

from collections.abc import Callable

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from standards.types import date, resident_id
from standards.types.uscc import FORM as CREDIT_CODE

Rule = Callable[[Table], BooleanValue]


def birth_date_differs(table: Table) -> BooleanValue:
    """The birth date is not the one in the identity number."""
    differs = table.resident_id.substr(6, 8) != table.birth_date.replace("-", "")
    return _where(differs, table.resident_id.re_search(resident_id.FORM) & _is_date(table.birth_date))


def sex_differs(table: Table) -> BooleanValue:
    """Digit 17 is odd for a woman or even for a man; the sex codes 0 and 9 say nothing."""
    digit = table.resident_id.substr(16, 1)
    differs = ((table.sex_code == "2") & digit.isin(tuple("13579"))) | ((table.sex_code == "1") & digit.isin(tuple("02468")))
    return _where(differs, table.resident_id.re_search("^[0-9]{17}"))


def death_before_birth(table: Table) -> BooleanValue:
    """Died before being born."""
    return _before(table.death_date, table.birth_date)


def cancelled_before_established(table: Table) -> BooleanValue:
    """Cancelled before established."""
    return _before(table.cancelled_date, table.established_date)


def approved_before_established(table: Table) -> BooleanValue:
    """Approved before established."""
    return _before(table.approved_date, table.established_date)


def valid_to_before_valid_from(table: Table) -> BooleanValue:
    """The validity ends before it begins."""
    return _before(table.certificate_valid_to_date, table.certificate_valid_from_date)


def holder_type_differs(table: Table) -> BooleanValue:
    """An identity number declared as a credit code, or the other way round."""
    code, declared = table.certificate_holder_code, table.certificate_holder_type_code
    person = code.re_search("^[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9X]$")
    credit = code.re_search(CREDIT_CODE)
    return _sure(((declared == "001") & person & ~code.re_search("^[159][1-39]")) | ((declared == "111") & credit & ~person))


def _before(later: StringValue, earlier: StringValue) -> BooleanValue:
    """ISO dates compare as texts."""
    return _where(later < earlier, _is_date(later) & _is_date(earlier))


def _where(suspected: BooleanValue, condition: BooleanValue) -> BooleanValue:
    """Whether both hold: the dear condition is looked at only where the cheap one says so."""
    return _sure(ibis.cases((suspected, condition), else_=False))


def _is_date(value: StringValue) -> BooleanValue:
    return value.re_search(date.REAL)


def _sure(condition: BooleanValue) -> BooleanValue:
    return condition.fill_null(False)


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        birth_date_differs,
        sex_differs,
        death_before_birth,
        cancelled_before_established,
        approved_before_established,
        valid_to_before_valid_from,
        holder_type_differs,
    )
}

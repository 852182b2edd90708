"""The expressions of `cross_rules.yml`: each takes the standard values that a rule needs and says which records break the rule.

Where a value is missing or has not the form the rule needs, the record does not break it, unless the rule is about what is missing. The
cheap comparison comes first: it is made for every row, and the dear look at the forms only where it says that something may be wrong.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import CrossRule
from standards.number_forms import FORMS, codes_by_form
from standards.patterns import one_of, real_date
from standards.periods import HEAD, first_day, in_force_for_good, periods_by_head
from standards.types import foreign_card, resident_id
from standards.types.general import let
from standards.types.uscc import FORM as CREDIT_CODE

_DAY = f"^{real_date('-')}(?: |$)"
_LAWFUL_AGE = (
    180_000  # eighteen years between two dates that are read as numbers; the least age that any edition of the marriage law allows
)
_IDENTITY_CARD = "111"  # GA/T 517
_MARRIED = ("20", "21", "22", "23")
_TYPE_PART, _ISSUER_PART = (15, 21), (37, 18)  # of a certificate identifier, behind its root 1.2.156.3005.2.
_NATIONAL = "10"  # region of bodies of the central government


def broken(rule: CrossRule, table: Table) -> BooleanValue:
    """Which records of a table of standard values (text) break a rule; never null."""
    return verdict(rule.expression, rule.needs, table).fill_null(False)


def verdict(expression: str, needs: Sequence[str], table: Table) -> BooleanValue:
    """What an expression says about the values of `needs`; null where it says nothing."""
    values = [table[name] for name in needs]
    return OF_LISTS[expression](*values, coded(needs)) if expression in OF_LISTS else EXPRESSIONS[expression](*values)


def coded(needs: Sequence[str]) -> str:
    """The code list of the coded element among some; what it states decides what an expression of `OF_LISTS` says."""
    elements = load_standards().elements
    return next(found for name in needs if (found := elements[name].code_list))


def is_before(late: StringValue, early: StringValue) -> BooleanValue:
    """What comes later is dated earlier. ISO dates compare as texts."""
    return _where(late < early, late.re_search(_DAY) & early.re_search(_DAY))


def is_under_age(event: StringValue, birth_date: StringValue) -> BooleanValue:
    """Fewer than eighteen years after birth, or before it."""
    age = _number(event) - _number(birth_date)
    return ibis.cases((event.re_search(_DAY) & birth_date.re_search(_DAY), age < _LAWFUL_AGE), else_=False)


def is_not_in_force(code: StringValue, day: StringValue, code_list: str) -> BooleanValue:
    """The code did not hold on the day, by the dates of its list; of days before its first, a list says nothing."""
    number = day.substr(0, 10).replace("-", "")
    known = periods_by_head(code_list)
    period = ibis.cases(*((code.substr(0, HEAD) == head, _period(code, listed)) for head, listed in known), else_="") if known else ""
    outside = let(period, lambda found: (found != "") & ((number < found.substr(0, 8)) | (number >= found.substr(8, 8))))
    return ibis.cases(
        (code.re_search(_for_good(code_list)), False), (number < first_day(code_list), False), (day.re_search(_DAY), outside), else_=False
    )


def is_same(one: StringValue, other: StringValue) -> BooleanValue:
    """Two persons with one number."""
    return one == other


def is_not_married(spouse: StringValue, marital_status: StringValue) -> BooleanValue:
    """A spouse beside another marital status than married."""
    return spouse.notnull() & marital_status.notin(_MARRIED)


def does_not_begin_with(number: StringValue, part: StringValue) -> BooleanValue:
    """A number whose first eighteen characters are another number than they should be."""
    return _where(number.substr(0, 18) != part, (number.length() > 18) & (part.length() == 18))


def birth_date_differs(number: StringValue, birth_date: StringValue) -> BooleanValue:
    """The birth date is not the one in the identity number."""
    differs = number.substr(6, 8) != birth_date.replace("-", "")
    return _where(differs, number.re_search(resident_id.FORM) & birth_date.re_search(_DAY))


def sex_differs(number: StringValue, sex: StringValue) -> BooleanValue:
    """Digit 17 is odd for a woman or even for a man; the sex codes 0 and 9 say nothing."""
    digit = number.substr(16, 1)
    # Not `isin`: a list is looked up for every row, whatever the sex, at five times the cost.
    differs = ((sex == "2") & ibis.literal("13579").contains(digit)) | ((sex == "1") & ibis.literal("02468").contains(digit))
    return _where(differs, number.re_search("^[0-9]{17}"))


def is_another_identity_card(number: StringValue, document_type: StringValue, resident: StringValue) -> BooleanValue:
    """A resident identity card with another number than that of the person."""
    return (document_type == _IDENTITY_CARD) & (number != resident)


def is_no_number_of_its_kind(number: StringValue, kind: StringValue, code_list: str) -> BooleanValue:
    """A number that the kind of document beside it cannot have, by the form that the list of kinds states."""
    known = codes_by_form(code_list)
    return ibis.cases(*((kind.isin(codes), ~FORMS[form](number)) for form, codes in known.items()), else_=False)


def has_doubtful_check_digit(number: StringValue, kind: StringValue, code_list: str) -> BooleanValue:
    """The number of an old foreign card whose check digit is not the one that the weights 7-3-1 ask for."""
    cards = kind.isin(codes_by_form(code_list).get("foreign_card", [])) & number.re_search(foreign_card.OLD_FORM)
    return ibis.cases((cards, ~foreign_card.has_right_check(number)), else_=False)


def is_dead_without_date(flag: StringValue, death_date: StringValue) -> BooleanValue:
    """Deceased, and no date of it."""
    return (flag == "1") & death_date.isnull()


def is_alive_with_date(flag: StringValue, death_date: StringValue) -> BooleanValue:
    """A date of death beside the mark of the living."""
    return (flag == "0") & death_date.notnull()


def is_not_the_inner_code(organization_code: StringValue, credit_code: StringValue) -> BooleanValue:
    """Characters 9 to 17 of the credit code are another organization code."""
    return _where(credit_code.substr(8, 9) != organization_code, credit_code.re_search(CREDIT_CODE) & (organization_code.length() == 9))


def is_of_another_currency(amount: StringValue, currency: StringValue) -> BooleanValue:
    """The amount ends with another currency than the one declared."""
    return _where(~(amount + ibis.literal(";")).contains(ibis.literal(" ") + currency + ibis.literal(";")), amount.re_search(" [A-Z]{3}$"))


def is_of_another_province(credit_code: StringValue, division: StringValue) -> BooleanValue:
    """The provinces of a credit code and of a division differ; codes of the central government say nothing."""
    province = credit_code.substr(2, 2)
    return _where(
        province != division.substr(0, 2), (province != _NATIONAL) & credit_code.re_search(CREDIT_CODE) & division.re_search("^[0-9]{6}$")
    )


def is_addressed_elsewhere(credit_code: StringValue, address: StringValue) -> BooleanValue:
    """The address begins with another province than that of the credit code. Two characters tell the provinces apart."""
    pairs = _provinces()
    head = address.substr(0, 2)
    elsewhere = ~(credit_code.substr(2, 2) + head).isin([code + name for code, name in pairs])
    return _where(elsewhere, head.isin([name for _, name in pairs]) & credit_code.substr(2, 2).isin([code for code, _ in pairs]))


def is_not_of_the_market(market_type: StringValue, credit_code: StringValue) -> BooleanValue:
    """A type of market entity beside a credit code of another registration authority."""
    return _where(credit_code.substr(0, 1) != "9", market_type.notnull() & credit_code.re_search(CREDIT_CODE))


def is_cancelled_without_date(status: StringValue, cancelled_date: StringValue) -> BooleanValue:
    """Struck off (CA19: 3 and 4), and no date of it."""
    return status.isin(("3", "4")) & cancelled_date.isnull()


def is_revoked_without_date(status: StringValue, revoked_date: StringValue) -> BooleanValue:
    """Revoked (CA19: 2 and 3), and no date of it."""
    return status.isin(("2", "3")) & revoked_date.isnull()


def holder_class_differs(code: StringValue, holder_class: StringValue) -> BooleanValue:
    """A certificate for organizations held by a person, or the other way round."""
    return ((holder_class == "org") & _is_person(code)) | ((holder_class == "person") & _is_organization(code))


def type_name_differs(name: StringValue, code: StringValue) -> BooleanValue:
    """The name is that of another type than the code; names and codes that are not in the lists say nothing."""
    names = {entry.title.zh: entry.code for entry in load_standards().code_lists["certificate_type"].codes}
    return _where(name.isin(list(names)) & code.isin(list(names.values())), ~(name + code).isin([zh + of for zh, of in names.items()]))


def issuer_differs(issuer: StringValue, type_name: StringValue) -> BooleanValue:
    """The issuer's name holds none of the words that issuers of this type of certificate have in theirs."""
    words = {entry.code: entry.attributes["issuer_words"] for entry in load_standards().code_lists["certificate_kind"].codes}
    by_words: dict[str, list[str]] = {}
    for name, known in words.items():
        by_words.setdefault(known, []).append(name)
    foreign = [(type_name.isin(names), ~issuer.re_search(known)) for known, names in by_words.items()]
    return ibis.cases(*foreign, else_=False)


def holds_another_type(identifier: StringValue, type_code: StringValue) -> BooleanValue:
    """The type in a certificate identifier is not the type of the certificate."""
    return _where(identifier.substr(*_TYPE_PART) != type_code, identifier.length() > sum(_ISSUER_PART))


def holds_another_issuer(identifier: StringValue, issuer: StringValue) -> BooleanValue:
    """The issuer in a certificate identifier is not the issuer of the certificate."""
    return _where(
        identifier.substr(*_ISSUER_PART) != issuer, (identifier.length() > sum(_ISSUER_PART)) & (issuer.length() == _ISSUER_PART[1])
    )


def _is_person(code: StringValue) -> BooleanValue:
    """Of the form of an identity number, and not of the form of a credit code as well."""
    return code.re_search("^[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9X]$") & ~code.re_search("^[159][1-39]")


def _is_organization(code: StringValue) -> BooleanValue:
    """Of the form of a credit code, and not of the form of an identity number as well."""
    return code.re_search(CREDIT_CODE) & ~code.re_search("^[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9X]$")


@while_in_force
def _provinces() -> list[tuple[str, str]]:
    """The two digits and the first two characters of every province."""
    codes = load_standards().code_lists["division"].codes
    return [(code.code[:2], code.title.zh[:2]) for code in codes if code.level == "province" and code.is_current]


@lru_cache(maxsize=16)
def _for_good(code_list: str) -> str:
    codes = in_force_for_good(code_list)
    return f"^{one_of(codes)}$" if codes else "^$"


def _period(code: StringValue, known: str) -> StringValue:
    """First day of a code and the first after it, as sixteen digits; empty where it has none."""
    mark = ibis.literal(";") + code + ibis.literal(":")
    place = ibis.literal(known).find(mark)
    return ibis.cases((place >= 0, ibis.literal(known).substr(place + mark.length(), 16)), else_="")


def _number(day: StringValue) -> ibis.expr.types.IntegerValue:
    return day.substr(0, 10).replace("-", "").try_cast("int64")


def _where(suspected: BooleanValue, condition: BooleanValue) -> BooleanValue:
    """Whether both hold: the dear condition is looked at only where the cheap one says so."""
    return ibis.cases((suspected, condition), else_=False)


Expression = Callable[..., BooleanValue]
# Expressions that also ask for the code list of the coded element among the values.
OF_LISTS: dict[str, Expression] = {
    expression.__name__: expression for expression in (has_doubtful_check_digit, is_no_number_of_its_kind, is_not_in_force)
}
EXPRESSIONS: dict[str, Expression] = OF_LISTS | {
    expression.__name__: expression
    for expression in (
        birth_date_differs,
        does_not_begin_with,
        holder_class_differs,
        holds_another_issuer,
        holds_another_type,
        is_addressed_elsewhere,
        is_of_another_currency,
        is_not_the_inner_code,
        is_alive_with_date,
        is_dead_without_date,
        is_another_identity_card,
        is_before,
        is_cancelled_without_date,
        is_not_married,
        is_not_of_the_market,
        is_of_another_province,
        is_revoked_without_date,
        is_same,
        is_under_age,
        issuer_differs,
        sex_differs,
        type_name_differs,
    )
}

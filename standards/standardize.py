"""One source column becomes one data element: the value, and the conditions under which a row has each issue.

Pure expressions. A large table computes the values in one statement and the issues over the stored values in the next, since
a condition repeats its value expression; a column of few values is quicker through `standards.single` and a join.
"""

import re
from collections.abc import Mapping, Sequence
from types import ModuleType

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards import written
from standards.day import on_day, reading_day
from standards.declared import Declared
from standards.labels import labels_of
from standards.loader import load_standards
from standards.model import OPEN_END, DataElement
from standards.spellings import SPELLED, lookup_table, spelling_key
from standards.sure_forms import is_implied, is_present
from standards.types import (
    address,
    certificate_identifier,
    certificate_number,
    code,
    count,
    date,
    division,
    document_number,
    foreign_card,
    general,
    historic_division,
    holder_code,
    identifier,
    latin_name,
    long_code,
    money,
    organization_code,
    organization_name,
    percentage,
    period,
    person_name,
    phone,
    postal_code,
    registration_number,
    resident_id,
    text,
    timestamp,
    uscc,
)

TYPES: dict[str, ModuleType] = {
    "address": address,
    "certificate_identifier": certificate_identifier,
    "certificate_number": certificate_number,
    "code": code,
    "count": count,
    "date": date,
    "division": division,
    "document_number": document_number,
    "foreign_card": foreign_card,
    "historic_division": historic_division,
    "holder_code": holder_code,
    "identifier": identifier,
    "latin_name": latin_name,
    "long_code": long_code,
    "money": money,
    "organization_code": organization_code,
    "organization_name": organization_name,
    "percentage": percentage,
    "period": period,
    "person_name": person_name,
    "phone": phone,
    "postal_code": postal_code,
    "registration_number": registration_number,
    "resident_id": resident_id,
    "text": text,
    "timestamp": timestamp,
    "uscc": uscc,
}
Issues = dict[str, BooleanValue]
LONGEST = 2**31 - 1  # where an element sets no limit


def value_of(
    raw: StringValue,
    element: DataElement,
    formats: Sequence[str] = (),
    lookup: Mapping[str, str] | None = None,
    *,
    written_in: str = "",
    unit: str = "",
) -> StringValue:
    """The standard value. A text in the form of its element passes on one regular expression; all else takes the long way.

    `written_in` is the other code list in which the column is written, `unit` what its bare numbers count (`standards.written`).
    A division stays as it is written: its spellings are looked up by their keys (`spelling_key_of`, `standards.spellings.readings`).
    """
    kind = TYPES[element.type]
    keep = _own_markers(element)
    slow = general.let(general.clean(raw, labels_of(element), keep), lambda cleaned: _read(cleaned, element, formats, written_in, unit))
    ready = kind.ready(element)
    is_ready = raw.re_search(ready)
    if markers := _markers(element):
        is_ready = is_ready & ~raw.isin(markers)
    if _may_repeat(element):
        is_ready = is_ready & ~raw.re_search(general.REPEATED)
    branches = [] if _means_other(formats, written_in) else [(is_ready, raw)]
    if element.type == "date":
        branches += date.declared_branches(raw, (*formats, *date.PLAIN_FORMATS))
    value = ibis.cases(*branches, else_=slow) if branches else slow
    if lookup:
        value = general.let(general.trim(raw), lambda key: key.cases(*lookup.items(), else_=ibis.null("string"))).coalesce(value)
    return value


def sure_of(
    raw: StringValue,
    element: DataElement,
    formats: Sequence[str] = (),
    lookup: Mapping[str, str] | None = None,
    today: str | None = None,
    *,
    written_in: str = "",
) -> BooleanValue:
    """Whether a raw text certainly is a standard value without any issue; null where there is none. What is not sure may still be right.

    Cheap on purpose: most rows pass this one test, and only the few that do not are given to `value_of` and `issues_of`.
    """
    if _means_other(formats, written_in):
        return raw.isnull() & raw.notnull()
    with on_day(today):
        sure = TYPES[element.type].sure(raw, element, reading_day())
    if element.min_length is not None or element.max_length is not None:
        # Both bounds at once: counting characters goes through the text.
        sure = sure & raw.length().between(element.min_length or 0, LONGEST if element.max_length is None else element.max_length)
    if element.minimum is not None:
        sure = sure & (raw >= element.minimum)
    if element.pattern is not None and not is_implied(element):
        sure = sure & raw.re_search(element.pattern)
    excluded = list(lookup or {})
    if not is_present(element):
        excluded += _markers(element)
        sure = sure & ~raw.re_search(general.REPEATED) if _may_repeat(element) else sure
    return sure & raw.notin(excluded) if excluded else sure


def plain_of(
    raw: StringValue,
    element: DataElement,
    declared: Declared,
    today: str | None = None,
) -> tuple[StringValue, BooleanValue]:
    """What a text says as it stands, by the contract's lookup or in a declared date format; and whether that surely is its standard value without
    any issue. As cheap as `sure_of`, which knows neither.
    """
    said = [(raw == text, ibis.literal(value)) for text, value in declared.lookup]
    # Declared formats are asked last, as in `value_of`: what is in the form of the element is read as it stands.
    dates = date.declared_branches(raw, declared.formats) if element.type == "date" else []
    value = ibis.cases(*said, (raw.re_search(TYPES[element.type].ready(element)), raw), *dates, else_=raw) if said or dates else raw
    return value, sure_of(value, element, declared.formats, None, today, written_in=declared.written_in)


def _means_other(formats: Sequence[str], written_in: str) -> bool:
    """Whether a text in the form of its element may mean something else than it does there."""
    return "%Y-%d-%m" in formats or bool(written_in)


def _markers(element: DataElement) -> list[str]:
    """Missing-value markers that have the form of the element."""
    keep, ready = _own_markers(element), TYPES[element.type].ready(element)
    return [marker for marker in general.MISSING if marker not in keep and re.search(ready, marker)]


def _may_repeat(element: DataElement) -> bool:
    """Whether one digit over and over, which stands for a missing value, has the form of the element."""
    ready = TYPES[element.type].ready(element)
    return any(re.search(ready, digit * length) for digit in "0123456789" for length in range(6, 41))


def issues_of(value: StringValue, element: DataElement, today: str | None = None) -> Issues:
    """Each issue type of the element with its condition over standard values; `today` (ISO) is the Beijing day of the run."""
    with on_day(today):
        found = _stock_issues(value, element) | TYPES[element.type].issues(value, element, reading_day())
    return {name: condition.fill_null(False) for name, condition in found.items()}


def _read(cleaned: StringValue, element: DataElement, formats: Sequence[str], written_in: str, unit: str) -> StringValue:
    text = written.with_unit(cleaned, unit) if unit else cleaned
    read: StringValue = TYPES[element.type].normalize(text, element)
    if written_in:
        read = written.translated(text, element, written_in).coalesce(read)
    return ibis.cases(*date.declared_branches(cleaned, formats), else_=read) if formats else read


def spelling_key_of(value: StringValue, raw: StringValue, element: DataElement, lookup: Mapping[str, str] | None = None) -> StringValue:
    """The key by which the spelling of a division in a value (of `value_of`) is looked up; null where there is nothing to look up."""
    if element.type not in SPELLED:
        return ibis.null("string")
    key: StringValue = (address if element.type == "address" else code).spelling_key(value)
    return ibis.cases((general.trim(raw).isin(list(lookup)), ibis.null("string")), else_=key) if lookup else key


def _own_markers(element: DataElement) -> frozenset[str]:
    """Missing-value markers that the element's own code list takes for a code (不详 is a sex code)."""
    if element.type != "code":
        return frozenset()
    table = lookup_table(element)
    return frozenset(marker for marker in general.MISSING if spelling_key(marker) in table)


def _stock_issues(value: StringValue, element: DataElement) -> Issues:
    """What follows from the element's attributes; the quality suites state the same with stock expectations."""
    found: Issues = {}
    if element.pattern is not None:
        found["wrong-form"] = ~value.re_search(element.pattern)
    if element.min_length is not None or element.max_length is not None:
        length = value.length()
        too_short = length < (element.min_length or 0)
        found["wrong-length"] = too_short | (length > element.max_length) if element.max_length is not None else too_short
    if element.type == "code":
        found["unknown-code"] = value.notin(load_standards().code_lists[element.code_list or ""].current)
    if element.minimum is not None:
        found["out-of-range"] = ~value.between(element.minimum, OPEN_END)
    return found

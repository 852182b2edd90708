"""How far a difference reaches: the elements and cross-field rules whose values or verdicts it can change."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from standards.differences import TELLING, Difference
from standards.model import CrossRule, DataElement, Standards
from standards.value_types import issue_kinds

# Code lists that a value type reads beside the one its element names. A type that is not here may read any list.
LISTS_READ: dict[str, tuple[str, ...]] = {
    "address": ("division", "ethnic_group"),
    "certificate_identifier": (),
    "certificate_number": (),
    "code": (),
    "count": (),
    "date": (),
    "division": ("division", "ethnic_group"),
    "document_number": ("country", "division"),
    "foreign_card": ("country", "division", "nationality"),
    "historic_division": ("division", "ethnic_group"),
    "holder_code": (),
    "identifier": (),
    "latin_name": (),
    "long_code": (),
    "money": ("currency",),
    "organization_code": (),
    "organization_name": (),
    "percentage": (),
    "period": (),
    "person_name": (
        *("sex", "ethnic_group", "marital_status", "education", "nationality", "entity_status", "household_type"),
        *("family_relationship", "identity_document_type", "political_status"),
    ),
    "phone": (),
    "postal_code": (),
    "registration_number": (),
    "resident_id": ("country", "division"),
    "text": (),
    "timestamp": (),
    "uscc": ("division", "uscc_category"),
}

# Code lists that the expressions of cross-field rules read; those that are not here read none.
LISTS_OF_RULES: dict[str, tuple[str, ...]] = {
    "is_addressed_elsewhere": ("division",),
    "is_no_number_of_its_kind": ("country", "division", "uscc_category"),
    "issuer_differs": ("certificate_kind",),
    "type_name_differs": ("certificate_type",),
}


@dataclass(frozen=True)
class Reach:
    """Ids of the elements and of the cross-field rules that differences concern."""

    elements: frozenset[str]
    rules: frozenset[str]


def reach(found: Iterable[Difference], old: Standards, new: Standards) -> Reach:
    """What differences concern; those that only change words or handling concern nothing."""
    telling = [item for item in found if item.effect in TELLING]
    elements = {name for item in telling for standards in (old, new) for name in _elements(item, standards)}
    rules = {name for item in telling for standards in (old, new) for name in _rules(item, standards)}
    return Reach(frozenset(elements), frozenset(rules))


def _rules(item: Difference, standards: Standards) -> Iterator[str]:
    if item.kind == "cross_rule":
        yield item.id
    elif item.kind == "code_list":
        yield from (rule.id for rule in standards.cross_rules if item.id in _lists(rule, standards))


def _lists(rule: CrossRule, standards: Standards) -> set[str]:
    """The lists that a rule reads, those of its own coded elements included."""
    coded = (standards.elements[name].code_list for name in rule.needs if name in standards.elements)
    return {*LISTS_OF_RULES.get(rule.expression, ()), *(name for name in coded if name)}


def _elements(item: Difference, standards: Standards) -> Iterator[str]:
    everything = standards.elements.values()
    if item.kind == "element":
        yield item.id
    elif item.kind == "code_list":
        yield from (element.id for element in everything if item.id in standards.code_lists and _reads(element, item.id, standards))
    elif item.kind == "issue_type":
        yield from (element.id for element in everything if item.id in {"missing", "repaired", *issue_kinds(element)})
    elif item.kind == "schema" and item.part.startswith("uses"):
        yield item.item
    elif item.kind == "schema" and item.id in standards.schemas:
        yield from (element.id for element in standards.schemas[item.id].elements)


def _reads(element: DataElement, code_list: str, standards: Standards) -> bool:
    own = element.code_list == code_list or (element.code_list or "") in standards.code_lists[code_list].leads_to
    return own or element.type not in LISTS_READ or code_list in LISTS_READ[element.type]

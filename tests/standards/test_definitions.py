"""Every definition of the standard: it loads, refers to what exists, renders to every target, and something uses it."""

import pytest

from standards.checks import checks, severity_in
from standards.cross_rules import EXPRESSIONS
from standards.loader import load_standards
from standards.model import UNKNOWN, DataElement, Schema
from standards.number_forms import FORMS
from standards.standardize import TYPES
from standards.value_types import NUMBER_FORMS, PIPELINE_ISSUES, SHARED_ISSUES, issue_kinds

STANDARDS = load_standards()
every_schema = pytest.mark.parametrize("schema", STANDARDS.schemas.values(), ids=lambda schema: schema.id)
every_element = pytest.mark.parametrize("element", STANDARDS.elements.values(), ids=lambda element: element.id)


@every_element
def test_every_element_is_used_and_readable(element: DataElement) -> None:
    assert element.object_class == "any" or any(schema.use(element.id) for schema in STANDARDS.schemas.values())
    assert element.type in TYPES
    assert (
        (element.mask != "none")
        or element.classification in {"public", "internal"}
        or element.representation in {"code", "date", "flag", "name"}
    )
    assert set(issue_kinds(element)) <= set(STANDARDS.issue_types)


@pytest.mark.parametrize("name", STANDARDS.code_lists)
def test_every_code_list_is_used(name: str) -> None:
    used = {element.code_list for element in STANDARDS.elements.values()}
    assert (name in used) != (STANDARDS.code_lists[name].used_for is not None)


@pytest.mark.parametrize("name", STANDARDS.issue_types)
def test_every_issue_type_can_occur(name: str) -> None:
    found = {issue for element in STANDARDS.elements.values() for issue in issue_kinds(element)}
    assert name in found | {rule.issue_type for rule in STANDARDS.cross_rules} | set(PIPELINE_ISSUES)


def test_issue_types_reach_every_dimension() -> None:
    assert {item.dimension for item in STANDARDS.issue_types.values()} == {
        *("normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility")
    }


def test_value_types_and_cross_rules_are_what_the_definitions_name() -> None:
    assert set(TYPES) == set(SHARED_ISSUES)
    assert {rule.expression for rule in STANDARDS.cross_rules} == set(EXPRESSIONS)


def test_lists_of_documents_name_forms_that_there_are() -> None:
    named = {
        code.attributes["number_form"] for item in STANDARDS.code_lists.values() for code in item.codes if "number_form" in code.attributes
    }
    assert named == set(FORMS) == set(NUMBER_FORMS)


@every_schema
def test_every_schema_has_one_check_per_issue_type(schema: Schema) -> None:
    found = checks(schema, STANDARDS.cross_rules)
    assert len({check.id for check in found}) == len(found)
    expected = sum(len(issue_kinds(use.element)) + use.required for use in schema.uses)
    # A rule of another registry holds wherever its elements stand.
    elements = {element.id for element in schema.elements}
    assert len(found) == expected + sum(elements.issuperset(rule.needs) for rule in STANDARDS.cross_rules)
    assert {check.kind for check in found} <= {"not_null", "regex", "in_set", "length", "between", "shared"}


def test_only_critical_values_stop_their_row() -> None:
    schema = STANDARDS.schemas["population"]
    wrong = STANDARDS.issue_types["wrong-form"]
    assert severity_in(next(use for use in schema.uses if use.critical), wrong) == "error"
    assert severity_in(next(use for use in schema.uses if not use.critical), wrong) == "warning"


@every_element
def test_every_element_says_where_its_standard_says_so_or_that_nobody_knows(element: DataElement) -> None:
    assert element.source.clause
    assert UNKNOWN not in element.source.citation


def test_not_everything_is_for_the_department_to_mend() -> None:
    fixers = {item.fixer for item in STANDARDS.issue_types.values()} | {rule.fixer for rule in STANDARDS.cross_rules}
    assert fixers >= {"department", "vendor", "standards", "citizen", "holder"}

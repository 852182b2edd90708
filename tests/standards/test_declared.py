"""Columns written in another code list, or in bare numbers of a declared unit: translated as declared, and nothing read besides."""

import pytest

from core.errors import RequestError
from standards.declared import translations, units
from standards.loader import load_standards
from standards.single import normalize_values
from tests.standards.behavior import one_per_behavior

STANDARDS = load_standards()


@pytest.mark.parametrize(
    ("element", "written_in", "texts", "values"),
    [
        (
            "organization_status_code",
            "entity_status_36104",
            ["1", "2", "3", " 3 ", "３", "9", "吊销", "4", "5", "7", "注销", "存续", "注销（撤销）", "", "无"],
            ["1", "1", "2", "2", "2", "9", "2", None, None, None, "4", "1", None, None, None],
        ),
        (
            "industry_code",
            "industry_2011_division",
            ["79", "78", "96", "农业", "稻谷种植", "0111", "K70"],
            ["80", "78", "97", "01", "0111", None, None],
        ),
        (
            "household_type_code",
            "household_type_two_digit",
            ["11", "22", "10", "20", "90", "1", "农业家庭户口"],
            ["1", "4", None, None, "8", None, "2"],
        ),
    ],
)
def test_another_list_is_translated_and_no_digits_are_read_besides(
    element: str, written_in: str, texts: list[str], values: list[str | None]
) -> None:
    found = normalize_values(STANDARDS, element, texts, written_in=written_in)
    assert [answer.value for answer in found] == values
    assert all("unknown-code" in answer.issues or "missing" in answer.issues for answer in found if answer.value is None)
    own = normalize_values(STANDARDS, element, texts)
    assert [answer.value for answer in own] != values


def test_what_leads_nowhere_names_the_other_list() -> None:
    (answer,) = normalize_values(STANDARDS, "organization_status_code", ["4"], written_in="entity_status_36104")
    assert answer.read == "entity_status_36104:4"


def test_a_lookup_of_the_contract_comes_before_the_other_list() -> None:
    found = normalize_values(STANDARDS, "organization_status_code", ["4", "3"], lookup={"4": "4"}, written_in="entity_status_36104")
    assert [answer.value for answer in found] == ["4", "2"]


def test_every_list_that_leads_somewhere_leads_to_codes_in_force() -> None:
    leading = [(item.id, other) for item in STANDARDS.code_lists.values() for other in item.leads_to]
    assert leading
    for name, other in leading:
        assert set(translations(other, name).values()) <= set(STANDARDS.code_lists[other].current)


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("万元", "500", "500 CNY"),
        ("元", "5000000", "500 CNY"),
        ("亿元", "1.5", "15000 CNY"),
        ("万美元", "1,200.50", "1200.5 USD"),
        ("万元", "500万美元", "500 USD"),
        ("万元", "500 CNY", "500 CNY"),
        ("万元", "-3", None),
        ("万元", "约500", None),
        ("万元", "无", None),
    ],
)
def test_bare_numbers_count_what_the_contract_says(unit: str, text: str, value: str | None) -> None:
    assert normalize_values(STANDARDS, "registered_capital", [text], unit=unit)[0].value == value


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [("%", "12.5", "12.5%"), ("倍", "0.125", "12.5%"), ("‰", "5", "0.5%"), ("倍", "12.5%", "12.5%"), ("%", "-1,000.0", "-1000%")],
)
def test_bare_numbers_are_percentages_or_shares_as_declared(unit: str, text: str, value: str) -> None:
    assert normalize_values(STANDARDS, "percentage", [text], unit=unit)[0].value == value


@pytest.mark.slow
def test_every_unit_can_be_read() -> None:
    for element in one_per_behavior(STANDARDS.elements.values()):
        for unit in units().get(element.type, ()):
            assert normalize_values(STANDARDS, element.id, ["12.5"], unit=unit)[0].status == "repaired", unit


def test_what_cannot_be_declared_is_refused() -> None:
    for given in ({"written_in": "entity_status_36104"}, {"written_in": "nothing"}, {"unit": "万元"}):
        with pytest.raises(RequestError):
            normalize_values(STANDARDS, "sex_code", ["1"], **given)
    with pytest.raises(RequestError, match="万元"):
        normalize_values(STANDARDS, "registered_capital", ["1"], unit="公斤")

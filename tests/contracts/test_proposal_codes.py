"""Codes of a table nobody has described: what is not in the list is guessed for a person, what can be read in two ways is never decided."""

from collections.abc import Sequence

import pytest

from contracts.proposal.code_readings import possible_schemes, told_by_numbers
from contracts.proposal.content import Content
from contracts.proposal.lookups import guesses
from contracts.proposal.profile import ColumnProfile
from contracts.proposal.schemes import UNKNOWN, other_schemes
from contracts.proposal.vocabulary import rows
from standards.loader import load_standards
from tests.factories import person

STANDARDS = load_standards()


def content(values: Sequence[str]) -> Content:
    lengths = list(map(len, values))
    distinct = sorted(set(values))
    return Content(
        ColumnProfile("c", len(values), len(values), len(distinct), True, min(lengths), max(lengths), tuple(values), tuple(distinct)),
        STANDARDS,
    )


def test_practices_lead_to_codes_of_their_list() -> None:
    for row in rows("schemes"):
        codes = set(STANDARDS.code_lists[row["code_list"]].current)
        for scheme in other_schemes(row["code_list"]):
            assert set(scheme.lookup.values()) <= codes | {UNKNOWN}
            assert set(scheme.rare) <= scheme.lookup.keys()


@pytest.mark.parametrize(
    ("element", "values", "ways"),
    [
        ("sex_code", "0 1", 3),
        ("sex_code", "1", 2),
        ("sex_code", "1 2", 0),
        ("sex_code", "0 1 2 9", 0),
        ("sex_code", "男 女", 0),
        ("organization_status_code", "1 2 3", 2),
        ("organization_status_code", "1 4", 0),
        ("organization_status_code", "1 2 6", 0),
        ("organization_status_code", "存续 注销", 0),
        ("family_relationship_code", "1 2", 2),
        ("family_relationship_code", "01 10 20", 0),
        ("household_type_code", "1 2", 0),
    ],
)
def test_codes_that_fit_two_schemes_have_two_readings(element: str, values: str, ways: int) -> None:
    found = possible_schemes(content(values.split() * 20), STANDARDS.elements[element], STANDARDS)
    assert len(found) == ways
    assert all(set(scheme.lookup) == set(values.split()) for scheme in found)


def test_a_code_that_is_rare_in_a_practice_tells_against_it() -> None:
    """1 and 2 in equal numbers beside a few 0 are those of the standard: few are of unknown sex."""
    assert possible_schemes(content(["1", "2"] * 50 + ["0"]), STANDARDS.elements["sex_code"], STANDARDS) == ()


def test_identity_numbers_tell_which_reading_of_a_sex_is_meant() -> None:
    people = [person(number) for number in range(60)]
    numbers = content([row["SFZH"] for row in people])
    for written, meant in (({"1": "1", "2": "0"}, {"1": "1", "0": "2"}), ({"1": "0", "2": "1"}, {"0": "1", "1": "2"})):
        column = content([written[row["XB"]] for row in people])
        schemes = possible_schemes(column, STANDARDS.elements["sex_code"], STANDARDS)
        told = told_by_numbers(schemes, column, numbers)
        assert told is not None
        assert told.lookup == meant
        assert told_by_numbers(schemes, column, None) is None
        assert told_by_numbers(schemes, content(["0", "0", "1", "1"] * 15), numbers) is None


@pytest.mark.parametrize(
    ("element", "value", "code"),
    [
        ("ethnic_group_code", "01-汉族", "01"),
        ("ethnic_group_code", "回族(03)", "03"),
        ("sex_code", "2-男", "1"),
        ("marital_status_code", "1", "10"),
        ("marital_status_code", "已婚有子女", "20"),
        ("education_code", "初级中学", "70"),
        ("industry_code", "制造", "C"),
        ("family_relationship_code", "0", UNKNOWN),
        ("market_entity_type_code", "有限公司", UNKNOWN),
        ("sex_code", "张三", UNKNOWN),
        ("sex_code", "~", UNKNOWN),
    ],
)
def test_a_value_is_guessed_from_its_parts_digits_and_likeness(element: str, value: str, code: str) -> None:
    (found,) = guesses([value], STANDARDS.elements[element], STANDARDS)
    assert (found.value, found.code) == (value, code)


def test_two_codes_that_are_as_likely_are_both_named() -> None:
    (found,) = guesses(["股份公司"], STANDARDS.elements["market_entity_type_code"], STANDARDS)
    assert found.code == UNKNOWN
    assert "1200 股份有限公司" in found.why
    assert " or " in found.why

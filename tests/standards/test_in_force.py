"""Which codes are in force depends on the day for which the standard is read: that of the run, or of the batch."""

import pytest

from core.clock import today
from standards.checks import checks
from standards.day import on_day, reading_day
from standards.differences import differences
from standards.in_force import last_turn, while_in_force
from standards.loader import FOLDER, load_standards
from standards.model import CodeList, Standards
from standards.single import normalize_values

STANDARDS = load_standards()
CODES = (
    {"code": "10", "title": {"zh": "未婚"}},
    {"code": "20", "title": {"zh": "已婚"}, "valid_to": "2030-07-01"},
    {"code": "25", "title": {"zh": "同居"}, "valid_from": "2030-07-01"},
)


@pytest.fixture
def dated(monkeypatch: pytest.MonkeyPatch) -> Standards:
    """A standard in which one code of marital status gives way to another on a day to come."""
    made = CodeList.model_validate(STANDARDS.code_lists["marital_status"].model_dump(exclude={"codes"}) | {"codes": CODES})
    standards = STANDARDS.model_copy(update={"code_lists": {**STANDARDS.code_lists, "marital_status": made}})
    monkeypatch.setattr("standards.loader._substitutes", {FOLDER: standards})
    monkeypatch.setattr("standards.in_force._turns", lambda: ["2030-07-01"])
    return standards


def test_the_day_is_today_unless_another_is_given() -> None:
    assert reading_day() == today().isoformat()
    with on_day("2030-01-01"):
        with on_day(None):
            assert reading_day() == "2030-01-01"
        with on_day("2031-01-01"):
            assert reading_day() == "2031-01-01"
        assert reading_day() == "2030-01-01"
    assert reading_day() == today().isoformat()


@pytest.mark.parametrize(("day", "codes"), [("2030-06-30", ("10", "20")), ("2030-07-01", ("10", "25")), ("2099-01-01", ("10", "25"))])
def test_a_code_that_ends_later_is_current_and_one_that_begins_later_is_not(dated: Standards, day: str, codes: tuple[str, ...]) -> None:
    with on_day(day):
        assert dated.code_lists["marital_status"].current == codes
        (suite,) = (check for check in checks(dated.schemas["population"], (), dated) if check.id == "marital_status_code.unknown-code")
    assert suite.argument == codes
    # Asked for in both orders: what was kept for one day does not serve another.
    for name, at in [("20", day), ("20", "2030-06-30"), ("25", day), ("25", "2030-06-30")]:
        (answer,) = normalize_values(dated, "marital_status_code", [name], today=at)
        assert (answer.status == "valid") == (name == ("25" if at >= "2030-07-01" else "20"))
        (named,) = normalize_values(dated, "marital_status_code", ["已婚"], today=at)
        assert (named.value == "20") == (at < "2030-07-01")


def test_what_is_worked_out_is_kept_until_a_code_begins_or_ends() -> None:
    asked: list[str] = []

    @while_in_force
    def note(name: str) -> int:
        asked.append(name)
        return len(asked)

    for day, expected in (("1990-05-01", 1), ("1990-12-31", 1), ("1991-01-01", 2), ("1990-07-01", 1)):
        with on_day(day):
            assert last_turn() == day[:4]
            assert note("a") == expected


def test_a_division_of_the_year_is_read_as_of_the_batch() -> None:
    with on_day("2026-01-01"):
        assert "653132" in STANDARDS.code_lists["division"].current
    (before,) = normalize_values(STANDARDS, "household_division_code", ["653132"], today="2025-12-31")
    (after,) = normalize_values(STANDARDS, "household_division_code", ["653132"], today="2026-01-01")
    assert (before.status, after.status) == ("rejected", "valid")


def test_codes_to_come_are_told_apart_from_those_that_ended(dated: Standards) -> None:
    plain = dated.model_copy(update={"code_lists": {**dated.code_lists, "marital_status": STANDARDS.code_lists["marital_status"]}})
    with on_day("2030-01-01"):
        found = {(item.part, item.item): item.change for item in differences(plain, dated) if item.id == "marital_status"}
    assert found["coming", "25@2030-07-01"] == "added"
    assert found["code.valid_to", "20"] == "changed"
    assert not any(part == "former" for part, _ in found)

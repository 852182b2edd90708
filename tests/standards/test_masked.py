"""A refused value is shown to its department, and never a whole number of a person in it."""

import pytest

from standards.loader import load_standards
from standards.masked import masked_raw


@pytest.mark.parametrize(
    ("raw", "hidden"),
    [
        ("联系人 13800138000", "00138"),
        ("联系人 138 0013 8000", "0013"),
        ("138-0013-8000", "0013"),
        ("138.0013.8000", "0013"),
        ("110101 19900101 1234", "19900101"),
        ("11010119900101123X", "19900101"),
        ("110101 19900101 123 X", "19900101"),
        ("13800138000 110101199001011234", "19900101"),
    ],
)
def test_a_number_of_a_person_is_masked_in_a_value_of_another_column(raw: str, hidden: str) -> None:
    element = load_standards().elements["organization_name"]
    shown = masked_raw(raw, element)
    assert shown is not None
    assert hidden not in shown


@pytest.mark.parametrize("raw", ["北京第 12 号商店", "2024-01-02", "朝阳路 12-34", "3.1415926"])
def test_what_is_no_such_number_is_shown(raw: str) -> None:
    assert masked_raw(raw, load_standards().elements["organization_name"]) == raw

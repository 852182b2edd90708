"""What makes a record the same record: identifiers, and never what is only different in every row."""

from collections.abc import Sequence

import pytest

from contracts.proposal.match import Column, Table, match_table
from contracts.proposal.profile import ColumnProfile, TableProfile
from contracts.proposal.record_key import FEW_ROWS, record_key
from standards.loader import load_standards
from tests.factories import credit_code, person

STANDARDS = load_standards()


def key_of(columns: dict[str, Sequence[str]], feed: str, *, is_file: bool = True) -> tuple[str, str]:
    profiles = [
        ColumnProfile(name, len(v), len(v), len(set(v)), True, min(map(len, v)), max(map(len, v)), tuple(v), tuple(sorted(set(v))))
        for name, v in columns.items()
    ]
    matches = match_table(Table(("t",), tuple(Column((profile.name,), profile) for profile in profiles)), STANDARDS)
    return record_key(TableProfile(len(profiles[0].sample), 0, tuple(profiles)), matches, (feed,), STANDARDS, is_file=is_file)


def people(count: int) -> dict[str, list[str]]:
    rows = [person(number) for number in range(count)]
    return {
        "完成率": [f"{number}.5%" for number in range(count)],
        "面积": [f"{number * 7}.25" for number in range(count)],
        "登记日期": [f"2024-{number % 12 + 1:02}-{number % 28 + 1:02} 08:{number % 60:02}" for number in range(count)],
        "备注": [f"{row['XM']}于{number + 2000}年来访" for number, row in enumerate(rows)],
        "监护人身份证号": [person(number + 500)["SFZH"] for number in range(count)],
        "监护人电话": [f"139{number:08}" for number in range(count)],
        "姓名": [row["XM"] for row in rows],
        "身份证号": [row["SFZH"] for row in rows],
    }


@pytest.mark.parametrize("count", [2, 5, 60])
def test_the_identity_number_is_the_key_and_no_measure_date_text_or_number_of_another(count: int) -> None:
    name, why = key_of(people(count), "population")
    assert name == "身份证号"
    assert ("a guess" in why) == (count < FEW_ROWS)


def test_the_departments_own_number_is_a_better_key_of_a_whole_table() -> None:
    """It stays when an identity number is corrected; in a few rows nothing tells that it is one."""
    for count, key in ((5, "身份证号"), (60, "档案编号")):
        own = {"档案编号": [f"D{number:05}" for number in range(count)]}
        assert key_of(own | people(count), "population")[0] == key


def test_a_row_number_of_a_file_is_no_key_and_of_a_database_it_is() -> None:
    numbers = {"序号": [str(number + 1) for number in range(60)], "名称": ["甲"] * 60}
    assert key_of(numbers, "legal_entity")[0] == "*"
    assert key_of(numbers, "legal_entity", is_file=False)[0] == "序号"


def test_the_subject_comes_before_its_representative() -> None:
    columns = {
        "法人身份证号": [person(number)["SFZH"] for number in range(5)],
        "企业名称": [f"北京第{number}贸易有限公司" for number in range(5)],
        "统一社会信用代码": [credit_code(number) for number in range(5)],
    }
    assert key_of(columns, "legal_entity")[0] == "统一社会信用代码"


def test_without_an_identifier_the_whole_row_is_the_key() -> None:
    columns = {name: values for name, values in people(3).items() if name not in ("身份证号", "监护人身份证号")}
    name, why = key_of(columns, "population")
    assert (name, "a guess" in why) == ("*", True)

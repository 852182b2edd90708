"""Each portable operation means on DuckDB what the list says; tests/spark holds Spark against the same cases."""

import duckdb
import pytest

from core.portable import OPERATIONS, to_sql
from core.spark_sql import capitals, java_pattern, java_replacement
from tests.core.portable_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_an_operation_means_on_duckdb_what_the_list_says(case: Case) -> None:
    assert case.uses_its_operation()
    connection = duckdb.connect()
    connection.register("cases", case.given)
    assert [result for _, result in connection.execute(to_sql(case.query)).fetchall()] == case.expected


def test_every_operation_has_a_case() -> None:
    assert {case.operation for case in CASES} == set(OPERATIONS)


@pytest.mark.slow
def test_capitals_are_those_of_the_engine() -> None:
    connection = duckdb.connect()
    letters = [
        f"SELECT chr(p::INTEGER) AS c FROM range({first}, {last}) AS points (p)" for first, last in ((1, 0xD800), (0xE000, 0x110000))
    ]
    found = connection.execute(f"SELECT c, upper(c) FROM ({' UNION ALL '.join(letters)}) WHERE upper(c) <> c").fetchall()
    assert dict(found) == dict(zip(*capitals(), strict=True))


@pytest.mark.parametrize(
    ("pattern", "java"),
    [
        ("^a.$", r"^a[^\n]\z"),
        (r"\.\$[.$]", r"\.\$[.$]"),
        (r"[[&\s]\s", r"[\[\&\t\n\f\r ][\t\n\f\r ]"),
        ("[]a$]$", r"[]a$]\z"),
        ("[^]$]$", r"[^]$]\z"),
        ("(?:x{2,}|y)+", "(?:x{2,}|y)+"),
    ],
)
def test_patterns_are_written_for_java(pattern: str, java: str) -> None:
    assert java_pattern(pattern) == java


def test_replacements_are_written_for_java() -> None:
    assert java_replacement(r"0\1-\20$") == r"0$1-$2\0\$"

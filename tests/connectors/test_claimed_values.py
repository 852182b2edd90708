"""The text that a source has for each of its values, by type: as it is read, and as the source itself digests it.

Each value has a key of its own in a partition of its own, so that one that is written otherwise shows.
"""

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.claim import MIXED, NOTHING_LEFT
from tests.connectors.claiming import Database, database, maria, oracle, postgres, sqlite
from tests.connectors.conftest import connect_mariadb

__all__ = ["database", "maria", "postgres", "sqlite"]

COMMON = {
    "an integer": ("0", "0"),
    "a negative integer": ("-17", "-17"),
    "the largest integer": ("9223372036854775807", "9223372036854775807"),
    "null": ("NULL", None),
}
TEXTS = {
    "an empty text": ("''", ""),
    "Chinese": ("'张三，北京市'", "张三，北京市"),
    "beyond the first plane": ("'𠮷𠀀😀'", "𠮷𠀀😀"),
    "blanks around": ("' a\tb '", " a\tb "),
    "lines": ("'a\r\nb'", "a\r\nb"),
    "quotation marks": ("'it''s \"x\"'", 'it\'s "x"'),
    "composed otherwise": ("'e\u0301é'", "e\u0301é"),
    "null": ("NULL", None),
    "a text like null's mark": ("'n'", "n"),
    "zeros in front": ("'007'", "007"),
}
MARKS = {"the mark itself": "\x1e", "the separator": "a\x1fb", "both, and null's mark": "\x1en\x1f\x1es"}


def test_integers(database: Database) -> None:
    database.check("BIGINT", COMMON)


def test_texts(database: Database) -> None:
    database.check("VARCHAR(100)", TEXTS)


def test_marks_inside_a_text_are_no_marks(database: Database) -> None:
    def literal(text: str) -> str:
        codes = ", ".join(str(ord(character)) for character in text)
        if database.kind == "mysql":
            return f"CHAR({codes} USING utf8mb4)"
        return " || ".join(f"{database.char}({ord(character)})" for character in text)

    database.check("VARCHAR(100)", {name: (literal(text), text) for name, text in MARKS.items()})


DATES = {
    "a date": ("'2024-02-29'", "2024-02-29"),
    "before 1970": ("'1899-12-31'", "1899-12-31"),
    "a year of few digits": ("'0101-01-01'", "0101-01-01"),
    "null": ("NULL", None),
}
DECIMALS = {
    "zeros behind": ("1.50", "1.5000"),
    "negative": ("-0.05", "-0.0500"),
    "large": ("12345678901234567890.1234", "12345678901234567890.1234"),
    "zero": ("0", "0.0000"),
    "null": ("NULL", None),
}
MOMENTS = {
    "a moment": ("'2024-01-02 03:04:05'", "2024-01-02 03:04:05"),
    "before 1970": ("'1950-06-30 23:59:59'", "1950-06-30 23:59:59"),
    "null": ("NULL", None),
}


@pytest.mark.parametrize("name", ["postgres", "maria"])
@pytest.mark.parametrize(("kind", "values"), [("DATE", DATES), ("DECIMAL(24,4)", DECIMALS)])
def test_dates_and_decimals(request: pytest.FixtureRequest, name: str, kind: str, values: dict[str, tuple[str, str | None]]) -> None:
    request.getfixturevalue(name).check(kind, values)


def test_moments_and_booleans_of_postgresql(postgres: Database) -> None:
    postgres.check("TIMESTAMP", MOMENTS | {"parts of a second": ("'2024-01-01 00:00:00.5'", "2024-01-01 00:00:00.5")})
    postgres.check("TIMESTAMPTZ", {"in Beijing": ("'2024-01-01 00:00:00+00'", "2024-01-01 08:00:00")})
    postgres.check("BOOLEAN", {"true": ("true", "true"), "false": ("false", "false"), "null": ("NULL", None)})
    postgres.check("NUMERIC", {"as written": ("1.500", "1.500"), "no number": ("'NaN'", "NaN"), "long": ("1e30", f"1{'0' * 30}")})
    postgres.check("CHAR(5)", {"blanks are none": ("'ab'", "ab")})
    postgres.check("TIME", {"a time": ("'03:04:05'", "03:04:05")})
    postgres.check("UUID", {"an id": ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")})


@pytest.mark.slow
def test_moments_and_booleans_of_mariadb(maria: Database) -> None:
    maria.check("DATETIME", MOMENTS | {"no date": ("'0000-00-00 00:00:00'", "0000-00-00 00:00:00")})
    maria.check("DATETIME(3)", {"parts of a second": ("'2024-01-01 00:00:00.5'", "2024-01-01 00:00:00.500")})
    maria.check("BOOLEAN", {"true": ("true", "1"), "false": ("false", "0"), "null": ("NULL", None)})
    maria.check("BIGINT UNSIGNED", {"the largest": ("18446744073709551615", "18446744073709551615")})
    maria.check("TIME", {"more than a day": ("'-30:00:00'", "-30:00:00")})
    maria.check("YEAR", {"a year": ("2024", "2024")})
    maria.check("INT(6) ZEROFILL", {"zeros in front": ("42", "000042")})
    maria.check("VARCHAR(20) CHARACTER SET gbk", {"Chinese": ("'张三'", "张三"), "empty": ("''", "")})
    maria.check("ENUM('男','女')", {"a value": ("'女'", "女")})


def test_sqlite_keeps_dates_and_booleans_as_texts_and_integers(sqlite: Database) -> None:
    sqlite.check("DATE", DATES)
    sqlite.check("BOOLEAN", {"true": ("true", "1"), "false": ("false", "0")})
    sqlite.check("", {"any": ("'x'", "x"), "number": ("5", "5"), "empty": ("''", ""), "null": ("NULL", None)})


@pytest.mark.parametrize(
    ("name", "kind", "literal", "reason"),
    [
        ("postgres", "DOUBLE PRECISION", "0.1", "floating-point"),
        ("postgres", "REAL", "0.1", "floating-point"),
        ("postgres", "BYTEA", "'x'", "binary"),
        ("postgres", "JSONB", "'{}'", "type jsonb"),
        ("postgres", "INTEGER[]", "'{1}'", "type integer[]"),
        ("maria", "DOUBLE", "0.1", "floating-point"),
        ("maria", "FLOAT", "0.1", "floating-point"),
        ("maria", "BLOB", "'x'", "binary"),
        ("maria", "BIT(3)", "b'101'", "type bit"),
        ("sqlite", "REAL", "0.1", MIXED),
        ("sqlite", "DECIMAL(9,2)", "0.1", MIXED),
        ("sqlite", "BLOB", "x'00ff'", MIXED),
    ],
)
def test_what_has_no_canonical_text_is_named_and_never_equal(
    request: pytest.FixtureRequest, name: str, kind: str, literal: str, reason: str
) -> None:
    from pipeline.delivery.completeness import EQUAL_IN_PART, verdict

    database: Database = request.getfixturevalue(name)
    (key,) = database.fill(kind, [literal])
    claim = database.claim()
    assert claim.plan.columns == ("id",)
    assert reason in claim.plan.excluded["v"]
    landed = oracle([(str(key), [str(key)])])
    assert claim.parts == landed
    assert verdict(claim, landed) == EQUAL_IN_PART
    nothing = database.claim(database.contract(columns=["v"], record_key="*"))
    assert (nothing.rows, nothing.parts, nothing.reason) == (1, None, NOTHING_LEFT)


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12) | st.none()


@settings(max_examples=8)
@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=30))
def test_any_texts_add_up_to_what_is_read(sqlite: Database, rows: list[tuple[str | None, str | None]]) -> None:
    path = sqlite.url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE IF EXISTS hub_test_claim")
    connection.execute("CREATE TABLE hub_test_claim (id INTEGER, v TEXT, w TEXT)")
    connection.executemany("INSERT INTO hub_test_claim VALUES (?, ?, ?)", [(number, *row) for number, row in enumerate(rows)])
    connection.commit()
    connection.close()
    claim = sqlite.claim(sqlite.contract(columns=["id", "v", "w"]))
    assert claim.parts == oracle([(str(number), [str(number), *row]) for number, row in enumerate(rows)])


@settings(max_examples=12)
@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=30))
def test_any_texts_add_up_in_postgresql(postgresql: str, postgres: Database, rows: list[tuple[str | None, str | None]]) -> None:
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS hub_test_claim")
        connection.execute("CREATE TABLE hub_test_claim (id INTEGER, v TEXT, w TEXT)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO hub_test_claim VALUES (%s, %s, %s)", [(number, *row) for number, row in enumerate(rows)])
    claim = postgres.claim(postgres.contract(columns=["id", "v", "w"]))
    assert claim.parts == oracle([(str(number), [str(number), *row]) for number, row in enumerate(rows)])


@pytest.mark.slow
@settings(max_examples=5)
@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=30))
def test_any_texts_add_up_in_mariadb(mariadb: str, maria: Database, rows: list[tuple[str | None, str | None]]) -> None:
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_claim")
        cursor.execute("CREATE TABLE hub_test_claim (id INTEGER, v TEXT, w TEXT) CHARACTER SET utf8mb4")
        cursor.executemany("INSERT INTO hub_test_claim VALUES (%s, %s, %s)", [(number, *row) for number, row in enumerate(rows)])
        connection.commit()
    claim = maria.claim(maria.contract(columns=["id", "v", "w"]))
    assert claim.parts == oracle([(str(number), [str(number), *row]) for number, row in enumerate(rows)])

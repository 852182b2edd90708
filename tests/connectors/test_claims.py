"""What a source says of its own rows: value by value, by the text that it has for each, and beside what is read of it.

The oracle is plain Python: the canonical text as its description has it, hashed by hashlib. Each value has a key of its own in a partition of
its own, so that one that is written otherwise shows.
"""

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.claim import MIXED, NOT_WANTED, NOTHING_LEFT, THROTTLED, Claim
from connectors.extract import extract, source_claim
from core.connections import Connections
from tests.connectors.conftest import connect_mariadb, numbers
from tests.connectors.helpers import consume, make_contract

Texts = Sequence[str | None]


def canonical(texts: Texts) -> bytes:
    marked = ("\x1en" if text is None else text.replace("\x1e", "\x1ee").replace("\x1f", "\x1es") for text in texts)
    return "\x1f".join(marked).encode()


def oracle(rows: Sequence[tuple[str, Texts]]) -> dict[str, tuple[int, int]]:
    """Partitions of rows, each given by its key and its texts."""
    found: dict[str, tuple[int, int]] = {}
    for key, texts in rows:
        part = hashlib.sha256(canonical([key])).hexdigest()[:2]
        count, total = found.get(part, (0, 0))
        digest = int.from_bytes(hashlib.sha256(canonical(texts)).digest()[:16], "big")
        found[part] = (count + 1, (total + digest) % (1 << 128))
    return found


def apart(count: int) -> list[int]:
    """Numbers whose partitions differ."""
    found: dict[str, int] = {}
    number = 0
    while len(found) < count:
        number += 1
        found.setdefault(hashlib.sha256(str(number).encode()).hexdigest()[:2], number)
    return list(found.values())


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


class Database:
    """A database of one kind, with a table to try values in."""

    kind: str
    char = "char"

    def __init__(self, url: str, run: Callable[[str], None]) -> None:
        self.url, self.run = url, run

    def contract(self, table: str = "hub_test_claim", columns: Sequence[str] = ("id", "v"), **more: object):
        source = {"kind": self.kind, "connection": "source", "object": table}
        return make_contract(source, list(columns), **{"record_key": ["id"], **more})

    @property
    def connections(self) -> Connections:
        return Connections({"HUB_CONNECTION_SOURCE": self.url}, Path("none.yml"))

    def fill(self, kind: str, literals: Sequence[str]) -> list[int]:
        """One row for each value; its keys."""
        keys = apart(len(literals))
        self.run("DROP TABLE IF EXISTS hub_test_claim")
        self.run(f"CREATE TABLE hub_test_claim (id INTEGER, v {kind})")
        for key, literal in zip(keys, literals, strict=True):
            self.run(f"INSERT INTO hub_test_claim VALUES ({key}, {literal})")
        return keys

    def check(self, kind: str, values: dict[str, tuple[str, str | None]]) -> None:
        """Read and asked, each value has the text that is expected of it."""
        keys = self.fill(kind, [literal for literal, _ in values.values()])
        expected = oracle([(str(key), [str(key), text]) for key, (_, text) in zip(keys, values.values(), strict=True)])
        extraction = extract(self.contract(), self.connections)
        landed = {row["id"]: row["v"] for row in consume(extraction).rows}
        for claim in (extraction.claim, source_claim(self.contract(), self.connections)):
            assert claim is not None
            assert claim.parts is not None, claim.reason
            assert (claim.rows, claim.plan.excluded) == (len(values), {})
            for key, (name, (_, text)) in zip(keys, values.items(), strict=True):
                part = hashlib.sha256(str(key).encode()).hexdigest()[:2]
                assert landed[str(key)] == text, name
                assert claim.parts[part] == expected[part], name

    def claim(self, contract=None) -> Claim:
        extraction = extract(contract or self.contract(), self.connections)
        consume(extraction)
        assert extraction.claim is not None
        return extraction.claim


class PostgreSql(Database):
    kind = "postgresql"
    char = "chr"


class MariaDb(Database):
    kind = "mysql"


class Sqlite(Database):
    kind = "sqlite"


@pytest.fixture(scope="module")
def postgres(postgresql: str) -> Iterator[Database]:
    import psycopg

    with psycopg.connect(postgresql, autocommit=True) as connection:
        yield PostgreSql(postgresql, lambda sql: connection.execute(sql) and None)
        connection.execute("DROP TABLE IF EXISTS hub_test_claim")


@pytest.fixture(scope="module")
def maria(mariadb: str) -> Iterator[Database]:
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")

        def run(sql: str) -> None:
            cursor.execute(sql)
            connection.commit()

        yield MariaDb(mariadb, run)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Database:
    path = tmp_path_factory.mktemp("claims") / "部门.db"

    def run(sql: str) -> None:
        connection = sqlite3.connect(path)
        connection.execute(sql)
        connection.commit()
        connection.close()

    return Sqlite(f"sqlite:///{path}", run)


@pytest.fixture(params=["postgres", "maria", "sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


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
    from pipeline.completeness import EQUAL_IN_PART, verdict

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


def test_the_contract_says_whether_the_source_is_asked(database: Database) -> None:
    database.fill("VARCHAR(9)", ["'a'", "'b'"])
    limited = database.claim(database.contract(reading={"rows_per_second": 1000000}))
    assert (limited.rows, limited.parts, limited.reason) == (2, None, THROTTLED)
    wanted = database.claim(database.contract(reading={"rows_per_second": 1000000, "source_digest": True}))
    assert wanted.parts is not None
    unwanted = database.claim(database.contract(reading={"source_digest": False}))
    assert (unwanted.rows, unwanted.parts, unwanted.reason) == (2, None, NOT_WANTED)


def test_an_empty_table(database: Database) -> None:
    database.fill("VARCHAR(9)", [])
    claim = database.claim()
    assert (claim.rows, claim.parts) == (0, {})


def test_a_wide_table(database: Database) -> None:
    """More columns than a function takes arguments."""
    names = [f"c{number}" for number in range(180)]
    database.run("DROP TABLE IF EXISTS hub_test_wide")
    database.run(f"CREATE TABLE hub_test_wide (id INTEGER, {', '.join(f'{name} VARCHAR(9)' for name in names)})")
    literals = ", ".join(f"'{name}'" for name in names)
    database.run(f"INSERT INTO hub_test_wide VALUES (1, {literals})")
    claim = database.claim(database.contract("hub_test_wide", ["id", *names]))
    assert claim.parts == oracle([("1", ["1", *names])])
    database.run("DROP TABLE hub_test_wide")


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12) | st.none()


@settings(max_examples=8, deadline=None)
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


@settings(max_examples=12, deadline=None)
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
@settings(max_examples=5, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=30))
def test_any_texts_add_up_in_mariadb(mariadb: str, maria: Database, rows: list[tuple[str | None, str | None]]) -> None:
    with connect_mariadb(mariadb) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS hub_test_claim")
        cursor.execute("CREATE TABLE hub_test_claim (id INTEGER, v TEXT, w TEXT) CHARACTER SET utf8mb4")
        cursor.executemany("INSERT INTO hub_test_claim VALUES (%s, %s, %s)", [(number, *row) for number, row in enumerate(rows)])
        connection.commit()
    claim = maria.claim(maria.contract(columns=["id", "v", "w"]))
    assert claim.parts == oracle([(str(number), [str(number), *row]) for number, row in enumerate(rows)])


WRITER = """
import sys, time
{imports}
number = 0
while True:
    number += 1
    {change}
    print(flush=True) if number == 1 else time.sleep({pause})
"""
WRITERS = {
    "postgres": (
        "import psycopg; connection = psycopg.connect(sys.argv[1], autocommit=True)",
        "connection.execute('UPDATE hub_test_busy SET v = %s WHERE id IN (1, 60000)', (number,)); "
        "connection.execute('INSERT INTO hub_test_busy VALUES (%s, 0)', (100000 + number,))",
    ),
    "maria": (
        "from urllib.parse import urlsplit; import pymysql; u = urlsplit(sys.argv[1]); connection = pymysql.connect(host=u.hostname, "
        "port=u.port, user=u.username, password=u.password or '', database=u.path[1:], autocommit=True); cursor = connection.cursor()",
        "cursor.execute('UPDATE hub_test_busy SET v = %s WHERE id IN (1, 60000)', (number,)); "
        "cursor.execute('INSERT INTO hub_test_busy VALUES (%s, 0)', (100000 + number,))",
    ),
    "sqlite": (
        "import sqlite3; connection = sqlite3.connect(sys.argv[1].removeprefix('sqlite:///'), timeout=10, isolation_level=None); "
        "connection.execute('PRAGMA journal_mode = WAL')",
        "connection.execute('UPDATE hub_test_busy SET v = ? WHERE id IN (1, 60000)', (number,)); "
        "connection.execute('INSERT INTO hub_test_busy VALUES (?, 0)', (100000 + number,))",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_claim_and_rows_are_of_one_state_while_the_table_is_written(request: pytest.FixtureRequest, name: str) -> None:
    database: Database = request.getfixturevalue(name)
    database.run("DROP TABLE IF EXISTS hub_test_busy")
    database.run("CREATE TABLE hub_test_busy (id INTEGER, v INTEGER)")
    recursion = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT i, 0 FROM n"
    many = f"SELECT i, 0 FROM ({numbers(5)}) AS n WHERE i < 60000" if name == "maria" else recursion
    database.run(f"INSERT INTO hub_test_busy {many}")
    imports, change = WRITERS[name]
    program = WRITER.format(imports=imports, change=change, pause=0.5 if name == "sqlite" else 0.002)
    writer = subprocess.Popen([sys.executable, "-c", program, database.url], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        counts = set()
        for _ in range(3):
            extraction = extract(database.contract("hub_test_busy"), database.connections)
            rows = consume(extraction).rows
            assert extraction.claim is not None
            assert extraction.claim.rows == len(rows)
            assert extraction.claim.parts == oracle([(row["id"], [row["id"], row["v"]]) for row in rows])
            counts.add(len(rows))
    finally:
        writer.kill()
        writer.communicate()
    assert len(counts) > 1 or name == "sqlite"
    database.run("DROP TABLE hub_test_busy")


def test_a_database_that_is_written_all_the_time_is_not_compared(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something was committed between the two transactions, nothing is claimed, and the rows are read all the same."""
    from connectors import sqlite as reading
    from pipeline.completeness import NOT_COMPARABLE, verdict

    sqlite.fill("TEXT", ["'a'"])
    sqlite.run("PRAGMA journal_mode = WAL")  # without it, nobody can commit while the transaction is open
    begun = reading._begun
    write = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('INSERT INTO hub_test_claim VALUES (-1, 1)'); c.commit()"

    def disturbed(*arguments):
        # A process of its own: two copies of SQLite in one would take each other's locks away.
        subprocess.run([sys.executable, "-c", write, sqlite.url.removeprefix("sqlite:///")], check=True)
        return begun(*arguments)

    monkeypatch.setattr(reading, "_begun", disturbed)
    extraction = extract(sqlite.contract(), sqlite.connections)
    rows = consume(extraction).rows
    assert extraction.claim is not None
    assert (extraction.claim.rows, extraction.claim.parts) == (None, None)
    assert "written to without a pause" in extraction.claim.reason
    assert verdict(extraction.claim, {}) == NOT_COMPARABLE
    assert len(rows) > 1

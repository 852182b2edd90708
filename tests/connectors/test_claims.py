"""What a source says of a whole table: as the contract has it, and of one state with the rows that are read."""

import subprocess
import sys

import pytest

from connectors.claim import NOT_WANTED, THROTTLED
from connectors.extract import extract
from tests.connectors.claiming import Database, database, maria, oracle, postgres, sqlite
from tests.connectors.conftest import numbers
from tests.connectors.helpers import consume
from tests.marks import rest_long

__all__ = ["database", "maria", "postgres", "sqlite"]


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
@pytest.mark.parametrize("name", rest_long(list(WRITERS)))
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
    from connectors.databases import sqlite as reading
    from pipeline.delivery.completeness import NOT_COMPARABLE, verdict

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

"""What a source says of its own rows, held against plain Python: the canonical text as its description has it, hashed by hashlib."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from connectors.claim import Claim
from connectors.extract import extract, source_claim
from core.connections import Connections
from tests.connectors.conftest import connect_mariadb
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

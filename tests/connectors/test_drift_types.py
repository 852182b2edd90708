"""What a database says of its columns is compared with what it said before."""

import psycopg
import pytest

from catalog.batches import Batch
from tests.connectors.conftest import connect_mariadb
from tests.factories import PATIENTS, Hub, person
from tests.pipeline.sources import connect, sync

PEOPLE = [person(number) for number in range(30)]


def drift(batch: Batch) -> dict[str, str]:
    return {note["kind"].removeprefix("drift-"): note["message"] for note in batch.notes if note["kind"].startswith("drift-")}


@pytest.mark.usefixtures("without_suite")
def test_another_type_or_collation_of_a_database_is_told(hub: Hub, mariadb: str, postgresql: str) -> None:
    table = "hub_test_drift"
    create = f"CREATE TABLE {table} (SFZH varchar(18), XM varchar(50){{}}, DH varchar(20))"
    rows = [(row["SFZH"], row["XM"], row["DH"]) for row in PEOPLE]
    connect(hub, maria=mariadb, pg=postgresql)
    base = {**PATIENTS, "as_of": None, "ignore": []}
    of_maria = {**base, "source": {"kind": "mysql", "connection": "maria", "object": table}}
    with connect_mariadb(mariadb) as maria, maria.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(create.format(" COLLATE utf8mb4_bin"))
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)", rows)
        maria.commit()
        hub.register(of_maria)
        sync(hub, of_maria)
        cursor.execute(f"ALTER TABLE {table} MODIFY XM varchar(50) COLLATE utf8mb4_general_ci, MODIFY DH bigint")
        found = drift(sync(hub, of_maria))
        cursor.execute(f"DROP TABLE {table}")
    assert "another collation than before: XM" in found["encoding"]
    assert "column DH was of type varchar(20) and is of type bigint" in found["retyped"]
    of_pg = {**base, "id": "health__card", "source": {"kind": "postgresql", "connection": "pg", "object": table}}
    with psycopg.connect(postgresql, autocommit=True) as pg:
        pg.execute(f"DROP TABLE IF EXISTS {table}")
        pg.execute(create.replace("SFZH", '"SFZH"').replace("XM", '"XM"').replace("DH", '"DH"').format(""))
        with pg.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s)", rows)
        hub.register(of_pg)
        sync(hub, of_pg)
        pg.execute(f'ALTER TABLE {table} ALTER "XM" TYPE varchar(50) COLLATE "C", ALTER "DH" TYPE bigint USING "DH"::bigint')
        found = drift(sync(hub, of_pg))
        pg.execute(f"DROP TABLE {table}")
    assert "another collation than before: XM" in found["encoding"]
    assert "column DH was of type character varying(20) and is of type bigint" in found["retyped"]

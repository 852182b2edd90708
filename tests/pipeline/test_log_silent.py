"""Where PostgreSQL's log does not say what changed, or says it of another form of the table: that is noticed, and the table read anew."""

from typing import Any

import pyarrow.parquet as pq
import pytest

from core.errors import GateFailed
from pipeline.landing import rows_path
from tests.factories import Hub, resident_id
from tests.marks import rest_long
from tests.pipeline.logical import PUBLICATION, LoggedPeople, followed, logged, logical_server, told
from tests.pipeline.sources import TABLE, patient, phones, sync

__all__ = ["logged", "logical_server"]
pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


def test_truncate_reads_the_table_anew_and_the_gate_asks(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged, assertions={"least_rows": 0, "largest_shrink": 0.5, "largest_quarantine": 1.0})
    for number in range(4):
        logged.put(number, 1)
    sync(hub, document)
    logged.write(f"TRUNCATE {TABLE}")
    with pytest.raises(GateFailed, match="4 of 4 records disappeared"):
        sync(hub, document)
    for number in range(3):
        logged.put(number, 1)
    batch = sync(hub, document)
    assert (batch.scope, batch.deleted, batch.unchanged) == ("whole", 1, 3)
    assert "the whole table was read anew" in told(batch, "log-resync")
    assert sync(hub, document).scope == "part"


def test_a_table_that_changes_in_between_goes_on_under_its_new_form(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    logged.put(2, 1)
    logged.write(f'ALTER TABLE {TABLE} ADD COLUMN "BZ" text')
    logged.put(3, 1)
    logged.write(f'ALTER TABLE {TABLE} DROP COLUMN "BZ"')
    logged.put(1, 2)
    batch = sync(hub, document)
    assert (batch.inserted, batch.updated) == (2, 1)
    # The key itself: what was logged before names no record any more.
    logged.put(4, 1)
    logged.write(f'ALTER TABLE {TABLE} RENAME "SFZH" TO "ZJH"')
    logged.write(f"""UPDATE {TABLE} SET "DH" = '13700000000'""")
    logged.write(f'ALTER TABLE {TABLE} RENAME "ZJH" TO "SFZH"')
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted, batch.updated) == ("whole", 1, 3)
    assert "key columns were renamed, retyped, or did not tell the rows apart" in told(batch, "log-resync")


def test_a_table_that_was_made_anew_is_read_anew(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    logged.put(2, 1)
    sync(hub, document)
    logged.write(f"CREATE TABLE other (LIKE {TABLE} INCLUDING ALL)")
    logged.write(f"INSERT INTO other SELECT * FROM {TABLE} LIMIT 1")
    logged.write(f"DROP TABLE {TABLE}")
    logged.write(f"ALTER TABLE other RENAME TO {TABLE}")
    logged.write(f"ALTER PUBLICATION {PUBLICATION} ADD TABLE {TABLE}")
    batch = sync(hub, document)
    assert (batch.scope, batch.deleted) == ("whole", 1)
    assert "made anew" in told(batch, "log-resync")


OTHER = "CREATE TABLE IF NOT EXISTS other_table (a int PRIMARY KEY)"
SWAP = (("SFZH", "x"), ("DH", "SFZH"), ("x", "DH"))
UNSEEN = f"""DELETE FROM {TABLE} WHERE "DH" = '13900000001'"""
PUBLISHED = f"ALTER PUBLICATION {PUBLICATION}"


@pytest.mark.parametrize(
    ("statements", "reason"),
    rest_long(
        [
            (
                (f"DROP PUBLICATION {PUBLICATION}", UNSEEN, f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {TABLE}"),
                "the publication was changed",
            ),
            (
                (OTHER, f"{PUBLISHED} SET TABLE other_table", UNSEEN, f"{PUBLISHED} SET TABLE other_table, {TABLE}"),
                "the publication was changed",
            ),
            (
                (f"{PUBLISHED} SET (publish = 'insert')", UNSEEN, f"{PUBLISHED} SET (publish = 'insert, update, delete, truncate')"),
                "the publication was changed",
            ),
            ((f"""ALTER TABLE {TABLE} ALTER "DH" TYPE text USING '13700000000'""",), "the table was rewritten"),
            ((f"""ALTER TABLE {TABLE} DROP "DH", ADD "DH" text DEFAULT '13700000000'""",), "the table was rewritten"),
            # What is told is told of the table, whatever it is called meanwhile.
            (
                (
                    f"ALTER TABLE {TABLE} RENAME TO other_name",
                    UNSEEN.replace(TABLE, "other_name"),
                    f"ALTER TABLE other_name RENAME TO {TABLE}",
                ),
                "",
            ),
            ((OTHER, f"{PUBLISHED} ADD TABLE other_table", UNSEEN), ""),
            # Of a key that did not tell the rows apart when it was changed, the log does not say what it was before.
            (
                (
                    f'ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_pkey, ADD PRIMARY KEY ("XM")',
                    f"""UPDATE {TABLE} SET "SFZH" = '{resident_id(9)}' WHERE "SFZH" = '{patient(1, 1)["SFZH"]}'""",
                    f'ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_pkey, ADD PRIMARY KEY ("SFZH")',
                ),
                "did not tell the rows apart",
            ),
            (
                (
                    *(f'ALTER TABLE {TABLE} RENAME "{name}" TO "{other}"' for name, other in SWAP),
                    f"""UPDATE {TABLE} SET "SFZH" = '13700000000'""",
                    *(f'ALTER TABLE {TABLE} RENAME "{name}" TO "{other}"' for name, other in SWAP),
                ),
                "did not tell the rows apart",
            ),
            # The text of a value is another now, and no row was written.
            (("""ALTER TYPE label RENAME VALUE 'a' TO 'c'""",), "the table was rewritten"),
            (("""ALTER TYPE label ADD VALUE 'd'""",), ""),
            ((f"""SET timezone = 'UTC'; ALTER TABLE {TABLE} ALTER "SJ" TYPE timestamptz""",), "the table was rewritten"),
        ],
        kept=(0, 3, 5, 7),
    ),
)
def test_what_the_log_does_not_tell_is_noticed(hub: Hub, logged: LoggedPeople, statements: tuple[str, ...], reason: str) -> None:
    logged.write("DROP TYPE IF EXISTS label CASCADE")
    logged.write("CREATE TYPE label AS ENUM ('a', 'b')")
    logged.write(f"""ALTER TABLE {TABLE} ADD "BQ" label DEFAULT 'a', ADD "SJ" timestamp DEFAULT '2024-01-01 20:00'""")
    columns = {"SFZH": "resident_id", "XM": "person_name", "DH": "phone_number", "BQ": "household_number"}
    document = followed(hub, logged, columns=columns, as_of="SJ")
    for number in range(4):
        logged.put(number, number % 2)
    sync(hub, document)
    for statement in statements:
        logged.write(statement)
    batch = sync(hub, document)
    assert batch.scope == ("whole" if reason else "part")
    assert reason in told(batch, "log-resync")
    assert phones(hub, document) == dict(logged.rows(f'SELECT "SFZH", "DH" FROM {TABLE}'))
    assert sync(hub, document).scope == "part"


PARTS = f"ALTER TABLE roots ATTACH PARTITION {TABLE} FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"
DETACHED = f"ALTER TABLE roots DETACH PARTITION {TABLE}"


@pytest.mark.parametrize(
    ("before", "statements"),
    rest_long(
        [
            # By the table above: without it for a while.
            ((PARTS, f"{PUBLISHED} SET TABLE roots"), (DETACHED, UNSEEN, PARTS)),
            ((PARTS, f"{PUBLISHED} SET TABLE roots"), (f"{PUBLISHED} SET TABLE other_table", UNSEEN, f"{PUBLISHED} SET TABLE roots")),
            # Told under the name of the table above for a while.
            ((f"{PUBLISHED} ADD TABLE roots", f"{PUBLISHED} SET (publish_via_partition_root)"), (PARTS, UNSEEN, DETACHED)),
            # By its schema: elsewhere for a while.
            (
                (f"{PUBLISHED} SET TABLES IN SCHEMA public",),
                (
                    f"ALTER TABLE {TABLE} SET SCHEMA elsewhere",
                    UNSEEN.replace(TABLE, f"elsewhere.{TABLE}"),
                    f"ALTER TABLE elsewhere.{TABLE} SET SCHEMA public",
                ),
            ),
        ]
    ),
    ids=("detached", "root left out", "under the root", "other schema"),
)
def test_a_table_that_was_elsewhere_for_a_while_is_noticed(
    hub: Hub, logged: LoggedPeople, before: tuple[str, ...], statements: tuple[str, ...]
) -> None:
    for statement in (
        OTHER,
        "DROP TABLE IF EXISTS roots",
        "CREATE SCHEMA IF NOT EXISTS elsewhere",
        f'CREATE TABLE roots (LIKE {TABLE}) PARTITION BY RANGE ("SFZH")',
        *before,
    ):
        logged.write(statement)
    document = followed(hub, logged)
    for number in range(4):
        logged.put(number, number % 2)
    sync(hub, document)
    logged.put(0, 3)
    assert sync(hub, document).scope == "part"
    for statement in statements:
        logged.write(statement)
    batch = sync(hub, document)
    assert (batch.scope, "the publication was changed" in told(batch, "log-resync")) == ("whole", True)
    assert phones(hub, document) == dict(logged.rows(f'SELECT "SFZH", "DH" FROM {TABLE}'))


def test_a_server_that_was_put_back_is_noticed(hub: Hub, logged: LoggedPeople) -> None:
    """As its slot tells, which was put back with it."""
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    ((slot, _),) = logged.slots()
    logged.write("SELECT pg_copy_logical_replication_slot(%s, 'of_then')", [slot])
    logged.put(2, 1)
    assert sync(hub, document).scope == "part"
    logged.write("SELECT pg_drop_replication_slot(%s)", [slot])
    logged.write("SELECT pg_copy_logical_replication_slot('of_then', %s)", [slot])
    logged.write("SELECT pg_drop_replication_slot('of_then')")
    batch = sync(hub, document)
    assert (batch.scope, "was put back to an earlier state" in told(batch, "log-resync")) == ("whole", True)
    assert sync(hub, document).scope == "part"


def test_columns_that_exchange_their_names_are_noticed(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    for name, other in (("DH", "x"), ("XM", "DH"), ("x", "XM")):
        logged.write(f'ALTER TABLE {TABLE} RENAME "{name}" TO "{other}"')
    batch = sync(hub, document)
    assert (batch.scope, batch.read, batch.quarantined) == ("whole", 1, 1)


def test_a_place_in_the_log_that_was_kept_without_its_surroundings_is_read_on(hub: Hub, logged: LoggedPeople, monkeypatch: Any) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    with monkeypatch.context() as before:
        before.setattr("connectors.databases.postgresql_slots.Followed.place", property(lambda self: {"table": self.oid}))
        sync(hub, document)
    logged.put(2, 1)
    assert (sync(hub, document).scope, sync(hub, document).records) == ("part", 2)


@pytest.mark.parametrize(
    ("kind", "keys", "change", "left"),
    [
        ("numeric", ("1.0", "2.0", "3"), "UPDATE keyed SET k = 1.00 WHERE k = 1", {"1.00", "2.0", "3"}),
        ("interval", ("30 days", "2 days"), "UPDATE keyed SET k = '1 mon' WHERE k = '30 days'", {"1 mon", "2 days"}),
        ("jsonb", ('{"a": 1}', '"x"', "[1]"), "DELETE FROM keyed WHERE k = '\"x\"'", {'{"a": 1}', "[1]"}),
        ("date", ("2024-02-01", "2024-03-12"), "DELETE FROM keyed WHERE k = '2024-02-01'", {"2024-03-12"}),
        ("char(4)", ("a", "b"), "UPDATE keyed SET k = 'c' WHERE k = 'a'", {"c", "b"}),
        (
            "over",
            ("2024-01-01 08:00:00+08", "2024-01-01 09:00:00+08"),
            "DELETE FROM keyed WHERE k < '2024-01-01 08:30:00+08'",
            {"2024-01-01 09:00:00"},
        ),
    ],
)
def test_keys_are_what_the_table_says_they_are(
    hub: Hub, logged: LoggedPeople, kind: str, keys: tuple[str, ...], change: str, left: set[str]
) -> None:
    """Equal is not the same, and each server writes dates in a style of its own."""
    name = logged.rows("SELECT quote_ident(current_database())")[0][0]
    for statement in (
        "DROP TABLE IF EXISTS keyed",
        "DROP DOMAIN IF EXISTS over, under",
        "CREATE DOMAIN under AS timestamptz",
        "CREATE DOMAIN over AS under",
        f'CREATE TABLE keyed (k {kind} PRIMARY KEY, "SFZH" text, "XM" text, "DH" text, "GXSJ" text)',
        f"{PUBLISHED} SET TABLE keyed",
        f"ALTER DATABASE {name} SET datestyle = 'SQL, DMY'",
    ):
        logged.write(statement)
    try:
        for number, key in enumerate(keys):
            row = patient(number, 1)
            logged.write("INSERT INTO keyed VALUES (%s, %s, %s, %s, %s)", [key, *(row[column] for column in ("SFZH", "XM", "DH", "GXSJ"))])
        source = {"kind": "postgresql", "connection": "patients", "object": "keyed"}
        document = followed(hub, logged, source=source, record_key=["k"], ignore=["k"])
        first = sync(hub, document)
        logged.write(change)
        batch = sync(hub, document)
        assert (batch.scope, batch.deleted, batch.records) == ("part", 1, len(left))
        landed = [pq.read_table(rows_path(hub.settings, each)).column("k").to_pylist() for each in (first, batch)]
        assert left <= {key.rstrip() for some in landed for key in some}
    finally:
        logged.write(f"ALTER DATABASE {name} RESET ALL")
        logged.write("DROP TABLE keyed")

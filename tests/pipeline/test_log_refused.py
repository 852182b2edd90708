"""What PostgreSQL's log cannot be followed without is asked for by name, before anything is read."""

import pytest

from core.errors import SourceError
from tests.factories import Hub
from tests.pipeline.logical import PUBLICATION, LoggedPeople, followed, logged, logical_server
from tests.pipeline.sources import TABLE, connect, sync, tracked

__all__ = ["logged", "logical_server"]
pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            f"ALTER TABLE {TABLE} REPLICA IDENTITY NOTHING",
            "a delete would not say which record is gone: the table's replica identity lacks SFZH",
        ),
        (f"ALTER TABLE {TABLE} DROP CONSTRAINT {TABLE}_pkey", "replica identity lacks SFZH"),
        (f"DROP PUBLICATION {PUBLICATION}", "there is no publication govhub"),
        (f"ALTER PUBLICATION {PUBLICATION} DROP TABLE {TABLE}", "does not have the table"),
        (f"ALTER PUBLICATION {PUBLICATION} SET (publish = 'insert, update')", "leaves out some changes"),
        (f"ALTER PUBLICATION {PUBLICATION} SET TABLE {TABLE} WHERE (\"SFZH\" > '2')", "leaves out some changes"),
        (f"CREATE TABLE IF NOT EXISTS child () INHERITS ({TABLE})", "its log is silent about their rows"),
        (f"DROP TABLE {TABLE} CASCADE", "there is no table or view patient"),
        (f"DROP TABLE {TABLE}; CREATE VIEW {TABLE} AS SELECT 1", "is no ordinary table"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(hub: Hub, logged: LoggedPeople, statement: str, words: str) -> None:
    document = followed(hub, logged)
    logged.write(statement)
    try:
        with pytest.raises(SourceError) as raised:
            sync(hub, document)
    finally:
        logged.write(f"DROP VIEW IF EXISTS {TABLE}") if "VIEW" in statement else None
    assert words in raised.value.message
    assert raised.value.hint
    assert not raised.value.transient
    assert logged.slots() == []


def test_a_server_that_would_keep_its_log_for_ever_is_refused_unless_the_department_agreed(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    logged.write("ALTER SYSTEM SET max_slot_wal_keep_size = -1")
    logged.write("SELECT pg_reload_conf()")
    try:
        with pytest.raises(SourceError, match="until its disk is full") as raised:
            sync(hub, document)
        assert "max_slot_wal_keep_size = 1024MB" in raised.value.hint
        assert sync(hub, followed(hub, logged, log={"server_bound": False})).records == 1
    finally:
        logged.write("ALTER SYSTEM SET max_slot_wal_keep_size = '256MB'")
        logged.write("SELECT pg_reload_conf()")


def test_a_check_of_the_contract_says_what_cannot_be_followed(hub: Hub, logged: LoggedPeople) -> None:
    from catalog.datasets import contract_in_force
    from pipeline.delivery.check import check_source

    document = followed(hub, logged)
    logged.put(1, 1)
    contract = contract_in_force(hub.home.catalog, document["id"])[1]
    assert check_source(hub.home, contract).error is None
    logged.write(f"DROP PUBLICATION {PUBLICATION}")
    assert "there is no publication govhub" in str(check_source(hub.home, contract).error)
    tracked_by = tracked("postgresql", "cursor", cursor={"column": "XM"})
    hub.register(tracked_by)
    assert "cursor column XM is of type text" in str(check_source(hub.home, contract_in_force(hub.home.catalog, document["id"])[1]).error)
    assert logged.slots() == []


def test_a_user_who_may_not_follow_is_told_so(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.write("DROP OWNED BY hub_reader; DROP ROLE hub_reader") if logged.rows(
        "SELECT 1 FROM pg_roles WHERE rolname = 'hub_reader'"
    ) else None
    logged.write(f"CREATE ROLE hub_reader LOGIN; GRANT SELECT ON {TABLE} TO hub_reader")
    connect(hub, patients=logged.url.replace("postgres:@", "hub_reader:@"))
    with pytest.raises(SourceError, match="the hub's user may not follow the log") as raised:
        sync(hub, document)
    assert "REPLICATION" in raised.value.hint

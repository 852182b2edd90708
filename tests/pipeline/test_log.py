"""Tracking by PostgreSQL's log: real slots of a real server."""

import re
import socket
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from catalog.batches import get_batch, latest_accepted
from connectors.offline.bundle import make_key
from core.errors import GateFailed, HubError, SourceError
from pipeline.accept import accept
from pipeline.bundles import pack_here, register_key, unbundle
from pipeline.delivery.tracking import Order
from pipeline.land import land
from pipeline.landing import deletes_path, rows_path, verify_landing
from pipeline.operation.alerts import find, load_rules
from tests.factories import Hub, person, wrong_check
from tests.pipeline.logical import LoggedPeople, followed, logged, logical_server, told
from tests.pipeline.sources import TABLE, connect, phones, quiet, sync

__all__ = ["logged", "logical_server"]
pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


def test_inserts_updates_and_deletes_arrive_and_nothing_else_is_read(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    for number in range(10):
        logged.put(number, 1)
    first = sync(hub, document)
    assert (first.scope, first.inserted) == ("whole", 10)
    logged.put(3, 2)
    logged.put(10, 1)
    logged.remove(5)
    logged.put(20, 1)
    logged.remove(20)
    batch = sync(hub, document)
    assert (batch.scope, batch.read, batch.inserted, batch.updated, batch.deleted, batch.unchanged) == ("part", 2, 1, 1, 1, 0)
    assert (batch.previous, batch.records) == (10, 10)
    assert person(5)["SFZH"] not in phones(hub, document)
    quiet = sync(hub, document)
    assert (quiet.read, quiet.records) == (0, 10)
    assert hub.unbalanced() == []
    # Deletes travel to the end.
    assert hub.publish("population").entities == 10
    logged.remove(6)
    sync(hub, document)
    after = hub.publish("population")
    assert (after.entities, after.deleted) == (9, 1)


def test_a_slot_that_waits_for_open_transactions_names_them_and_leaves_nothing(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged, reading={"statement_timeout_seconds": 1})
    logged.put(1, 1)
    with psycopg.connect(logged.url) as other:
        other.execute("CREATE TABLE IF NOT EXISTS unfinished (a int)")
        with pytest.raises(SourceError, match=rf"process {other.info.backend_pid} since ") as raised:
            sync(hub, document)
        assert raised.value.transient
        assert logged.slots() == []
        other.rollback()
    assert sync(hub, document).scope == "whole"


def test_a_log_that_is_followed_no_more_is_given_up_as_soon_as_the_source_answers(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    assert len(logged.slots()) == 1
    other = {**{name: value for name, value in document.items() if name != "log"}, "change_tracking": "snapshot"}
    connect(hub, other_way=logged.url, patients="postgresql://nobody@127.0.0.1:1/none")
    hub.register({**other, "source": {**other["source"], "connection": "other_way"}})
    # However often that was tried before.
    quiet(hub, sync(hub, other), 60)
    assert len(logged.slots()) == 1
    connect(hub, patients=logged.url)
    sync(hub, other)
    assert logged.slots() == []
    # And followed again by the other connection, which leads to the same server.
    hub.register({**document, "source": {**document["source"], "connection": "other_way"}})
    for scope in ("whole", "part", "part"):
        logged.put(1, 2)
        assert sync(hub, document).scope == scope


def test_after_a_bundle_the_whole_source_is_read_again(hub: Hub, logged: LoggedPeople, tmp_path: Path) -> None:
    """A bundle brings a state of its own, to which what the log tells since its last place cannot be added."""
    document, key = followed(hub, logged), tmp_path / "office.pem"
    for number in range(5):
        logged.put(number, 1)
    sync(hub, document)
    make_key(key)
    register_key(hub.home, "health", key.with_suffix(".pub"))
    path = pack_here(hub.home, document["id"], key, tmp_path)
    logged.remove(4)
    logged.put(3, 2)
    assert sync(hub, document).records == 4
    assert unbundle(hub.home, path, accept_older="its clock stood still").records == 5
    again = sync(hub, document)
    assert (again.scope, again.records, again.deleted, again.updated) == ("whole", 4, 1, 1)
    logged.put(3, 3)
    assert (sync(hub, document).scope, len(logged.slots())) == ("part", 1)


def test_a_batch_whose_acceptance_fails_holds_no_log(hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    batch_id = land(document["id"], hub.home)
    assert len(logged.slots()) == 1

    def fail(*_: object) -> None:
        raise ValueError("somebody's number")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.accept.standardize", fail)
        with pytest.raises(ValueError, match="number"):
            accept(batch_id, hub.home)
    assert (get_batch(hub.home.catalog, batch_id).status, logged.slots()) == ("failed", [])
    assert sync(hub, document).inserted == 1


def test_a_key_that_changes_is_a_delete_and_an_insert(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    logged.put(2, 1)
    sync(hub, document)
    logged.write(f'UPDATE {TABLE} SET "SFZH" = %s WHERE "SFZH" = %s', [person(7)["SFZH"], person(1)["SFZH"]])
    batch = sync(hub, document)
    assert (batch.inserted, batch.deleted) == (1, 1)
    assert set(phones(hub, document)) == {person(2)["SFZH"], person(7)["SFZH"]}


def test_the_slot_moves_only_with_an_accepted_batch(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged, assertions={"least_rows": 0, "largest_shrink": 0.2, "largest_quarantine": 0.2})
    for number in range(10):
        logged.put(number, 1)
    sync(hub, document)
    (slot,) = [name for name, _ in logged.slots()]
    for number in range(3):
        logged.remove(number)
    logged.put(11, 1)
    with pytest.raises(GateFailed, match="3 of 10 records disappeared"):
        sync(hub, document)
    land(document["id"], hub.home)  # landed and never accepted
    logged.put(0, 2)
    logged.put(1, 1)
    batch = sync(hub, document)
    assert (batch.inserted, batch.updated, batch.deleted) == (1, 1, 1)
    assert [name for name, _ in logged.slots()] == [slot]
    assert hub.unbalanced() == []


def test_a_server_that_is_gone_when_the_batch_is_accepted_is_settled_with_the_next_one(
    hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    batch_id = land(document["id"], hub.home)
    with monkeypatch.context() as patched, socket.create_server(("127.0.0.1", 0)) as deaf:
        patched.setattr("connectors.databases.postgresql_slots._SETTLE_SECONDS", 1)
        connect(hub, patients=f"postgresql://hub:x@127.0.0.1:{deaf.getsockname()[1]}/db")
        assert accept(batch_id, hub.home).records == 1
    connect(hub, patients=logged.url)
    logged.put(2, 1)
    assert sync(hub, document).inserted == 1


@pytest.mark.long
def test_log_of_other_tables_is_not_held_back(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    logged.write("CREATE TABLE IF NOT EXISTS bulk (t text) WITH (autovacuum_enabled = false)")
    logged.write("INSERT INTO bulk SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
    assert logged.slots()[0][1] > 10 << 20
    # The server lets go at a point where it has noted what is running, which it does every quarter of a minute and at checkpoints.
    for _ in range(2):
        logged.write("CHECKPOINT")
        assert sync(hub, document).read == 0
    assert logged.slots()[0][1] < 4 << 20


def test_a_transaction_that_is_committed_while_it_is_read_comes_whole_with_the_next_batch(
    hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot is taken, then someone commits: the log has it, the snapshot does not."""
    from connectors.databases import postgresql_log

    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    original = postgresql_log._keys

    def meanwhile(contract: Any, server: Any, request: Any, table: Any, upto: str, snapshot: str) -> Any:
        logged.put(1, 2)
        logged.put(2, 1)
        (now,) = server.execute("SELECT pg_current_wal_lsn()::text").fetchone()
        return original(contract, server, request, table, now, snapshot)

    with monkeypatch.context() as patched:
        patched.setattr(postgresql_log, "_keys", meanwhile)
        assert sync(hub, document).read == 0
    batch = sync(hub, document)
    assert (batch.updated, batch.inserted) == (1, 1)


def test_large_values_that_an_update_leaves_alone_are_not_lost(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    long = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(40_000))
    logged.put(1, 1, XM="王伟", GXSJ="2024-01-01")
    logged.write(f'ALTER TABLE {TABLE} ADD COLUMN "BZ" text')
    logged.write(f'ALTER TABLE {TABLE} ALTER "BZ" SET STORAGE EXTERNAL')
    logged.write(f'UPDATE {TABLE} SET "BZ" = %s', [long])
    sync(hub, document)
    logged.write(f"""UPDATE {TABLE} SET "DH" = '13900000002'""")
    batch = sync(hub, document)
    from core.engine import Engine
    from pipeline.landing import landed_rows

    with Engine(hub.settings) as engine:
        assert engine.rows(f'SELECT "BZ", "DH" FROM {landed_rows(hub.settings, batch)}') == [(long, "13900000002")]


def test_more_changes_than_agreed_are_read_as_a_whole_table(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged, log={"most_changes": 5})
    sync(hub, document)
    for number in range(5):
        logged.put(number, 1)
    assert sync(hub, document).scope == "part"
    for number in range(20):
        logged.put(number, 2)
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted, batch.updated) == ("whole", 15, 5)
    assert len(logged.slots()) == 1


def test_a_record_that_changes_over_and_over_hides_nothing_that_changes_after_it(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged, log={"most_changes": 5})
    for number in range(3):
        logged.put(number, 1)
    sync(hub, document)
    for content in range(2, 40):
        logged.put(0, content)
    logged.put(1, 2)
    logged.remove(2)
    batches = [sync(hub, document) for _ in range(6)]
    assert {batch.scope for batch in batches} == {"part"}
    assert (sum(batch.deleted or 0 for batch in batches), batches[-1].records) == (1, 2)
    assert sum(batch.updated or 0 for batch in batches) == 2
    assert sync(hub, document).read == 0


@pytest.mark.parametrize("how", ["gone", "altered"])
def test_deletes_that_are_no_longer_what_landed_delete_nothing(hub: Hub, logged: LoggedPeople, how: str) -> None:
    document = followed(hub, logged)
    for number in range(4):
        logged.put(number, 1)
    sync(hub, document)
    logged.remove(3)
    batch = get_batch(hub.home.catalog, land(document["id"], hub.home))
    assert verify_landing(hub.home, batch) == []
    path = deletes_path(hub.home.settings, batch)
    if how == "gone":
        path.unlink()
    else:
        pq.write_table(pq.read_table(rows_path(hub.home.settings, latest_accepted(hub.home.catalog, document["id"]))), path)
    assert "deletes: they are not those that the source named" in verify_landing(hub.home, batch)
    with pytest.raises(HubError, match="not those that its source named"):
        accept(batch.batch_id, hub.home)
    again = sync(hub, document)
    assert (again.deleted, again.records) == (1, 3)


def test_many_changes_in_chunks(hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.databases.postgresql_log._LOOKED_UP", 7)
    document = followed(hub, logged)
    sync(hub, document)
    for number in range(40):
        logged.put(number, 1)
    for number in range(0, 40, 3):
        logged.remove(number)
    assert sync(hub, document).records == 26


def test_log_that_grows_while_no_batch_comes_is_told_by_the_watch(hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    document = followed(hub, logged, log={"alert_retained_mb": 5, "most_retained_mb": 60})
    rules = [rule for rule in load_rules() if rule.id == "retained-log"]
    logged.put(1, 1)
    sync(hub, document)
    assert find(hub.home, rules) == []
    logged.write("CREATE TABLE IF NOT EXISTS bulk (t text) WITH (autovacuum_enabled = false)")
    logged.write("INSERT INTO bulk SELECT repeat('x', 1000) FROM generate_series(1, 10000)")
    # A batch that fails on its way says nothing of it, and ends no alert.
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.land.extract", _failing)
        with pytest.raises(SourceError):
            sync(hub, document)
    (found,) = find(hub.home, rules)
    assert (found.subject, found.severity) == (document["id"], "error")
    assert re.search(r"[0-9]+ MB of log are kept for the hub on the department's disk; beyond 60 they are given up", found.message_en)
    assert "超过 60 MB 即放弃" in found.message_zh
    batch = sync(hub, document)
    assert told(batch, "log-retained")
    connect(hub, **{document["source"]["connection"]: "postgresql://nobody@127.0.0.1:1/nowhere"})
    assert [item.subject for item in find(hub.home, rules)] == [document["id"]], "what the last batch found stands where nobody answers"
    connect(hub, **{document["source"]["connection"]: logged.url})
    # The server moves the beginning of what it keeps on to a place that it has noted since.
    logged.write("CHECKPOINT")
    sync(hub, document)
    assert find(hub.home, rules) == []


def _failing(*_: Any, **__: Any) -> Any:
    raise SourceError("the source broke off", transient=True)


@pytest.mark.long
def test_a_slot_that_is_gone_or_holds_too_much_is_given_up_and_the_table_read_anew(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged, log={"alert_retained_mb": 1, "most_retained_mb": 30})
    logged.put(1, 1)
    sync(hub, document)
    logged.write("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    logged.remove(1)
    batch = sync(hub, document)
    assert (batch.scope, batch.deleted) == ("whole", 1)
    assert "the log that was kept for the hub is gone" in told(batch, "log-resync")
    logged.write("CREATE TABLE IF NOT EXISTS bulk (t text) WITH (autovacuum_enabled = false)")
    logged.write("INSERT INTO bulk SELECT repeat('x', 1000) FROM generate_series(1, 10000)")
    batch = sync(hub, document)
    assert batch.scope == "part"
    assert "MB of log are kept for the hub on the department's disk; beyond 30 they are given up" in told(batch, "log-retained")
    (before,) = [name for name, _ in logged.slots()]
    logged.write("INSERT INTO bulk SELECT repeat('x', 1000) FROM generate_series(1, 60000)")
    logged.put(2, 1)
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted) == ("whole", 1)
    assert "the contract allows 30: it was given up" in told(batch, "log-resync")
    assert [name for name, _ in logged.slots()] != [before]
    assert logged.slots()[0][1] < 4 << 20


@pytest.mark.long
def test_a_full_refresh_that_is_not_accepted_leaves_slot_and_state_as_they_were(
    hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    slots = [name for name, _ in logged.slots()]
    with monkeypatch.context() as patched:

        def dying(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patched.setattr("pipeline.accept.accept_batch", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(hub, document, Order(full=True))
    assert len(logged.slots()) == 2
    logged.put(2, 1)
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted) == ("part", 1)
    assert [name for name, _ in logged.slots()] == slots
    assert sync(hub, document, Order(full=True)).scope == "whole"
    assert len(logged.slots()) == 1
    assert [name for name, _ in logged.slots()] != slots


def test_a_record_that_only_waited_in_quarantine_leaves_it_when_it_is_deleted(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    bad = wrong_check(person(5)["SFZH"])
    logged.put(1, 1)
    logged.put(5, 1, SFZH=bad)
    assert sync(hub, document).waiting == 1
    logged.write(f'DELETE FROM {TABLE} WHERE "SFZH" = %s', [bad])
    batch = sync(hub, document)
    assert (batch.waiting, batch.deleted, batch.records) == (0, 0, 1)
    assert hub.unbalanced() == []


@pytest.mark.long
def test_two_hubs_follow_one_table_with_slots_of_their_own(hub: Hub, logged: LoggedPeople, tmp_path: Any) -> None:
    from tests.factories import hub_in

    other = hub_in(tmp_path / "other")
    documents = [followed(each, logged) for each in (hub, other)]
    logged.put(1, 1)
    for each, document in zip((hub, other), documents, strict=True):
        sync(each, document)
    logged.put(2, 1)
    assert [sync(each, document).inserted for each, document in zip((hub, other), documents, strict=True)] == [1, 1]
    assert len(logged.slots()) == 2


def test_a_slot_that_another_has_moved_on_is_not_trusted(hub: Hub, logged: LoggedPeople) -> None:
    """A restored copy of a hub knows the same slot: what it takes from it, the other would never hear of."""
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    logged.remove(1)
    logged.put(2, 1)
    logged.write("SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) FROM pg_replication_slots")
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted, batch.deleted) == ("whole", 1, 1)
    assert "another reader has moved on in the log" in told(batch, "log-resync")
    assert sync(hub, document).scope == "part"


def test_the_whole_table_is_read_as_it_was_where_the_slot_begins(hub: Hub, logged: LoggedPeople, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed between the slot and the first row is in the log, not in the table, and once."""
    from connectors.databases import postgresql

    document = followed(hub, logged)
    logged.put(1, 1)
    original = postgresql.columns_of

    def meanwhile(*arguments: Any) -> Any:
        with psycopg.connect(logged.url, autocommit=True) as connection:
            connection.execute(f'DELETE FROM {TABLE} WHERE "SFZH" = %s', [person(1)["SFZH"]])  # type: ignore[arg-type]
        return original(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(postgresql, "columns_of", meanwhile)
        assert sync(hub, document).records == 1
    batch = sync(hub, document)
    assert (batch.scope, batch.deleted, batch.records) == ("part", 1, 0)

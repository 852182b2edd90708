"""A table of PostgreSQL or MariaDB of which only the rows that differ are read, by their digests; the oracle is the same table read whole."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url

from catalog.batches import Batch, waiting_of
from core.errors import SourceError, StoreError
from pipeline.accept import accept
from pipeline.delivery.tracking import Order
from pipeline.land import land
from pipeline.landing import shown_manifest, verify_landing
from pipeline.quarantine.replay import replay
from pipeline.receipts import compare_source, receipt_of, verify_receipt
from pipeline.report import report_batch
from tests.factories import Hub, person, resident_id, wrong_check
from tests.pipeline.asked import COLUMNS, AskedTable, MysqlTable, PostgresqlTable, own_database
from tests.pipeline.handing_back import edited, filling, handed_out
from tests.pipeline.logical import logical_server
from tests.pipeline.sources import TABLE, connect, phones, sync, tracked

__all__ = ["logical_server", "own_database"]
pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


@pytest.fixture(params=["postgresql", "mysql"])
def table(hub: Hub, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[AskedTable]:
    monkeypatch.setattr("pipeline.delivery.differing.LEAST_ROWS", 0)
    kind, server = (PostgresqlTable, "logical_server") if request.param == "postgresql" else (MysqlTable, "own_database")
    found = kind(request.getfixturevalue(server))
    connect(hub, patients=found.url)
    yield found
    found.connection.close()


mysql_in_long = pytest.mark.parametrize("table", ["postgresql", pytest.param("mysql", marks=pytest.mark.long)], indirect=True)
on_postgresql = pytest.mark.parametrize("table", ["postgresql"], indirect=True)


def contract(table: AskedTable, **more: Any) -> dict[str, Any]:
    limits = {"least_rows": 0, "largest_shrink": 1.0, "largest_quarantine": 1.0}
    return tracked(table.kind, more.pop("change_tracking", "snapshot"), assertions=limits, ignore=table.ignored, **more)


def collected(hub: Hub, table: AskedTable, rows: int, **more: Any) -> dict[str, Any]:
    """The registered contract of a table with so many people, which has been collected once."""
    document = contract(table, **more)
    hub.register(document)
    for number in range(rows):
        table.add(number)
    assert sync(hub, document).scope == "whole"
    return document


def told(batch: Batch) -> str:
    return next((str(note["message"]) for note in batch.notes if note["kind"] == "told"), "")


def test_only_rows_that_differ_are_read_and_the_rest_is_as_if_it_had_been(hub: Hub, table: AskedTable) -> None:
    document = collected(hub, table, 20)
    table.change(resident_id(3), 7)
    table.add(30)
    table.remove(resident_id(5))
    batch = sync(hub, document)
    assert (batch.scope, batch.read, batch.inserted, batch.updated, batch.deleted, batch.records) == ("part", 2, 1, 1, 1, 20)
    assert told(batch).startswith("of 20 rows of the source 2 were read")
    assert "1 record is not there any more" in told(batch)
    quiet = sync(hub, document)
    assert (quiet.scope, quiet.read, quiet.deleted, quiet.records) == ("part", 0, 0, 20)
    assert phones(hub, document)[resident_id(3)] == "13900000007"
    assert hub.unbalanced() == []
    # The source's word on the rows that were read is held against them, and stands in the receipt; all are compared when it is asked again.
    receipt = receipt_of(hub.home, batch.batch_id)
    assert (receipt["receipt"]["source"]["verdict"], receipt["receipt"]["source"]["rows"]) == ("equal", 2)
    assert verify_receipt(hub.home, batch, receipt) == []
    assert verify_landing(hub.home, batch) == []
    assert compare_source(hub.home, quiet) == ("the same 20 rows with the same digests", False)
    table.change(resident_id(3), 8)
    assert compare_source(hub.home, quiet) == ("the source now has 20 rows, it had 20, and they are not the same", True)
    # And it travels to the end.
    assert hub.publish("population").entities == 20


@mysql_in_long
def test_what_is_repeated_contradicts_itself_or_waits_is_judged_as_in_a_whole_delivery(hub: Hub, table: AskedTable) -> None:
    document = contract(table)
    hub.register(document)
    for number in range(40):
        table.add(number)
    table.add(1)
    table.add(50, SFZH=wrong_check(resident_id(50)))
    first = sync(hub, document)
    assert (first.repeated, first.quarantined, first.waiting) == (1, 1, 1)
    # A copy is no difference; what waits is read again and waits on.
    same = sync(hub, document)
    assert (same.read, same.quarantined, same.waiting, same.records) == (1, 1, 1, 40)
    table.add(2, 9)
    torn = sync(hub, document)
    assert (torn.read, torn.quarantined, torn.waiting) == (3, 3, 3)
    table.write(f'DELETE FROM {TABLE} WHERE "DH" = %s', ["13900000009"])
    table.remove(wrong_check(resident_id(50)))
    mended = sync(hub, document)
    assert (mended.read, mended.waiting, mended.records) == (1, 0, 40)
    assert hub.unbalanced() == []


@mysql_in_long
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
def test_a_dataset_is_the_same_as_one_that_reads_the_whole_table(
    hub: Hub, table: AskedTable, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("pipeline.delivery.differing.FEW_CANDIDATES", 1.0)
    by_digest = contract(table)
    by_reading = contract(table, id="health__whole", reading={"source_digest": False})
    hub.register(by_digest, by_reading)
    dice = random.Random(seed)
    scopes = set()
    for _ in range(8):
        for _ in range(dice.randrange(8)):
            number = dice.randrange(12)
            key = resident_id(number) if dice.random() < 0.8 else wrong_check(resident_id(number))
            match dice.randrange(5):
                case 0:
                    table.remove(key)
                case 1:
                    table.change(key, dice.randrange(3))
                case 2:  # a copy of a row, or one that contradicts it
                    table.add(number, dice.randrange(2), SFZH=key)
                case 3:  # moved to another place of the table, and the same
                    table.write(f'UPDATE {TABLE} SET "XM" = "XM"')
                case _:
                    table.add(number, SFZH=dice.choice([key, None]))
        found, expected = sync(hub, by_digest), sync(hub, by_reading)
        scopes.add(found.scope)
        assert expected.scope == "whole"
        # A record that comes back from quarantine as it was accepted counts as updated where it comes in a part.
        names = ("previous", "inserted", "deleted", "records", "waiting")
        assert {name: getattr(found, name) for name in names} == {name: getattr(expected, name) for name in names}
        assert _content(hub, by_digest) == _content(hub, by_reading)
        assert _waiting(hub, by_digest) == _waiting(hub, by_reading)
        # An auditor reads the same figures: what the source said is unchanged stands as it was examined.
        assert _fills(hub, found) == _fills(hub, expected)
    assert scopes == {"whole", "part"}
    assert hub.unbalanced() == []


def _fills(hub: Hub, batch: Batch) -> dict[str, tuple[int, int]]:
    return {fill.element: (fill.evaluated, fill.filled) for fill in report_batch(hub.home, batch.batch_id).fills}


def _content(hub: Hub, document: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    return Counter((row["resident_id"], row["person_name"], row["phone_number"]) for row in hub.state(document))


def _waiting(hub: Hub, document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return sorted((row["element"], row["issue_type"], row["rows"]) for row in waiting_of(hub.home.catalog, document["id"]))


@on_postgresql
@pytest.mark.parametrize("mended", [pytest.param("a name", marks=pytest.mark.long), "a key"])
def test_a_repaired_row_stands_and_falls_as_in_whole_deliveries(hub: Hub, table: AskedTable, mended: str) -> None:
    """Where a key was corrected, what becomes of the row depends on whether the right key comes as well: then all is read."""
    by_digest, by_reading = contract(table), contract(table, id="health__whole", reading={"source_digest": False})
    hub.register(by_digest, by_reading)
    for number in range(40):
        table.add(number)
    wrong = {"SFZH": wrong_check(resident_id(50))} if mended == "a key" else {"XM": ""}
    table.add(50, **wrong)
    for document in (by_digest, by_reading):
        assert sync(hub, document).waiting == 1
        path = handed_out(hub, f"{document['id']}.csv", document["id"])
        filled = filling("SFZH", resident_id(50)) if mended == "a key" else filling("XM", person(50)["XM"])
        replay(document["id"], hub.home, repaired=edited(path, filled))
    for step in ("as it was", "right as well", "as it was", "right no more", "as it was"):
        if step == "right as well":
            table.add(50, 4)
        if step == "right no more":
            table.write(f'DELETE FROM {TABLE} WHERE "DH" = %s', ["13900000004"])
        found, expected = sync(hub, by_digest), sync(hub, by_reading)
        assert (found.scope, expected.scope) == ("whole" if mended == "a key" else "part", "whole")
        assert (step, found.records, found.waiting) == (step, expected.records, expected.waiting)
        assert _content(hub, by_digest) == _content(hub, by_reading), step


@on_postgresql
@pytest.mark.parametrize(
    "case", ["first", "ordered", "too many", "other rules", "a week later", "small", "not asked", "a view", "put together", "no text"]
)
def test_all_is_read_where_digests_cannot_tell_or_it_is_time(
    hub: Hub, table: AskedTable, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    from core.clock import now

    document = contract(table, **({"reading": {"source_digest": False}} if case == "not asked" else {}))
    hub.register(document)
    for number in range(12):
        table.add(number)
    if case in ("a view", "put together"):
        table.write(f"ALTER TABLE {TABLE} RENAME TO base_rows")
        other = f"VIEW {TABLE} AS SELECT * FROM base_rows" if case == "a view" else f"TABLE {TABLE} (LIKE base_rows)"
        table.write(f"DROP TABLE IF EXISTS {TABLE}")
        table.write(f"CREATE {other}")
        if case == "put together":
            table.write(f"ALTER TABLE base_rows INHERIT {TABLE}")
    if case != "first":
        sync(hub, document)
    if case == "too many":
        table.write(f"UPDATE {TABLE} SET \"DH\" = '13912345678'")
    if case == "other rules":
        hub.register({**document, "update_cycle": "daily"})
    if case == "a week later":
        monkeypatch.setattr("pipeline.delivery.differing.now", lambda: now() + timedelta(days=8))
    if case == "small":
        monkeypatch.setattr("pipeline.delivery.differing.LEAST_ROWS", 13)
    if case == "no text":
        table.write(f"ALTER TABLE {TABLE} ALTER \"GXSJ\" TYPE bytea USING '\\x00'::bytea")
    batch = sync(hub, document, Order(full=case == "ordered"))
    assert (batch.scope, batch.landed, batch.records) == ("whole", 12, 12)
    table.write("DROP TABLE IF EXISTS base_rows CASCADE")


@mysql_in_long
def test_a_sweep_of_a_cursor_asks_what_differs_and_the_cursor_goes_on(hub: Hub, table: AskedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.clock import now

    document = contract(table, change_tracking="cursor", cursor={"column": "GXSJ", "overlap": 0, "sweep_hours": 24})
    hub.register(document)
    table.retype("GXSJ", "timestamp")
    for number in range(40):
        table.add(number, GXSJ=f"2024-01-02 00:00:{number:02}")
    whole = sync(hub, document)
    assert (whole.scope, whole.records) == ("whole", 40)
    table.change(resident_id(3), 7)  # the cursor does not see it, nor that one is gone
    table.remove(resident_id(5))
    table.add(50, GXSJ="2024-01-03 00:00:00")
    missed = sync(hub, document)
    assert (missed.scope, missed.inserted, missed.updated, missed.deleted, missed.records) == ("part", 1, 0, 0, 41)
    later = now() + timedelta(hours=25)
    for module in ("tracking", "differing"):
        monkeypatch.setattr(f"pipeline.delivery.{module}.now", lambda: later)
    swept = sync(hub, document)
    assert told(swept).startswith("of 40 rows of the source 1 were read")
    assert (swept.scope, swept.updated, swept.deleted, swept.records) == ("part", 1, 1, 40)
    # A sweep is not repeated before its time, and the cursor stands where it stood.
    table.change(resident_id(4), 8)
    table.add(51, GXSJ="2024-01-04 00:00:00")
    after = sync(hub, document)
    assert (told(after), after.scope, after.inserted, after.updated) == ("", "part", 1, 0)
    later += timedelta(hours=25)
    again = sync(hub, document)
    assert (again.updated, again.records) == (1, 41)
    # Where much differs all is read, and the cursor starts from there.
    table.write(f"UPDATE {TABLE} SET \"DH\" = '13912345678'")
    later += timedelta(hours=25)
    much = sync(hub, document)
    assert (much.scope, [note["kind"] for note in much.notes]) == ("whole", ["much-differs"])
    later = now()  # when it was read, by the clock of batches
    quiet = sync(hub, document)
    assert (quiet.scope, quiet.read) == ("part", 1)  # the row with the highest value
    assert hub.unbalanced() == []


@mysql_in_long
def test_a_part_that_was_never_accepted_is_read_again(hub: Hub, table: AskedTable) -> None:
    document = collected(hub, table, 20)
    table.change(resident_id(3), 7)
    table.remove(resident_id(5))
    left = land(document["id"], hub.home)  # the process died before it was accepted
    table.change(resident_id(4), 8)
    batch = sync(hub, document)
    assert (batch.scope, batch.read, batch.updated, batch.deleted, batch.records) == ("part", 2, 2, 1, 19)
    assert hub.batch(left).status == "superseded"
    # One that landed before a state which is not the last any more is not accepted afterwards.
    assert accept(left, hub.home).status == "superseded"
    assert hub.unbalanced() == []


@on_postgresql
def test_who_may_read_the_columns_alone_reads_them_all(hub: Hub, table: AskedTable) -> None:
    document = collected(hub, table, 12)
    table.write("DROP ROLE IF EXISTS hub_reader")
    table.write("CREATE ROLE hub_reader LOGIN")
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    table.write(f"GRANT SELECT ({columns}) ON {TABLE} TO hub_reader")
    connect(hub, patients=make_url(table.url).set(username="hub_reader").render_as_string(hide_password=False))
    table.change(resident_id(3), 7)
    batch = sync(hub, document)
    assert (batch.scope, batch.updated, batch.records) == ("whole", 1, 12)
    (note,) = [note for note in batch.notes if note["kind"] == "much-differs"]
    assert "may not read this table" in note["message"]
    table.write(f"DROP TABLE {TABLE} CASCADE")
    table.write("DROP ROLE hub_reader")
    with pytest.raises(SourceError, match="patient"):
        sync(hub, document)


@on_postgresql
def test_without_room_for_the_digests_all_is_read(hub: Hub, table: AskedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    document = collected(hub, table, 12)
    table.change(resident_id(3), 7)

    def no_room(*_: Any, **__: Any) -> bool:
        raise StoreError("the engine ran out of memory while asking the source what differs", hint="raise HUB_MEMORY_MB")

    monkeypatch.setattr("pipeline.delivery.differing._choose_rows", no_room)
    batch = sync(hub, document)
    assert (batch.scope, batch.updated, batch.records) == ("whole", 1, 12)
    (note,) = [note for note in batch.notes if note["kind"] == "much-differs"]
    assert "ran out of memory" in note["message"]


@on_postgresql
def test_a_table_that_is_written_anew_is_not_asked_each_time(hub: Hub, table: AskedTable) -> None:
    document = collected(hub, table, 12)
    kinds = []
    for content in (1, 2, 3, 3):
        table.write(f'UPDATE {TABLE} SET "DH" = %s', [f"139{content:08}"])
        batch = sync(hub, document)
        kinds.append((batch.scope, any(note["kind"] == "much-differs" for note in batch.notes)))
    assert kinds == [("whole", True), ("whole", False), ("whole", True), ("whole", False)]
    assert sync(hub, document).scope == "part"


@on_postgresql
def test_a_table_that_grows_or_fills_with_unknown_codes_is_told_by_all_its_rows(hub: Hub, table: AskedTable) -> None:
    document = collected(hub, table, 50, drift={"volume": "accept", "volume_change": 0.1})
    for number in range(50, 57):
        table.add(number)
    batch = sync(hub, document)
    assert batch.scope == "part"
    (note,) = [note for note in batch.notes if note["kind"] == "drift-volume"]
    assert note["message"].startswith("57 rows arrived, 50 did before (+14%)")


@on_postgresql
def test_codes_that_nobody_knows_are_a_share_of_all_rows_and_not_of_those_that_are_read(hub: Hub, table: AskedTable) -> None:
    document = contract(table, columns={"SFZH": "resident_id", "XM": "person_name", "DH": "phone_number", "GXSJ": "sex_code"}, as_of=None)
    hub.register(document)
    for number in range(100):
        table.add(number, GXSJ="1")
    for number in range(100, 105):  # wait, and are read each time
        table.add(number, SFZH=wrong_check(resident_id(number)), GXSJ="丙")
    sync(hub, document)
    again = sync(hub, document)
    assert (again.scope, again.read, _codes(again)) == ("part", 5, [])
    table.write(f'UPDATE {TABLE} SET "GXSJ" = %s WHERE "SFZH" = ANY(%s)', ["丙", [resident_id(number) for number in range(20)]])
    jumped = sync(hub, document)
    assert jumped.scope == "part"
    assert _codes(jumped) == ["24% of the values of column GXSJ are in no code list and no lookup, 5% were"]
    # Of few rows no digest is shown.
    shown = shown_manifest(hub.settings, jumped)
    assert shown is not None
    assert (shown["told"]["rows"], len(shown["told"]["digest"])) == (105, 32)
    table.write(f'DELETE FROM {TABLE} WHERE "SFZH" = ANY(%s)', [[resident_id(number) for number in range(20, 45)]])
    few = shown_manifest(hub.settings, sync(hub, document))
    assert few is not None
    assert few["told"] == {"rows": 80, "digest": None}


def _codes(batch: Batch) -> list[str]:
    return [str(note["message"]).partition(":")[0] for note in batch.notes if note["kind"] == "drift-codes"]


@on_postgresql
@pytest.mark.parametrize("moment", ["before digests", "among digests", "before rows"])
def test_a_server_that_breaks_off_is_reported_as_such(hub: Hub, table: AskedTable, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    from connectors.databases import postgresql_digests as connector

    document = collected(hub, table, 12)
    table.change(resident_id(3), 7)

    def end_others() -> None:
        table.write("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")

    original = {name: getattr(connector, name) for name in ("_has_places", "_told", "_listed")}

    def broken(name: str) -> Any:
        def instead(*arguments: Any) -> Any:
            end_others()
            return original[name](*arguments)

        return instead

    def broken_stream(*arguments: Any) -> Any:
        schema, batches = original["_told"](*arguments)

        def stream() -> Iterator[Any]:
            yield next(batches)
            raise SourceError("the server broke off", transient=True)

        return schema, stream()

    name = {"before digests": "_has_places", "among digests": "_told", "before rows": "_listed"}[moment]
    with monkeypatch.context() as patched:
        patched.setattr(connector, name, broken_stream if name == "_told" else broken(name))
        with pytest.raises(SourceError, match="broke off") as caught:
            sync(hub, document)
    assert caught.value.transient
    batch = sync(hub, document)
    assert (batch.scope, batch.updated, batch.records) == ("part", 1, 12)

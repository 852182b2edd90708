"""Change tracking: a dataset is what its table is, by whichever way its changes are found."""

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog.batches import batches_of
from core.clock import BEIJING
from core.errors import GateFailed, RequestError, SourceError
from pipeline.accept import accept
from pipeline.delivery.tracking import Order, _place
from pipeline.land import land
from tests.factories import Hub, person, wrong_check
from tests.pipeline.logical import PUBLICATION, LoggedPeople, logged, logical_server
from tests.pipeline.sources import TABLE, People, connect, patient, people, phones, sync, tracked

__all__ = ["logged", "logical_server", "people"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")


def later(monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    """Let the hub believe that time has passed."""
    from core.clock import now

    monkeypatch.setattr("pipeline.delivery.tracking.now", lambda: now() + timedelta(**time))


def test_a_connection_that_leads_to_another_database_is_read_whole(hub: Hub, people: People, tmp_path: Path) -> None:
    """A cursor would go on where it stood in the former one, and keep what only that has."""
    document = tracked("sqlite", "cursor")
    hub.register(document)
    for number in range(4):
        people.put(number, 1)
    assert (sync(hub, document).scope, sync(hub, document).scope) == ("whole", "part")
    (tmp_path / "new").mkdir()
    other = People(tmp_path / "new")
    for number in range(2, 5):
        other.put(number, 2)
    connect(hub, patients=other.url)
    with pytest.raises(RequestError, match="of the same database"):
        sync(hub, document, Order(period=(date(2024, 1, 1), date(2024, 1, 31))))
    batch = sync(hub, document)
    assert (batch.scope, [note["kind"] for note in batch.notes].count("moved")) == ("whole", 1)
    assert phones(hub, document) == {person(number)["SFZH"]: "13900000002" for number in range(2, 5)}
    other.put(9, 3)
    batch = sync(hub, document)
    assert (batch.scope, batch.records, [note["kind"] for note in batch.notes].count("moved")) == ("part", 4, 0)


def test_who_signs_in_and_how_is_not_where_a_connection_leads(hub: Hub) -> None:
    (contract,) = hub.register(tracked("postgresql", "cursor"))

    def place(address: str) -> str | None:
        connect(hub, patients=address)
        return _place(hub.home, contract)

    first = place("postgresql://reader:one@Files.example:5432/city")
    for same in (
        "postgresql://other:two@files.example:5432/city",
        "postgresql+psycopg://files.example:5432/city?user=reader&password=three&sslmode=require&connect_timeout=9",
    ):
        assert place(same) == first
    for other in (
        "postgresql://reader:one@files.example:5433/city",
        "postgresql://reader:one@files.example:5432/other",
        "postgresql://reader:one@:5432/city?host=/run/other",
        "mysql://reader:one@files.example:5432/city",
    ):
        assert place(other) != first


@dataclass
class Naive:
    """What a dataset holds, worked out without any of the hub's means."""

    table: dict[int, int] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)

    def batch(self, *, knows_deletes: bool) -> dict[str, int]:
        before = dict(self.seen)
        self.seen = dict(self.table) if knows_deletes else {**self.seen, **self.table}
        return {
            "inserted": len(self.seen.keys() - before.keys()),
            "deleted": len(before.keys() - self.seen.keys()),
            "updated": sum(before[key] != self.seen[key] for key in before.keys() & self.seen.keys()),
            "records": len(self.seen),
        }


def change(dice: random.Random, people: People | LoggedPeople, naive: Naive) -> None:
    """One change of the department's: most numbers are known ones after a while."""
    number = dice.randrange(12)
    if number in naive.table and dice.random() < 0.4:
        people.remove(number)
        del naive.table[number]
    else:
        naive.table[number] = dice.randrange(4)
        people.put(number, naive.table[number])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "batches"), [(1, 3), pytest.param(1, 6, marks=pytest.mark.long), pytest.param(2, 6, marks=pytest.mark.long)]
)
@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("snapshot", "sqlite"),
        ("log", "postgresql"),
        pytest.param("cursor", "sqlite", marks=pytest.mark.long),
        pytest.param("snapshot", "postgresql", marks=pytest.mark.long),
        pytest.param("cursor", "postgresql", marks=pytest.mark.long),
    ],
)
def test_after_every_batch_the_dataset_is_what_a_naive_account_says(
    hub: Hub, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str, source: str, seed: int, batches: int
) -> None:
    """One conformance test for every way of tracking, to the end: the base table has the people of the dataset, deletes included."""
    people = request.getfixturevalue("people" if source == "sqlite" else "logged")
    connect(hub, patients=people.url)
    document = tracked(source, kind, **({"log": {"publication": PUBLICATION}} if kind == "log" else {}))
    hub.register(document)
    dice, naive = random.Random(seed), Naive()
    for number in range(batches):
        for _ in range(dice.randrange(7)):
            change(dice, people, naive)
        is_sweep = number % 3 == 2
        later(monkeypatch, hours=25 if is_sweep else 0)
        batch = sync(hub, document)
        # A cursor learns of deletes by the sweep.
        expected = naive.batch(knows_deletes=kind != "cursor" or is_sweep or batch.is_whole)
        assert {name: getattr(batch, name) for name in expected} == expected
        assert phones(hub, document) == {person(key)["SFZH"]: patient(key, content)["DH"] for key, content in naive.seen.items()}
        if number in (1, batches - 1):
            hub.publish("population")
            served = {row["resident_id"]: row["phone_number"] for row in hub.served("base_population")}
            assert served == phones(hub, document)
    assert hub.unbalanced() == []


def test_a_cursor_reads_what_is_new_and_rows_not_read_are_not_unchanged(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor")
    hub.register(document)
    for number in range(10):
        people.put(number, 1)
    assert sync(hub, document).scope == "whole"
    people.put(3, 2)
    people.put(10, 1)
    batch = sync(hub, document)
    # The highest value of before is read again: it may not have been the last of its value.
    assert (batch.scope, batch.read, batch.unchanged, batch.inserted, batch.updated, batch.deleted) == ("part", 3, 1, 1, 1, 0)
    assert (batch.previous, batch.records) == (10, 11)
    assert sync(hub, document).read == 1
    assert hub.unbalanced() == []


def test_a_batch_that_is_not_accepted_moves_no_cursor(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor", assertions={"least_rows": 1, "largest_shrink": 1.0, "largest_quarantine": 0.1})
    hub.register(document)
    for number in range(10):
        people.put(number, 1)
    sync(hub, document)
    for number in range(10, 13):
        people.put(number, 1, SFZH=wrong_check(person(number)["SFZH"]))
    with pytest.raises(GateFailed, match="would be quarantined"):
        sync(hub, document)
    # Landed only, as if the process had died before it was accepted; the next one begins where the accepted one ended.
    people.put(20, 1)
    land(document["id"], hub.home)
    people.write(f"DELETE FROM {TABLE} WHERE SFZH IN (?, ?, ?)", [wrong_check(person(number)["SFZH"]) for number in range(10, 13)])
    batch = sync(hub, document)
    assert (batch.scope, batch.read, batch.inserted) == ("part", 2, 1)


def test_a_part_is_not_accepted_after_another_state_than_it_was_read_after(hub: Hub, people: People) -> None:
    import sqlalchemy as sa

    from catalog.tables import batch as batches
    from core.database import writing

    document = tracked("sqlite", "cursor")
    hub.register(document)
    people.put(1, 1)
    sync(hub, document)
    sync(hub, document)
    batch_id = land(document["id"], hub.home)
    with writing(hub.home.catalog) as connection:
        connection.execute(sa.update(batches).where(batches.c.batch_id == f"{document['id']}@2").values(status="failed"))
    with pytest.raises(RequestError, match="no longer the last one"):
        accept(batch_id, hub.home)
    assert hub.batch(batch_id).status == "failed"


def test_a_change_committed_late_is_in_the_overlap_and_beyond_it_in_the_sweep(
    hub: Hub, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tracked("sqlite", "cursor", cursor={"column": "BB", "overlap": 5, "sweep_hours": 6})
    hub.register(document)
    for number in range(10):
        people.put(number, 1, BB=100 + number)
    sync(hub, document)
    people.put(20, 1, BB=104)
    people.put(21, 1, BB=50)
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted) == ("part", 1)
    later(monkeypatch, hours=6.5)
    swept = sync(hub, document)
    assert (swept.scope, swept.inserted, swept.unchanged) == ("whole", 1, 11)


def test_deletes_arrive_with_the_sweep_and_a_shrink_beyond_the_limit_stops_it(
    hub: Hub, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tracked("sqlite", "cursor", assertions={"least_rows": 1, "largest_shrink": 0.2, "largest_quarantine": 1.0})
    hub.register(document)
    for number in range(10):
        people.put(number, 1)
    sync(hub, document)
    for number in range(3):
        people.remove(number)
    assert sync(hub, document).deleted == 0
    later(monkeypatch, hours=25)
    with pytest.raises(GateFailed, match="3 of 10 records disappeared"):
        sync(hub, document)
    people.put(0, 1)
    assert sync(hub, document).deleted == 2
    assert hub.unbalanced() == []


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "source"), [("snapshot", "sqlite"), ("cursor", "sqlite"), ("log", "postgresql")])
def test_a_shrink_stops_every_way_of_tracking_until_a_person_lets_pass_what_was_shown(
    hub: Hub, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str, source: str
) -> None:
    people = request.getfixturevalue("people" if source == "sqlite" else "logged")
    connect(hub, patients=people.url)
    limits = {"least_rows": 1, "largest_shrink": 0.2, "largest_quarantine": 1.0}
    document = tracked(source, kind, assertions=limits, **({"log": {"publication": PUBLICATION}} if kind == "log" else {}))
    hub.register(document)
    for number in range(10):
        people.put(number, 1)
    sync(hub, document)
    for number in range(3):
        people.remove(number)
    later(monkeypatch, hours=25)
    why = Order(accept_shrink="district moved")
    with pytest.raises(GateFailed, match="3 of 10 records disappeared"):
        sync(hub, document, why)  # nobody has seen it yet
    assert len(phones(hub, document)) == 10
    people.remove(3)
    with pytest.raises(GateFailed, match="4 of 10 records disappeared") as raised:
        sync(hub, document, why)  # one more than was shown
    assert f"./hub sync {document['id']} --accept-shrink" in raised.value.hint
    batch = sync(hub, document, why)
    assert (batch.deleted, batch.records) == (4, 6)
    assert [note["message"] for note in batch.notes if note["kind"] == "shrink-accepted"] == [
        "4 of 10 records disappeared, which test let pass: district moved"
    ]
    assert hub.unbalanced() == []


def test_rows_without_a_cursor_are_read_every_time_and_counted(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor")
    hub.register(document)
    people.put(1, 1)
    people.put(2, 1, BB=None)
    sync(hub, document)
    people.put(2, 2, BB=None)
    batch = sync(hub, document)
    assert (batch.scope, batch.updated) == ("part", 1)
    assert "1 row has nothing in the cursor column BB" in next(note["message"] for note in batch.notes if note["kind"] == "cursor-empty")


def test_a_restored_table_is_read_whole(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor")
    hub.register(document)
    for number in range(5):
        people.put(number, 1)
    sync(hub, document)
    people.write(f"DELETE FROM {TABLE}")
    people.version = 0
    for number in range(4):
        people.put(number, 2)
    batch = sync(hub, document)
    assert (batch.scope, batch.updated, batch.deleted) == ("whole", 4, 1)
    assert [note["kind"] for note in batch.notes] == ["cursor-backwards"]
    people.put(7, 1)
    assert (sync(hub, document).scope, len(phones(hub, document))) == ("part", 5)


def test_a_new_contract_reads_everything_again(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor")
    hub.register(document)
    people.put(1, 1)
    people.put(2, 1)
    sync(hub, document)
    hub.register({**document, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["DH"]})
    batch = sync(hub, document)
    assert (batch.scope, batch.updated) == ("whole", 2)


def test_a_full_refresh_that_dies_half_way_leaves_the_old_state(hub: Hub, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tracked("sqlite", "cursor")
    hub.register(document)
    for number in range(5):
        people.put(number, 1)
    sync(hub, document)
    before = phones(hub, document)
    people.put(1, 2)
    people.remove(2)
    for target in ("pipeline.land._manifest", "pipeline.accept.write_files", "pipeline.accept.accept_batch"):
        with monkeypatch.context() as patched:

            def dying(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt

            patched.setattr(target, dying)
            with pytest.raises(KeyboardInterrupt):
                sync(hub, document, Order(full=True))
        assert phones(hub, document) == before
    batch = sync(hub, document, Order(full=True))
    assert (batch.scope, batch.unchanged, batch.updated, batch.deleted) == ("whole", 0, 4, 1)
    assert hub.unbalanced() == []


def test_a_cursor_column_that_is_gone_is_named(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor", cursor={"column": "ZHGXSJ"})
    hub.register(document)
    people.put(1, 1)
    with pytest.raises(SourceError, match="lacks the cursor column ZHGXSJ"):
        sync(hub, document)
    assert hub.batch(f"{document['id']}@1").status == "failed"


def test_outside_the_hours_agreed_no_batch_is_opened_unless_a_person_orders_it(hub: Hub, people: People) -> None:
    hour = (datetime.now(BEIJING).hour + 2) % 24
    document = tracked("sqlite", "snapshot", reading={"window": f"{hour:02}:00-{hour:02}:30"})
    hub.register(document)
    people.put(1, 1)
    with pytest.raises(SourceError, match="may be read from"):
        sync(hub, document)
    assert batches_of(hub.home.catalog, document["id"]) == []
    batch = sync(hub, document, Order(outside_window=True))
    assert batch.records == 1
    assert [note["message"] for note in batch.notes if note["kind"] == "outside-window"] == [
        f"read outside the hours agreed ({hour:02}:00-{hour:02}:30), as test ordered"
    ]

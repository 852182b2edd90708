"""A dataset ends: it is collected no more, its records stay or leave, its source keeps nothing, and it can be taken back."""

from datetime import timedelta
from typing import Any

import pytest

from catalog.datasets import contract_in_force
from catalog.tables import lease
from core.clock import now
from core.errors import GateFailed, LeaseHeld, RequestError, SourceError
from core.leases import holding
from dags.registered import read_registered
from pipeline.land import land
from pipeline.operation.alerts import find
from pipeline.operation.datasets import dataset_states
from pipeline.operation.ending import end
from pipeline.publication.pins import unpublished
from pipeline.publication.replay import replay_publication
from pipeline.receipts import receipt_of
from registries.publications import Publication
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id, with_assertions
from tests.pipeline.logical import LoggedPeople, followed, logged, logical_server
from tests.pipeline.sources import connect, sync

__all__ = ["logged", "logical_server"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")
ID = PATIENTS["id"]
DAILY: dict[str, Any] = {**PATIENTS, "update_cycle": "daily", "schedule": {"cron": "0 2 * * *"}}


def two_departments(hub: Hub) -> Publication:
    """Ten residents; health knows the last of them and two more, and alone has telephone numbers."""
    residents = {**RESIDENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DH", "DZ"]}
    hub.register(residents, DAILY)
    hub.sync(residents, [person(number) for number in range(10)])
    hub.sync(DAILY, [person(number) for number in range(9, 12)])
    return hub.publish("population")


def scheduled(hub: Hub) -> set[str]:
    return {dataset.id for dataset in read_registered(hub.settings.registered) if dataset.collected}


def test_records_that_are_kept_stay_and_nobody_is_told_that_they_are_old(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    before = two_departments(hub)
    done = end(hub.home, ID, "the system was closed", "kept")
    assert (done.version, done.records, done.feeds) == (2, 3, ("population",))
    assert end(hub.home, ID, "the system was closed", "kept").version == 2  # again changes nothing
    assert scheduled(hub) == {RESIDENTS["id"]}
    with pytest.raises(RequestError, match="has ended: the system was closed"):
        land(ID, hub.home)
    later = now() + timedelta(days=30)
    monkeypatch.setattr("pipeline.operation.datasets.now", lambda: later)
    state = dataset_states(hub.home.catalog)[ID]
    assert (state.state, state.freshness, state.next_run, state.row()["ended"]["records"]) == ("ended", "ended", None, "kept")
    assert [item.subject for item in find(hub.home) if item.subject == ID] == []
    assert hub.publish("population").number == before.number
    # What others say of its people goes on, and what only it had said stays.
    hub.sync(RESIDENTS, [person(number) for number in range(1, 10)])
    after = hub.publish("population")
    assert (after.entities, after.withheld) == (11, 0)
    assert {row["resident_id"] for row in hub.served("base_population") if row["phone_number"]} >= {resident_id(n) for n in (9, 10, 11)}
    assert hub.unbalanced() == []


def test_records_that_are_withdrawn_leave_and_come_back_with_the_contract(hub: Hub) -> None:
    two_departments(hub)
    end(hub.home, ID, "taken over by another", "withdrawn")
    gone = hub.publish("population")
    assert (gone.entities, gone.deleted, gone.linked, gone.withheld) == (10, 2, 10, 3)
    assert {row["phone_number"] for row in hub.served("base_population")} == {None}
    hub.register(DAILY)
    assert scheduled(hub) == {RESIDENTS["id"], ID}
    back = hub.publish("population")
    assert (back.entities, back.inserted, back.withheld) == (12, 2, 0)
    batch = hub.sync(DAILY, [person(number) for number in range(9, 12)])
    assert (batch.inserted, batch.deleted, batch.records) == (0, 0, 3)
    assert hub.unbalanced() == []
    for number in (1, 2, 3):
        assert replay_publication("population", number, hub.home).is_same


def test_a_registry_whose_last_dataset_is_withdrawn_asks_a_person(hub: Hub) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number) for number in range(4)])
    hub.publish("population")
    end(hub.home, ID, "a mistake", "withdrawn")
    with pytest.raises(GateFailed, match="4 of 4 entities would disappear"):
        hub.publish("population")
    assert hub.publish("population", accept_shrink="yes").entities == 0


@pytest.mark.long
def test_a_dataset_without_records_that_is_withdrawn_is_withdrawn_once(hub: Hub) -> None:
    """There is nothing to take back, so there is nothing to publish for ever, and nobody is told that something waits."""
    two_departments(hub)
    hub.register(emptied := with_assertions(DAILY, largest_shrink=1.0, least_rows=0))
    hub.sync(emptied, [])
    hub.publish("population", accept_shrink="all have moved")
    end(hub.home, ID, "the office has closed", "withdrawn")
    number = hub.publish("population").number
    assert hub.publish("population").number == number
    assert unpublished(hub.home, "population") == {}
    for item in range(1, number + 1):
        assert replay_publication("population", item, hub.home).is_same
    hub.register(DAILY)
    hub.sync(DAILY, [person(number) for number in range(9, 12)])
    assert hub.publish("population").entities == 12
    assert hub.unbalanced() == []


def test_a_dataset_is_not_ended_while_it_is_collected(hub: Hub) -> None:
    hub.register(PATIENTS)
    with holding(hub.home.catalog, lease, f"dataset/{ID}", "somebody"), pytest.raises(LeaseHeld):
        end(hub.home, ID, "now", "kept")
    assert contract_in_force(hub.home.catalog, ID)[1].ended is None
    with pytest.raises(RequestError, match="no dataset none__none"):
        end(hub.home, "none__none", "now", "kept")


def test_a_delivery_that_waited_to_be_accepted_is_not_left_waiting(hub: Hub) -> None:
    hub.register(PATIENTS)
    hub.deliver(PATIENTS, [person(1)])
    landed = land(ID, hub.home)
    assert end(hub.home, ID, "closed", "kept").left == landed
    assert receipt_of(hub.home, landed)["receipt"]["batch"]["status"] == "superseded"
    assert end(hub.home, ID, "closed", "kept").left is None
    hub.register(PATIENTS)
    assert hub.sync(PATIENTS, [person(1), person(2)]).records == 2
    assert hub.unbalanced() == []


@pytest.mark.slow
def test_the_source_keeps_no_log_for_a_dataset_that_has_ended(hub: Hub, logged: LoggedPeople) -> None:
    document = followed(hub, logged)
    logged.put(1, 1)
    sync(hub, document)
    assert len(logged.slots()) == 1
    connect(hub, patients="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(SourceError, match="may still keep a log") as told:
        end(hub.home, document["id"], "closed", "kept")
    assert told.value.transient
    assert logged.slots()[0][0].startswith(told.value.hint.split("'")[1])
    assert dataset_states(hub.home.catalog)[document["id"]].state == "ended"
    connect(hub, patients=logged.url)
    end(hub.home, document["id"], "closed", "kept")
    assert logged.slots() == []
    # It has said so, and is not asked again.
    connect(hub, patients="postgresql://nobody@127.0.0.1:1/none")
    end(hub.home, document["id"], "closed", "kept")
    connect(hub, patients=logged.url)
    # Taken back, it is read whole, and what happened meanwhile arrives.
    logged.put(2, 1)
    logged.remove(1)
    hub.register(document)
    batch = sync(hub, document)
    assert (batch.scope, batch.inserted, batch.deleted) == ("whole", 1, 1)
    end(hub.home, document["id"], "closed again", "kept")
    assert logged.slots() == []


def test_a_registry_that_a_dataset_has_left_is_still_published(hub: Hub) -> None:
    """By whoever reads the file of datasets, which are the DAG files: once more, without it."""
    columns = {"SFZH": "certificate_holder_code", "ZZLX": "certificate_type_name", "ZZBH": "certificate_number", "FZRQ": "issued_date"}
    licences = {**PATIENTS, "feeds": ["certificate"], "columns": columns}
    hub.register(PATIENTS)
    hub.register(licences)
    hub.register({**licences, "ended": {"reason": "closed", "records": "withdrawn"}})
    (entry,) = read_registered(hub.settings.registered)
    assert (entry.feeds, entry.collected) == (("certificate", "population"), False)

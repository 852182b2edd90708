"""Two snapshots of one small table through all stages: every count is known beforehand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from core.errors import RequestError
from pipeline.landing import verify_landing
from registries.publications import inputs_of
from tests.factories import PATIENTS, RESIDENTS, Hub, Row, person, resident_id, wrong_check

WRONG_ID = wrong_check(resident_id(2))
FIRST_DAY: list[Row] = [
    person(0),
    person(1, XM=" 李伟　"),  # blanks around: repaired
    person(2, SFZH=WRONG_ID),  # critical: quarantined
    person(3, XM=""),  # required: quarantined
    person(4, DH="12345"),  # wrong form and length: withheld
    person(0),  # repeated
    person(6),  # two contents under one key: both quarantined
    person(6, XM="陈静"),
    person(8, XB="7"),  # no such code: withheld
    person(9, CSRQ="1950-01-01"),  # not the day in the number: a warning
    person(10, SFZH=""),  # no identity: accepted, waits for matching
    person(11, CSRQ="2999-01-01"),  # in the future: withheld, and not the day in the number
]
SECOND_DAY: list[Row] = [
    person(0),  # unchanged
    person(1, XM=" 李伟　", DH="13900000001"),  # updated
    person(2),  # mended: another key, so another record
    person(3),  # mended under its key
    person(6),  # one content now
    person(8, XB="7", XM=""),  # good before, bad now: the last good version stays
    person(9, CSRQ="1950-01-01"),
    person(11, CSRQ="2999-01-01"),
    person(11, CSRQ="2999-01-01"),  # repeated
    person(13),  # new
]
# Not there on the second day: persons 4 and the one without identity.


def ledger(batch: Any) -> dict[str, int]:
    names = ("read", "landed", "unreadable", "accepted", "unchanged", "repeated", "quarantined")
    return {name: getattr(batch, name) for name in (*names, "previous", "inserted", "updated", "deleted", "records")}


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["resident_id"]: row for row in rows}


def test_two_snapshots_give_the_counts_that_were_planted(any_hub: Hub) -> None:
    hub = any_hub
    hub.register(RESIDENTS)
    _first_day(hub)
    _second_day(hub)
    _nothing_new(hub)


def _first_day(hub: Hub) -> None:
    batch = hub.sync(RESIDENTS, FIRST_DAY)
    assert ledger(batch) == {
        "read": 12,
        "landed": 12,
        "unreadable": 0,
        "accepted": 7,
        "unchanged": 0,
        "repeated": 1,
        "quarantined": 4,
        "previous": 0,
        "inserted": 7,
        "updated": 0,
        "deleted": 0,
        "records": 7,
    }
    assert hub.issues(batch) == {
        ("resident_id", "wrong-check-character"): 1,
        ("person_name", "missing"): 1,
        ("person_name", "repaired"): 1,
        ("phone_number", "wrong-form"): 1,
        ("phone_number", "wrong-length"): 1,
        ("sex_code", "unknown-code"): 1,
        ("birth_date", "future-date"): 1,
        ("_record_id", "duplicate-key"): 2,
        ("_row", "birth-date-differs"): 2,
    }
    # Positions are lines of the file; the header is line 1.
    assert hub.quarantine(RESIDENTS) == {
        4: {"resident_id:wrong-check-character"},
        5: {"person_name:missing"},
        8: {"_row:duplicate-key"},
        9: {"_row:duplicate-key"},
    }
    published = hub.publish("population")
    assert (published.number, published.records, published.linked, published.unlinked, published.withheld) == (1, 7, 6, 1, 0)
    assert (published.entities, published.inserted, published.updated, published.deleted) == (6, 6, 0, 0)
    rows = by_id(hub.served("base_population"))
    assert set(rows) == {resident_id(number) for number in (0, 1, 4, 8, 9, 11)}
    assert rows[resident_id(1)]["person_name"] == "李伟"
    assert rows[resident_id(4)]["phone_number"] is None
    assert rows[resident_id(8)]["sex_code"] is None
    assert str(rows[resident_id(9)]["birth_date"]) == "1950-01-01"
    assert rows[resident_id(11)]["birth_date"] is None
    _times(rows[resident_id(0)], 1, None)
    assert hub.unbalanced() == []
    assert verify_landing(hub.home, batch) == []


def _second_day(hub: Hub) -> None:
    before = {row["resident_id"]: row["_canonical_id"] for row in hub.served("base_population")}
    batch = hub.sync(RESIDENTS, SECOND_DAY)
    assert ledger(batch) == {
        "read": 10,
        "landed": 10,
        "unreadable": 0,
        "accepted": 5,
        "unchanged": 3,
        "repeated": 1,
        "quarantined": 1,
        "previous": 7,
        "inserted": 4,
        "updated": 1,
        "deleted": 2,
        "records": 9,
    }
    assert hub.issues(batch) == {
        ("person_name", "repaired"): 1,
        ("person_name", "missing"): 1,
        ("sex_code", "unknown-code"): 1,
    }
    assert hub.quarantine(RESIDENTS) == {7: {"person_name:missing"}}
    published = hub.publish("population")
    assert (published.number, published.records, published.linked, published.unlinked) == (2, 9, 9, 0)
    assert (published.entities, published.inserted, published.updated, published.deleted) == (9, 4, 1, 1)
    rows = by_id(hub.served("base_population"))
    assert set(rows) == {resident_id(number) for number in (0, 1, 2, 3, 6, 8, 9, 11, 13)}
    assert rows[resident_id(1)]["phone_number"] == "13900000001"
    assert rows[resident_id(8)]["person_name"] == person(8)["XM"]  # the last good version
    assert all(rows[identifier]["_canonical_id"] == name for identifier, name in before.items() if identifier in rows)
    _history(hub, before)
    assert hub.unbalanced() == []


def _history(hub: Hub, before: Mapping[str, str]) -> None:
    """Each version of an entity stands under the publications in which it held."""
    versions: dict[str, list[tuple[int, int | None]]] = {}
    for row in hub.served("base_population_history", "_canonical_id, _publication_from"):
        versions.setdefault(row["_canonical_id"], []).append((row["_publication_from"], row["_publication_to"]))
    assert versions[before[resident_id(0)]] == [(1, None)]
    assert versions[before[resident_id(1)]] == [(1, 2), (2, None)]
    assert versions[before[resident_id(4)]] == [(1, 2)]
    assert sum(len(found) for found in versions.values()) == 11


def _times(row: Mapping[str, Any], begins: int, ends: int | None) -> None:
    assert (row["_publication_from"], row["_publication_to"]) == (begins, ends)
    assert (str(row["_valid_from"]), str(row["_valid_to"])) == ("2024-01-01", "9999-12-31")


def _nothing_new(hub: Hub) -> None:
    from pipeline.publish import publish

    outcome = publish("population", hub.home)
    assert (outcome.is_new, outcome.publication.number) == (False, 2)
    batch = hub.sync(RESIDENTS, SECOND_DAY)
    # The quarantined row is looked at again each time, since it may have been judged by other rules.
    assert (batch.accepted, batch.unchanged, batch.repeated, batch.quarantined) == (0, 8, 1, 1)
    # A batch that changed nothing is nothing to publish either.
    outcome = publish("population", hub.home)
    assert (outcome.is_new, outcome.publication.number) == (False, 2)
    assert inputs_of(hub.home.serving, "population", 2)["public_security__resident"].batch_seq == 2
    assert hub.unbalanced() == []


@pytest.fixture
def published(hub: Hub, without_suite: None) -> Hub:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number) for number in range(8)])
    hub.publish("population")
    return hub


def test_ids_follow_from_keys_and_content_alone(published: Hub, second_hub: Hub) -> None:
    second_hub.register(PATIENTS)
    second_hub.sync(PATIENTS, [person(number) for number in reversed(range(9))])
    second_hub.publish("population")
    first, second = (
        {row["resident_id"]: row["_canonical_id"] for row in each.served("base_population")} for each in (published, second_hub)
    )
    assert len(second) == 9
    assert first.items() <= second.items()
    assert {row["_record_id"] for row in published.state(PATIENTS)} <= {row["_record_id"] for row in second_hub.state(PATIENTS)}


def test_other_keys_give_other_ids(published: Hub, tmp_path: Any) -> None:
    from tests.factories import hub_in

    other = hub_in(tmp_path / "other")
    other.register(PATIENTS)
    other.sync(PATIENTS, [person(0)])
    assert {row["_record_id"] for row in published.state(PATIENTS)}.isdisjoint(row["_record_id"] for row in other.state(PATIENTS))


def test_a_delete_travels_to_base_table_and_view_and_a_return_brings_the_id_back(published: Hub) -> None:
    canonical = by_id(published.served("base_population"))[resident_id(2)]["_canonical_id"]
    published.sync(PATIENTS, [person(number) for number in range(8) if number != 2])
    assert published.publish("population").deleted == 1
    assert resident_id(2) not in by_id(published.served("base_population"))
    published.sync(PATIENTS, [person(number, DH="13700000000") for number in range(8)])
    assert published.publish("population").inserted == 1
    row = by_id(published.served("base_population"))[resident_id(2)]
    assert row["_canonical_id"] == canonical
    _times(row, 3, None)
    assert published.unbalanced() == []


def test_a_correction_of_the_identity_moves_the_record_to_another_entity(hub: Hub, without_suite: None) -> None:
    document = {**PATIENTS, "record_key": ["DH"]}
    hub.register(document)
    others = [person(n) for n in (0, 2, 3, 4, 5, 6)]
    hub.sync(document, [*others, person(1)])
    hub.publish("population")
    hub.sync(document, [*others, {**person(1), "SFZH": resident_id(7)}])
    published = hub.publish("population")
    assert (published.inserted, published.updated, published.deleted, published.linked) == (1, 0, 1, 7)
    assert set(by_id(hub.served("base_population"))) == {resident_id(n) for n in (0, 2, 3, 4, 5, 6, 7)}
    assert hub.unbalanced() == []


def test_the_date_from_which_a_record_holds_is_read_in_the_declared_form(hub: Hub, without_suite: None) -> None:
    document = {**PATIENTS, "as_of": {"column": "GXSJ", "formats": ["%d/%m/%Y"]}}
    hub.register(document)
    hub.sync(document, [person(0, GXSJ="02/03/2024"), person(1, GXSJ="2024-05-06 07:08:09"), person(2, GXSJ="gone"), person(3, GXSJ="")])
    found = {row["resident_id"]: row["_valid_from"] for row in hub.state(document)}
    assert found == {resident_id(0): date(2024, 3, 2), resident_id(1): date(2024, 5, 6), resident_id(2): None, resident_id(3): None}


def test_a_batch_that_is_done_is_returned_as_it_is_and_one_that_failed_is_refused(hub: Hub, without_suite: None) -> None:
    from pipeline.accept import accept

    hub.register(PATIENTS)
    batch = hub.sync(PATIENTS, [person(0)])
    assert accept(batch.batch_id, hub.home) == batch
    older = hub.land(PATIENTS, [person(0), person(1)])
    hub.sync(PATIENTS, [person(0), person(1), person(2)])
    assert accept(older, hub.home).status == "superseded"
    with pytest.raises(RequestError):
        accept("health__patient@99", hub.home)
    assert hub.unbalanced() == []


def test_full_looks_at_every_row_again_and_changes_nothing(published: Hub) -> None:
    before = published.state(PATIENTS)
    batch = published.sync(PATIENTS, [person(number) for number in range(8)], full=True)
    assert (batch.accepted, batch.unchanged, batch.updated, batch.records) == (8, 0, 8, 8)
    plain = [{**row, "_batch_seq": 0, "_op": ""} for row in before]
    assert [{**row, "_batch_seq": 0, "_op": ""} for row in published.state(PATIENTS)] == plain
    again = published.publish("population")
    assert (again.number, again.updated) == (2, 0)

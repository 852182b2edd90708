"""Rows whose key was wrong: the department corrects it in the file, and the row is then the record of the right key."""

import pytest

from catalog.batches import latest_accepted
from pipeline.answers.why import why
from pipeline.landing import verify_landing
from pipeline.quarantine.replay import replay
from tests.factories import PATIENTS, Hub, person, resident_id, wrong_check
from tests.pipeline.handing_back import GOOD, ID, counts, edited, filling, handed_out, refusal

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
MISKEYED = [person(n, SFZH=wrong_check(resident_id(key))) for n, key in ((50, 50), (51, 50), (52, 52))]


def test_a_wrong_key_is_corrected_and_the_row_stands_for_what_the_source_sends(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *MISKEYED])
    assert (first.quarantined, first.waiting) == (3, 3)

    def correct_two(header: list[str], rows: list[list[str]]) -> None:
        filling("SFZH", resident_id(50))(header, rows)
        rows[2][header.index("SFZH")] = resident_id(52)
        del rows[1]

    (batch,) = replay(first.batch_id, hub.home, repaired=edited(handed_out(hub), correct_two))
    assert counts(batch) == {"read": 2, "landed": 2, "unreadable": 0, "accepted": 2, "quarantined": 0, "inserted": 2, "waiting": 1}
    assert verify_landing(hub.home, batch) == []
    assert len(hub.quarantine(PATIENTS)) == 1
    hub.publish("population")
    (row,) = [row for row in hub.served("base_population") if row["resident_id"] == resident_id(52)]
    # The source sends the wrong keys again: the repaired rows stand for two of them, the third waits on.
    again = hub.sync(PATIENTS, [*GOOD, *MISKEYED])
    assert (again.unchanged, again.quarantined, again.deleted, again.records, again.waiting) == (5, 1, 0, 5, 1)
    answer = next(item for item in why(hub.home, "population", row["_canonical_id"]).answers if item.element == "resident_id")
    assert answer.candidates[0].repair is not None
    # Under other rules every row is judged anew, as it was repaired.
    hub.register({**PATIENTS, "update_cycle": "daily"})
    judged = hub.sync(PATIENTS, [*GOOD, *MISKEYED])
    assert (judged.accepted, judged.quarantined, judged.records) == (5, 1, 5)
    hub.publish("population")
    answer = next(item for item in why(hub.home, "population", row["_canonical_id"]).answers if item.element == "resident_id")
    assert (answer.candidates[0].raw, answer.candidates[0].batch_id) == (resident_id(52), judged.batch_id)
    assert answer.candidates[0].repair is not None
    assert answer.candidates[0].repair.batch_id == batch.batch_id
    # It mends one itself, sends another beside the wrong row, and drops nothing: each record is there once.
    mended = hub.sync(PATIENTS, [*GOOD, person(50), MISKEYED[1], MISKEYED[2], person(52, DH="13900000001")])
    # From then on the record that it mends is the source's own, though it says the same.
    assert (mended.unchanged, mended.updated, mended.quarantined, mended.deleted, mended.records) == (3, 2, 2, 0, 5)
    assert hub.sync(PATIENTS, [*GOOD, person(50), MISKEYED[1], MISKEYED[2], person(52, DH="13900000001")]).unchanged == 5
    assert hub.unbalanced() == []


def test_a_corrected_key_is_refused_where_it_is_another_records(hub: Hub) -> None:
    hub.register(PATIENTS)
    wrong = [person(n, SFZH=wrong_check(resident_id(n))) for n in range(50, 56)]
    first = hub.sync(PATIENTS, [*GOOD, *wrong, person(60, XM="")])
    keys = [resident_id(1), resident_id(60), resident_id(70), resident_id(70), "", resident_id(55)]
    reasons = refusal(hub, first, filling("SFZH", *keys))
    assert {row: reason.partition(":")[2].strip()[:30] for row, reason in reasons.items()} == {
        2: "a record with the corrected ke",
        3: "a record with the corrected ke",
        4: "the record stands in the file ",
        5: "the record stands in the file ",
        6: "the key of the record was remo",
    }
    made = latest_accepted(hub.home.catalog, ID)
    assert (made.landed, made.accepted, made.quarantined, made.records, made.waiting) == (2, 1, 1, 4, 6)
    assert not any(resident_id(n) in str(reasons) for n in (1, 60, 70))


@pytest.mark.long
def test_of_two_rows_with_one_key_one_gets_its_own(hub: Hub) -> None:
    hub.register(PATIENTS)
    twins = [person(50), person(51, SFZH=resident_id(50))]
    first = hub.sync(PATIENTS, [*GOOD, *twins])
    assert first.quarantined == 2

    def second(header: list[str], rows: list[list[str]]) -> None:
        rows[1][header.index("SFZH")] = resident_id(51)

    (made,) = replay(ID, hub.home, repaired=edited(handed_out(hub), second))
    assert (made.accepted, made.inserted, made.waiting) == (2, 2, 0)
    again = hub.sync(PATIENTS, [*GOOD, *twins])
    assert (again.unchanged, again.quarantined, again.records) == (5, 0, 5)
    assert {row["resident_id"] for row in hub.state(PATIENTS)} >= {resident_id(50), resident_id(51)}
    assert hub.unbalanced() == []


@pytest.mark.long
def test_a_key_that_was_corrected_wrongly_is_corrected_again(hub: Hub) -> None:
    hub.register(PATIENTS)
    wrong = person(50, SFZH=wrong_check(resident_id(50)))
    hub.sync(PATIENTS, [*GOOD, wrong])
    (made,) = replay(ID, hub.home, repaired=edited(handed_out(hub, "1.csv"), filling("SFZH", wrong_check(resident_id(51)))))
    assert (made.quarantined, made.waiting) == (1, 1)
    (made,) = replay(ID, hub.home, repaired=edited(handed_out(hub, "2.csv"), filling("SFZH", resident_id(50))))
    assert (made.accepted, made.waiting) == (1, 0)
    again = hub.sync(PATIENTS, [*GOOD, wrong])
    assert (again.unchanged, again.quarantined, again.records) == (4, 0, 4)
    assert hub.unbalanced() == []

"""A row whose key is corrected goes on as one record, under whichever batch it waits and however often it comes back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from catalog.batches import latest_accepted
from core.errors import RequestError
from pipeline.delivery.tracking import Order
from pipeline.quarantine.replay import refused_rows, replay
from tests.factories import PATIENTS, Hub, Row, person, resident_id, wrong_check
from tests.pipeline.handing_back import GOOD, ID, edited, filling, handed_out, read
from tests.pipeline.sources import People, connect, sync, tracked

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
MISKEYED = person(50, SFZH=wrong_check(resident_id(50)))
TWINS = [person(50), person(51, SFZH=resident_id(50))]
UNREADABLE = [person(50, SFZH=""), person(51, SFZH="")]


def waits_again(hub: Hub, rows: Sequence[Row], name: str) -> Path:
    """What waits once the same rows have come again, as it is handed out."""
    hub.sync(PATIENTS, rows)
    return handed_out(hub, name)


def both(one: Path, other: Path) -> Path:
    """One file of the rows of two."""
    _, more = read(other)
    return edited(one, lambda _, rows: rows.extend(more))


def corrected(path: Path, name: str, *keys: str) -> Path:
    """A copy of a file with the key of each row; a row whose key is "" is left out."""

    def correct(header: list[str], rows: list[list[str]]) -> None:
        filling("SFZH", *keys)(header, rows)
        rows[:] = [row for row, key in zip(rows, keys, strict=True) if key]

    return edited(path, correct).rename(path.with_name(name))


def residents(hub: Hub) -> set[str]:
    return {row["resident_id"] for row in hub.state(PATIENTS)} - {resident_id(number) for number in range(3)}


@pytest.mark.parametrize("between", ["delivery", "replay"])
def test_a_row_that_came_again_since_leaves_with_its_correction(hub: Hub, between: str) -> None:
    hub.register(PATIENTS)
    rows = [*GOOD, MISKEYED]
    path = waits_again(hub, rows, "out.csv")
    if between == "delivery":
        hub.sync(PATIENTS, rows)
    else:
        replay(ID, hub.home)
    (made,) = replay(ID, hub.home, repaired=corrected(path, "50.csv", resident_id(50)))
    assert (made.accepted, made.waiting) == (1, 0)
    assert hub.quarantine(PATIENTS) == {}
    with pytest.raises(RequestError, match="waits in quarantine"):
        replay(ID, hub.home, repaired=corrected(path, "59.csv", resident_id(59)))
    again = hub.sync(PATIENTS, rows)
    assert (again.unchanged, again.waiting, again.records) == (4, 0, 4)
    # Changed in the source it is a row of its own, and waits.
    changed = hub.sync(PATIENTS, [*GOOD, {**MISKEYED, "DH": "13900000001"}])
    assert (changed.deleted, changed.waiting, changed.records) == (1, 1, 3)
    with pytest.raises(RequestError, match="the source has sent another since"):
        replay(ID, hub.home, repaired=corrected(path, "58.csv", resident_id(58)))
    assert hub.unbalanced() == []


@pytest.mark.parametrize("twins", [TWINS, UNREADABLE], ids=["one key", "no key"])
def test_of_rows_with_one_key_the_one_that_is_corrected_leaves(hub: Hub, twins: list[Row]) -> None:
    hub.register(PATIENTS)
    rows = [*GOOD, *twins]
    path = waits_again(hub, rows, "out.csv")
    hub.sync(PATIENTS, rows)
    (made,) = replay(ID, hub.home, repaired=corrected(path, "51.csv", "", resident_id(51)))
    assert (made.accepted, made.waiting) == (1, 1)
    with pytest.raises(RequestError, match="does not wait in quarantine any more"):
        replay(ID, hub.home, repaired=corrected(path, "59.csv", "", resident_id(59)))
    # The other one is not a row of the same record any more.
    (made,) = replay(ID, hub.home, repaired=corrected(path, "50.csv", resident_id(50), ""))
    assert (made.accepted, made.waiting) == (1, 0)
    again = hub.sync(PATIENTS, rows)
    assert (again.unchanged, again.quarantined, again.deleted, again.waiting) == (5, 0, 0, 0)
    assert residents(hub) == {resident_id(50), resident_id(51)}
    assert hub.unbalanced() == []


def test_rows_with_one_key_that_were_run_again_are_corrected_one_by_one(hub: Hub) -> None:
    hub.register(PATIENTS)
    path = waits_again(hub, [*GOOD, *TWINS], "out.csv")
    replay(ID, hub.home)
    (made,) = replay(ID, hub.home, repaired=corrected(path, "51.csv", "", resident_id(51)))
    assert (made.accepted, made.waiting) == (1, 1)
    # Run again alone, the other one is right as it is, and takes nothing from the first.
    (made,) = replay(ID, hub.home)
    assert (made.kind, made.accepted, made.waiting) == ("replay", 1, 0)
    again = hub.sync(PATIENTS, [*GOOD, *TWINS])
    assert (again.unchanged, again.deleted, again.waiting) == (5, 0, 0)
    assert residents(hub) == {resident_id(50), resident_id(51)}


def without_a_name(header: list[str], rows: list[list[str]]) -> None:
    """The first row alone, and wrong again."""
    filling("XM", "")(header, rows)
    del rows[1:]


def test_a_row_that_was_chosen_for_another_is_not_given_the_key_of_that(hub: Hub) -> None:
    """Of two rows with one key one is handed back, and waits for both: then the key of the other is corrected in the first file."""
    hub.register(PATIENTS)
    rows = [*GOOD, *TWINS]
    path = waits_again(hub, rows, "out.csv")
    (made,) = replay(ID, hub.home, repaired=edited(path, without_a_name))
    assert (made.quarantined, made.waiting) == (1, 1)
    other = corrected(path, "51.csv", "", resident_id(51))
    with pytest.raises(RequestError, match="one row was handed back for all with this key"):
        replay(f"{ID}@1", hub.home, repaired=other)
    # Sent again both wait by themselves.
    hub.sync(PATIENTS, rows)
    (made,) = replay(f"{ID}@1", hub.home, repaired=other)
    assert (made.accepted, made.waiting) == (1, 1)
    (made,) = replay(ID, hub.home, repaired=handed_out(hub, "left.csv"))
    assert residents(hub) == {resident_id(50), resident_id(51)}
    assert hub.sync(PATIENTS, rows).unchanged == 5


def test_a_row_with_a_key_of_its_own_is_not_run_again_with_one_that_stood_for_it(hub: Hub) -> None:
    hub.register(PATIENTS)
    rows = [*GOOD, *TWINS]
    path = waits_again(hub, rows, "out.csv")
    replay(ID, hub.home, repaired=edited(path, without_a_name))
    path = waits_again(hub, rows, "again.csv")
    (made,) = replay(ID, hub.home, repaired=corrected(path, "51.csv", "", resident_id(51)))
    assert (made.accepted, made.waiting) == (1, 1)
    (made,) = replay(f"{ID}@2", hub.home)  # the row that stood for both
    assert (made.quarantined, made.waiting) == (1, 1)
    (made,) = replay(ID, hub.home, repaired=edited(handed_out(hub, "left.csv"), filling("XM", "王芳")))
    assert (made.accepted, made.waiting) == (1, 0)
    assert hub.sync(PATIENTS, rows).unchanged == 5
    assert residents(hub) == {resident_id(50), resident_id(51)}


def read_in_parts(hub: Hub, folder: Path, **wrong: str) -> tuple[People, dict[str, Any]]:
    """A table that a cursor follows, and its contract: read once, with one row whose key is wrong, and perhaps more of it."""
    people = People(folder)
    connect(hub, patients=people.url)
    document = tracked(people.kind, "cursor")
    hub.register(document)
    for number in range(3):
        people.put(number, 1)
    people.put(50, 1, SFZH=MISKEYED["SFZH"], **wrong)
    assert sync(hub, document).waiting == 1
    return people, document


def test_a_corrected_row_waits_no_more_where_parts_are_read(hub: Hub, tmp_path: Path) -> None:
    people, document = read_in_parts(hub, tmp_path)
    path = handed_out(hub)
    replay(ID, hub.home)
    (made,) = replay(ID, hub.home, repaired=corrected(path, "50.csv", resident_id(50)))
    assert (made.accepted, made.waiting) == (1, 0)
    people.put(1, 2)
    part = sync(hub, document)
    assert (part.scope, part.waiting, part.records) == ("part", 0, 4)
    with pytest.raises(RequestError, match="waits in quarantine"):
        replay(ID, hub.home, repaired=corrected(path, "59.csv", resident_id(59)))
    full = sync(hub, document, Order(full=True))
    assert (full.waiting, full.deleted, full.records) == (0, 0, 4)


def test_a_row_that_was_corrected_wrongly_waits_once_when_a_part_brings_it_changed(hub: Hub, tmp_path: Path) -> None:
    people, document = read_in_parts(hub, tmp_path)
    (made,) = replay(ID, hub.home, repaired=corrected(handed_out(hub), "51.csv", wrong_check(resident_id(51))))
    assert (made.quarantined, made.waiting) == (1, 1)
    people.put(50, 2, SFZH=MISKEYED["SFZH"])
    part = sync(hub, document)
    assert (part.scope, part.waiting, part.records) == ("part", 1, 3)
    (made,) = replay(ID, hub.home, repaired=corrected(handed_out(hub, "2.csv"), "50.csv", resident_id(50)))
    assert (made.accepted, made.waiting, made.records) == (1, 0, 4)
    assert hub.unbalanced() == []


def test_a_row_that_waits_under_a_key_that_another_turns_out_to_have_is_not_forgotten(hub: Hub, tmp_path: Path) -> None:
    """It was given the key, and is still wrong. A part brings the other, and says nothing of it: all is read next."""
    people, document = read_in_parts(hub, tmp_path, XM="")
    people.put(2, 1)  # newer, so that the row itself does not come with the next part
    sync(hub, document)
    (made,) = replay(ID, hub.home, repaired=corrected(handed_out(hub), "51.csv", resident_id(51)))
    assert (made.quarantined, made.waiting) == (1, 1)
    people.put(51, 2)
    part = sync(hub, document)
    assert (part.scope, part.waiting, part.records) == ("part", 0, 4)
    again = sync(hub, document)
    assert (again.scope, again.waiting, again.records) == ("whole", 1, 4)
    assert hub.unbalanced() == []


@pytest.mark.parametrize("keys", [(50, 59), (50, 50)], ids=["two keys", "one key"])
def test_a_row_that_stands_in_a_file_from_two_exports_is_refused(hub: Hub, keys: tuple[int, int]) -> None:
    hub.register(PATIENTS)
    rows = [*GOOD, MISKEYED, person(60, XM="")]
    twice = both(waits_again(hub, rows, "1.csv"), waits_again(hub, rows, "2.csv"))
    header, lines = read(twice)
    names = [line[header.index("SFZH")] for line in lines]
    wrong = [place for place, name in enumerate(names) if name == MISKEYED["SFZH"]]
    new = {place: resident_id(key) for place, key in zip(wrong, keys, strict=True)}

    def repair(header: list[str], rows: list[list[str]]) -> None:
        filling("SFZH", *(new.get(place, name) for place, name in enumerate(names)))(header, rows)
        filling("XM", *["王芳"] * len(rows))(header, rows)
        # Of the nameless one only the first line is left.
        del rows[max(place for place in range(len(rows)) if place not in new)]

    made = replay(ID, hub.home, repaired=edited(twice, repair))
    refused = {row["position"]: row["reason"] for batch in made for row in refused_rows(hub.home, batch)}
    assert {reason.partition(":")[2] for reason in refused.values()} == {
        " the record stands in the file more than once; keep the row that is right"
    }
    assert len(refused) == 2
    assert sum(batch.accepted or 0 for batch in made) == 1
    last = latest_accepted(hub.home.catalog, ID)
    assert (last.records, last.waiting) == (4, 1)
    assert residents(hub) == {resident_id(60)}
    assert hub.unbalanced() == []


def test_two_rows_are_not_given_one_key_by_way_of_two_exports(hub: Hub) -> None:
    hub.register(PATIENTS)
    rows = [*GOOD, MISKEYED, person(51, SFZH=wrong_check(resident_id(51)))]
    one = corrected(waits_again(hub, rows, "1.csv"), "first.csv", resident_id(59), "")
    other = corrected(waits_again(hub, rows, "2.csv"), "second.csv", "", resident_id(59))
    seq = latest_accepted(hub.home.catalog, ID).seq
    with pytest.raises(RequestError, match="stands in the file more than once"):
        replay(ID, hub.home, repaired=both(one, other))
    assert latest_accepted(hub.home.catalog, ID).seq == seq

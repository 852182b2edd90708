"""Repairs beside PostgreSQL's log: what becomes of a record whose key a repair corrected, when the source goes on."""

from typing import Any

import pytest

from pipeline.delivery.tracking import Order
from pipeline.quarantine.replay import replay
from tests.factories import Hub, person, wrong_check
from tests.marks import rest_long
from tests.pipeline.handing_back import edited, filling, handed_out
from tests.pipeline.logical import LoggedPeople, followed, logged, logical_server
from tests.pipeline.sources import TABLE, phones, sync

__all__ = ["logged", "logical_server"]
pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
WRONG = wrong_check(person(2)["SFZH"])
OF_WRONG = f"""WHERE "SFZH" = '{WRONG}'"""


def keyed_wrongly(hub: Hub, logged: LoggedPeople) -> dict[str, Any]:
    """Three people, one with a wrong key: it was corrected in the file of what waits, to that of person 9."""
    document = followed(hub, logged)
    for number in range(3):
        logged.put(number, 1)
    logged.write(f'UPDATE {TABLE} SET "SFZH" = %s WHERE "SFZH" = %s', [WRONG, person(2)["SFZH"]])
    sync(hub, document)
    replay(document["id"], hub.home, repaired=edited(handed_out(hub, contract=document["id"]), filling("SFZH", person(9)["SFZH"])))
    assert set(phones(hub, document)) == {person(number)["SFZH"] for number in (0, 1, 9)}
    logged.put(0, 2)
    assert (sync(hub, document).scope, len(phones(hub, document))) == ("part", 3)
    return document


@pytest.mark.parametrize(
    ("statement", "left", "waiting"),
    rest_long(
        [
            (f"DELETE FROM {TABLE} {OF_WRONG}", (0, 1), 0),
            (f"""UPDATE {TABLE} SET "SFZH" = '{person(7)["SFZH"]}' {OF_WRONG}""", (0, 1, 7), 0),
            (f"""UPDATE {TABLE} SET "SFZH" = '{person(9)["SFZH"]}' {OF_WRONG}""", (0, 1, 9), 0),
            (f"""UPDATE {TABLE} SET "DH" = '13700000000' {OF_WRONG}""", (0, 1), 1),
            (f"""UPDATE {TABLE} SET "DH" = "DH" {OF_WRONG}""", (0, 1, 9), 0),
        ],
    ),
    ids=("deleted", "corrected otherwise", "corrected alike", "changed and still wrong", "the same again"),
)
def test_what_the_source_does_to_a_row_whose_key_was_corrected(
    hub: Hub, logged: LoggedPeople, statement: str, left: tuple[int, ...], waiting: int
) -> None:
    document = keyed_wrongly(hub, logged)
    logged.write(statement)
    batch = sync(hub, document)
    assert (batch.scope, batch.waiting) == ("part", waiting)
    assert set(phones(hub, document)) == {person(number)["SFZH"] for number in left}
    assert hub.unbalanced() == []
    found = phones(hub, document)
    assert sync(hub, document, Order(full=True)).waiting == waiting
    assert phones(hub, document) == found


def test_a_corrected_record_that_the_source_sends_itself_outlives_the_wrong_row(hub: Hub, logged: LoggedPeople) -> None:
    """First the right row comes, which says just what the repair said, then the wrong one goes."""
    document = keyed_wrongly(hub, logged)
    right = f"'{person(9)['SFZH']}'"
    names = [name for (name,) in logged.rows("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [TABLE])]
    others = ", ".join(f'"{name}"' for name in names if name != "SFZH")
    logged.write(f'INSERT INTO {TABLE} ("SFZH", {others}) SELECT {right}, {others} FROM {TABLE} {OF_WRONG}')
    batch = sync(hub, document)
    assert (batch.scope, batch.waiting) == ("part", 0)
    logged.write(f"DELETE FROM {TABLE} {OF_WRONG}")
    sync(hub, document)
    assert set(phones(hub, document)) == {person(number)["SFZH"] for number in (0, 1, 9)}
    assert hub.unbalanced() == []


@pytest.mark.long
def test_what_becomes_of_the_wrong_row_is_seen_when_the_right_key_comes_and_goes(hub: Hub, logged: LoggedPeople) -> None:
    """The source sends a record of its own under the right key, and takes it back; the wrong row is there all the while."""
    document = keyed_wrongly(hub, logged)
    right = person(9)["SFZH"]
    logged.put(9, 3)
    came = sync(hub, document)
    assert (came.scope, came.waiting) == ("part", 0)
    assert "read-whole" in {note["kind"] for note in came.notes}
    again = sync(hub, document)
    assert (again.scope, again.waiting) == ("whole", 1)
    assert right in phones(hub, document)
    assert sync(hub, document).scope == "part"
    logged.remove(9)
    assert sync(hub, document).scope == "part"
    back = sync(hub, document)
    assert (back.scope, back.waiting) == ("whole", 0)
    assert set(phones(hub, document)) == {person(number)["SFZH"] for number in (0, 1, 9)}
    assert sync(hub, document).scope == "part"
    assert hub.unbalanced() == []

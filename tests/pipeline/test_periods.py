"""A period that is read again: rows of some days, beside whatever way the changes of a dataset are found."""

from datetime import date

import pytest

from catalog.batches import batches_of
from core.errors import RequestError
from pipeline.delivery.tracking import Order
from tests.factories import RESIDENTS, Hub
from tests.pipeline.sources import TABLE, People, people, phones, sync, tracked

__all__ = ["people"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")


def test_a_period_is_read_again_and_moves_no_cursor(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "cursor")
    hub.register(document)
    days = Order(period=(date(2024, 3, 2), date(2024, 3, 3)))
    for number in range(1, 6):
        people.put(number, 1, GXSJ=f"2024-03-{number:02}")
    with pytest.raises(RequestError, match="can only be added"):
        sync(hub, document, days)
    sync(hub, document)
    # Changed behind the cursor's back.
    people.write(f"UPDATE {TABLE} SET DH = '13900000009' WHERE GXSJ IN ('2024-03-03', '2024-03-04')")
    batch = sync(hub, document, days)
    assert (batch.scope, batch.read, batch.updated, batch.unchanged, batch.deleted) == ("part", 2, 1, 1, 0)
    people.put(6, 1)
    assert (sync(hub, document).read, len(phones(hub, document))) == (2, 6)


def test_a_period_that_nothing_can_be_read_by_is_no_batch(hub: Hub, people: People) -> None:
    """What a person asked for in vain is no failure of the dataset: no batch, and with it no alert, stands for it."""
    days = Order(period=(date(2024, 3, 5), date(2024, 3, 9)))
    undated = tracked("sqlite", "snapshot") | {"as_of": None}
    hub.register(RESIDENTS, undated)
    with pytest.raises(RequestError, match="its source is only read whole"):
        sync(hub, RESIDENTS, days)
    with pytest.raises(RequestError, match="no column says from which day") as told:
        sync(hub, undated, days)
    assert told.value.hint == f"collect it whole: ./hub sync {undated['id']} --full"
    assert [batches_of(hub.home.catalog, document["id"]) for document in (RESIDENTS, undated)] == [[], []]


def test_a_period_of_a_snapshot_goes_by_the_as_of_column(hub: Hub, people: People) -> None:
    document = tracked("sqlite", "snapshot")
    hub.register(document)
    for number in range(1, 6):
        people.put(number, 1, GXSJ=f"2024-03-{number:02}")
    sync(hub, document)
    people.write(f"UPDATE {TABLE} SET DH = '13900000009'")
    batch = sync(hub, document, Order(period=(date(2024, 3, 5), date(2024, 3, 9))))
    assert (batch.scope, batch.read, batch.updated) == ("part", 1, 1)
    assert sync(hub, document).updated == 4
    assert hub.unbalanced() == []

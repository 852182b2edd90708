"""What a reader finds who knows Iceberg only: after a purge of history, however the table came about, it is the dataset's state."""

from pathlib import Path

import pytest

from core.database import driver_url
from pipeline.operation.backup import backup, restore
from pipeline.operation.purge import purge
from tests.conftest import copied_keys
from tests.factories import PATIENTS, Hub, Row, person
from tests.pipeline.test_purge import grow_old

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
BRIEF = {**PATIENTS, "retention": {"landing_days": 1000, "history_days": 30}}


def rows_of(day: int) -> list[Row]:
    """Four change every day, one goes with the second, and five are as they came."""
    return [person(n, DH=f"13{day:03}00{n:04}") if n < 4 else person(n) for n in range(9 if day else 10)]


def in_iceberg(hub: Hub) -> list[dict[str, str]]:
    """The newest row of each record, but for those that are deleted."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
    rows = catalog.load_table(f"std.std_{PATIENTS['id']}").scan().to_arrow().to_pylist()
    catalog.close()
    newest = {str(row["_record_id"]): row for row in sorted(rows, key=lambda row: row["_batch_seq"])}
    return as_texts([newest[name] for name in sorted(newest) if newest[name]["_op"] != "delete"])


def as_texts(rows: list[dict[str, object]]) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items()} for row in rows]


def in_the_hub(hub: Hub) -> list[dict[str, str]]:
    return as_texts(sorted(hub.state(BRIEF), key=lambda row: str(row["_record_id"])))


def grown(hub: Hub) -> None:
    """Days of which the first are older than the contract keeps them."""
    for day in range(3):
        hub.sync(BRIEF, rows_of(day))
    hub.publish("population")
    grow_old(hub, 60)


def purged(hub: Hub) -> None:
    assert [item for item in purge(hub.home).items if item.reason == "retention"] != []


@pytest.mark.long
def test_what_is_put_back_after_a_purge_is_all_of_it(hub: Hub, tmp_path: Path) -> None:
    hub.register(BRIEF)
    grown(hub)
    purged(hub)
    assert in_iceberg(hub) == in_the_hub(hub)
    assert len(in_the_hub(hub)) == 9
    backup(tmp_path / "backup", hub.home)
    other = copied_keys(hub, tmp_path / "other")
    restore(tmp_path / "backup", other.settings)
    assert in_iceberg(other) == in_the_hub(other) == in_the_hub(hub)
    other.sync(BRIEF, rows_of(3))
    assert in_iceberg(other) == in_the_hub(other)
    other.publish("population")
    grow_old(other, 60)
    purged(other)
    assert in_iceberg(other) == in_the_hub(other)


def test_a_catalog_of_iceberg_that_was_taken_away_comes_back_with_all_of_it(hub: Hub) -> None:
    hub.register(BRIEF)
    grown(hub)
    purged(hub)
    (hub.settings.home / "lake.db").unlink()
    hub.sync(BRIEF, rows_of(3))
    assert in_iceberg(hub) == in_the_hub(hub)
    assert len(in_the_hub(hub)) == 9


@pytest.mark.parametrize("followed", [pytest.param(0, marks=pytest.mark.long), 1])
def test_a_table_that_trails_behind_a_purge_catches_up(hub: Hub, monkeypatch: pytest.MonkeyPatch, followed: int) -> None:
    hub.register(BRIEF)
    for day in range(followed):
        hub.sync(BRIEF, rows_of(day))
    with monkeypatch.context() as patch:
        patch.setattr("core.iceberg.follow", lambda *_: None)
        for day in range(followed, 4):
            hub.sync(BRIEF, rows_of(day))
        hub.publish("population")
        grow_old(hub, 60)
        purged(hub)
    hub.sync(BRIEF, rows_of(4))
    assert in_iceberg(hub) == in_the_hub(hub)
    assert len(in_the_hub(hub)) == 9

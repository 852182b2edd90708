"""A home that was moved, or copied: it goes on by itself, and what is not its own stays as it is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.database import driver_url
from pipeline.operation.purge import purge
from tests.factories import PATIENTS, Hub, hub_in, person
from tests.pipeline.test_purge import grow_old

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
TABLES = (f"std.std_{PATIENTS['id']}", "base.base_population", "base.xref_population")


def day(hub: Hub, number: int) -> None:
    hub.sync(PATIENTS, [person(n, DH=f"13{number:03}00{n:04}") for n in range(4)])
    hub.publish("population")


def in_iceberg(hub: Hub) -> dict[str, tuple[int, set[Path]]]:
    """The newest batch or publication of each table, and the folders that its files lie in."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
    tables = {name: catalog.load_table(name) for name in TABLES}
    catalog.close()
    return {
        name: (
            int(table.properties["hub.seq"]),
            {Path(task.file.file_path.removeprefix("file://")).parent for task in table.scan().plan_files()},
        )
        for name, table in tables.items()
    }


def all_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
@pytest.mark.parametrize("take", [shutil.move, pytest.param(shutil.copytree, marks=pytest.mark.long)], ids=["moved", "copied"])
def test_it_goes_on_where_it_is(
    tmp_path: Path, take: Callable[[Path, Path], object], database: str, request: pytest.FixtureRequest
) -> None:
    lake_url = {} if database == "sqlite" else {"lake_url": request.getfixturevalue("new_databases")()["lake_url"]}
    first = hub_in(tmp_path / "first", **lake_url)
    first.register(PATIENTS)
    for number in range(2):
        day(first, number)
    for engine in (first.home.catalog, first.home.serving, first.home.audit):
        engine.dispose()
    take(first.settings.home, tmp_path / "second")
    before = all_of(first.settings.home)
    hub = hub_in(tmp_path / "second", **lake_url)
    assert purge(hub.home).notes == []
    for number in (2, 3):
        day(hub, number)
    lake = hub.settings.lake_dir
    assert in_iceberg(hub) == {name: (4, {lake / name.split(".")[1]}) for name in TABLES}
    grow_old(hub, 20)
    done = purge(hub.home)
    assert done.notes == []
    assert {item.layer for item in done.items} >= {"metadata"}
    assert in_iceberg(hub) == {name: (4, {lake / name.split(".")[1]}) for name in TABLES}
    assert hub.unbalanced() == []
    assert all_of(first.settings.home) == before

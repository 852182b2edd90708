"""A run that dies at any point: readers see the state before or after, never half; the next run ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.files import files_of
from core.database import driver_url
from core.settings import REPOSITORY
from registries.publications import all_files, latest
from tests.conftest import copied_keys
from tests.factories import PATIENTS, Hub, Row, hub_in, person, resident_id
from tests.forked import run_child

TABLE = "std_health__patient"


class Killed(BaseException):
    """Stands for the end of the process: nobody catches it."""


# Module and name of what is running when the process dies, and whether before or after it did its work.
BOUNDARIES = [
    ("pipeline.land.start_batch", "after"),
    ("pipeline.land._write_rows", "before"),
    ("pipeline.land._write_rows", "after"),
    ("pipeline.land.set_landed", "before"),
    ("pipeline.land.set_landed", "after"),
    ("pipeline.accept.standardize", "after"),
    ("core.lake.write", "before"),
    ("core.lake.write", "after"),
    ("pipeline.accept.accept_batch", "before"),
    ("pipeline.accept.accept_batch", "after"),
    ("core.iceberg._append", "after"),
    ("pipeline.publication.merging.resolve", "after"),
    ("pipeline.publication.merging.Merging._write", "after"),
    ("registries.serving.end_rows", "after"),
    ("registries.serving.load_rows", "after"),
    ("pipeline.publish.commit", "before"),
    ("pipeline.publish.commit", "after"),
]


# Those that lie beside a transaction: the others are the same on every database. Of these, what readers see hangs on the last ones.
AT_DATABASES = [
    (target, when)
    for target, when in BOUNDARIES
    if target.rpartition(".")[2] in ("start_batch", "set_landed", "accept_batch", "end_rows", "load_rows", "commit", "_append")
]


AT_COMMITS = [(target, when) for target, when in AT_DATABASES if target.rpartition(".")[2] in ("accept_batch", "load_rows", "commit")]


def dying(target: str, when: str) -> Callable[..., Any]:
    """What stands at `target`, ending the process before or after it."""
    module, name = found_at(target)
    original = getattr(module, name)

    def replacement(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            original(*arguments, **named)
        raise Killed(target)

    return replacement


def found_at(target: str) -> tuple[Any, str]:
    import importlib

    *path, name = target.split(".")
    holder = importlib.import_module(".".join(path[:2]))
    for part in path[2:]:
        holder = getattr(holder, part)
    return holder, name


def rows_of(number: int) -> list[Row]:
    """Delivery `number`: everybody's telephone changes, one person comes, one goes, and one row may not be published."""
    return [*(person(n, DH=f"137{number:04}{n:04}") for n in (*range(8), 100 + number)), person(50, XM="")]


def phones(rows: list[Row]) -> dict[str, str]:
    return {row["SFZH"]: row["DH"] for row in rows if row["XM"]}


def published(hub: Hub) -> dict[str, str]:
    return {row["resident_id"]: row["phone_number"] for row in hub.served("base_population")}


def run(hub: Hub, rows: list[Row]) -> None:
    hub.sync(PATIENTS, rows)
    hub.publish("population")


def leftovers(hub: Hub) -> list[str]:
    """Files that no committed row names."""
    listed = {file.path for file in files_of(hub.home.catalog, TABLE, ("log", "compact", "quarantine", "issues"))}
    listed |= all_files(hub.home.serving, "population")
    lake = hub.settings.lake_dir
    found = [str(path.relative_to(lake)) for name in (TABLE, "base_population", "xref_population") for path in (lake / name).iterdir()]
    drafts = [path.name for path in (hub.settings.landing / PATIENTS["id"]).glob(".draft-*")]
    statuses = {int(path.name): path for path in (hub.settings.landing / PATIENTS["id"]).iterdir()}
    abandoned = [name for name in statuses if hub.batch(f"{PATIENTS['id']}@{name}").status == "abandoned"]
    return sorted(set(found) - listed) + drafts + list(map(str, abandoned))


def followed(hub: Hub) -> tuple[int, int]:
    """What the lake's own catalog says is the last batch and the last publication."""
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
    found = [int(catalog.load_table(name).properties["hub.seq"]) for name in (f"std.{TABLE}", "base.base_population")]
    catalog.close()
    return found[0], found[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "boundaries"),
    [
        # In an ordinary run each of these on one database.
        pytest.param("sqlite", AT_COMMITS[::2], id="sqlite"),
        pytest.param("sqlite", BOUNDARIES, id="sqlite-all", marks=pytest.mark.long),
        pytest.param("postgresql", AT_COMMITS[1::2], id="postgresql", marks=pytest.mark.long),
        pytest.param("postgresql", AT_DATABASES, id="postgresql-all", marks=pytest.mark.long),
    ],
)
def test_after_a_death_at_any_boundary_the_next_run_ends_as_if_nothing_had_happened(
    database: str,
    boundaries: list[tuple[str, str]],
    without_suite: None,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    hub = hub_in(tmp_path / "home", **(request.getfixturevalue("new_databases")() if database == "postgresql" else {}))
    hub.register(PATIENTS)
    run(hub, rows_of(0))
    ids = {row["resident_id"]: row["_canonical_id"] for row in hub.served("base_population")}
    for number, (target, when) in enumerate(boundaries, start=1):
        before, rows = published(hub), rows_of(number)
        with monkeypatch.context() as patched:
            patched.setattr(target, dying(target, when))
            with pytest.raises(Killed):
                run(hub, rows)
        is_out = (target, when) == ("pipeline.publish.commit", "after")
        assert published(hub) == (phones(rows) if is_out else before), f"{when} {target}"
        run(hub, rows)
        assert published(hub) == phones(rows), f"{when} {target}"
        assert leftovers(hub) == [], f"{when} {target}"
        assert len(hub.state(PATIENTS)) == 9
    assert hub.unbalanced() == []
    newest = max(int(path.name) for path in (hub.settings.landing / PATIENTS["id"]).iterdir())
    assert followed(hub) == (newest, latest(hub.home.serving, "population").number)
    still = {row["resident_id"]: row["_canonical_id"] for row in hub.served("base_population")}
    assert all(still[resident_id(n)] == ids[resident_id(n)] for n in range(8))


@pytest.mark.slow
def test_a_batch_whose_lake_did_not_follow_is_followed_when_it_is_accepted_again(
    hub: Hub, without_suite: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.accept import accept

    hub.register(PATIENTS)
    run(hub, rows_of(0))
    batch_id = hub.land(PATIENTS, rows_of(1))
    with monkeypatch.context() as patched:
        patched.setattr("core.iceberg._append", dying("core.iceberg._append", "before"))
        with pytest.raises(Killed):
            accept(batch_id, hub.home)
    assert followed(hub)[0] == 1
    assert accept(batch_id, hub.home).status == "accepted"
    assert followed(hub)[0] == 2


@pytest.mark.slow
def test_an_old_batch_accepted_again_leaves_the_lake_as_the_newest_contract_has_it(hub: Hub, without_suite: None) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    from pipeline.accept import accept

    def columns() -> list[str]:
        catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
        names = [field.name for field in catalog.load_table(f"std.{TABLE}").schema().fields if not field.name.startswith("_")]
        catalog.close()
        return names

    hub.register(PATIENTS)
    old = hub.sync(PATIENTS, rows_of(0))
    assert columns() == ["resident_id", "person_name", "phone_number"]
    less = {**PATIENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DZ", "DH"]}
    hub.register(less)
    hub.sync(less, rows_of(1))
    assert accept(old.batch_id, hub.home).status == "accepted"
    assert columns() == ["resident_id", "person_name"]


def test_a_source_that_fails_in_the_middle_leaves_a_failed_batch_and_no_files(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.errors import SourceError

    hub.register(PATIENTS)

    def failing(*_: Any) -> None:
        raise SourceError("the connection broke off", transient=True)

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.land._write_rows", failing)
        with pytest.raises(SourceError):
            hub.land(PATIENTS, rows_of(0))
    assert hub.batch("health__patient@1").status == "failed"
    assert hub.batch("health__patient@1").error == "the connection broke off"
    assert hub.land(PATIENTS, rows_of(0)) == "health__patient@2"
    assert [path.name for path in (hub.settings.landing / PATIENTS["id"]).iterdir()] == ["00000002"]


# Has the libraries loaded and forks one process for each line it is sent: number of the process, then how it ended.
PROGRAM = """
import os, sys, warnings
warnings.simplefilter("ignore")
import great_expectations, ibis, pyiceberg.catalog.sql
import quality.duckdb_dialect, quality.suites, standards.standardize
from pipeline.accept import accept
from pipeline.home import open_home
from pipeline.land import land
from pipeline.publish import publish
for home in sys.stdin:
    child = os.fork()
    if not child:
        os.environ["HUB_HOME"] = home.strip()
        home = open_home()
        accept(land("health__patient", home), home)
        publish("population", home)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def nursery(hub: Hub) -> Iterator[Callable[[Hub, float | None], int]]:
    """Runs the whole pipeline of a hub in a process of its own, killed after some seconds if given; returns how it ended."""
    environment = {**os.environ, "HUB_THREADS": "2", "HUB_MEMORY_MB": "512"}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run_in(each: Hub, seconds: float | None) -> int:
            return run_child(process, str(each.settings.home), seconds)

        yield run_in


@pytest.mark.long
def test_twenty_kills_at_random_moments_leave_no_trace(hub: Hub, nursery: Callable[[Hub, float | None], int], tmp_path: Path) -> None:
    hub.register(PATIENTS)
    dice = random.Random(20250630)
    hub.deliver(PATIENTS, rows_of(0))
    assert nursery(hub, None) == 0
    hub.deliver(PATIENTS, rows_of(99))
    began = time.monotonic()
    assert nursery(hub, None) == 0
    length = time.monotonic() - began
    ends = []
    for number in range(1, 21):
        before = published(hub)
        hub.deliver(PATIENTS, rows_of(number))
        ends.append(nursery(hub, dice.random() * length))
        assert published(hub) in (before, phones(rows_of(number)))
    # Most died, and of those that did not none failed.
    assert set(ends) <= {0, signal.SIGKILL}
    assert ends.count(signal.SIGKILL) >= 8
    hub.deliver(PATIENTS, rows_of(21))
    assert nursery(hub, None) == 0
    other = copied_keys(hub, tmp_path / "undisturbed")
    other.register(PATIENTS)
    other.deliver(PATIENTS, rows_of(21))
    assert nursery(other, None) == 0
    numbers = {"_publication_from", "_publication_to", "_batch_seq", "_op"}

    def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name not in numbers} for row in rows]

    assert plain(hub.served("base_population")) == plain(other.served("base_population"))
    assert plain(hub.state(PATIENTS)) == plain(other.state(PATIENTS))
    assert latest(hub.home.serving, "population").digest == latest(other.home.serving, "population").digest
    assert leftovers(hub) == []
    assert hub.unbalanced() == []

"""kill -9 of the whole process group, at a hundred moments over all stages: the next run ends as if nothing had happened.

The moments are drawn evenly over the time that a whole run takes, for each way of tracking; a department goes on changing its table between.
"""

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

from catalog.batches import batches_of
from core.settings import REPOSITORY
from registries.publications import latest
from tests.conftest import copied_keys
from tests.factories import Hub
from tests.forked import run_child
from tests.pipeline.logical import PUBLICATION, LoggedPeople, logged, logical_server
from tests.pipeline.sources import TABLE, People, connect, phones, tracked
from tests.pipeline.test_crashes import leftovers

__all__ = ["logged", "logical_server"]
MOMENTS = {"snapshot": 25, "cursor": 25, "log": 25, "told": 25}
# "told": a table that is asked what differs, which reads few rows only where most are as they were.
PEOPLE = {"snapshot": 30, "cursor": 30, "log": 30, "told": 200}

# Has the libraries loaded and forks a process group for each line it is sent: number of the process, then how it ended.
PROGRAM = """
import os, sys, warnings
warnings.simplefilter("ignore")
import great_expectations, ibis, pyiceberg.catalog.sql
import quality.duckdb_dialect, quality.suites, standards.standardize
import pipeline.delivery.differing
from pipeline.accept import accept
from pipeline.home import open_home
from pipeline.land import land
from pipeline.publish import publish
from pipeline.delivery.tracking import Order
pipeline.delivery.differing.LEAST_ROWS = 0
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.setsid()
        full, folder = line.strip().split(" ", 1)
        os.environ["HUB_HOME"] = folder
        home = open_home()
        accept(land("health__patient", home, order=Order(full=full == "full")), home, full=full == "full")
        publish("population", home)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""

Run = Callable[..., int]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs land, accept and publish of a hub in a process group of its own, killed after some seconds if given; returns how it ended."""
    environment = {**os.environ, "HUB_THREADS": "2", "HUB_MEMORY_MB": "512"}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run_in(hub: Hub, seconds: float | None = None, *, full: bool = False) -> int:
            return run_child(process, f"{'full' if full else 'ordinary'} {hub.settings.home}", seconds, kill=os.killpg)

        yield run_in


def change(dice: random.Random, people: People | LoggedPeople) -> None:
    for _ in range(1 + dice.randrange(4)):
        number = dice.randrange(30)
        people.remove(number) if dice.random() < 0.3 else people.put(number, dice.randrange(1000))


def content(hub: Hub, document: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    """State and base table without the numbers of batches and publications, and the base table's digest."""
    numbers = {"_publication_from", "_publication_to", "_batch_seq", "_op", "_position"}

    def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name not in numbers} for row in rows]

    return plain(hub.state(document)), plain(hub.served("base_population")), latest(hub.home.serving, "population").digest


def in_table(people: People | LoggedPeople) -> dict[str, str]:
    query = f'SELECT "SFZH", "DH" FROM {TABLE}'
    if isinstance(people, LoggedPeople):
        return dict(people.rows(query))
    import sqlite3

    with sqlite3.connect(people.path) as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return dict(rows)


@pytest.mark.long
@pytest.mark.parametrize("kind", MOMENTS)
def test_a_hundred_kills_leave_no_trace(hub: Hub, request: pytest.FixtureRequest, run: Run, tmp_path: Path, kind: str) -> None:
    people = request.getfixturevalue("logged") if kind in ("log", "told") else People(tmp_path)
    connect(hub, patients=people.url)
    tracking = "snapshot" if kind == "told" else kind
    document = tracked(people.kind, tracking, **({"log": {"publication": PUBLICATION}} if kind == "log" else {}))
    hub.register(document)
    for number in range(PEOPLE[kind]):
        people.put(number, 1)
    assert run(hub) == 0
    dice = random.Random(20261126)
    change(dice, people)
    began = time.monotonic()
    assert run(hub) == 0
    length = time.monotonic() - began
    ends = []
    for moment in range(MOMENTS[kind]):
        change(dice, people)
        before = phones(hub, document)
        # Now and then a full refresh is what dies.
        ends.append(run(hub, length * (moment + dice.random()) / MOMENTS[kind], full=moment % 6 == 5))
        assert set(phones(hub, document).items()) <= set(before.items()) | set(in_table(people).items())
    assert set(ends) <= {0, signal.SIGKILL}
    assert ends.count(signal.SIGKILL) >= 0.6 * MOMENTS[kind]
    # The next ordinary run ends where the department is.
    assert run(hub) == 0
    if kind == "cursor":
        # What was put in or changed has come; of deletes a cursor learns by reading everything.
        assert in_table(people).items() <= phones(hub, document).items()
        assert run(hub, full=True) == 0
    assert phones(hub, document) == in_table(people)
    other = copied_keys(hub, tmp_path / "undisturbed")
    connect(other, patients=people.url)
    other.register(document)
    assert run(other) == 0
    assert content(hub, document) == content(other, document)
    assert leftovers(hub) == []
    assert hub.unbalanced() == []
    if kind == "log":
        assert len(people.slots()) == 2  # one of each hub, and none of those that died
    if kind == "told":
        parts = [batch for batch in batches_of(hub.home.catalog, document["id"]) if batch.scope == "part"]
        assert len([batch for batch in parts if batch.status == "accepted"]) > 2
        assert len(parts) > MOMENTS[kind] / 2

"""Publishing: two at once, and kill -9 at fifty seeded moments while readers watch. Nobody ever sees half of a publication."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from core.database import reading
from core.settings import REPOSITORY
from pipeline.publish import publish
from registries.publications import latest
from registries.tables import lease
from tests.factories import PATIENTS, Hub, Row, person
from tests.forked import run_child
from tests.leases import held_by
from tests.pipeline.test_crashes import followed, leftovers

MOMENTS = 50

# Has the libraries loaded and forks one process for each line it is sent: number of the process, then how it ended.
PROGRAM = """
import os, sys, warnings
warnings.simplefilter("ignore")
import pyiceberg.catalog.sql
from core.settings import Settings
from pipeline.home import open_home
from pipeline.publish import publish
for line in sys.stdin:
    child = os.fork()
    if not child:
        publish("population", open_home(Settings.model_validate_json(line)))
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


def delivery(number: int, people: int = 60) -> list[Row]:
    """Everybody has telephone `number`; one person comes, one goes."""
    return [person(n, DH=f"137{number:08}") for n in (*range(people), 100 + number)]


def telephones(hub: Hub) -> list[str]:
    """The different telephones of one look at the base table, with how many have each."""
    with reading(hub.home.serving) as connection:
        rows = connection.execute(sa.text("SELECT phone_number, count(*) FROM base_population GROUP BY phone_number")).all()
    return [f"{phone}x{count}" for phone, count in rows]


@contextmanager
def watched(hub: Hub) -> Iterator[list[list[str]]]:
    """Looks at the base table again and again from another thread."""
    seen: list[list[str]] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(telephones(hub))
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def run(process: "subprocess.Popen[str]", hub: Hub, seconds: float | None = None) -> int:
    """Publish in a process of its own, killed after some seconds if given; returns how it ended."""
    return run_child(process, hub.settings.model_dump_json(), seconds)


@pytest.mark.long
@pytest.mark.usefixtures("without_suite")
def test_fifty_kills_while_readers_watch(any_hub: Hub) -> None:
    hub = any_hub
    hub.register(PATIENTS)
    hub.sync(PATIENTS, delivery(0))
    hub.publish("population")
    dice = random.Random(20261126)
    environment = {**os.environ, "HUB_THREADS": "2", "HUB_MEMORY_MB": "512"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        hub.sync(PATIENTS, delivery(1))
        began = time.monotonic()
        assert run(process, hub) == 0
        length = time.monotonic() - began
        kills, number = 0, 1
        while kills < MOMENTS and number < 3 * MOMENTS:
            number += 1
            hub.sync(PATIENTS, delivery(number))
            with watched(hub) as seen:
                end = run(process, hub, length * dice.random())
            # Every look was of one publication, whole.
            assert all(len(look) == 1 and look[0].endswith("x61") for look in seen)
            assert end in (0, signal.SIGKILL)
            # The first run was the slowest: moments are to lie within the time that a run takes.
            kills, length = (kills + 1, length) if end else (kills, length * 0.9)
        assert run(process, hub) == 0
    assert kills == MOMENTS
    assert telephones(hub) == [f"137{number:08}x61"]
    assert leftovers(hub) == []
    assert followed(hub)[1] == latest(hub.home.serving, "population").number
    assert hub.unbalanced() == []


@pytest.mark.slow
@pytest.mark.usefixtures("without_suite")
def test_of_two_publications_at_once_one_waits(any_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.publication.merging import Merging

    hub, merge, began, go_on = any_hub, Merging.merge, threading.Event(), threading.Event()
    hub.register(PATIENTS)
    hub.sync(PATIENTS, delivery(1, people=5))

    def slowly(self: Merging, seconds: dict[str, float]) -> object:
        began.set()
        assert go_on.wait(60)
        return merge(self, seconds)

    monkeypatch.setattr(Merging, "merge", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(publish, "population", hub.home)
        assert began.wait(60)
        second = pool.submit(publish, "population", hub.home)
        time.sleep(1)
        assert not second.done()
        assert held_by(hub.home.serving, lease, "registry/population")
        go_on.set()
        assert first.result(60).is_new
        assert not second.result(60).is_new
    assert latest(hub.home.serving, "population").number == 1
    assert held_by(hub.home.serving, lease, "registry/population") is None

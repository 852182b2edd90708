"""Leases: one writer at a time; the dead are taken over; who was taken over commits nothing."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from catalog.batches import Acceptance, accept_batch, set_landed, start_batch
from catalog.tables import lease as table
from core.clock import now
from core.database import reading, writing
from core.errors import LeaseHeld
from core.holder import is_alive, is_here, me, words
from core.leases import Lease, holding
from registries.publications import commit, latest, nothing_yet
from registries.tables import lease as serving_table
from tests.factories import Hub
from tests.leases import held_by

NAME = "dataset/tax__payer"
HOLDER = """
import sys, time
from core.settings import load_settings
from catalog.tables import lease
from core.database import open_database
from core.leases import holding
with holding(open_database(sys.argv[1]), lease, sys.argv[2], "cli:wang"):
    print("held", flush=True)
    time.sleep(60)
"""


def row_of(hub: Hub) -> Any:
    with reading(hub.home.catalog) as connection:
        return connection.execute(sa.select(table).where(table.c.name == NAME)).one()


def hold_elsewhere(hub: Hub) -> "subprocess.Popen[str]":
    url = hub.settings.catalog_url
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url, NAME], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_process_is_the_same_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    before = me()
    monkeypatch.setattr(psutil, "boot_time", lambda: 1.0)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 1.0)
    assert (me(), is_alive(before), is_alive(f"{before}0")) == (before, True, False)


@pytest.mark.parametrize("is_by_the_clock", [False, True])
def test_a_process_that_was_killed_and_that_nobody_has_asked_about_is_dead(is_by_the_clock: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", "from core.holder import me\nprint(me(), flush=True)\ninput()"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])  # fmt: skip
    with process:
        assert process.stdout is not None
        holder = process.stdout.readline().strip()
        if is_by_the_clock:
            holder = f"{holder.rpartition('/')[0]}/{psutil.Process(process.pid).create_time():.0f}"
        assert is_alive(holder)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its status stays to be asked for
        assert (psutil.Process(process.pid).status(), is_alive(holder)) == (psutil.STATUS_ZOMBIE, False)


def test_a_second_holder_is_refused_while_the_first_lives_and_taken_when_it_is_dead(hub: Hub) -> None:
    catalog = hub.home.catalog
    process = hold_elsewhere(hub)
    try:
        with pytest.raises(LeaseHeld) as raised, holding(catalog, table, NAME):
            pass
        assert raised.value.transient
        assert raised.value.exit_status == 3
        assert f"{NAME} is being written by cli:wang (process {process.pid} on {socket.gethostname()})" == raised.value.message
        assert held_by(catalog, table, NAME)
        process.kill()
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert held_by(catalog, table, NAME) is None
    with holding(catalog, table, NAME) as taken:
        assert taken.epoch == 2


def test_a_lease_is_free_after_its_block_also_when_that_fails(hub: Hub) -> None:
    with pytest.raises(ZeroDivisionError), holding(hub.home.catalog, table, NAME):
        raise ZeroDivisionError
    assert held_by(hub.home.catalog, table, NAME) is None
    with holding(hub.home.catalog, table, NAME) as second:
        assert second.epoch == 2


def test_the_same_process_cannot_hold_twice_but_another_name_is_free(hub: Hub) -> None:
    with holding(hub.home.catalog, table, NAME), holding(hub.home.catalog, table, "dataset/other"):
        with pytest.raises(LeaseHeld), holding(hub.home.catalog, table, NAME):
            pass
        # The refused one has not freed what the first holds.
        assert held_by(hub.home.catalog, table, NAME)


def test_a_long_run_of_this_machine_keeps_its_lease(hub: Hub) -> None:
    with holding(hub.home.catalog, table, NAME) as held:
        with writing(hub.home.catalog) as connection:
            connection.execute(table.update().values(expires_at=now() - timedelta(hours=5)))
        with pytest.raises(LeaseHeld), holding(hub.home.catalog, table, NAME):
            pass
        assert row_of(hub).epoch == held.epoch


@pytest.mark.parametrize(("hours", "is_free"), [(1, False), (-1, True)])
def test_a_holder_on_another_machine_is_believed_until_its_time_is_over(hub: Hub, hours: int, is_free: bool) -> None:
    with writing(hub.home.catalog) as connection:
        elsewhere = {"name": NAME, "epoch": 4, "holder": "another-machine/1/1", "expires_at": now() + timedelta(hours=hours)}
        connection.execute(table.insert().values(**elsewhere))
    if is_free:
        with holding(hub.home.catalog, table, NAME) as held:
            assert held.epoch == 5
    else:
        with pytest.raises(LeaseHeld), holding(hub.home.catalog, table, NAME):
            pass


def test_another_process_with_the_same_number_is_not_the_holder(hub: Hub) -> None:
    import os
    import socket

    with writing(hub.home.catalog) as connection:
        gone = {"name": NAME, "epoch": 1, "holder": f"{socket.gethostname()}/{os.getpid()}/12345", "expires_at": now() + timedelta(hours=1)}
        connection.execute(table.insert().values(**gone))
    with holding(hub.home.catalog, table, NAME) as held:
        assert held.epoch == 2


def taken_over(hub: Hub, of: sa.Table, engine: sa.Engine, held: Lease) -> Lease:
    """What the holder still believes in, after another has taken the lease."""
    with writing(engine) as connection:
        connection.execute(of.update().where(of.c.name == held.name).values(epoch=held.epoch + 1))
    return held


def test_a_stale_epoch_commits_no_batch(hub: Hub) -> None:
    catalog = hub.home.catalog
    with holding(catalog, table, NAME) as held:
        batch = start_batch(catalog, held, "tax__payer", 1, "1", "test")
        set_landed(catalog, held, batch.batch_id, read=0, landed=0, unreadable=0)
        stale = taken_over(hub, table, catalog, held)
        found = Acceptance({"accepted": 1}, [], [], [], [], {})
        with pytest.raises(LeaseHeld):
            accept_batch(catalog, stale, batch.batch_id, found)
        with pytest.raises(LeaseHeld):
            set_landed(catalog, stale, batch.batch_id, read=9, landed=9, unreadable=0)
        with pytest.raises(LeaseHeld):
            start_batch(catalog, stale, "tax__payer", 1, "1", "test")
    after = hub.batch(batch.batch_id)
    assert (after.status, after.accepted, after.read) == ("landed", None, 0)
    # The one that was taken over does not free the lease of its successor either.
    assert row_of(hub).holder


def test_a_stale_epoch_commits_no_publication(hub: Hub) -> None:
    from dataclasses import replace

    serving = hub.home.serving
    with holding(serving, serving_table, "registry/population") as held:
        stale = taken_over(hub, serving_table, serving, held)
        with pytest.raises(LeaseHeld):
            commit(serving, stale, replace(nothing_yet("population"), number=1), [], [])
    assert latest(serving, "population").number == 0


@pytest.mark.slow
def test_of_many_that_begin_at_once_one_gets_it(any_hub: Hub) -> None:
    from concurrent.futures import ThreadPoolExecutor
    from threading import Semaphore

    catalog, refusals = any_hub.home.catalog, Semaphore(0)

    def attempt(_: int) -> str:
        try:
            with holding(catalog, table, NAME):
                for _other in range(5):  # as long as all others have not been told
                    assert refusals.acquire(timeout=60)
        except LeaseHeld:
            refusals.release()
            return "refused"
        return "held"

    with ThreadPoolExecutor(6) as pool:
        found = sorted(pool.map(attempt, range(6)))
    catalog.dispose()
    assert found.count("held") == 1


@pytest.mark.parametrize("actor", ["", "cli:wang", "portal:someone@office/2"])
def test_a_holder_is_known_by_its_process_whoever_it_acts_for(actor: str) -> None:
    mine = me(actor)
    assert is_here(mine)
    assert is_alive(mine)
    gone = mine.rsplit("/", 1)[0] + "/1"
    assert not is_alive(gone)
    elsewhere = me(actor).replace(socket.gethostname(), "another.example")
    assert not is_here(elsewhere)
    assert is_alive(elsewhere)
    assert words(elsewhere).startswith(actor or "process ")
    assert "on another.example" in words(elsewhere)

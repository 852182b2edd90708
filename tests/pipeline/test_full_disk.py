"""A batch is refused before the disk is full, and a disk that is full all the same loses nothing, is told, and can be purged."""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from catalog.batches import batches_of
from core.errors import HubError, StoreError
from core.space import check_space, held, keep_reserve
from pipeline.home import open_home
from pipeline.operation.purge import purge
from pipeline.operation.watch import watch
from pipeline.quarantine.replay import replay
from registries.publications import latest
from tests.conftest import copied_keys
from tests.factories import PATIENTS, Hub, hub_in, person, resident_id
from tests.pipeline.handing_back import edited, filling, handed_out
from tests.pipeline.test_purge import SHORT, grow_old

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
ID = PATIENTS["id"]


def test_a_batch_is_refused_before_the_disk_or_its_layer_is_full(hub: Hub) -> None:
    hub.register(SHORT)
    hub.sync(SHORT, [person(n) for n in range(3)])
    tight = hub_in(hub.settings.home, least_free_mb=str(10**9))
    with pytest.raises(StoreError, match="are free on the disk") as raised:
        tight.sync(SHORT, [person(9)])
    assert raised.value.transient
    assert len(batches_of(hub.home.catalog, ID)) == 1
    (hub.settings.landing / ID / "00000001" / "ballast").write_bytes(bytes(2 << 20))
    small = hub_in(hub.settings.home, landing_quota_mb="1")
    with pytest.raises(StoreError, match="layer landing is to hold 1 MB"):
        small.sync(SHORT, [person(9)])
    check_space(hub.settings, "landing")


def test_a_layer_that_is_full_takes_neither_a_batch_nor_a_publication(hub: Hub) -> None:
    hub.register(SHORT)
    hub.sync(SHORT, [person(n) for n in range(3)])
    room = held(hub.settings.lake_dir)[1]
    (hub.settings.lake_dir / "ballast").write_bytes(bytes((2 << 20) - room))
    small = hub_in(hub.settings.home, lake_quota_mb="2")
    with pytest.raises(StoreError, match="layer lake is to hold 2 MB at most, and has no room for 1 MB more") as raised:
        small.publish("population")
    assert raised.value.transient
    assert latest(hub.home.serving, "population").number == 0
    with pytest.raises(StoreError, match="layer lake is to hold 2 MB"):
        small.sync(SHORT, [person(9)])
    (hub.settings.lake_dir / "ballast").unlink()
    assert small.sync(SHORT, [*(person(n) for n in range(3)), person(9)]).inserted == 1
    assert small.publish("population").entities == 4


def test_where_there_is_no_room_for_a_delivery_there_may_be_for_a_repair(hub: Hub) -> None:
    hub.register(SHORT)
    hub.sync(SHORT, [*(person(n) for n in range(9)), person(9, XM="")])
    (hub.settings.landing / ID / "00000001" / "ballast").write_bytes(bytes(2 << 20))
    small = hub_in(hub.settings.home, landing_quota_mb="3")
    with pytest.raises(StoreError, match="layer landing is to hold 3 MB"):
        small.sync(SHORT, [person(9)])
    (made,) = replay(ID, small.home, repaired=edited(handed_out(hub), filling("XM", "王芳")))
    assert (made.accepted, made.waiting) == (1, 0)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of a few megabytes at a folder."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system (run as root)")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def shown(hub: Hub) -> list[dict[str, object]]:
    """What is published; until when a row holds is known before the publication that ends it."""
    return [{name: value for name, value in row.items() if name != "_publication_to"} for row in hub.served("base_population")]


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("mount") is None, reason="needs tmpfs")
def test_a_disk_that_others_filled_to_the_last_block_is_told_and_purged(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 80):
        hub = hub_in(tmp_path / "disk" / "home", least_free_mb="1")
        hub.register(SHORT)
        for day in range(3):
            hub.sync(SHORT, [person(n, DH=f"1390000000{day}") for n in range(3)])
        grow_old(hub, 11)
        keep_reserve(hub.settings)
        with contextlib.suppress(OSError), (tmp_path / "disk" / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        assert shutil.disk_usage(tmp_path / "disk").free == 0
        opened = open_home(hub.settings)
        assert {item.rule for item in watch(opened).open} >= {"short-disk"}
        assert purge(opened).items
        assert not (hub.settings.home / "reserve").exists()
        (tmp_path / "disk" / "ballast").unlink()
        watch(opened)
        assert (hub.settings.home / "reserve").exists()


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux" or shutil.which("mount") is None, reason="needs tmpfs")
def test_a_disk_that_fills_in_the_middle_of_a_batch_loses_nothing(tmp_path: Path) -> None:
    """With less and less room on it, batch and publication end in an error or are done; with room again, all is as if nothing had happened."""
    # Fewer change than stop a source that changes too much at once.
    rows = [[person(n, DH=f"13{day if n < 600 else 0}0000{n:04}") for n in range(1500)] for day in range(3)]
    with small_disk(tmp_path / "disk", 24):
        hub = hub_in(tmp_path / "disk" / "home", least_free_mb="0")
        hub.register(PATIENTS)
        hub.sync(PATIENTS, rows[0])
        hub.publish("population")
        ballast, errors = tmp_path / "disk" / "ballast", list[str]()
        for room in (0, 20, 60, 120, 200, 300, 450, 700, 1000):
            published, digest = shown(hub), latest(hub.home.serving, "population").digest
            hub.deliver(PATIENTS, rows[1 + room % 2])
            free = shutil.disk_usage(tmp_path / "disk").free
            ballast.write_bytes(bytes(max(0, free - room * 1024)))
            try:
                from pipeline.accept import accept
                from pipeline.land import land

                accept(land(ID, hub.home), hub.home)
                hub.publish("population")
            except (HubError, OSError) as error:
                errors.append(str(error))
            ballast.unlink()
            if latest(hub.home.serving, "population").digest == digest:
                assert shown(hub) == published
            assert hub.unbalanced() == []
        assert errors
        assert not any(resident_id(n) in text for n in range(5) for text in errors)
        hub.sync(PATIENTS, rows[1])
        hub.publish("population")
        other = copied_keys(hub, tmp_path / "undisturbed")
        other.register(PATIENTS)
        other.sync(PATIENTS, rows[1])
        other.publish("population")
        assert latest(hub.home.serving, "population").digest == latest(other.home.serving, "population").digest
        assert hub.unbalanced() == []
        hub.home.catalog.dispose()

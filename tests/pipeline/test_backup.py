"""The drill: an installation is backed up while it runs, put back elsewhere, and goes on as if nothing had happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.datasets import contracts_in_force
from catalog.tables import lease
from core.errors import RequestError, StoreError
from core.leases import holding
from core.settings import REPOSITORY
from pipeline.answers.why import why
from pipeline.home import open_home
from pipeline.operation.backup import backup, restore
from pipeline.operation.watch import watch
from registries.linkage.model import learned_path
from registries.publications import history, latest
from tests.factories import PATIENTS, RESIDENTS, Hub, Row, hub_in, person, resident_id
from tests.pipeline.sources import connect

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
ID = PATIENTS["id"]


def rows_of(day: int) -> list[Row]:
    return [*(person(n, DH=f"13{day:02}000{n:04}") for n in range(6)), person(50, XM="")]


def filled(hub: Hub) -> Hub:
    hub.register(PATIENTS, RESIDENTS)
    hub.sync(RESIDENTS, [person(n) for n in range(4)])
    for day in range(2):
        hub.sync(PATIENTS, rows_of(day))
        hub.publish("population")
    return hub


def with_keys(hub: Hub, folder: Path, **urls: str) -> Hub:
    """An empty place, the keys in it."""
    folder.mkdir(mode=0o700)
    shutil.copytree(hub.settings.home / "keys", folder / "keys")
    return hub_in(folder, **urls)


def state(hub: Hub) -> dict[str, object]:
    publications = [(item.number, item.digest, item.entities) for item in history(hub.home.serving, "population")]
    states = {document["id"]: hub.state(document) for document in (PATIENTS, RESIDENTS)}
    return {"publications": publications, "served": hub.served("base_population"), "states": states, "waits": hub.quarantine(PATIENTS)}


@pytest.mark.parametrize("any_hub", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
def test_what_is_put_back_is_what_was_there_and_goes_on(any_hub: Hub, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    hub = filled(any_hub)
    is_sqlite = hub.home.serving.dialect.name == "sqlite"
    urls = {} if is_sqlite else request.getfixturevalue("new_databases")()
    kept = tmp_path / "备份 #1?a%31"
    with holding(hub.home.catalog, lease, f"dataset/{ID}", "somebody at work"):
        done = backup(kept, hub.home)
    assert done.publications == {"population": 2}
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept.rglob("*"))
    before = state(hub)
    other = with_keys(hub, tmp_path / "其他 o'ther", **urls)
    assert restore(kept, other.settings) == done
    connect(other, drop=hub.drop.as_uri())
    shutil.copytree(hub.drop, other.drop, dirs_exist_ok=True)
    assert state(other) == before
    assert other.unbalanced() == []
    assert {path.name for path in other.settings.registered.iterdir()} == {"health.json", "public_security.json"}
    (row,) = [row for row in other.served("base_population") if row["resident_id"] == resident_id(5)]
    answers = {item.element: item for item in why(other.home, "population", row["_canonical_id"]).answers}
    assert answers["phone_number"].candidates[0].raw == person(5, DH="13010000005")["DH"]
    # Both go on, each for itself, and come to the same.
    for each in (hub, other):
        again = each.sync(PATIENTS, rows_of(2))
        assert (again.seq, again.updated, again.deleted, again.waiting) == (3, 6, 0, 1)
        assert each.publish("population").number == 3
        assert each.unbalanced() == []
    assert latest(other.home.serving, "population").digest == latest(hub.home.serving, "population").digest


@pytest.mark.long
def test_what_was_collected_under_contracts_with_more_columns_is_put_back(hub: Hub, tmp_path: Path) -> None:
    filled(hub)
    less = {**PATIENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DZ", "DH"]}
    hub.register(less)
    hub.sync(less, rows_of(1))
    hub.publish("population")
    backup(tmp_path / "backup", hub.home)
    other = with_keys(hub, tmp_path / "other")
    restore(tmp_path / "backup", other.settings)
    assert state(other) == state(hub)
    assert other.sync(less, rows_of(1)).status == "accepted"


@pytest.mark.long
def test_a_backup_is_of_one_moment_though_the_hub_is_at_work(hub: Hub, tmp_path: Path) -> None:
    filled(hub)
    stop, days = threading.Event(), []

    def work() -> None:
        day = 2
        while not stop.is_set():
            hub.sync(PATIENTS, rows_of(day))
            hub.publish("population")
            days.append(day)
            day += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while not days:
            time.sleep(0.05)
        done = backup(tmp_path / "backup", hub.home)
    finally:
        stop.set()
        worker.join()
    other = with_keys(hub, tmp_path / "other")
    assert restore(tmp_path / "backup", other.settings) == done
    number = done.publications["population"]
    assert number >= 3
    digests = {item.number: item.digest for item in history(hub.home.serving, "population")}
    assert latest(other.home.serving, "population").digest == digests[number]
    assert other.unbalanced() == []
    connect(other, drop=hub.drop.as_uri())
    other.drop.mkdir(exist_ok=True)
    other.sync(PATIENTS, rows_of(77))
    assert other.publish("population").number == number + 1
    assert other.unbalanced() == []


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hub, Path]:
    """A small hub and its backup."""
    from pipeline.validate import count_issues

    folder = tmp_path_factory.mktemp("kept")
    hub = hub_in(folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        filled(hub)
    learned = learned_path(hub.settings.home, "population")
    learned.parent.mkdir()
    learned.write_text("{}")
    backup(folder / "backup", hub.home)
    return hub, folder / "backup"


def flipped(folder: Path, pattern: str) -> None:
    path = next(iter(sorted(folder.glob(pattern))))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def altered(folder: Path) -> None:
    """A file and its digest in the manifest, by somebody without the key."""
    import hashlib

    flipped(folder, "files/landing/*/*/rows.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    for item in manifest["files"]:
        item["sha256"] = hashlib.sha256((folder / item["path"]).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: flipped(folder, "files/landing/*/*/rows.parquet"), "1 file of "),
        (lambda folder: flipped(folder, "files/lake/*/log-*.parquet"), "1 file of "),
        (lambda folder: flipped(folder, "databases/serving.dump"), "1 file of "),
        (lambda folder: next(folder.glob("files/lake/*/log-*.parquet")).unlink(), "1 file of "),
        (lambda folder: (folder / "files" / "landing" / "foreign").write_text("x"), "foreign"),
        (lambda folder: (folder / "manifest.json").unlink(), "is no backup"),
        (altered, "not the one that was written"),
        (lambda folder: (folder / "manifest.json").write_text('{"files": [], "keys": []}'), "not that of the backup"),
    ],
    ids=["landing", "lake", "database", "missing", "foreign", "manifest", "altered", "other keys"],
)
def test_a_damaged_backup_is_refused_and_nothing_is_changed(
    kept: tuple[Hub, Path], tmp_path: Path, harm: Callable[[Path], object], words: str
) -> None:
    hub, folder = kept
    shutil.copytree(folder, tmp_path / "backup")
    harm(tmp_path / "backup")
    other = with_keys(hub, tmp_path / "other")
    with pytest.raises(RequestError, match=words):
        restore(tmp_path / "backup", other.settings)
    assert [path.name for path in other.settings.home.iterdir()] == ["keys"]


def test_of_what_is_damaged_no_backup_is_made(hub: Hub, tmp_path: Path) -> None:
    filled(hub)
    (log,) = list((hub.settings.lake_dir / f"std_{RESIDENTS['id']}").glob("log-*"))
    away = log.with_suffix(".away")
    log.rename(away)
    with pytest.raises(StoreError, match="is missing below"):
        backup(tmp_path / "backup", hub.home)
    away.rename(log)
    whole = log.read_bytes()
    log.write_bytes(whole[:-100])
    with pytest.raises(StoreError, match=r"log-\S+ below \S+ is damaged, and so would be"):
        backup(tmp_path / "backup", hub.home)
    log.write_bytes(whole)
    hub.home.serving.dispose()
    file = hub.settings.home / "serving.db"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xa5" * 8192
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        backup(tmp_path / "backup", hub.home)
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


def test_a_restore_needs_the_keys_and_an_empty_place(kept: tuple[Hub, Path], tmp_path: Path) -> None:
    hub, folder = kept
    held = " ".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
    assert not any(path.read_text().strip() in held for path in (hub.settings.home / "keys").iterdir() if path.suffix != ".pub")
    with pytest.raises(RequestError, match="the key record-1"):
        restore(folder, hub_in(tmp_path / "none").settings)
    foreign = hub_in(tmp_path / "foreign")
    assert foreign.home
    with pytest.raises(RequestError, match="not that of the backup"):
        restore(folder, foreign.settings)
    with pytest.raises(RequestError, match="holds data already"):
        restore(folder, hub.settings)
    with pytest.raises(RequestError, match="exists already"):
        backup(folder, hub.home)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("lake/backup", "where purge removes"),
        ("landing/health__patient/backup", "where purge removes"),
        ("link/backup", "where purge removes"),
        ("dangling", "exists already"),
        ("x" * 251, "too long"),
    ],
)
def test_a_backup_is_not_put_where_it_would_not_last_or_cannot_be(hub: Hub, place: str, words: str) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, rows_of(0))
    (hub.settings.home / "link").symlink_to(hub.settings.lake_dir)
    (hub.settings.home / "dangling").symlink_to(hub.settings.home / "nowhere")
    before = {path for path in hub.settings.home.rglob("*") if ".db" not in path.name}
    with pytest.raises(RequestError, match=words):
        backup(hub.settings.home / place, hub.home)
    assert {path for path in hub.settings.home.rglob("*") if ".db" not in path.name} == before


def test_a_restore_goes_into_a_home_in_which_only_commands_were_run(kept: tuple[Hub, Path], tmp_path: Path) -> None:
    hub, folder = kept
    other = with_keys(hub, tmp_path / "other")
    watch(other.home)
    restore(folder, other.settings)
    assert learned_path(other.settings.home, "population").read_text() == "{}"
    assert latest(other.home.serving, "population").digest == latest(hub.home.serving, "population").digest


def test_a_restore_that_died_is_begun_again_and_until_then_nothing_opens(
    kept: tuple[Hub, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, folder = kept
    other = with_keys(hub, tmp_path / "other")
    with monkeypatch.context() as patch:

        def dying(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("pipeline.operation.backup.dump.load", dying)
        with pytest.raises(KeyboardInterrupt):
            restore(folder, other.settings)
    with pytest.raises(StoreError, match="was interrupted"):
        open_home(other.settings)
    restore(folder, other.settings)
    assert set(contracts_in_force(other.home.catalog)) == {ID, RESIDENTS["id"]}
    assert other.unbalanced() == []


PROGRAM = """
import sys, time
from pathlib import Path
import pipeline.operation.backup as b
real, count = b._copy, 0
def slow(*paths):
    global count
    count += 1
    if count == 4:
        print("middle", flush=True)
        time.sleep(60)
    real(*paths)
b._copy = slow
b.backup(Path(sys.argv[1]))
"""


@pytest.mark.long
def test_a_backup_that_is_killed_leaves_nothing_that_looks_like_one(hub: Hub, tmp_path: Path) -> None:
    filled(hub)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "backup")]
    environment = {**os.environ, "HUB_HOME": str(hub.settings.home)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "middle\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (tmp_path / "backup").exists()
    hub.sync(PATIENTS, rows_of(5))
    done = backup(tmp_path / "backup", hub.home)
    assert not (tmp_path / ".backup.part").exists()
    other = with_keys(hub, tmp_path / "other")
    assert restore(tmp_path / "backup", other.settings) == done
    assert other.unbalanced() == []

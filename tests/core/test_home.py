"""Opening an installation: closed folders, keys made once, several processes at once, stores that do not answer."""

import os
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.clock import beijing_text, now
from core.database import open_database, reading, writing
from core.engine import Engine
from core.errors import RequestError, StoreError
from core.keys import RECORD_KEY, load_key
from core.masking import MASKS, mask, mask_sql
from core.settings import REPOSITORY, load_settings
from pipeline.home import open_home
from tests.factories import RESIDENTS, Hub, hub_in, person


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_keys_are_closed_to_everyone_else(hub: Hub) -> None:
    home = hub.home.settings.home
    assert {mode(path) for path in [home, *home.rglob("*")] if path.is_dir()} == {0o700}
    assert [mode(path) for path in sorted((home / "keys").iterdir())] == [0o600, 0o600]
    assert {mode(path) for path in home.rglob("*") if path.is_file()} == {0o600}


def test_keys_are_long_different_and_stay(hub: Hub) -> None:
    keys = {path.name: path.read_text() for path in (hub.home.settings.home / "keys").iterdir()}
    assert len(set(keys.values())) == 2
    assert {len(key.strip()) for key in keys.values()} == {64}
    open_home(hub.settings)
    assert {path.name: path.read_text() for path in (hub.settings.home / "keys").iterdir()} == keys


@pytest.mark.parametrize("name", ["catalog", "serving", "audit"])
def test_a_database_that_is_gone_is_not_made_anew(hub: Hub, name: str) -> None:
    """Everything in the lake would be taken for leftovers of a dead run."""
    path = Path(str(getattr(hub.home, name).url.database))
    content = path.read_bytes()
    for _ in range(2):
        path.unlink()
        with pytest.raises(StoreError, match=r"database of this installation is gone") as raised:
            open_home(hub.settings)
        assert "./hub restore" in raised.value.hint
    path.write_bytes(content)
    open_home(hub.settings)
    # That all are new is a new installation.
    (hub.settings.home / "databases.json").unlink()
    path.unlink()
    open_home(hub.settings)


@pytest.mark.parametrize("key_id", ["record-1", "canonical-1"])
def test_a_key_that_is_gone_is_not_made_anew_once_data_has_landed(hub: Hub, key_id: str) -> None:
    folder = hub.home.settings.landing / "tax__payer" / "00000001"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    (hub.settings.home / "keys" / key_id).unlink()
    with pytest.raises(StoreError, match=key_id) as raised:
        open_home(hub.settings)
    assert "put the folder keys/ back" in raised.value.hint
    assert not (hub.settings.home / "keys" / key_id).exists()


def test_a_new_home_does_not_write_into_the_catalog_of_another(hub: Hub, tmp_path: Path) -> None:
    """As where HUB_HOME is mistyped, and the databases are on a server."""
    mistyped = hub_in(tmp_path / "mistyped", catalog_url=hub.settings.catalog_url).settings
    hub.register(RESIDENTS)
    open_home(mistyped)  # an installation without data is nobody's loss
    open_home(hub.settings)
    shutil.rmtree(mistyped.home)
    hub.land(RESIDENTS, [person(1)])
    for _ in range(2):
        with pytest.raises(StoreError, match="is a new HUB_HOME") as raised:
            open_home(mistyped)
        assert "put the folder keys/ back" in raised.value.hint
        assert not (mistyped.home / "keys").exists()
    # Nor are keys made anew behind what was purged from landing.
    shutil.rmtree(hub.settings.landing)
    open_home(hub.settings)
    shutil.rmtree(hub.settings.home / "keys")
    with pytest.raises(StoreError, match="is a new HUB_HOME"):
        open_home(hub.settings)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_a_home_does_not_write_into_the_catalog_of_another(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    """As where the address of the wrong one is set. An empty catalog is whose opens it."""
    url = {} if database == "sqlite" else {"catalog_url": request.getfixturevalue("new_databases")()["catalog_url"]}
    hub, other = hub_in(tmp_path / "first", **url), hub_in(tmp_path / "other")
    hub.register(RESIDENTS)
    other.register(RESIDENTS)
    mixed = hub_in(tmp_path / "other", catalog_url=hub.settings.catalog_url)
    for settings in (mixed.settings, hub.settings):
        open_home(settings)
    hub.land(RESIDENTS, [person(1)])
    with pytest.raises(StoreError, match="is of another installation") as raised:
        open_home(mixed.settings)
    assert "put the folder keys/ back" in raised.value.hint
    open_home(other.settings)
    # What has been opened by no hub that asks is whose opens it first.
    with writing(open_database(hub.settings.catalog_url)) as connection:
        connection.execute(sa.text("UPDATE installation SET key_proof = NULL"))
    for _ in range(2):
        open_home(hub.settings)
    with pytest.raises(StoreError, match="is of another installation"):
        open_home(mixed.settings)


def test_a_key_that_is_gone_before_any_data_is_made(hub: Hub) -> None:
    shutil.rmtree(hub.home.settings.home / "keys")
    assert len(load_key(hub.settings, RECORD_KEY)) == 64


@pytest.mark.slow
def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    program = "from pipeline.home import open_home\nfrom core.keys import load_key\nprint(load_key(open_home().settings, 'record-1'))"
    environment = {**os.environ, "HUB_HOME": str(tmp_path / "home")}
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for _ in range(3)
    ]
    answers = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(set(answers)) == 1


def test_a_new_database_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "new.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.close).start()
    with reading(open_database(f"sqlite:///{tmp_path / 'new.db'}")) as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"


@pytest.mark.slow
def test_processes_that_start_at_once_agree_on_postgresql(tmp_path: Path, new_databases: "object") -> None:
    urls = new_databases()  # type: ignore[operator]
    environment = {**os.environ, "HUB_HOME": str(tmp_path / "home"), **{f"HUB_{name.upper()}": url for name, url in urls.items()}}
    program = "from pipeline.home import open_home\nopen_home()"
    started = [subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=REPOSITORY) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]


def test_settings_come_from_the_environment_given(tmp_path: Path) -> None:
    settings = load_settings({"HUB_HOME": str(tmp_path / "a" / ".." / "b"), "HUB_SERVING_URL": "postgresql://h/s", "HUB_THREADS": "3"})
    assert settings.home == tmp_path / "b"
    assert settings.catalog_url == f"sqlite:///{tmp_path / 'b'}/catalog.db"
    assert (settings.serving_url, settings.threads) == ("postgresql://h/s", 3)
    assert load_settings({}).home == REPOSITORY / "var"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HUB_PORTAL_PORT", "abc"),
        ("HUB_PORTAL_PORT", "99999"),
        ("HUB_AIRFLOW_PORT", "-1"),
        ("HUB_MEMORY_MB", "x"),
        ("HUB_MEMORY_MB", "0"),
        ("HUB_THREADS", "0"),
        ("HUB_THREADS", "1.5"),
        # What limits nothing at 0 must not be taken for 0.
        *(
            (name, value)
            for name in ("HUB_LEAST_FREE_MB", "HUB_LANDING_QUOTA_MB", "HUB_LAKE_QUOTA_MB")
            for value in ("5GB", "-1", "10_000")
        ),
        ("HUB_SERVING_URL", "foo://hub:s3cret@bar"),
        ("HUB_CATALOG_URL", "mysql://hub:s3cret@bar/db"),
        ("HUB_AUDIT_URL", "s3cret"),
        ("HUB_LAKE_URL", "foo://s3cret"),
        ("HUB_ACTOR", "a" * 101),
        *(("HUB_HOME", f"/tmp/h{character}x") for character in "#?%*[]{}\n"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_a_wrong_request_that_names_it(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(RequestError) as raised:
        load_settings({"HUB_HOME": str(tmp_path), variable: value})
    assert variable in str(raised.value)
    assert raised.value.hint
    assert "s3cret" not in str(raised.value)


def test_an_address_that_cannot_be_understood_is_a_wrong_request_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as raised:
        open_home(load_settings({"HUB_HOME": str(tmp_path), "HUB_SERVING_URL": "postgresql://hub:s3cret@host:port/db"}))
    assert "s3cret" not in str(raised.value)


def test_a_home_that_is_no_folder_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RequestError, match="is not a folder") as raised:
            open_home(load_settings({"HUB_HOME": str(home)}))
        assert "HUB_HOME" in raised.value.hint
    with pytest.raises(StoreError, match="cannot be used as the hub's home"):
        open_home(load_settings({"HUB_HOME": "/proc/hub"}))


def test_a_database_that_cannot_be_opened_is_a_store_error_without_its_password(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/none/catalog.db", "postgresql://someone:secret@127.0.0.1:1/none"):
        with pytest.raises(StoreError) as raised, reading(open_database(url)) as connection:
            connection.execute(sa.text("SELECT 1"))
        assert raised.value.transient
        assert "secret" not in str(raised.value)


def test_a_damaged_database_is_a_store_error(hub: Hub) -> None:
    _ = hub.home
    for path in hub.settings.home.glob("audit.db*"):
        path.unlink()
    (hub.settings.home / "audit.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="damaged") as raised:
        open_home(hub.settings)
    assert not raised.value.transient
    assert raised.value.exit_status == 3


def test_a_reader_sees_one_state_and_waits_for_no_writer(hub: Hub) -> None:
    engine = hub.home.audit
    with reading(engine) as reader:
        assert reader.execute(sa.text("SELECT count(*) FROM audit_entry")).scalar() == 0
        with writing(engine) as connection:
            connection.execute(
                sa.text("INSERT INTO audit_entry (at, actor, action, subject, purpose) VALUES (:at, 'a', 'b', 'c', 'd')"),
                {"at": str(now())},
            )
            assert reader.execute(sa.text("SELECT count(*) FROM audit_entry")).scalar() == 0
        assert reader.execute(sa.text("SELECT count(*) FROM audit_entry")).scalar() == 0
    with reading(engine) as reader:
        assert reader.execute(sa.text("SELECT count(*) FROM audit_entry")).scalar() == 1


@pytest.mark.parametrize("kind", [kind for kind in MASKS if kind != "none"])
def test_no_mask_shows_the_whole_value(kind: str) -> None:
    for value in ("王伟", "110101199003078888", "13800000001", "北京市东城区景山前街1号", "12"):
        shown = mask(value, kind)
        assert shown is not None
        assert shown != value
        assert "*" in shown
        assert sum(character != "*" for character in shown) <= max(1, len(value) // 2 + 1)
    assert mask(None, kind) is None


def test_times_are_shown_as_beijing_has_them() -> None:
    from datetime import datetime

    assert beijing_text(datetime(2025, 1, 1, 16, 30)) == "2025-01-02 00:30:00"
    assert beijing_text(None) == ""


def test_a_home_of_its_own_is_all_that_is_written(tmp_path: Path) -> None:
    _ = hub_in(tmp_path / "home").home
    assert {path.name for path in tmp_path.iterdir()} == {"home", "home-drop"}


HOLDS = """
import sys, time
from core.settings import load_settings
from core.work import make_work_folder
(make_work_folder(load_settings(), "spill") / "part").write_text(sys.argv[1])
print("made", flush=True)
time.sleep(60)
"""


def test_what_a_killed_task_left_behind_is_removed_by_the_next_that_opens_the_home(hub: Hub) -> None:
    """Spilled data are people's records; what a living task has is left alone."""
    work = hub.home.settings.work
    environment = {**os.environ, "HUB_HOME": str(hub.settings.home)}
    command = [sys.executable, "-c", HOLDS, "somebody's record"]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as task:
        assert task.stdout is not None
        assert task.stdout.readline() == "made\n"
        (folder,) = work.glob("spill*")
        open_home(hub.settings)
        assert (folder / "part").exists()
        task.kill()
        task.wait()
    with Engine(hub.settings):  # a living one of this process
        open_home(hub.settings)
        assert not folder.exists()
        assert len(list(work.iterdir())) == 1
    assert list(work.iterdir()) == []


def test_folders_of_other_machines_are_left_until_no_task_can_be_using_them(hub: Hub) -> None:
    work = hub.home.settings.work
    names = ("spill~another.example~1~1~x", "spill-abcdef", f"impact~{socket.gethostname()}~x~y~z")
    for name in names:
        (work / name).mkdir()
    open_home(hub.settings)
    assert {path.name for path in work.iterdir()} == set(names)
    long_ago = time.time() - 2 * 24 * 3600
    for name in names:
        os.utime(work / name, (long_ago, long_ago))
    open_home(hub.settings)
    assert list(work.iterdir()) == []


@pytest.mark.slow
@given(st.lists(st.text(max_size=30) | st.none(), min_size=1, max_size=20))
def test_a_column_is_masked_as_its_values_are(values: list[str | None]) -> None:
    """In the engine a mask counts characters as Python does."""
    kept = [value for value in values if value is None or "\0" not in value]
    with duckdb.connect() as engine:
        for kind in MASKS:
            found = engine.execute(f"SELECT {mask_sql('v', kind)} FROM (SELECT unnest($1::varchar[]) AS v)", [kept]).fetchall()
            assert [value for (value,) in found] == [mask(value, kind) for value in kept]


@pytest.mark.parametrize("pair", [("CATALOG", "SERVING"), ("SERVING", "AUDIT"), ("CATALOG", "LAKE")])
@pytest.mark.parametrize("url", ["postgresql://hub@db/one", "sqlite:////srv/one.db"])
def test_two_in_one_database_are_refused_before_either_is_made(tmp_path: Path, pair: tuple[str, str], url: str) -> None:
    """It was told that a newer hub had made the database, and to restore a backup."""
    first, second = (f"HUB_{name}_URL" for name in pair)
    told = {"HUB_HOME": str(tmp_path / "home"), first: url, second: url.replace("hub@", "hub:secret@")}
    if pair[1] == "LAKE" and url.startswith("postgresql"):
        assert load_settings(told).lake_url.endswith("@db/one"), "Iceberg's tables have names of their own"
        return
    with pytest.raises(RequestError, match=f"{first} and {second} lead to one database") as refused:
        load_settings(told)
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("pair", [("hub@db/one", "audit@db/one"), ("db/one?options=-csearch_path%3Da", "db/one?options=-csearch_path%3Db")])
def test_two_schemas_of_one_database_are_two(tmp_path: Path, pair: tuple[str, str]) -> None:
    """By default a server looks for tables in the schema that is named as who logs in."""
    urls = [f"postgresql://{place}" for place in pair]
    settings = load_settings({"HUB_HOME": str(tmp_path / "home"), "HUB_SERVING_URL": urls[0], "HUB_AUDIT_URL": urls[1]})
    assert [settings.serving_url, settings.audit_url] == urls


def test_one_database_under_two_addresses_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    told = {"HUB_HOME": str(tmp_path / "home"), "HUB_CATALOG_URL": f"sqlite:///{tmp_path}/one.db"}
    with pytest.raises(StoreError, match=r"one\.db is the catalog database of an installation and cannot be its registries database too"):
        open_home(load_settings(told | {"HUB_SERVING_URL": f"sqlite:///{tmp_path}/there/../one.db"}))

"""The command line: JSON from every command, no heavy library where it is not used, and a day and a backup from end to end."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settings import REPOSITORY
from exchange.audit import Selection, entries
from tests.cli.conftest import LEAN, Command
from tests.conftest import DATABASES
from tests.factories import (
    ENTERPRISES,
    LICENCES,
    PATIENTS,
    Hub,
    organization,
    person,
    resident_id,
)

HEAVY = ("pyiceberg", "ibis", "great_expectations", "pandas", "airflow", "fastapi", "splink", "alembic")


PROBE = """
import sys
sys.argv = ["hub", *sys.argv[1:]]
from cli.__main__ import main
try:
    main()
finally:
    print("LOADED", *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["status"], ["status", "--json"], ["show", "population", resident_id(1)], ["why", "population", resident_id(4)]],
    ids=" ".join,
)
def test_what_has_to_be_quick_loads_nothing_heavy(city: Hub, arguments: list[str]) -> None:
    environment = {**os.environ, "HUB_HOME": str(city.settings.home)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.split("LOADED")[-1].split()
    assert "typer" in loaded
    assert set(HEAVY) & set(loaded) == set()


JSON_COMMANDS = [
    ["status"],
    ["status", "--check"],
    ["receipt", f"{LEAN['id']}@1"],
    ["receipt", f"{LEAN['id']}@1", "--verify"],
    ["quarantine", LEAN["id"]],
    ["show", "population", resident_id(1)],
    ["changes", "population"],
    ["why", "population", resident_id(4)],
    ["why", "certificate", f"机动车驾驶证/{resident_id(1)}", "issued_date"],
    ["publish", "population"],
    ["normalize", "--element", "phone_number", "138 0000 0001"],
    ["normalize", "--element", "birth_date", "--format", "%y(1930)%m%d", "900307"],
    ["standards", "list"],
    ["standards", "show", "sex_code"],
    ["report", f"{LEAN['id']}@1"],
    ["officers", "--add", "张敏"],
    ["officers"],
]


@pytest.mark.parametrize("arguments", JSON_COMMANDS, ids=" ".join)
def test_every_command_answers_with_one_json_document(command: Command, arguments: list[str]) -> None:
    answer = command(*arguments, "--json")
    assert answer.status == 0, answer.err
    assert answer.json is not None


@pytest.mark.parametrize(
    "arguments", [["status"], ["receipt", f"{LEAN['id']}@1"], ["quarantine", LEAN["id"]], ["status", "--check"]], ids=" ".join
)
def test_the_same_for_a_person(command: Command, arguments: list[str]) -> None:
    answer = command(*arguments)
    assert answer.status == 0
    assert answer.out
    assert resident_id(9) not in answer.out


@pytest.mark.parametrize(("rows", "is_shown"), [(99, False), (100, True)])
def test_digests_of_few_rows_are_not_shown(
    rows: int, is_shown: bool, hub: Hub, without_suite: None, command_in: Callable[[Path], Command]
) -> None:
    """What a handful of rows says can be found by trying until the digest fits."""
    command = command_in(hub.settings.home)
    hub.register(ENTERPRISES)
    batch = hub.sync(ENTERPRISES, [organization(number) for number in range(rows)])
    publication = hub.publish("legal_entity")
    landed = json.loads((hub.settings.landing / ENTERPRISES["id"] / "00000001" / "manifest.json").read_text())["digest"]
    for arguments, digest in (
        (["receipt", batch.batch_id, "--verify"], landed),
        (["receipt", batch.batch_id, "--verify", "--json"], landed),
        (["publish", "legal_entity", "--json"], publication.digest),
        (["status", "--json"], publication.digest),
    ):
        assert (digest in command(*arguments).out) is is_shown, arguments


def test_a_landing_that_was_touched_is_noticed(command: Command, city: Hub, tmp_path: Path) -> None:
    folder = city.settings.landing / LICENCES["id"] / "00000001"
    kept = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(kept.replace('"landed": 2', '"landed": 3'))
    try:
        answer = command("receipt", f"{LICENCES['id']}@1", "--verify", "--json")
    finally:
        (folder / "manifest.json").write_text(kept)
    assert answer.status == 1
    assert [difference.split(":")[0] for difference in answer.json["differences"]] == ["landing", "landed", "seal"]


def test_a_day_by_commands(
    any_hub: Hub, without_suite: None, command_in: Callable[[Path], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a contract to a record and back to its source, on each kind of database."""
    for name in DATABASES:
        monkeypatch.setenv(f"HUB_{name.upper()}_URL", getattr(any_hub.settings, f"{name}_url"))
    command = command_in(any_hub.settings.home)
    hub = any_hub
    hub.register(PATIENTS)
    hub.deliver(PATIENTS, [*(person(number) for number in range(5)), person(9, XM="")])
    contract = str(hub.drop / f"{PATIENTS['id']}.yml")
    assert command("register", contract, "--json").json == [{"id": PATIENTS["id"], "version": 1}]
    assert command("check", contract).status == 0
    # Another table under the same id: nobody is kept from it, and everybody is told.
    other = hub.drop / "other.yml"
    other.write_text(Path(contract).read_text(encoding="utf-8").replace("patient.csv", "visit.csv"), encoding="utf-8")
    words = f"{PATIENTS['id']} has read drop:patient.csv until now, and reads drop:visit.csv: if these are two tables, give this one an id"
    (told,) = command("register", str(other), "--json").json
    assert told["version"] == 2
    assert told["note"].startswith(words)
    assert command("register", contract).err.count("has read drop:visit.csv until now") == 1
    (batch,) = command("sync", PATIENTS["id"], "--json").json
    assert (batch["accepted"], batch["quarantined"], batch["actor"]) == (5, 1, "tester")
    assert command("publish", "population", "--json").json["entities"] == 5
    record = command("show", "population", resident_id(1), "--purpose", "appeal", "--json").json
    assert record["person_name"] == person(1)["XM"]
    (answer,) = command("why", "population", record["_canonical_id"], "person_name", "--json").json["answers"]
    assert [(c["batch_id"], c["position"], c["verdict"]) for c in answer["candidates"]] == [(f"{PATIENTS['id']}@1", 3, "chosen")]
    subject = f"population/{record['_canonical_id']}"
    assert [entry["action"] for entry in entries(hub.home.audit, Selection(subject=subject))] == ["why", "show"]
    assert command("quarantine", PATIENTS["id"], "--export", str(hub.drop / "out.csv"), "--json").json["exported"] == 1
    assert command("receipt", batch["batch_id"], "--verify").status == 0
    assert command("status").status == 0
    assert command("status", "--check", "--json").json["broken"] == []
    assert command("report", "population", "--html", str(hub.drop / "report.html")).status == 0
    assert command("quarantine", PATIENTS["id"], "--export", str(hub.drop / "2.csv"), "--purpose", "x" * 600).status == 2
    assert command("end", PATIENTS["id"], "--why", " ", "--records", "kept").status == 2
    ended = command("end", PATIENTS["id"], "--why", "closed", "--records", "withdrawn", "--json").json
    assert (ended["version"], ended["records"], ended["ended"]) == (4, 5, {"reason": "closed", "records": "withdrawn"})
    told = command("end", PATIENTS["id"], "--why", "closed", "--records", "withdrawn").out
    assert told.splitlines() == [
        f"{PATIENTS['id']} has ended with version 4 of its contract: closed",
        "  its 5 records leave with the next publication: ./hub publish population",
    ]
    declined = command("sync", PATIENTS["id"])
    assert (declined.status, "has ended: closed" in declined.err) == (2, True)
    assert command("publish", "population").status == 1
    assert command("publish", "population", "--accept-shrink", "closed", "--json").json["entities"] == 0
    assert command("status", "--check", "--json").json["broken"] == []


def test_a_backup_is_put_back_by_commands(hub: Hub, without_suite: None, command_in: Callable[[Path], Command], tmp_path: Path) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number) for number in range(3)])
    hub.publish("population")
    command = command_in(hub.settings.home)
    assert command("backup", str(tmp_path / "kept"), "--json").json["publications"] == {"population": 1}
    assert entries(hub.home.audit, Selection(action="backup"))[0]["actor"] == "tester"
    written_down = len(entries(hub.home.audit, Selection(action="backup")))
    for place, word in (("kept", "exists already"), ("none/kept", "No such file")):
        again = command("backup", str(tmp_path / place))
        assert (again.status, word in again.err) == (2, True)
    assert len(entries(hub.home.audit, Selection(action="backup"))) == written_down, "a backup that there is not"
    other = command_in(tmp_path / "other")
    assert other("restore", str(tmp_path / "kept")).status == 2
    shutil.copytree(hub.settings.home / "keys", tmp_path / "empty" / "keys")
    other = command_in(tmp_path / "empty")
    answer = other("restore", str(tmp_path / "kept"), "--json")
    assert (answer.status, answer.json["broken"]) == (0, [])
    assert other("show", "population", resident_id(1), "--json").json["person_name"] == person(1)["XM"]
    assert other("purge", "--json").json["files"] == 0
    assert other("watch", "--json").json["open"] == []


def test_a_look_at_a_source_says_how_far_it_went(command: Command, city: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than its first part it says that there are more, and of rows that cannot be read why."""
    seen = {**PATIENTS, "id": "health__seen", "source": {**PATIENTS["source"], "path": "seen.csv"}}
    city.register(seen)
    contract = str(city.drop / "health__seen.yml")
    monkeypatch.setattr("connectors.files.csv.BATCH_ROWS", 4)
    for count, said, is_all in ((3, "3", True), (4, "4", True), (9, "the first 4", False)):
        city.deliver(seen, [person(number) for number in range(count)])
        assert re.search(rf"ok +{said} ", command("check", contract).out), said
        (found,) = command("check", contract, "--json").json
        assert (found["rows_seen"], found["is_all"]) == (min(count, 4), is_all)
    header, row, *_ = (city.drop / "seen.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (city.drop / "seen.csv").write_text(f"{header}{row}one,two\n", encoding="utf-8")
    (found,) = command("check", contract, "--json").json
    assert (found["error"], found["rows_seen"], found["is_all"]) == (None, 2, True)
    assert any(note.startswith("cannot be read: 1 row: ") for note in found["notes"]), found["notes"]

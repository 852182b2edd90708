"""Rows in quarantine and with warnings by command: listed masked, handed out as received."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.audit import entries
from tests.cli.conftest import LEAN, Command
from tests.factories import (
    PATIENTS,
    Hub,
    person,
    resident_id,
)


def test_quarantined_rows_go_out_as_received_into_a_closed_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "rejected.csv"
    answer = command("quarantine", LEAN["id"], "--export", str(path), "--json")
    assert (answer.json["exported"], answer.json["files"]) == (1, [str(path)])
    assert path.stat().st_mode & 0o077 == 0
    assert resident_id(9) in path.read_text(encoding="utf-8-sig")
    assert command("quarantine", LEAN["id"], "--export", str(path)).status == 2


def test_rows_with_warnings_are_listed_masked_and_exported(command: Command, city: Hub, tmp_path: Path) -> None:
    """The row came unchanged in the last batch; what was found when it was examined still stands."""
    found = command("quarantine", PATIENTS["id"], "--warnings", "--rows", "5", "--purpose", "call them", "--json").json
    assert {(rule["element"], rule["rows"]) for rule in found["rules"]} == {("phone_number", 1)}
    (row,) = found["rows"]
    assert (row["batch_id"], row["position"], row["broken"][0]["values"]) == (f"{PATIENTS['id']}@2", 6, [["DH", "*****"]])
    newest = entries(city.home.audit)[0]
    assert (newest["action"], newest["subject"], newest["purpose"]) == ("view-warnings", PATIENTS["id"], "call them")
    path = tmp_path / "doubtful.csv"
    assert command("quarantine", PATIENTS["id"], "--warnings", "--export", str(path), "--json").json["exported"] == 1
    assert path.stat().st_mode & 0o077 == 0
    assert resident_id(7) in path.read_text(encoding="utf-8-sig")
    assert entries(city.home.audit)[0]["action"] == "export-warnings"
    unwanted = tmp_path / "nothing.csv"
    answer = command("quarantine", LEAN["id"], "--warnings", "--export", str(unwanted))
    assert answer.out == f"no row of {LEAN['id']} is published with a warning: nothing was written\n"
    assert not unwanted.exists()


def test_quarantined_rows_are_listed_masked(command: Command) -> None:
    answer = command("quarantine", LEAN["id"], "--rows", "5")
    assert "person_name" in answer.out
    assert resident_id(9) not in answer.out


def test_what_cannot_be_exported_is_neither_read_nor_written_down(command: Command, city: Hub, tmp_path: Path) -> None:
    before = entries(city.home.audit, limit=1000)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none" / "f.csv", tmp_path / "file" / "f.csv", tmp_path):
        answer = command("quarantine", LEAN["id"], "--export", str(path))
        assert (answer.status, answer.out) == (2, ""), answer.err
        assert str(path) in answer.err
    answer = command("quarantine", LEAN["id"], "--export", str(tmp_path / "f.csv"), "--purpose", "x" * 600)
    assert (answer.status, (tmp_path / "f.csv").exists()) == (2, False)
    assert "longer than 400 characters" in answer.err
    landing = city.settings.landing / LEAN["id"]
    purged = landing.rename(landing.with_name("purged"))
    answer = command("quarantine", LEAN["id"], "--export", str(tmp_path / "f.csv"))
    purged.rename(landing)
    assert (answer.status, (tmp_path / "f.csv").exists()) == (2, False)
    assert "are no longer kept: their places and rules are all that is left" in answer.err
    assert entries(city.home.audit, limit=1000) == before


@pytest.mark.usefixtures("without_suite")
def test_whoever_names_another_batch_is_told_where_the_rows_are(command: Command) -> None:
    """The list of rows that the refusal names says of which batch each is."""
    refused = command("replay", f"{PATIENTS['id']}@1", "--json")
    assert (refused.status, refused.json["hint"].partition(" lists ")[0]) == (2, f"./hub quarantine {PATIENTS['id']} --rows 20")
    listed = command(*refused.json["hint"].replace(PATIENTS["id"], LEAN["id"]).partition(" lists ")[0].split()[1:], "--json")
    assert {row["batch_id"] for row in listed.json["rows"]} == {f"{LEAN['id']}@1"}


@pytest.mark.usefixtures("without_suite")
def test_of_many_refused_rows_each_reason_is_told_once(command_in: Callable[[Path], Command], hub: Hub, tmp_path: Path) -> None:
    """A line for each of thousands of rows would leave nothing else to be seen."""
    command, path = command_in(hub.settings.home), tmp_path / "rejected.csv"
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number, XM="") for number in range(40)])
    command("quarantine", PATIENTS["id"], "--export", str(path))
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)

    def handed_back(first_bad: int) -> None:
        twice = [row for row in rows[first_bad:] for _ in range(2)]
        with path.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header, *rows[:first_bad], *twice])

    handed_back(1)
    answer = command("replay", PATIENTS["id"], "--repaired", str(path))
    refused = [line for line in answer.out.splitlines() if line.startswith("  refused")]
    assert refused == [
        "  refused  of rejected.csv: 78 rows (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …): column 记录标识 record id: the record stands in the file more "
        "than once; keep the row that is right"
    ]
    assert f"each row with its reason: ./hub receipt {PATIENTS['id']}@2 --json" in answer.out
    (stretch,) = command("receipt", f"{PATIENTS['id']}@2", "--json").json["manifest"]["unreadable_rows"]
    assert stretch["rows"] == 78
    handed_back(0)
    told = command("replay", PATIENTS["id"], "--repaired", str(path)).err
    assert "  80 rows (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …): column" in told


@pytest.mark.usefixtures("without_suite")
def test_a_run_of_nothing_is_not_in_the_audit_log(command_in: Callable[[Path], Command], hub: Hub) -> None:
    command = command_in(hub.settings.home)
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number) for number in range(3)])
    for subject, told in ((PATIENTS["id"], "waits in quarantine"), (f"{PATIENTS['id']}@1", "no rows in quarantine")):
        answer = command("replay", subject)
        assert (answer.status, told in answer.err) == (2, True), answer.err
    assert [entry for entry in entries(hub.home.audit, limit=10) if entry["action"] == "replay"] == []
    hub.sync(PATIENTS, [person(1, XM="")])
    command("replay", PATIENTS["id"])
    assert [entry["action"] for entry in entries(hub.home.audit, limit=10)].count("replay") == 1

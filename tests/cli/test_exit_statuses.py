"""What a command's exit status says, and what a person is told beside it: 1 a gate or a fault, 2 a wrong request, 3 what may pass by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.tables import lease
from core.leases import holding
from core.settings import REPOSITORY
from tests.cli.conftest import Command
from tests.factories import (
    ENTERPRISES,
    PATIENTS,
    Hub,
    organization,
    person,
    resident_id,
    with_assertions,
)


def test_a_wrong_request_ends_with_2_and_says_what_to_do(command: Command) -> None:
    for arguments in (
        ["publish", "people"],
        ["receipt", "none@1"],
        ["show", "population", "110101190001010000"],
        ["why", "population", resident_id(1), "no_such_element"],
        ["why", "population", resident_id(1), "--known-at", "99"],
        ["show", "population", "a\x00b"],
        ["export", "population", "--to", "nowhere", "--known-at", "99999999999999999999"],
        ["replay-publication", "population", "99999999999999999999"],
        ["purge", "--receipt", "99999999999999999999"],
        ["judge", "population", "--withdraw", "99999999999999999999", "--why", "a slip"],
        ["judge", "population", "abc", "def", "same", "--why", "a slip"],
        ["standards", "show", "nothing"],
        ["normalize", "--element", "sex_code"],
        ["normalize", "--element", "birth_date", "--format", "%y%m%d", "900307"],
    ):
        answer = command(*arguments)
        assert (answer.status, answer.out) == (2, ""), arguments
        assert answer.err.startswith("hub: "), arguments
        answer = command(*arguments, "--json")
        assert (answer.status, answer.json["transient"]) == (2, False), arguments
        assert answer.json["message"] in answer.err, arguments
    assert command("sync", "none__none").status == 2
    for arguments in (["no-such-command"], ["status", "--no-such-option"], ["publish"]):
        assert command(*arguments).status == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["test", "--quick", "--long"], "leave one of --quick and --long out"),
        (["report", "x", "--lang", "fr"], "Invalid value for '--lang': expected one of zh, en"),
        (["purge", "--receipt", "x"], "Invalid value for '--receipt': expected a whole number"),
        (["bench", "build", "--people", "3"], "expected at least 400"),
        (["bundle", "nope__none"], "no dataset nope__none is registered"),
        (["normalize", "-e", "sex_code", "--list", "nope", "1"], "leave it out, or name one"),
        (["normalize", "-e", "person_name", "--unit", "万元", "1"], "leave it out, or name one"),
    ],
)
def test_a_wrong_request_says_what_to_do(empty: Command, arguments: list[str], words: str) -> None:
    answer = empty(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert words in answer.err


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["few bytes at a time", "many at once"])
def test_output_that_cannot_be_given_is_neither_well_nor_a_fault(more: list[str]) -> None:
    program = [sys.executable, "-m", "cli", "standards", "list", *more]
    reader, unread = os.pipe()
    os.close(reader)
    with os.fdopen(unread, "wb") as pipe, Path("/dev/full").open("wb") as full:
        closed, lost = (subprocess.run(program, cwd=REPOSITORY, stdout=out, stderr=subprocess.PIPE, check=False) for out in (pipe, full))
    assert (closed.returncode, closed.stderr) == (141, b"")
    assert (lost.returncode, b"standard output cannot be written" in lost.stderr, b"HUB_HOME" in lost.stderr) == (3, True, False)


def test_contracts_with_faults_end_with_2_and_name_each(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yml"
    path.write_text(yaml.safe_dump({**PATIENTS, "feeds": ["people"], "record_key": ["NO"]}))
    answer = command("register", str(path), "--json")
    assert answer.status == 2
    assert len(answer.json["faults"]) >= 2


def test_a_source_that_is_not_there_ends_with_3(command: Command, city: Hub) -> None:
    absent = {**PATIENTS, "id": "health__absent", "source": {**PATIENTS["source"], "path": "absent.csv"}}
    city.register(absent)
    answer = command("sync", "health__absent")
    assert answer.status == 3
    assert "absent.csv" in answer.err
    assert json.loads(command("status", "--json").out)["datasets"]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (None, 3, "no file matches odd.csv"),
        (b"SFZH,DH\n1,2\n", 2, "lacks the columns XM, GXSJ; it has SFZH, DH"),
        (b"%PDF-1.7", 2, "is not text but a PDF document"),
        (b"", 2, "is empty"),
        (",".join(["SFZH", "XM", "DH", "GXSJ", *map(str, range(16_374))]).encode() + b"\n", 2, "the source has 16,378 columns to land"),
        (b"\x1f\x8b\x08torn", 3, "cannot be read to its end"),
    ],
    ids=["no file", "lost column", "wrong kind", "empty", "too wide", "torn"],
)
def test_only_what_may_pass_by_itself_is_worth_a_retry(command: Command, city: Hub, content: bytes | None, status: int, words: str) -> None:
    """Sync and check agree, and each names the dataset once."""
    odd = {**PATIENTS, "id": "health__odd", "source": {**PATIENTS["source"], "path": "odd.csv"}}
    city.register(odd)
    (city.drop / "odd.csv").unlink(missing_ok=True)
    if content is not None:
        (city.drop / "odd.csv").write_bytes(content)
    answer = command("sync", "health__odd")
    assert (answer.status, answer.err.count("health__odd")) == (status, 1), answer.err
    assert words in answer.err
    checked = command("check", str(city.drop / "health__odd.yml"), "--json")
    assert (checked.status, checked.json[0]["transient"]) == (status, status == 3)


def test_a_store_that_is_not_there_ends_with_3(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_AUDIT_URL", "postgresql://hub:hidden@127.0.0.1:1/audit")
    answer = command("show", "population", resident_id(1))
    assert (answer.status, answer.out) == (3, "")
    assert "hidden" not in answer.err


def test_a_gate_ends_with_1(command: Command, city: Hub) -> None:
    strict = with_assertions({**PATIENTS, "id": "health__strict", "source": {**PATIENTS["source"], "path": "strict.csv"}}, least_rows=5)
    city.register(strict)
    city.deliver(strict, [person(1)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.accept.validate", lambda *_: ([], []))
        answer = command("sync", "health__strict")
    assert answer.status == 1
    assert "1 row arrived" in answer.err


def test_a_fault_of_the_hub_in_one_dataset_does_not_keep_the_others(command: Command, city: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in sync nor in check; what is not foreseen ends with a status of its own, and stands in the account of the batch."""
    import connectors.files.csv
    from connectors.files.text import Utf8Stream

    bad, good = ({**PATIENTS, "id": f"health__{name}", "source": {**PATIENTS["source"], "path": f"{name}.csv"}} for name in ("bad", "good"))
    city.register(bad, good)
    for document in (bad, good):
        city.deliver(document, [person(1)])

    def opened(path: Path, encoding: Any) -> Utf8Stream:
        if path.name == "bad.csv":
            raise AssertionError(f"cannot decode {resident_id(1)}")
        return Utf8Stream(path, encoding)

    monkeypatch.setattr(connectors.files.csv, "Utf8Stream", opened)
    monkeypatch.setattr("pipeline.accept.validate", lambda *_: ([], []))
    answer = command("sync", bad["id"], good["id"])
    assert answer.status == 70
    assert "health__bad: AssertionError in " in answer.err
    assert "health__good@1: accepted" in answer.out
    assert "AssertionError" in command("receipt", "health__bad@1").out
    answer = command("check", *(str(city.drop / f"{document['id']}.yml") for document in (bad, good)), "--json")
    assert answer.status == 70
    assert [item["error"] is None for item in answer.json] == [False, True]
    assert resident_id(1) not in answer.out


def test_a_stopped_publication_stands_in_the_status_until_it_is_settled(
    hub: Hub, without_suite: None, command_in: Callable[[Path], Command]
) -> None:
    command = command_in(hub.settings.home)
    hub.register(ENTERPRISES)
    hub.sync(ENTERPRISES, [organization(number) for number in range(10)])
    assert command("publish", "legal_entity").status == 0
    assert command("status").status == 0
    hub.sync(ENTERPRISES, [organization(0)])
    assert command("publish", "legal_entity").status == 1
    answer = command("status")
    assert answer.status == 1
    assert "! publication 2 of legal_entity stopped on " in answer.out
    assert "by tester" in answer.out
    assert "9 of 10 entities would disappear (limit 20%)" in answer.out
    assert "what to do: the last publication stays current; records are gone from market_regulation__enterprise (9)" in answer.out
    answer = command("status", "--json")
    assert answer.status == 1
    stands = {item["registry"]: item for item in answer.json["registries"]}
    assert list(stands) == ["legal_entity"]  # nothing feeds the others
    assert (stands["legal_entity"]["number"], stands["legal_entity"]["attempt"]["deleted"]) == (1, 9)
    assert command("publish", "legal_entity", "--accept-shrink", " ").status == 2
    answer = command("publish", "legal_entity", "--accept-shrink", "the others moved away")
    assert (answer.status, "accepted by tester: the others moved away" in answer.out) == (0, True)
    assert command("status").status == 0


def test_sync_tells_of_every_dataset_what_became_of_it(hub: Hub, without_suite: None, command_in: Callable[[Path], Command]) -> None:
    command = command_in(hub.settings.home)
    good, strict, odd, busy = (
        {**with_assertions(PATIENTS, least_rows=least), "id": f"health__{name}", "source": {**PATIENTS["source"], "path": f"{name}.csv"}}
        for name, least in (("good", 0), ("strict", 9), ("odd", 0), ("busy", 0))
    )
    hub.register(good, strict, odd, busy)
    for document in (good, strict, odd):
        hub.deliver(document, [person(1)] if document is not odd else [{"SFZH": resident_id(1)}], ["SFZH"] if document is odd else None)
    names = [document["id"] for document in (odd, strict, busy, good)]
    with holding(hub.home.catalog, lease, "dataset/health__busy", "cli:someone"):
        answer = command("sync", *names, "health__none", "--json")
    assert answer.status == 3
    told = {item["contract_id"]: item for item in answer.json}
    assert [*told] == [*names, "health__none"]
    assert {name: item["outcome"] for name, item in told.items()} == {
        odd["id"]: "failed",
        strict["id"]: "stopped",
        busy["id"]: "declined",
        good["id"]: "accepted",
        "health__none": "declined",
    }
    assert (told[odd["id"]]["batch_id"], told[odd["id"]]["status"]) == ("health__odd@1", "failed")
    assert (told[strict["id"]]["batch_id"], told[strict["id"]]["landed"]) == ("health__strict@1", 1)
    assert "batch_id" not in told[busy["id"]]
    assert told[busy["id"]]["transient"]
    assert "cli:someone" in told[busy["id"]]["message"]
    assert told[good["id"]]["accepted"] == 1
    assert all(item["message"] and item["hint"] for item in answer.json if item["outcome"] in ("failed", "stopped"))


def test_a_fault_of_the_hub_shows_no_value(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise ValueError(f"cannot read {resident_id(1)}")

    monkeypatch.setattr("pipeline.publish.publish", failing)
    answer = command("publish", "population")
    assert answer.status not in (0, 2, 3)
    assert "ValueError" in answer.err
    assert resident_id(1) not in answer.err
    assert answer.status == json_status(command)


def json_status(command: Command) -> int:
    answer = command("publish", "population", "--json")
    assert answer.json["error"] == "ValueError"
    assert resident_id(1) not in answer.out
    return answer.status


def test_a_registry_without_a_publication_has_no_report(command: Command, city: Hub) -> None:
    answer = command("report", "legal_entity")
    assert (answer.status, answer.out) == (2, "")
    assert "legal_entity has not been published yet" in answer.err
    assert not list(city.settings.reports.glob("legal_entity*"))


def test_a_file_that_cannot_be_used_is_a_wrong_request(command: Command, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    people = tmp_path / "people.csv"
    people.write_text(f"{resident_id(1)},男\n")
    (tmp_path / "empty").mkdir()
    for arguments in (
        ["report", "population", "--html", str(occupied / "report.html")],
        ["report", "population", "--html", str(tmp_path)],
        ["report", "population", "--html", str(tmp_path / "none" / "report.html")],
        ["export", "population", "--to", str(tmp_path / "none" / "export")],
        ["backup", str(tmp_path / "none" / "backup")],
        ["standards", "render", "excel", "population", "--out", str(occupied)],
        ["propose", str(people), "--out", str(tmp_path / "none" / "draft.yml")],
        ["normalize", "--csv", str(tmp_path)],
        ["normalize", "--csv", str(people)],
        ["register", str(tmp_path / "empty")],
        ["bench", "../build"],
        ["bench", "limit"],
    ):
        answer = command(*arguments)
        assert (answer.status, answer.out) == (2, ""), (arguments, answer.err)
        assert answer.err.startswith("hub: "), arguments
        assert resident_id(1) not in answer.err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("name", "value"), [("HUB_PORTAL_PORT", "abc"), ("HUB_THREADS", "0"), ("HUB_SERVING_URL", "foo://bar")])
def test_a_wrong_setting_ends_with_2(command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    answer = command("status")
    assert (answer.status, answer.out) == (2, "")
    assert name in answer.err

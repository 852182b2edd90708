"""The command line: exit statuses, JSON, the audit call before any record, and no heavy library where it is not used."""

import json
import os
import shutil
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
from exchange.audit import Selection, entries
from tests.cli.conftest import Command
from tests.conftest import DATABASES
from tests.factories import (
    ENTERPRISES,
    LICENCES,
    PATIENTS,
    RESIDENTS,
    Hub,
    certificate,
    hub_in,
    organization,
    person,
    resident_id,
    with_assertions,
)

HEAVY = ("pyiceberg", "ibis", "great_expectations", "pandas", "airflow", "fastapi", "splink", "alembic")
LEAN = {**RESIDENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DH", "DZ"]}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A tiny city: two departments that know some of the same people, and one that issues licences; published."""
    hub = hub_in(tmp_path_factory.mktemp("city") / "home")
    with pytest.MonkeyPatch.context() as patched:
        from pipeline.validate import count_issues

        patched.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        hub.register(LEAN, PATIENTS, LICENCES)
        hub.sync(LEAN, [*(person(number) for number in range(6)), person(9, XM="")])
        hub.sync(PATIENTS, [person(number, XM="李卫", DH=f"138 0000 {number:04}") for number in range(3, 8)])
        hub.sync(PATIENTS, [person(number, XM="李卫", DH="12345" if number == 7 else f"138 0000 {number:04}") for number in range(3, 8)])
        hub.sync(PATIENTS, [person(number, XM="李卫", DH="12345" if number == 7 else f"138 0000 {number:04}") for number in range(3, 8)])
        hub.sync(LICENCES, [certificate(1), certificate(2)])
        hub.publish("population")
        hub.publish("certificate")
    return hub


@pytest.fixture
def command(city: Hub, command_in: Callable[[Path], Command]) -> Command:
    """Runs a command on the city."""
    return command_in(city.settings.home)


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


def test_a_wrong_request_ends_with_2_and_says_what_to_do(command: Command) -> None:
    for arguments in (
        ["publish", "people"],
        ["receipt", "none@1"],
        ["show", "population", "110101190001010000"],
        ["why", "population", resident_id(1), "no_such_element"],
        ["why", "population", resident_id(1), "--known-at", "99"],
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
    assert "1 rows arrived" in answer.err


def test_a_fault_of_the_hub_in_one_dataset_does_not_keep_the_others(command: Command, city: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in sync nor in check; what is not foreseen ends with a status of its own, and stands in the account of the batch."""
    import connectors.csv
    from connectors.text import Utf8Stream

    bad, good = ({**PATIENTS, "id": f"health__{name}", "source": {**PATIENTS["source"], "path": f"{name}.csv"}} for name in ("bad", "good"))
    city.register(bad, good)
    for document in (bad, good):
        city.deliver(document, [person(1)])

    def opened(path: Path, encoding: Any) -> Utf8Stream:
        if path.name == "bad.csv":
            raise AssertionError(f"cannot decode {resident_id(1)}")
        return Utf8Stream(path, encoding)

    monkeypatch.setattr(connectors.csv, "Utf8Stream", opened)
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


def test_show_gives_the_published_record(command: Command, city: Hub) -> None:
    rows = {row["resident_id"]: row for row in city.served("base_population")}
    assert len(rows) == 8
    for identifier, row in rows.items():
        assert command("show", "population", identifier, "--json").json == row


def test_why_accounts_for_every_published_value(command: Command, city: Hub) -> None:
    for row in city.served("base_population"):
        account = command("why", "population", row["_canonical_id"], "--json").json
        for answer in account["answers"]:
            assert answer["value"] == row[answer["element"]]
            chosen = [candidate for candidate in answer["candidates"] if candidate["verdict"] == "chosen"]
            assert [candidate["value"] for candidate in chosen] == ([] if answer["value"] is None else [answer["value"]])


def test_why_names_the_chosen_the_outvoted_and_the_raw_form(command: Command) -> None:
    account = command("why", "population", resident_id(4), "person_name", "--json").json
    (answer,) = account["answers"]
    found = [(c["contract_id"], c["batch_id"], c["position"], c["raw"], c["value"], c["verdict"]) for c in answer["candidates"]]
    name = person(4)["XM"]
    assert found == [
        (LEAN["id"], f"{LEAN['id']}@1", 6, name, name, "chosen"),
        (PATIENTS["id"], f"{PATIENTS['id']}@1", 3, "李卫", "李卫", "outranked"),
    ]
    (phone,) = command("why", "population", resident_id(4), "phone_number", "--json").json["answers"]
    assert [(c["raw"], c["value"]) for c in phone["candidates"]] == [("138 0000 0004", "13800000004")]
    assert "138 0000 0004" in command("why", "population", resident_id(4), "phone_number").out


def test_why_says_of_a_source_that_agrees_that_it_does(command: Command, city: Hub) -> None:
    (answer,) = command("why", "population", resident_id(4), "resident_id", "--json").json["answers"]
    assert [(c["contract_id"], c["verdict"]) for c in answer["candidates"]] == [(LEAN["id"], "chosen"), (PATIENTS["id"], "agrees")]


def test_a_registry_without_a_publication_has_no_report(command: Command, city: Hub) -> None:
    answer = command("report", "legal_entity")
    assert (answer.status, answer.out) == (2, "")
    assert "legal_entity has not been published yet" in answer.err
    assert not list(city.settings.reports.glob("legal_entity*"))


@pytest.mark.parametrize("action", ["show", "why"])
def test_who_reads_a_record_is_written_down_first(command: Command, city: Hub, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def failing(*_: object) -> None:
        seen.append(len(entries(city.home.audit, limit=1000)))
        raise ValueError("shown after the entry")

    before = len(entries(city.home.audit, limit=1000))
    monkeypatch.setattr(f"pipeline.why.{action}", failing)
    assert command(action, "population", resident_id(1), "--purpose", "appeal 7").status != 0
    assert seen == [before + 1]
    newest = entries(city.home.audit)[0]
    assert (newest["actor"], newest["action"], newest["purpose"]) == ("tester", action, "appeal 7")
    canonical = next(row["_canonical_id"] for row in city.served("base_population") if row["resident_id"] == resident_id(1))
    assert newest["subject"] == f"population/{canonical}"


def test_records_are_shown_as_of_both_times(command: Command) -> None:
    now = command("show", "population", resident_id(1), "--json").json
    then = command("show", "population", resident_id(1), "--valid-at", "2024-06-01", "--known-at", "1", "--json").json
    assert (then["person_name"], then["_known_from"], then["_valid_from"]) == (now["person_name"], 1, now["_valid_from"])
    assert command("show", "population", resident_id(1), "--valid-at", "2023-12-31").status == 2
    assert command("show", "population", resident_id(1), "--known-at", "9").status == 2
    assert command("show", "population", resident_id(1), "--valid-at", "1.6.2024").status == 2
    (name,) = command("why", "population", resident_id(1), "person_name", "--valid-at", "2024-06-01", "--json").json["answers"]
    assert name["value"] == now["person_name"]


def test_the_feed_is_read_in_pages_and_written_down(command: Command, city: Hub) -> None:
    rows = {row["_canonical_id"]: row["resident_id"] for row in city.served("base_population")}
    first = command("changes", "population", "--limit", "3", "--purpose", "subscription", "--json").json
    rest = command("changes", "population", "--after", str(first["last"]), "--json").json
    events = first["events"] + rest["events"]
    assert [event["seq"] for event in events] == list(range(1, rest["newest"] + 1))
    assert {event["canonical_id"]: event["values"]["resident_id"] for event in events} == rows
    written = entries(city.home.audit)[1]
    assert (written["action"], written["subject"], written["purpose"]) == ("changes", "population#1-3", "subscription")
    assert f"go on: ./hub changes population --after {rest['newest']}" in command("changes", "population", "--after", "2").out
    anew = command("changes", "population", "--anew", "--limit", "100", "--json").json
    assert {row["canonical_id"]: row["values"]["resident_id"] for row in anew["rows"]} == rows
    assert (anew["resume_after"], anew["after_id"]) == (rest["newest"], None)
    assert f"--after {rest['newest']}" in command("changes", "population", "--anew").out
    assert command("changes", "population", "--after", "999").status == 2
    assert command("changes", resident_id(1)).status == 2


def test_a_number_typed_in_place_of_the_registry_is_not_written_down(command: Command, city: Hub) -> None:
    before = entries(city.home.audit, limit=1000)
    assert command("show", resident_id(1), "population").status == 2
    assert entries(city.home.audit, limit=1000) == before


@pytest.mark.parametrize("action", ["show", "why"])
def test_nothing_is_shown_that_cannot_be_written_down(command: Command, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.errors import StoreError

    def refusing(*_: object, **__: object) -> None:
        raise StoreError("the audit log cannot be written")

    monkeypatch.setattr("exchange.audit.record", refusing)
    answer = command(action, "population", resident_id(1))
    assert (answer.status, answer.out) == (3, "")


def test_quarantined_rows_go_out_as_received_into_a_closed_file(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert command("quarantine", LEAN["id"], "--warnings").out.startswith("no row of")


def test_quarantined_rows_are_listed_masked(command: Command) -> None:
    answer = command("quarantine", LEAN["id"], "--rows", "5")
    assert "person_name" in answer.out
    assert resident_id(9) not in answer.out


def test_an_address_is_shown_in_its_parts(command: Command) -> None:
    address = "杭州市西湖区文三路478号A座1203室"
    parts = command("normalize", "--element", "residence_address", address, "--json").json["parts"]
    assert (parts["division_code"], parts["road"], parts["number"], parts["building"], parts["room"]) == (
        "330106",
        "文三路",
        "478号",
        "A座",
        "1203室",
    )
    shown = command("normalize", "--element", "residence_address", address).out
    assert "文三路" in shown
    assert "parts" not in command("normalize", "--element", "sex_code", "男", "--json").json


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
    assert entries(city.home.audit, limit=1000) == before


def test_a_file_that_cannot_be_used_is_a_wrong_request(command: Command, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    people = tmp_path / "people.csv"
    people.write_text(f"{resident_id(1)},男\n")
    (tmp_path / "empty").mkdir()
    for arguments in (
        ["report", "population", "--html", str(occupied / "report.html")],
        ["report", "population", "--html", str(tmp_path)],
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


@pytest.mark.parametrize(("name", "value"), [("HUB_PORTAL_PORT", "abc"), ("HUB_THREADS", "0"), ("HUB_SERVING_URL", "foo://bar")])
def test_a_wrong_setting_ends_with_2(command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    answer = command("status")
    assert (answer.status, answer.out) == (2, "")
    assert name in answer.err


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


def test_a_backup_is_put_back_by_commands(hub: Hub, without_suite: None, command_in: Callable[[Path], Command], tmp_path: Path) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(number) for number in range(3)])
    hub.publish("population")
    command = command_in(hub.settings.home)
    assert command("backup", str(tmp_path / "kept"), "--json").json["publications"] == {"population": 1}
    assert entries(hub.home.audit, Selection(action="backup"))[0]["actor"] == "tester"
    again = command("backup", str(tmp_path / "kept"))
    assert (again.status, "exists already" in again.err) == (2, True)
    other = command_in(tmp_path / "other")
    assert other("restore", str(tmp_path / "kept")).status == 2
    shutil.copytree(hub.settings.home / "keys", tmp_path / "empty" / "keys")
    other = command_in(tmp_path / "empty")
    answer = other("restore", str(tmp_path / "kept"), "--json")
    assert (answer.status, answer.json["broken"]) == (0, [])
    assert other("show", "population", resident_id(1), "--json").json["person_name"] == person(1)["XM"]
    assert other("purge", "--json").json["files"] == 0
    assert other("watch", "--json").json["open"] == []

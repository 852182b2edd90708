"""Base records by command: shown, accounted for, followed; and the audit call before any of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.audit import entries
from pipeline.answers.why import find_entity
from tests.cli.conftest import LEAN, Command
from tests.factories import (
    PATIENTS,
    Hub,
    person,
    resident_id,
)
from tests.portal.conftest import open_portal


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


@pytest.mark.parametrize("action", ["show", "why"])
def test_who_reads_a_record_is_written_down_first(command: Command, city: Hub, action: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def failing(*_: object) -> None:
        seen.append(len(entries(city.home.audit, limit=1000)))
        raise ValueError("shown after the entry")

    before = len(entries(city.home.audit, limit=1000))
    monkeypatch.setattr(f"pipeline.answers.why.{action}", failing)
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["changes", "population", "--publication", "1"], "--publication and --after-id are about the whole table"),
        (["changes", "population", "--after-id", "x"], "give them with --anew"),
        (["changes", "population", "--anew", "--after", "3"], "leave it out with --anew"),
        (["show", "population", "x", "--valid-at", "2021-13-01"], "a day is written 2021-06-01"),
        (["sync", "x", "--from", "yesterday"], "a day is written 2021-06-01"),
        (["sync", "x", "--from", "2021-06-02", "--to", "2021-06-01"], "the period ends on 2021-06-01, before it begins on 2021-06-02"),
        (["sync", "x", "--from", "2021-06-02"], "a period has a first and a last day"),
        (["replay-publication", "popluation", "1"], "there is no registry popluation"),
        (["bench", "build", "--people", "0"], "expected at least 400"),
        (["judge", "population"], "./hub judge population RECORD RECORD same|different|unsure"),
    ],
)
def test_options_that_do_not_go_together_are_told_before_anything_is_read(
    command: Command, city: Hub, arguments: list[str], said: str
) -> None:
    before = entries(city.home.audit, limit=1000)
    answer = command(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert said in " ".join(answer.err.replace("│", " ").split())
    assert entries(city.home.audit, limit=1000) == before


def test_a_misspelt_element_is_told_what_it_may_have_been(command: Command) -> None:
    assert 'did you mean "person_name"?' in command("why", "population", resident_id(4), "person_nam").err


def test_publishing_where_nothing_can_be_says_why(command_in: Callable[[Path], Command], tmp_path: Path) -> None:
    answer = command_in(tmp_path / "empty")("publish", "population", "--accept-shrink", "because")
    assert answer.status == 0
    assert "no accepted batch feeds population yet; ./hub status" in answer.out
    assert "the reason was not kept" in answer.out
    document = command_in(tmp_path / "empty")("status", "--json").json
    assert {item["published_at"] for item in document["registries"]} == {None}


CARDS = {**PATIENTS, "record_key": ["KH"], "ignore": ["XB", "CSRQ", "DZ", "KH"]}


@pytest.mark.usefixtures("without_suite")
def test_one_answer_is_of_one_publication(command_in: Callable[[Path], Command], hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entity is found, then another publication puts its records into another one: what was found is shown as it was then."""
    hub.register(CARDS)
    command, api = command_in(hub.settings.home), open_portal(hub).client
    asked = [
        lambda: command("show", "population", resident_id(2), "--json").json["resident_id"],
        lambda: {item["element"]: item["value"] for item in command("why", "population", resident_id(2), "--json").json["answers"]}[
            "resident_id"
        ],
        lambda: api.post("/api/v1/registries/population/lookup", json={"identifier": resident_id(2), "purpose": "appeal"}).json()[
            "elements"
        ]["resident_id"]["value"],
    ]

    def deliver(second: int) -> None:
        hub.sync(
            CARDS, [{**person(number), "KH": str(card)} for card, number in ({card: card for card in range(20)} | {2: second}).items()]
        )
        hub.publish("population")

    def meanwhile(*arguments: object) -> str:
        found = find_entity(*arguments)  # type: ignore[arg-type]
        deliver(3)
        return found

    for ask in asked:
        deliver(2)
        with monkeypatch.context() as patched:
            patched.setattr("pipeline.answers.why.find_entity", meanwhile)
            assert ask() == resident_id(2)

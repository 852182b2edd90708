"""Deciding about pairs of records on the page and by command: masked, audited, one after the other, and taken back."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from core.database import writing
from exchange.audit import entries
from pipeline.answers import review
from pipeline.answers.review import read_sides
from portal.routes.review import PURPOSE
from registries.candidates import Candidate, count_open, offer, open_pairs
from registries.judgements import Side, judgements
from registries.linkage.model import load_trained
from standards.loader import load_standards
from tests.factories import Hub, hub_in, resident_id
from tests.pipeline.test_judgements import CARDS, OTHERS, PUPILS, deliver, side
from tests.portal.conftest import Portal, open_portal

pytestmark = pytest.mark.usefixtures("without_suite")
STANDARDS = load_standards()
PAGE = "/registries/population/review"
WAITING = {2: 1, 3: 0, 5: 0, 4: 0}


@pytest.fixture(scope="module")
def reviewing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    from pipeline.validate import count_issues

    hub = hub_in(tmp_path_factory.mktemp("review") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        hub.register(CARDS, PUPILS)
        deliver(hub, WAITING | OTHERS)
        hub.publish("population")
        yield open_portal(hub)


def wait(hub: Hub) -> None:
    """Three pairs, the first of a model; one of records that are gone."""
    model = load_trained("population").model
    levels = {comparison.id: (0, 9.5) for comparison in model.comparisons}
    gone = Side("00000000-0000-0000-0000-000000000001", CARDS["id"])
    pairs = [
        Candidate(side(hub, 2), side(hub, 3), f"{model.id}/{model.version}", 7.5, levels),
        Candidate(gone, side(hub, 3), "people/0", 6.0),
        Candidate(side(hub, 4), side(hub, 5), "two-people/2", 0.0),
    ]
    offer(hub.home.serving, "population", pairs)


def shown(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(left|right)" value="([0-9a-f-]+)"', text))


def form(text: str) -> dict[str, str]:
    """What a page gives back about its pair: the records, and the newest judgement when it was shown."""
    return dict(re.findall(r'name="(left|right|seen)" value="([0-9a-f-]+)"', text))


def test_pairs_are_decided_one_after_the_other_and_taken_back(reviewing: Portal) -> None:
    hub, client = reviewing.hub, reviewing.client
    wait(hub)
    serving = hub.home.serving
    assert count_open(serving, "population") == 3
    page = client.get(PAGE, params={"lang": "en"}).text
    first = shown(page)
    assert set(first.values()) == {side(hub, 2).record_id, side(hub, 3).record_id}
    assert resident_id(1) not in page
    assert resident_id(1)[:4] + "*" * 14 in page
    assert "strongly for" in page
    newest_entries = entries(hub.home.audit, limit=2)
    assert [entry["action"] for entry in newest_entries] == ["review-masked"] * 2
    assert newest_entries[1]["subject"] == "population#" + "+".join(sorted(first.values()))
    assert newest_entries[0]["subject"].startswith("population/")
    # The one of a record that is gone is passed over and forgotten.
    before = page
    assert client.post(PAGE, data={**form(page), "verdict": "same", "why": "x"}).status_code == 422
    assert judgements(serving, "population") == []
    page = client.post(PAGE, data={**form(page), "verdict": "same", "why": "the same card"}).text
    second = shown(page)
    assert set(second.values()) == {side(hub, 4).record_id, side(hub, 5).record_id}
    # Nobody was shown it, and nobody is said to have been.
    assert not [entry for entry in entries(hub.home.audit, limit=50) if "00000000-0000-0000-0000-000000000001" in entry["subject"]]
    assert "two-people/2" in page
    (told,) = judgements(serving, "population")
    assert (told.verdict, told.method, told.why, told.actor) == ("same", "human", "the same card", "portal:test")
    assert "the same" in page
    # Somebody else still sees the page as it was.
    late = client.post(PAGE, data={**form(before), "verdict": "different"}).text
    assert "portal:test had just judged the last pair: the same (judgement 1)" in late
    assert shown(late) == second
    assert len(judgements(serving, "population")) == 1
    again = client.post(f"{PAGE}/undo", data={"number": "1"}).text
    assert shown(again) == first
    assert judgements(serving, "population")[0].withdrawn is not None
    for pair, verdict in ((first, "different"), (second, "unsure")):
        assert shown(again) == pair
        again = client.post(PAGE, data={**form(again), "verdict": verdict}).text
    assert count_open(serving, "population") == 0
    assert "No pair of records waits" in client.get(PAGE).text
    listed = client.get("/registries/population/judgements").text
    assert listed.count("taken back by") == 1
    assert "counts from the next publication on" in listed
    files = {form: client.get(f"/registries/population/judgements?format={form}") for form in ("csv", "json")}
    assert [name for name, file in files.items() if "attachment" in file.headers.get("content-disposition", "")] == ["csv", "json"]
    lines = files["json"].json()
    assert [line["number"] for line in lines] == [item.number for item in judgements(serving, "population")]
    assert {len(line[f"{side}_record"]) for line in lines for side in ("left", "right")} == {8}, "as much of an id as the page shows"
    assert files["csv"].text.lstrip("\ufeff").splitlines()[0].split(",") == list(lines[0])


@pytest.mark.parametrize(
    ("method", "score", "words"),
    [
        ("contradiction", 0.98, "Decisions contradict each other"),
        ("contradiction", 0.0, "Decisions contradict each other"),
        ("old-code", 9.0, "the same earlier code, which more than one entity has (rule old-code)"),
        ("same-id-other-person", 0.0, "the same identifier, but clearly differ otherwise (rule same-id-other-person)"),
    ],
)
def test_what_found_a_pair_is_said(reviewing: Portal, method: str, score: float, words: str) -> None:
    hub = reviewing.hub
    offer(hub.home.serving, "population", [Candidate(side(hub, 2), side(hub, 5), method, score)])
    assert words in reviewing.client.get(PAGE, params={"lang": "en"}).text


def test_a_record_is_shown_with_what_its_entity_is_published_with(reviewing: Portal) -> None:
    """A model compares with the entity as it is published: what agrees must not stand as unknown or different in the table."""
    hub, client = reviewing.hub, reviewing.client
    offer(hub.home.serving, "population", [Candidate(side(hub, 2), side(hub, 3), "people/1", 6.0)])
    pair = read_sides(hub.home, STANDARDS.schemas["population"], STANDARDS, (side(hub, 2), side(hub, 3)))
    (linked,) = [item for item in pair if item.canonical_id]
    row = next(row for row in hub.served("base_population") if row["_canonical_id"] == linked.canonical_id)
    assert {name: value for name, value in linked.published.items() if value is not None} == {
        name: value for name, value in row.items() if name in linked.published and value is not None
    }
    with writing(hub.home.serving) as connection:
        update = "UPDATE base_population_rows SET residence_address = '幸福路1号', phone_number = '13999999999' WHERE _canonical_id = :id"
        connection.execute(sa.text(update), {"id": linked.canonical_id})
    try:
        client.post(f"{PAGE}/purpose", data={"purpose": "判定重复记录"})
        page = client.get(PAGE, params={"lang": "en"}).text
        assert '<span class="published"><span>幸福路1号</span> <span class="soft small">published of the entity</span>' in page
        own = str(linked.values["phone_number"])
        assert page.index(own) < page.index("13999999999")
        hidden = client.post(f"{PAGE}/purpose", data={"purpose": ""}).text
        assert "13999999999" not in hidden
    finally:
        hub.publish("population")
    # Of two records of one entity that tells nothing.
    same = read_sides(hub.home, STANDARDS.schemas["population"], STANDARDS, (side(hub, 100), side(hub, 100)))
    assert [item.published for item in same] == [{}, {}]


def test_what_is_published_meanwhile_does_not_keep_a_pair_from_being_shown(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entity of a record and what is published of it are as of one publication, though the next has that entity no more."""
    hub.register(CARDS, PUPILS)
    deliver(hub, WAITING | OTHERS)
    hub.publish("population")
    read_links = review._links

    def meanwhile(*arguments: Any) -> Any:
        links = read_links(*arguments)
        deliver(hub, WAITING | OTHERS | {2: 60})
        hub.publish("population")
        return links

    linked, _ = read_sides(hub.home, STANDARDS.schemas["population"], STANDARDS, (side(hub, 2), side(hub, 3)))
    monkeypatch.setattr("pipeline.answers.review._links", meanwhile)
    again, _ = read_sides(hub.home, STANDARDS.schemas["population"], STANDARDS, (side(hub, 2), side(hub, 3)))
    assert linked.published["resident_id"] == resident_id(1)
    assert (again.canonical_id, again.published) == (linked.canonical_id, linked.published)


def test_values_in_full_are_for_a_purpose_that_stays_until_they_are_hidden(reviewing: Portal) -> None:
    hub, client = reviewing.hub, reviewing.client
    offer(hub.home.serving, "population", [Candidate(side(hub, 2), side(hub, 5), "people/1", 6.0)])
    page = client.post(f"{PAGE}/purpose", data={"purpose": "判定重复记录"}).text
    assert resident_id(1) in page
    entry = entries(hub.home.audit, limit=1)[0]
    assert (entry["action"], entry["purpose"]) == ("review", "判定重复记录")
    assert resident_id(1) in client.get(PAGE).text
    # Whoever signs in next in this browser says why for themselves.
    kept = list(client.cookies.jar)
    client.post("/sign-out", follow_redirects=False)
    for cookie in kept:
        if cookie.name != PURPOSE:
            client.cookies.jar.set_cookie(cookie)
    assert PURPOSE not in client.cookies
    for cookie in kept:
        client.cookies.jar.set_cookie(cookie)
    assert resident_id(1) in client.get(PAGE).text
    assert resident_id(1) not in client.post(f"{PAGE}/purpose").text
    for unreadable in ("x", "\u200b\u200b", "a\nbc"):
        assert client.post(f"{PAGE}/purpose", data={"purpose": unreadable}).status_code == 422
    # As one that an earlier version took: it counts for none, and the page is shown.
    client.cookies.set(PURPOSE, quote("\u200b\u200b"), path=PAGE)
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    ("address", "data", "status"),
    [
        (PAGE, {"verdict": "maybe"}, 422),
        (PAGE, {"verdict": "same", "left": "a", "right": "b"}, 404),
        (f"{PAGE}/undo", {"number": "x"}, 422),
        (f"{PAGE}/undo", {"number": "77"}, 404),
        ("/registries/nothing/review", {"verdict": "same"}, 404),
    ],
)
def test_what_makes_no_sense_is_refused(reviewing: Portal, address: str, data: dict[str, str], status: int) -> None:
    assert reviewing.client.post(address, data=data).status_code == status
    assert reviewing.stranger.post(address, data=data).status_code == 401


def test_the_same_by_command(reviewing: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    from cli.app import app

    hub = reviewing.hub
    monkeypatch.setenv("HUB_HOME", str(hub.settings.home))
    monkeypatch.setenv("HUB_ACTOR", "test")

    def run(*arguments: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    left, right = side(hub, 4).record_id, side(hub, 3).record_id
    found = run("judge", "population", left, right, "same", "--why", "seen together")
    number = found["number"]
    assert (found["verdict"], found["actor"], found["method"]) == ("same", "test", "human")
    assert entries(hub.home.audit, limit=1)[0]["action"] == "judge"
    hub.publish("population")
    (entity,) = {row["_canonical_id"] for row in hub.served("base_population") if row["resident_id"] is None}
    account = run("why", "population", entity)
    assert account["judgements"][0]["number"] == number
    assert set(account["placed"]) == {left, right}
    assert "同一主体" in reviewing.client.get(f"/registries/population/records/{entity}", params={"lang": "zh"}).text
    listed = run("judgements", "population")
    assert listed["published"] == number
    # A verdict beside a number to take back would be passed over.
    assert CliRunner().invoke(app, ["judge", "population", left, right, "same", "--withdraw", str(number), "--why", "both"]).exit_code != 0
    assert run("judgements", "population")["judgements"][0]["withdrawn"] is None
    run("judge", "population", "--withdraw", str(number), "--why", "a mistake")
    hub.publish("population")
    assert entity not in {row["_canonical_id"] for row in hub.served("base_population")}
    assert run("judgements", "population", "--open")["open"] == len(open_pairs(hub.home.serving, "population"))

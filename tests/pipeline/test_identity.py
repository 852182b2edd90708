"""Identifiers that are corrected in the source: merges, splits and re-keys in the feed, and what retired ids answer with."""

from collections.abc import Mapping

import pytest

from core.errors import RequestError
from pipeline.answers.why import find_entity, show, why
from registries.definition import get_definition
from registries.feed import read_changes
from registries.judgements import Decision, Side, judge
from registries.publications import history
from standards.loader import load_standards
from tests.factories import PATIENTS, Hub, hub_in, person, resident_id
from tests.portal.conftest import open_portal

pytestmark = pytest.mark.slow
# The card number stays while the identity number on it is corrected.
CARDS = {**PATIENTS, "record_key": ["KH"], "ignore": ["XB", "CSRQ", "DZ", "KH"]}
BEFORE = {1: 1, 2: 2, 3: 3, 4: 5, 5: 5, 6: 7, 7: 7, 8: 10, 9: 10, 10: 12}  # card → person
OTHERS = {card: card for card in range(30, 50)}
DAYS: list[Mapping[int, int]] = [
    BEFORE,
    # 1 is 11, a re-key; 2 is 3, a merge; 5 keeps a card and 6 is new, a split; 7 was 8 and 9, a split; a card of 10 is one of 12, nothing.
    BEFORE | {1: 11, 2: 3, 5: 6, 6: 8, 7: 9, 9: 12},
    BEFORE | {1: 21, 2: 3, 5: 6, 6: 8, 7: 9, 9: 12},  # once more: 21
    BEFORE | {1: 1, 2: 3, 5: 6, 6: 8, 7: 9, 9: 12},  # 1 after all
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    from pipeline.validate import count_issues

    hub = hub_in(tmp_path_factory.mktemp("identity") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        hub.register(CARDS)
        for cards in DAYS:
            hub.sync(CARDS, [{**person(number), "KH": str(card)} for card, number in (cards | OTHERS).items()])
            hub.publish("population")
    return hub


def ids(hub: Hub) -> dict[int, str]:
    """Canonical id of every person there ever was."""
    numbers = {resident_id(number): number for number in range(50)}
    return {numbers[row["resident_id"]]: row["_canonical_id"] for row in hub.served("base_population_history")}


def test_merges_splits_and_re_keys_are_events_before_the_rows_they_change(told: Hub) -> None:
    person_of = {name: number for number, name in ids(told).items()}
    page = read_changes(told.home.serving, get_definition("population"), load_standards().schemas["population"], 0, 1000)
    assert [event.seq for event in page.events] == list(range(1, page.newest + 1))
    found = {
        (event.publication, event.event, person_of[event.canonical_id], person_of[event.successor])
        for event in page.events
        if event.successor
    }
    assert found == {
        (2, "rekey", 1, 11),
        (2, "merge", 2, 3),
        (2, "split", 5, 6),
        (2, "split", 7, 8),
        (2, "split", 7, 9),
        (3, "rekey", 11, 21),
        (4, "rekey", 21, 1),
    }
    assert [item.identity_events for item in history(told.home.serving, "population")] == [1, 1, 5, 0]
    for number in (2, 3, 4):
        kinds = [event.successor is None for event in page.events if event.publication == number]
        assert kinds == sorted(kinds)
    table: set[str] = set()
    for event in page.events:
        (table.add if event.event == "insert" else table.discard if event.event == "delete" else len)(event.canonical_id)
    assert table == {row["_canonical_id"] for row in told.served("base_population")}


@pytest.mark.parametrize(
    ("asked", "number", "answers"), [(1, 2, 11), (1, 3, 21), (1, None, 1), (11, None, 1), (21, 4, 1), (2, None, 3), (5, None, 5)]
)
def test_a_retired_id_or_identifier_leads_to_its_successor(told: Hub, asked: int, number: int | None, answers: int) -> None:
    known = ids(told)
    for name in (known[asked], resident_id(asked)):
        assert find_entity(told.home, "population", name, number) == known[answers]


def test_what_was_split_names_its_parts(told: Hub) -> None:
    known = ids(told)
    with pytest.raises(RequestError, match="has been split into") as raised:
        find_entity(told.home, "population", known[7])
    assert {known[8], known[9]} == set(raised.value.message.split(" into ")[1].split(", "))
    assert find_entity(told.home, "population", known[7], 1) == known[7]


@pytest.mark.usefixtures("without_suite", "without_lake")
def test_an_identifier_that_comes_back_in_the_entity_of_another_one_leads_there(hub: Hub) -> None:
    """Somebody is gone; a card that a person has judged to be another's gets that number later. Only the id of the entity that was there ended."""
    hub.register(CARDS)
    deliver(hub, {1: person(1), 2: person(2)})
    known = ids(hub)
    stays, gone = sorted(
        (1, 2), key=lambda number: known[number]
    )  # who are one go by the smaller id, and the newer record shows its number
    deliver(hub, {stays: person(stays), 3: person(gone, SFZH="", GXSJ="2023-01-01")})
    records = {row["resident_id"]: Side(str(row["_record_id"]), CARDS["id"]) for row in hub.state(CARDS)}
    judge(hub.home.serving, "population", [Decision(records[resident_id(stays)], records[None], "same", "seen")], "wang")
    deliver(hub, {stays: person(stays), 3: person(gone, GXSJ="2023-01-01")})
    assert len(hub.served("base_population")) == len(OTHERS) + 1
    assert find_entity(hub.home, "population", resident_id(gone)) == known[stays]
    for name, number in ((known[gone], None), (resident_id(gone), 2)):
        with pytest.raises(RequestError, match="has been deleted from population by publication 2"):
            find_entity(hub.home, "population", name, number)


def deliver(hub: Hub, cards: Mapping[int, Mapping[str, str]]) -> None:
    hub.sync(CARDS, [{**row, "KH": str(card)} for card, row in ({card: person(card) for card in OTHERS} | cards).items()])
    hub.publish("population")


def test_show_why_and_the_api_answer_for_the_successor(told: Hub) -> None:
    known = ids(told)
    entity = find_entity(told.home, "population", known[2])
    assert show(told.home, "population", entity)["resident_id"] == resident_id(3)
    assert why(told.home, "population", entity).canonical_id == known[3]
    client = open_portal(told).client
    assert client.get(f"/api/v1/registries/population/records/{known[2]}").json()["canonical_id"] == known[3]
    assert client.get(f"/records/{known[2]}").status_code == 200
    assert client.get(f"/api/v1/registries/population/records/{known[7]}").status_code == 404
    events = client.get("/api/v1/registries/population/changes", params={"limit": 1000}).json()["events"]
    assert {event["successor"] for event in events if event["event"] == "merge"} == {known[3]}


def test_a_publication_that_dies_leaves_no_event(told: Hub) -> None:
    from registries import serving
    from registries.identity import load_events

    schema = load_standards().schemas["population"]
    load_events(told.home.serving, "population", 5, [("a", "b", "merge")])
    assert serving.clear_leftovers(told.home.serving, schema) == 1
    assert serving.clear_leftovers(told.home.serving, schema) == 0

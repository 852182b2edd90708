"""What a rule or model was sure of holds for the records as they were: when one changes, it is handed over, compared anew or taken back."""

from collections.abc import Mapping
from typing import Any

import pytest

from core.errors import GateFailed
from pipeline.link import link
from pipeline.operation.ending import end
from pipeline.publication.offering import offer_found
from pipeline.publication.replay import replay_publication
from registries.candidates import open_pairs
from registries.judgements import HUMAN, RENEWED, Decision, Judgement, Side, judge, judgements, newest, withdraw
from tests.factories import RESIDENTS, Hub, person
from tests.marks import rest_long
from tests.pipeline.planned import products
from tests.pipeline.test_link import CARDS, card

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
INSURED = {**RESIDENTS, "id": "social_security__insured", "source": {**RESIDENTS["source"], "path": "insured.csv"}}
INSURED |= {"department": {"id": "social_security", "title": {"zh": "社保局", "en": "Social security"}}}
# Health's cards are of another department's dataset than the patients'.
CARD_ID = CARDS["id"]
ALL = range(12)


@pytest.fixture
def linked(hub: Hub) -> Hub:
    """Twelve people at three departments, at one of them without identifiers; the model has linked two of these."""
    hub.register(RESIDENTS, CARDS, INSURED)
    hub.sync(RESIDENTS, [person(n) for n in ALL])
    hub.sync(INSURED, [person(n) for n in ALL])
    hub.sync(CARDS, [card(n, DH=f"1370000000{n}") for n in (1, 2)])
    hub.publish("population")
    assert link("population", hub.home).judged == 2
    assert hub.publish("population").entities == len(ALL)
    return hub


def told(hub: Hub, registry: str = "population") -> list[Judgement]:
    return judgements(hub.home.serving, registry)


def phones(hub: Hub) -> dict[str, Any]:
    return {row["resident_id"]: row["phone_number"] for row in hub.served("base_population")}


def residents_of(hub: Hub, document: Mapping[str, Any] = RESIDENTS) -> dict[int, Side]:
    """The records of people, by their number."""
    numbers = {person(n)["SFZH"]: n for n in ALL}
    return {numbers[row["resident_id"]]: Side(str(row["_record_id"]), document["id"]) for row in hub.state(document)}


def by_phone(hub: Hub, document: Mapping[str, Any]) -> dict[str, Side]:
    return {item["phone_number"]: Side(str(item["_record_id"]), document["id"]) for item in hub.state(document)}


@pytest.mark.long
def test_a_record_that_leaves_hands_its_judgement_over(linked: Hub) -> None:
    before = {item.number: item for item in told(linked)}
    linked.sync(RESIDENTS, [person(n) for n in ALL if n != 1])
    published = linked.publish("population")
    assert (published.entities, published.inserted, published.deleted) == (len(ALL), 0, 0)
    assert linked.unbalanced() == []
    handed = next(item for item in told(linked) if item.number not in before)
    old = next(item for item in told(linked) if item.withdrawn)
    assert old.withdrawn is not None
    assert (old.withdrawn.method, handed.score, handed.method) == (RENEWED, old.score, old.method)
    assert {handed.left.contract_id, handed.right.contract_id} == {CARD_ID, INSURED["id"]}
    assert link("population", linked.home).judged == 0
    # Once more, and nobody is left to whom it could be handed over.
    linked.sync(INSURED, [person(n) for n in ALL if n != 1])
    gone = linked.publish("population")
    assert (gone.entities, gone.unlinked) == (len(ALL) - 1, 1)


def test_judgements_are_not_held_against_every_record_that_is_lost(linked: Hub) -> None:
    linked.sync(RESIDENTS, [person(n) for n in ALL if n != 1])
    with products() as found:
        linked.publish("population")
    assert sum(item.withdrawn is not None for item in told(linked)) == 1
    assert found == []


@pytest.mark.long
def test_a_dataset_that_ends_hands_all_over(linked: Hub) -> None:
    end(linked.home, RESIDENTS["id"], "the office has closed", "withdrawn")
    published = linked.publish("population")
    assert (published.entities, published.inserted, published.unlinked) == (len(ALL), 0, 0)


@pytest.mark.long
def test_what_a_person_has_said_of_a_record_goes_to_another_of_the_same_entity(hub: Hub) -> None:
    """That two numbers are one person, that a record is theirs, and that another is not."""
    hub.register(RESIDENTS, CARDS, INSURED)
    for document in (RESIDENTS, INSURED):
        hub.sync(document, [person(n) for n in ALL])
    hub.sync(CARDS, [card(3, XM="欧阳娜", CSRQ="1961-05-05"), card(4)])
    residents = residents_of(hub)
    cards = {row["person_name"]: Side(str(row["_record_id"]), CARD_ID) for row in hub.state(CARDS)}
    one, two, three, four = (residents[n] for n in (1, 2, 3, 4))
    said = [
        (one, two, "same"),
        (cards[person(4)["XM"]], four, "same"),
        (cards["欧阳娜"], three, "same"),
        (cards[person(4)["XM"]], four, "different"),
    ]
    judge(hub.home.serving, "population", [Decision(left, right, verdict, "seen") for left, right, verdict in said], "wang")  # type: ignore[arg-type]
    before = hub.publish("population")
    assert (before.entities, before.unlinked) == (len(ALL) - 1, 1)
    hub.sync(RESIDENTS, [])
    after = hub.publish("population")
    assert (after.entities, after.unlinked, after.inserted, after.deleted) == (len(ALL) - 1, 1, 0, 0)
    standing = [item for item in told(hub) if not item.withdrawn]
    assert sorted((item.verdict, item.method) for item in standing) == [("different", HUMAN), ("same", HUMAN), ("same", HUMAN)]
    assert link("population", hub.home).judged == 0
    # Who was called another in the end is not called the same again by what was said before.
    assert len(told(hub)) == 7
    # Without another record of the entity it stands as it was said.
    hub.sync(INSURED, [person(n) for n in ALL if n != 3])
    hub.publish("population")
    assert len([item for item in told(hub) if not item.withdrawn]) == 3


@pytest.mark.parametrize("said_by", rest_long([HUMAN, "names/1"]))
def test_who_was_unsure_of_one_record_does_not_part_what_was_linked_by_another(hub: Hub, said_by: str) -> None:
    """Both leave, or the one of which somebody was unsure, and what is said of them meets in the record that stays."""
    keyed = {**RESIDENTS, "record_key": ["BH"], "ignore": ["BH"]}
    others = [person(n, BH=str(n)) for n in ALL if n > 1]
    hub.register(keyed, CARDS, INSURED)
    hub.sync(keyed, [*(person(1, BH=key) for key in ("100", "101")), *others])
    hub.sync(INSURED, [person(n) for n in ALL])
    hub.sync(CARDS, [card(1, DH="13700000001")])
    hub.publish("population")
    (mine,) = (Side(str(row["_record_id"]), CARD_ID) for row in hub.state(CARDS))
    doubted, sure = (Side(str(row["_record_id"]), keyed["id"]) for row in hub.state(keyed) if row["resident_id"] == person(1)["SFZH"])
    judge(hub.home.serving, "population", [Decision(mine, doubted, "unsure", "hardly to read")], "zhang")
    score = None if said_by == HUMAN else 12.0
    kept = sure if said_by == HUMAN else residents_of(hub, INSURED)[1]
    judge(hub.home.serving, "population", [Decision(mine, kept, "same", "on the phone", score, said_by)], "li")
    assert hub.publish("population").unlinked == 0
    hub.sync(keyed, others)
    assert hub.publish("population").unlinked == 0
    assert phones(hub)[person(1)["SFZH"]] == "13700000001"


@pytest.mark.long
def test_a_record_that_has_got_the_identifier_itself_needs_no_judgement(linked: Hub) -> None:
    linked.sync(CARDS, [person(1, DH="13700000001") | {"KH": "1"}, card(2, DH="13700000002")])
    assert linked.publish("population").entities == len(ALL)
    for document in (RESIDENTS, INSURED):
        linked.sync(document, [person(n) for n in ALL if n != 1])
    published = linked.publish("population")
    assert (published.entities, published.unlinked, published.contradictions) == (len(ALL), 0, 0)
    assert len([item for item in told(linked) if not item.withdrawn]) == 1


def test_a_record_that_has_got_the_identifier_takes_the_place_of_the_one_it_was_judged_with(hub: Hub) -> None:
    """With the same publication that takes the other away: a record has nothing to be judged of beside itself."""
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in ALL])
    hub.sync(CARDS, [card(n, DH=f"1370000000{n}") for n in (1, 2, 3)])
    hub.publish("population")
    cards, residents = by_phone(hub, CARDS), residents_of(hub)
    pairs = [(cards[f"1370000000{n}"], residents[n]) for n in (1, 2, 3)]
    judge(hub.home.serving, "population", [Decision(*pairs[0], "same", "", 30.0, "people/1")], "model")
    judge(hub.home.serving, "population", [Decision(*pairs[1], "same", "seen"), Decision(*pairs[2], "different", "seen")], "wang")
    assert hub.publish("population").entities == len(ALL)
    hub.sync(RESIDENTS, [person(n) for n in ALL if n not in (1, 2, 3)])
    hub.sync(CARDS, [person(n, DH=f"1370000000{n}") | {"KH": str(n)} for n in (1, 2, 3)])
    published = hub.publish("population")
    assert (published.entities, published.inserted, published.deleted, published.unlinked) == (len(ALL), 0, 0, 0)
    assert {item.number for item in told(hub) if not item.withdrawn} == {2, 3}
    assert (len(told(hub)), hub.unbalanced()) == (3, [])


@pytest.mark.long
def test_a_record_that_is_somebody_else_now_is_compared_anew(linked: Hub) -> None:
    assert phones(linked)[person(1)["SFZH"]] != "13999999999"
    other = card(1, XM="欧阳震华", CSRQ="1980-11-13", XB="2", DH="13999999999", DZ="上海市浦东新区世纪大道99号")
    linked.sync(CARDS, [other, card(2, DH="13700000002")])
    published = linked.publish("population")
    assert published.unlinked == 1
    assert "13999999999" not in phones(linked).values()
    assert link("population", linked.home).judged == 0
    (gone,) = [item for item in told(linked) if item.withdrawn]
    assert gone.withdrawn is not None
    assert gone.withdrawn.why == "its record says something else"


@pytest.mark.long
def test_a_record_that_moved_house_stays_whose_it_is(linked: Hub) -> None:
    linked.sync(CARDS, [card(1, DH="13700000009"), card(2, DH="13700000002")])
    assert linked.publish("population").unlinked == 0
    assert [item for item in told(linked) if item.withdrawn] == []


@pytest.mark.long
def test_whoever_has_another_identifier_takes_nobody_along(linked: Hub) -> None:
    """The row of a register now holds another person."""
    document = {**RESIDENTS, "id": "public_security__register", "record_key": ["BH"], "ignore": ["BH"]}
    rows = [{**person(n), "BH": str(n)} for n in ALL]
    linked.register(document)
    linked.sync(document, rows)
    linked.publish("population")
    linked.sync(RESIDENTS, [])
    linked.publish("population")
    standing = [item for item in told(linked) if not item.withdrawn]
    assert {document["id"]} <= {side.contract_id for item in standing for side in (item.left, item.right)}
    rows[2] = {**person(40, XM="司马光明"), "BH": "2"}
    linked.sync(document, rows)
    published = linked.publish("population")
    assert (published.entities, published.unlinked) == (len(ALL) + 1, 0)
    assert phones(linked)[person(40)["SFZH"]] == person(40)["DH"]


def test_what_a_person_took_back_is_not_judged_again_without_one(linked: Hub) -> None:
    first = told(linked)[0]
    withdraw(linked.home.serving, "population", first.number, "tester", "two people")
    assert linked.publish("population").unlinked == 1
    again = link("population", linked.home)
    assert (again.judged, again.offered) == (0, 1)
    assert len(open_pairs(linked.home.serving, "population")) == 1
    # Nor with another record of the same entity, when the one of the pair is gone.
    linked.sync(RESIDENTS, [])
    linked.publish("population")
    again = link("population", linked.home)
    assert (again.judged, again.offered) == (0, 1)
    withdrawn = next(item for item in told(linked) if item.number == first.number).withdrawn
    assert withdrawn is not None
    assert withdrawn.method == HUMAN


@pytest.mark.long
def test_a_publication_that_is_stopped_takes_nothing_back(linked: Hub) -> None:
    linked.sync(RESIDENTS, [person(n) for n in ALL if n > 4])
    linked.sync(INSURED, [person(n) for n in ALL if n > 4])
    before = told(linked)
    with pytest.raises(GateFailed):
        linked.publish("population")
    assert told(linked) == before
    linked.sync(RESIDENTS, [person(n) for n in ALL])
    linked.sync(INSURED, [person(n) for n in ALL])
    published = linked.publish("population")
    assert (published.unlinked, told(linked)) == (0, before)


@pytest.mark.long
def test_a_person_who_judges_meanwhile_is_heard(linked: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes back what is being handed over has the last word."""
    taken = []

    def meanwhile(*arguments: Any, **named: Any) -> None:
        items = [] if taken else told(linked)
        taken.extend(withdraw(linked.home.serving, "population", item.number, "tester", "two people") for item in items)
        offer_found(*arguments, **named)

    monkeypatch.setattr("pipeline.publish.offer_found", meanwhile)
    linked.sync(RESIDENTS, [person(n) for n in ALL if n != 1])
    published = linked.publish("population")
    assert (published.entities, published.unlinked) == (len(ALL), 2)
    assert published.judgements == newest(linked.home.serving, "population")
    assert [item for item in told(linked) if not item.withdrawn] == []
    assert linked.unbalanced() == []


@pytest.mark.long
def test_judging_while_a_publication_is_worked_out_keeps_it_from_nothing(linked: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the publication writes has its numbers already; what is judged meanwhile is for the next."""
    residents = residents_of(linked)
    attempts = []

    def meanwhile(*arguments: Any, **named: Any) -> None:
        decision = Decision(residents[6], residents[7], "same", "seen")
        attempts.append(judge(linked.home.serving, "population", [decision], "li"))
        offer_found(*arguments, **named)

    linked.sync(RESIDENTS, [person(n) for n in ALL if n != 1])
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.publish.offer_found", meanwhile)
        published = linked.publish("population")
    (number,) = attempts
    assert (published.entities, published.unlinked, published.judgements) == (len(ALL), 0, number - 1)
    again = replay_publication("population", published.number, linked.home)
    assert again.replayed == again.published
    after = linked.publish("population")
    assert (after.entities, after.judgements, linked.unbalanced()) == (len(ALL) - 1, number, [])


@pytest.mark.long
def test_a_publication_that_is_killed_takes_nothing_back(linked: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    linked.sync(RESIDENTS, [person(n) for n in ALL if n != 1])
    linked.sync(INSURED, [person(n) for n in ALL if n != 1])
    before = told(linked)

    def dies(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("registries.publications.write_facts", dies)
        with pytest.raises(KeyboardInterrupt):
            linked.publish("population")
    assert told(linked) == before
    for document in (RESIDENTS, INSURED):
        linked.sync(document, [person(n) for n in ALL])
    assert (linked.publish("population").unlinked, told(linked)) == (0, before)

"""What was judged of a record is handed over to the one in whose place it stands: under another key, of another dataset, of its entity."""

from datetime import timedelta

import pytest

from catalog.tables import batch
from core.clock import now
from core.database import writing
from pipeline.operation.ending import end
from registries.judgements import HUMAN, Decision, Verdict, judge
from tests.factories import RESIDENTS, Hub, person
from tests.marks import rest_long
from tests.pipeline.test_link import CARDS, card
from tests.pipeline.test_renewing import INSURED, by_phone, residents_of, told

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
KEYED = {"record_key": ["BH"], "ignore": ["BH"]}
POLICE, CARDED = RESIDENTS | KEYED, INSURED | KEYED
TAXED = CARDED | {"id": "tax__payer", "department": {"id": "tax", "title": {"zh": "税务局", "en": "Tax"}}}
TAXED |= {"source": {**RESIDENTS["source"], "path": "payer.csv"}}


def keyed(hub: Hub) -> Hub:
    """Six people under keys of their register, of whom a person has said that two numbers are one."""
    hub.register(POLICE)
    hub.sync(POLICE, [person(n) | {"BH": str(n)} for n in range(6)])
    residents = residents_of(hub, POLICE)
    judge(hub.home.serving, "population", [Decision(residents[1], residents[2], "same", "seen")], "wang")
    assert hub.publish("population").entities == 5
    return hub


@pytest.mark.long
def test_a_record_under_another_key_is_handed_what_was_judged_of_it(hub: Hub) -> None:
    keyed(hub).sync(POLICE, [person(n) | {"BH": str(n if n != 1 else 101)} for n in range(6)])
    published = hub.publish("population")
    assert (published.entities, published.inserted, published.deleted, hub.unbalanced()) == (5, 0, 0, [])
    handed = next(item for item in told(hub) if not item.withdrawn)
    assert (handed.actor, handed.method, handed.why) == ("wang", HUMAN, "in place of judgement 1: its record is gone")
    assert handed.is_said_by_hub


def test_a_dataset_in_the_place_of_another_is_handed_what_was_judged(hub: Hub) -> None:
    """As docs/operating.md says it is done: the new one is registered, then the old one ended, with no publication in between."""
    keyed(hub).register(INSURED)
    hub.sync(INSURED, [person(n) for n in range(6)])
    end(hub.home, RESIDENTS["id"], "goes on elsewhere", "withdrawn")
    published = hub.publish("population")
    assert (published.entities, published.inserted, published.deleted, hub.unbalanced()) == (5, 0, 0, [])
    residents = residents_of(hub, INSURED)
    standing = next(item for item in told(hub) if not item.withdrawn)
    assert {standing.left, standing.right} == {residents[1], residents[2]}


def row(number: int, key: int, **changed: str) -> dict[str, str]:
    return person(number, **changed) | {"BH": str(key)}


@pytest.mark.parametrize("apart", rest_long(["by their names", "by a person"]))
@pytest.mark.parametrize("verdict", ["same", "different"])
def test_a_record_that_was_kept_apart_has_nothing_to_hand_over(hub: Hub, apart: str, verdict: Verdict) -> None:
    """A card under another's number, of which a person has said whose it is: when its number is corrected, that stays said of the card."""
    card, payer = "13900000021", "13900000031"
    wrong = row(7, 21, DH=card, SFZH=person(3)["SFZH"]) if "names" in apart else row(3, 21, DH=card)
    others = [row(n, n) for n in range(20, 30)]
    hub.register(POLICE, CARDED, TAXED)
    hub.sync(POLICE, [row(3, 1), *others])
    hub.sync(CARDED, [wrong])
    hub.sync(TAXED, [row(7, 31, SFZH="", DH=payer)])
    hub.publish("population")
    said = [Decision(by_phone(hub, CARDED)[card], by_phone(hub, TAXED)[payer], verdict, "seen")]
    if "person" in apart:
        said.append(Decision(by_phone(hub, POLICE)[person(3)["DH"]], by_phone(hub, CARDED)[card], "different", "seen"))
    judge(hub.home.serving, "population", said, "wang")
    hub.publish("population")
    before = told(hub)
    hub.sync(CARDED, [row(7, 21, DH=card)])
    hub.publish("population")
    assert (told(hub), hub.unbalanced()) == (before, [])
    found = {item["resident_id"]: item["phone_number"] for item in hub.served("base_population")}
    assert found[person(3)["SFZH"]] == person(3)["DH"]
    assert found[person(7)["SFZH"]] in (card, payer)


@pytest.mark.long
def test_what_is_handed_over_stays_in_the_entity_that_it_was_about(hub: Hub) -> None:
    """Of two records of one number that a person has parted, the successor of one is not the other."""
    hub.register(POLICE, CARDED, TAXED, CARDS)
    hub.sync(POLICE, [row(3, 1), *[row(n, n) for n in range(20, 30)]])
    hub.sync(CARDED, [row(3, 21, DH="13900000021")])
    hub.sync(TAXED, [row(3, 31, DH="13900000031")])
    hub.sync(CARDS, [card(3, KH="41", DH="13900000041"), card(7, KH="42", DH="13900000042")])
    hub.publish("population")
    one, parted, other = by_phone(hub, POLICE)[person(3)["DH"]], by_phone(hub, CARDED)["13900000021"], by_phone(hub, TAXED)["13900000031"]
    mine, theirs = (by_phone(hub, CARDS)[f"1390000004{n}"] for n in (1, 2))
    said = [Decision(one, parted, "different", "seen"), Decision(parted, theirs, "same", "seen"), Decision(one, mine, "same", "seen")]
    judge(hub.home.serving, "population", said, "wang")
    hub.publish("population")
    hub.sync(POLICE, [row(13, 1), *[row(n, n) for n in range(20, 30)]])
    hub.publish("population")
    handed = [item for item in told(hub) if item.why.startswith("in place of judgement 3")]
    assert [{item.left, item.right} for item in handed] == [{mine, other}]


@pytest.mark.long
def test_what_is_judged_of_a_record_as_it_is_now_is_not_handed_over(hub: Hub) -> None:
    """Given between acceptance and publication, on what the page then shows."""
    hub.register(POLICE, CARDED, CARDS)
    for document in (POLICE, CARDED):
        hub.sync(document, [row(n, n) for n in range(12)])
    hub.sync(CARDS, [card(13, DH="13900000041")])
    hub.publish("population")
    hub.sync(POLICE, [row(13 if n == 3 else n, n) for n in range(12)])
    with writing(hub.home.catalog) as connection:  # a minute ago
        batches = batch.update().where(batch.c.contract_id == POLICE["id"])
        connection.execute(batches.values(finished_at=now() - timedelta(minutes=1)))
    mine = by_phone(hub, CARDS)["13900000041"]
    judge(hub.home.serving, "population", [Decision(by_phone(hub, POLICE)[person(13)["DH"]], mine, "same", "seen")], "wang")
    hub.publish("population")
    assert [item.withdrawn for item in told(hub)] == [None]
    assert (len(hub.served("base_population")), hub.unbalanced()) == (13, [])

"""Publications with judgements: every one against a naive union, undone by withdrawing, and with the ledger in balance."""

import random
from collections.abc import Iterable, Mapping
from hashlib import sha256

import pytest

from core.engine import Engine
from core.keys import CANONICAL_KEY, RECORD_KEY, load_key
from pipeline.publication.replay import replay_publication
from pipeline.resolve import xref_lines
from registries.candidates import open_pairs
from registries.clusters import Link
from registries.definition import get_definition
from registries.feed import read_changes
from registries.judgements import Decision, Judgement, Side, Verdict, judge, judgements, newest, withdraw
from registries.matching import canonical_key
from registries.publications import history
from standards.loader import load_standards
from tests.conftest import both_databases
from tests.factories import PATIENTS, Hub, person, resident_id
from tests.registries.test_clusters import naive, reachable

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
CARDS = {**PATIENTS, "record_key": ["KH"], "ignore": ["XB", "CSRQ", "DZ", "KH"]}
PUPILS = {
    **CARDS,
    "id": "education__pupil",
    "department": {"id": "education", "title": {"zh": "教育局", "en": "Education"}},
    "source": {"kind": "csv", "connection": "drop", "path": "pupil.csv"},
}
Cards = Mapping[int, int]  # card → person; 0: a card without an identity number. Odd cards are those of pupils.


# So that the gate lets merges and splits pass.
OTHERS = {card: card - 90 for card in range(100, 140)}


def deliver(hub: Hub, cards: Cards) -> None:
    for document, odd in ((CARDS, 0), (PUPILS, 1)):
        rows = [{**(person(n) if n else person(card, SFZH="")), "KH": str(card)} for card, n in cards.items() if card % 2 == odd]
        hub.sync(document, rows)


def digest(*parts: str) -> str:
    text = sha256("\x1f".join(parts).encode()).hexdigest()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))


def side(hub: Hub, card: int) -> Side:
    contract = (PUPILS if card % 2 else CARDS)["id"]
    return Side(digest(load_key(hub.settings, RECORD_KEY), contract, str(card)), contract)


def entity(hub: Hub, number: int) -> str:
    key = canonical_key(get_definition("population"), load_key(hub.settings, CANONICAL_KEY))
    return digest(key, resident_id(number))


def named_after(hub: Hub, record_id: str) -> str:
    key = canonical_key(get_definition("population"), load_key(hub.settings, CANONICAL_KEY))
    return digest(key, "judged", record_id)


def published(hub: Hub) -> dict[str, str | None]:
    """Record → canonical id, null where it is kept apart."""
    with Engine(hub.settings) as engine:
        rows = engine.rows(f"SELECT * FROM {xref_lines(hub.home, 'population', history(hub.home.serving, 'population')[0].number)}")
    return {str(row[0]): row[2] and str(row[2]) for row in rows}


def expected(hub: Hub, cards: Cards) -> tuple[dict[str, str | None], int]:
    """The same, worked out from all that is known, one record after the other; and how many judgements contradict others."""
    sides = {card: side(hub, card) for card in cards}
    keys = {sides[card].record_id: entity(hub, number) for card, number in cards.items() if number}
    standing = _standing(judgements(hub.home.serving, "population", 1000))
    links = [
        Link("human" if item.method == "human" else "model", item.left.record_id, item.right.record_id, item.score or 0.0, since)
        for item, since in standing
        if item.verdict == "same"
    ]
    judged = {name for item, _ in standing for name in (item.left.record_id, item.right.record_id)}
    ranks = {sides[card].record_id: card % 2 for card in cards}
    links += [Link("identifier", name, key, rank=ranks[name]) for name, key in keys.items() if name in judged]
    taken = naive(
        links, [(item.left.record_id, item.right.record_id) for item, _ in standing if item.verdict == "different"], keys.values()
    )
    found: dict[str, str | None] = {}
    for name in sorted({each.record_id for each in sides.values()}):
        start = name if name in judged else keys.get(name, name)
        together = reachable(start, taken)
        known = sorted(together & set(keys.values()))
        first = min(
            (link for link in taken if link.left in together and link.kind != "identifier"), key=lambda link: link.since, default=None
        )
        found[name] = known[0] if known else named_after(hub, first.left) if first else None
    left_out = sum(link.kind != "identifier" and link not in taken for link in links)
    return {name: canonical for name, canonical in found.items() if canonical or name in keys}, left_out


def _standing(told: Iterable[Judgement]) -> list[tuple[Judgement, int]]:
    """What counts of every pair, with the number since when."""
    pairs: dict[tuple[str, str], list[Judgement]] = {}
    for item in told:
        if item.withdrawn is None:
            pairs.setdefault((item.left.record_id, item.right.record_id), []).append(item)
    found = []
    for items in pairs.values():
        newest_one = max(items, key=lambda item: (item.method == "human", item.number))
        found.append((newest_one, min(item.number for item in items if item.verdict == newest_one.verdict)))
    return found


def check(hub: Hub, cards: Cards) -> None:
    now = history(hub.home.serving, "population")[0]
    assert (published(hub), now.contradictions) == expected(hub, cards)
    links = [canonical for canonical in published(hub).values() if canonical]
    assert {row["_canonical_id"] for row in hub.served("base_population")} == set(links)
    assert (now.records, now.linked, now.apart) == (len(cards), len(links), len(published(hub)) - len(links))
    assert now.judgements == newest(hub.home.serving, "population")
    assert hub.unbalanced() == []


@pytest.mark.parametrize(("seed", "rounds"), [(1, 3), *(pytest.param(seed, 9, marks=pytest.mark.long) for seed in (2, 3, 4))])
def test_random_judgements_vetoes_and_withdrawals_end_where_the_naive_union_does(hub: Hub, seed: int, rounds: int) -> None:
    dice = random.Random(seed)
    keys = hub.settings.home / "keys"  # ids are in another order with other keys
    keys.mkdir(parents=True, mode=0o700)
    hub.settings.home.chmod(0o700)
    for name in (RECORD_KEY, CANONICAL_KEY):
        (keys / name).write_text(sha256(f"{name} {seed}".encode()).hexdigest())
    hub.register(CARDS, PUPILS)
    cards = OTHERS | {card: dice.choice((0, 0, 1, 2, 3, 4)) for card in range(1, 17)}
    for _ in range(rounds):
        for card in dice.sample(range(1, 17), 2):
            if dice.random() < 0.3:
                cards.pop(card, None)
            else:
                cards[card] = dice.choice((0, 1, 2, 3, 4))
        deliver(hub, cards)
        for _ in range(dice.randint(0, 4)):
            _judge_something(hub, dice)
        hub.publish("population")
        check(hub, cards)
    _feed_ends_at_the_table(hub)
    assert replay_publication("population", rounds, hub.home).is_same


def _judge_something(hub: Hub, dice: random.Random) -> None:
    serving = hub.home.serving
    standing = [item.number for item in judgements(serving, "population", 1000) if item.withdrawn is None]
    if standing and dice.random() < 0.3:
        withdraw(serving, "population", dice.choice(standing), "tester", "no")
        return
    left, right = (side(hub, card) for card in dice.sample(range(1, 17), 2))
    verdict = dice.choice(("same", "same", "same", "different", "unsure"))
    model = {"score": dice.choice((0.9, 0.95, 0.99)), "method": "people/1"} if dice.random() < 0.5 else {}
    judge(serving, "population", [Decision(left, right, verdict, "", **model)], "tester")  # type: ignore[arg-type]


def _feed_ends_at_the_table(hub: Hub) -> None:
    page = read_changes(hub.home.serving, get_definition("population"), load_standards().schemas["population"], 0, 10_000)
    table: set[str] = set()
    for event in page.events:
        (table.add if event.event == "insert" else table.discard if event.event == "delete" else len)(event.canonical_id)
    assert table == {row["_canonical_id"] for row in hub.served("base_population")}


@both_databases
def test_a_judgement_merges_and_withdrawing_it_splits_again(any_hub: Hub) -> None:
    hub, serving = any_hub, any_hub.home.serving
    hub.register(CARDS, PUPILS)
    cards = {2: 1, 3: 1, 4: 2, 5: 2, 6: 0, 7: 0, 9: 0} | OTHERS
    deliver(hub, cards)
    first = hub.publish("population")
    assert (first.entities, first.linked, first.unlinked) == (42, 44, 3)
    pairs = [(4, 3), (6, 2), (7, 9)]
    judge(serving, "population", [Decision(side(hub, a), side(hub, b), "same", "seen") for a, b in pairs], "tester")
    second = hub.publish("population")
    assert (second.number, second.entities, second.linked, second.unlinked) == (2, 42, 47, 0)
    check(hub, cards)
    kept, gone = sorted(entity(hub, number) for number in (1, 2))
    assert hub.publish("population").number == 2
    withdraw(serving, "population", 1, "tester", "two people")
    withdraw(serving, "population", 3, "tester", "two people")
    third = hub.publish("population")
    assert (third.entities, third.linked, third.unlinked) == (42, 45, 2)
    check(hub, cards)
    schema = load_standards().schemas["population"]
    events = [e for e in read_changes(serving, get_definition("population"), schema, 0, 100).events if e.successor]
    assert [(e.publication, e.event, e.canonical_id, e.successor) for e in events] == [(2, "merge", gone, kept), (3, "split", kept, gone)]


@pytest.mark.long
def test_whoever_joins_later_does_not_change_the_id(hub: Hub) -> None:
    hub.register(CARDS, PUPILS)
    cards = dict.fromkeys(range(2, 8), 0)
    deliver(hub, cards)
    names = set()
    for card in range(3, 8):
        judge(hub.home.serving, "population", [Decision(side(hub, card), side(hub, 2), "same", "seen")], "tester")
        hub.publish("population")
        (row,) = hub.served("base_population")
        names.add(row["_canonical_id"])
        check(hub, cards)
    assert len(names) == 1


def test_a_model_never_joins_two_identifiers_and_says_so(hub: Hub) -> None:
    hub.register(CARDS, PUPILS)
    deliver(hub, {2: 1, 3: 3, 4: 0, 6: 2})
    found = [(4, 2, 0.99), (4, 6, 0.98)]
    judge(hub.home.serving, "population", [Decision(side(hub, a), side(hub, b), "same", "", s, "people/1") for a, b, s in found], "model")
    published_now = hub.publish("population")
    assert (published_now.entities, published_now.linked, published_now.contradictions) == (3, 4, 1)
    (pair,) = open_pairs(hub.home.serving, "population")
    assert (pair.method, pair.score) == ("contradiction", 0.98)


def test_what_people_said_against_each_other_waits_until_one_of_them_settles_it(hub: Hub) -> None:
    hub.register(CARDS, PUPILS)
    deliver(hub, dict.fromkeys((2, 3, 4), 0))

    def say(one: int, other: int, verdict: Verdict) -> None:
        judge(hub.home.serving, "population", [Decision(side(hub, one), side(hub, other), verdict, "seen")], "tester")

    for one, other, verdict in ((2, 3, "same"), (3, 4, "same"), (2, 4, "different")):
        say(one, other, verdict)
    assert hub.publish("population").contradictions == 1
    (pair,) = open_pairs(hub.home.serving, "population")
    assert (pair.method, {pair.left, pair.right}) == ("contradiction", {side(hub, 3), side(hub, 4)})
    say(3, 4, "same")
    assert open_pairs(hub.home.serving, "population") == []
    # The same said once more settles nothing: it is found again, and waits again.
    assert hub.publish("population").contradictions == 1
    assert len(open_pairs(hub.home.serving, "population")) == 1
    say(3, 4, "different")
    assert open_pairs(hub.home.serving, "population") == []
    assert hub.publish("population").contradictions == 0
    assert open_pairs(hub.home.serving, "population") == []

"""Which links a publication reads decides how long it takes, and nothing else."""

import random
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from catalog import batches
from core.engine import Engine
from pipeline.resolve import _Resolving, xref_lines
from registries import judgements as judging
from registries.judgements import Decision, judge, judgements, withdraw
from registries.publications import history
from tests.factories import Hub, Row, person
from tests.pipeline.test_conflicts import CARDS, STRANGER
from tests.pipeline.test_judgements import PUPILS, side

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
# Both say sex and birth date, so that two people under one number show.
DOCUMENTS = (CARDS, {**CARDS, **{name: PUPILS[name] for name in ("id", "department", "source")}})
KEPT = range(100, 140)  # so that the gate lets merges and splits pass
CHANGING = range(1, 25)


@pytest.fixture(autouse=True)
def _ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether somebody judged before or after a delivery decides what is judged anew, and a second is soon over."""
    seconds = count()
    for module in (batches, judging):
        monkeypatch.setattr(module, "now", lambda: datetime(2026, 1, 1) + timedelta(seconds=next(seconds)))


def table(hub: Hub) -> list[tuple[object, ...]]:
    """The base table, without the numbers of publications."""
    return sorted(
        tuple(value for name, value in row.items() if not name.startswith("_publication")) for row in hub.served("base_population")
    )


def links(hub: Hub) -> list[tuple[Any, ...]]:
    with Engine(hub.settings) as engine:
        lines = xref_lines(hub.home, "population", history(hub.home.serving, "population")[0].number)
        return sorted(engine.rows(f"SELECT _record_id::varchar, _dataset, _canonical_id::varchar, _rule, _identity::varchar FROM {lines}"))


def changed(dice: random.Random) -> Row | None:
    """What a card is now: somebody, a stranger under somebody's number, somebody without one, or gone."""
    number = dice.choice(range(1, 7))
    return dice.choice((person(number), person(number), person(number, **STRANGER), person(number, SFZH=""), None))


def judged(dice: random.Random, hub: Hub, *, may_withdraw: bool) -> Any:
    """Something to do with what is judged, in any hub that has the same of it."""
    standing = [item.number for item in judgements(hub.home.serving, "population", 1000) if item.withdrawn is None]
    if may_withdraw and standing and dice.random() < 0.6:
        taken = dice.choice(standing)
        return lambda each: withdraw(each.home.serving, "population", taken, "tester", "no")
    cards, verdict = dice.sample(CHANGING, 2), dice.choice(("same", "same", "different", "unsure"))
    model = {"score": 0.97, "method": "people/1"} if dice.random() < 0.5 else {}
    decision = Decision(*(side(hub, card) for card in cards), verdict, "", **model)  # type: ignore[arg-type]
    return lambda each: judge(each.home.serving, "population", [decision], "tester")


@pytest.mark.parametrize(("seed", "days"), [(1, 3), *(pytest.param(seed, 8, marks=pytest.mark.long) for seed in range(2, 8))])
def test_to_read_some_links_is_to_read_all(hub: Hub, second_hub: Hub, seed: int, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    cards: dict[int, Row | None] = {card: person(card) for card in KEPT} | {card: changed(dice) for card in CHANGING}
    for each in (hub, second_hub):
        each.register(*DOCUMENTS)
    kinds = set()
    for day in range(days):
        cards |= {card: changed(dice) for card in dice.sample(CHANGING, 3)}
        acts = [judged(dice, hub, may_withdraw=not place) for place in range(dice.randint(0, 3))] if day > days // 3 else []
        for each, reads_all in ((hub, False), (second_hub, True)):
            for document, odd in zip(DOCUMENTS, (0, 1), strict=True):
                each.sync(document, [{**row, "KH": str(card)} for card, row in cards.items() if row and card % 2 == odd])
            for act in acts:
                act(each)
            with monkeypatch.context() as patched:
                if reads_all:
                    patched.setattr(_Resolving, "_needs_all_links", True)
                each.publish("population")
        assert links(hub) == links(second_hub)
        assert table(hub) == table(second_hub)
        one, other = (history(each.home.serving, "population")[0] for each in (hub, second_hub))
        assert (one.digest, one.linked, one.apart, one.contradictions) == (other.digest, other.linked, other.apart, other.contradictions)
        assert hub.unbalanced() == second_hub.unbalanced() == []
        kinds |= {(line[3], line[2] is None) for line in links(hub)}
    assert len(kinds) > 1, kinds

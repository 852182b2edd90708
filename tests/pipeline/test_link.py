"""Records without an identifier find their entity: sure ones by judgement, others before a person, and nothing where nothing waits."""

import pytest

from pipeline.link import link
from registries.candidates import open_pairs
from registries.judgements import Decision, judge, judgements
from tests.factories import PATIENTS, RESIDENTS, Hub, person
from tests.pipeline.test_crashes import Killed, dying

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
CARDS = {**PATIENTS, "record_key": ["KH"], "columns": RESIDENTS["columns"], "ignore": ["KH"]}


def card(number: int, **changed: str) -> dict[str, str]:
    return person(number, SFZH="", **changed) | {"KH": str(number)}


def test_records_that_wait_are_linked_or_offered(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [person(n) for n in range(30)])
    assert link("population", hub.home).unlinked == 0
    hub.sync(CARDS, [card(1), card(2), card(3, XM="欧阳娜", CSRQ="1961-05-05", DH="13711111111", DZ="上海市浦东新区世纪大道1号")])
    first = hub.publish("population")
    assert (first.entities, first.linked, first.unlinked) == (30, 30, 3)
    found = link("population", hub.home)
    assert (found.unlinked, found.judged) == (3, 2)
    assert {(item.verdict, item.method) for item in judgements(hub.home.serving, "population")} == {("same", found.model)}
    second = hub.publish("population")
    assert (second.entities, second.linked, second.unlinked, second.contradictions) == (30, 32, 1, 0)
    again = link("population", hub.home)
    assert (again.unlinked, again.judged) == (1, 0)
    assert hub.publish("population").number == 2
    assert hub.unbalanced() == []


def test_a_persons_veto_is_not_overruled_and_two_that_are_equal_are_for_a_person(hub: Hub) -> None:
    hub.register(RESIDENTS, CARDS)
    twin = person(1) | {"SFZH": person(61)["SFZH"]}
    hub.sync(RESIDENTS, [*(person(n) for n in range(30)), twin])
    hub.sync(CARDS, [card(1), card(2)])
    hub.publish("population")
    assert link("population", hub.home).judged == 1
    assert len(open_pairs(hub.home.serving, "population")) >= 2
    (told,) = judgements(hub.home.serving, "population")
    judge(hub.home.serving, "population", [Decision(told.left, told.right, "different", "two people")], "tester")
    published = hub.publish("population")
    assert (published.linked, published.unlinked) == (31, 2)
    assert link("population", hub.home).judged == 0


@pytest.mark.parametrize(("target", "when"), [("judge", "after"), ("drop", "after"), ("offer", "before"), ("offer", "after")])
def test_where_it_dies_the_next_run_finds_the_same(hub: Hub, monkeypatch: pytest.MonkeyPatch, target: str, when: str) -> None:
    hub.register(RESIDENTS, CARDS)
    hub.sync(RESIDENTS, [*(person(n) for n in range(30)), person(1) | {"SFZH": person(61)["SFZH"]}])
    hub.sync(CARDS, [card(1), card(2), card(4)])
    hub.publish("population")
    with monkeypatch.context() as patch:
        patch.setattr(f"pipeline.link.{target}", dying(f"pipeline.link.{target}", when))
        with pytest.raises(Killed):
            link("population", hub.home)
    for _ in range(2):
        link("population", hub.home)
        told = judgements(hub.home.serving, "population")
        assert ({item.verdict for item in told}, len({(item.left, item.right) for item in told}), len(told)) == ({"same"}, 2, 2)
        assert len(open_pairs(hub.home.serving, "population")) == 2

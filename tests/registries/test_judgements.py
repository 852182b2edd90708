"""Judgements as rows: numbered in their order, withdrawn by facts of their own, and as they stood at any number."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import RequestError
from registries.judgements import (
    FACTS,
    Decision,
    JudgedMeanwhile,
    Side,
    facts,
    get_judgement,
    judge,
    judgements,
    judgements_on,
    newest,
    withdraw,
)
from tests.factories import Hub

SIDES = [Side(f"0000000{n}-0000-0000-0000-000000000000", f"a__{n}") for n in range(6)]


def decision(left: int, right: int, verdict: str = "same", **more: object) -> Decision:
    return Decision(SIDES[left], SIDES[right], verdict, "because", **more)  # type: ignore[arg-type]


def test_what_is_withdrawn_stays_written_down(any_hub: Hub) -> None:
    serving = any_hub.home.serving
    assert newest(serving, "population") == 0
    assert judge(serving, "population", [decision(1, 0), decision(1, 2, score=0.97, method="people/3")], "model") == 2
    assert judge(serving, "legal_entity", [decision(0, 1, "different")], "tester") == 1
    assert withdraw(serving, "population", 1, "tester", "a mistake") == newest(serving, "population") == 3
    second, first = judgements(serving, "population")
    assert (first.left, first.right, first.verdict, first.method, first.actor, first.score) == (*SIDES[:2], "same", "human", "model", None)
    assert first.withdrawn is not None
    assert (first.withdrawn.number, first.withdrawn.actor, first.withdrawn.why) == (3, "tester", "a mistake")
    assert (second.score, second.method, second.withdrawn) == (0.97, "people/3", None)
    assert get_judgement(serving, "population", 1) == first
    ids = [SIDES[0].record_id]
    assert judgements_on(serving, "population", ids) == [first]
    (then,) = judgements_on(serving, "population", ids, upto=2)
    assert then.withdrawn is None
    told = facts(serving, "population", 3)
    assert told.column_names == list(FACTS)
    assert told["verdict"].to_pylist() == ["same", "same", "withdrawn"]
    assert told["withdraws"].to_pylist() == [None, None, 1]
    assert facts(serving, "certificate", 0).num_rows == 0


def test_what_cannot_be_withdrawn_is_refused(hub: Hub) -> None:
    serving = hub.home.serving
    judge(serving, "population", [decision(0, 1)], "tester")
    withdraw(serving, "population", 1, "tester", "no")
    for number, text in ((1, "has been withdrawn by 2"), (2, "no judgement 2"), (9, "no judgement 9")):
        with pytest.raises(RequestError, match=text):
            withdraw(serving, "population", number, "tester", "no")
    with pytest.raises(RequestError, match="against itself"):
        judge(serving, "population", [decision(1, 1)], "tester")
    with pytest.raises(RequestError, match="no record id"):
        judge(serving, "population", [Decision(SIDES[0], Side("somebody", "a__b"), "same", "")], "tester")
    assert newest(serving, "population") == 2


def test_writers_at_once_leave_no_gap(any_hub: Hub) -> None:
    serving = any_hub.home.serving
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: judge(serving, "population", [decision(0, 1)] * (n % 3 + 1), "tester"), range(12)))
    numbers = [item.number for item in judgements(serving, "population", 1000)]
    assert numbers == list(range(24, 0, -1))


def test_of_two_who_judge_a_pair_at_once_one_is_told(any_hub: Hub) -> None:
    serving = any_hub.home.serving
    judge(serving, "population", [decision(0, 1), decision(2, 3)], "tester")

    def decide(name: str) -> int | JudgedMeanwhile:
        try:
            return judge(serving, "population", [decision(1, 0, "different")], name, seen=2)
        except JudgedMeanwhile as other:
            return other

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decide, "abcdefgh"))
    assert [item for item in found if isinstance(item, int)] == [3]
    assert {item.number for item in found if isinstance(item, JudgedMeanwhile)} == {3}
    assert newest(serving, "population") == 3
    # What was taken back again stands in nobody's way, nor what was said of another pair.
    withdraw(serving, "population", 3, "tester", "a mistake")
    assert judge(serving, "population", [decision(4, 5)], "tester") == 5
    assert judge(serving, "population", [decision(0, 1)], "tester", seen=2) == 6

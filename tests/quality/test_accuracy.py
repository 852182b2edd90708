"""Shares of errors and their intervals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from quality.accuracy import Accuracy, AccuracyReport, Share
from standards.model import Title

TITLE = Title(zh="组", en="group")


@given(st.integers(1, 5000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_intervals_are_those_of_scipy(counts: tuple[int, int]) -> None:
    part, whole = counts
    expected = binomtest(part, whole).proportion_ci(confidence_level=0.95, method="wilson")
    assert Share(part, whole).interval == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_nothing_seen_says_nothing() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)
    assert not Share(0, 0).is_above(Share(0, 1000))


def line(kind: str, group: str, **counts: int) -> Accuracy:
    return Accuracy(kind, group, TITLE, **{"entities": 1000, "found": 990, "given": 10_000, "wrong": 100} | counts)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, ()),
        ({"found": 900}, ("missed",)),
        ({"wrong": 200}, ("errors",)),
        ({"found": 900, "wrong": 200}, ("missed", "errors")),
        # Ten people may all be missing by chance; the interval says so.
        ({"entities": 10, "found": 9, "given": 100, "wrong": 2}, ()),
    ],
)
def test_a_group_stands_out_where_it_is_surely_worse_than_the_others(changed: dict[str, int], word: tuple[str, ...]) -> None:
    mine = line("age", "80+", **changed)
    report = AccuracyReport(TITLE, (line("all", ""), line("age", "0–17"), line("age", "18–34"), mine, line("sex", "1", wrong=0)))
    assert report.standing_out(mine) == word
    assert not any(report.standing_out(other) for other in report.lines if other is not mine)


def test_a_source_that_does_not_know_everybody_is_not_blamed_for_it() -> None:
    few, many = line("source", "a", found=100), line("source", "b")
    report = AccuracyReport(TITLE, (few, many))
    assert report.standing_out(few) == ()
    assert report.standing_out(line("source", "c", wrong=900)) == ("errors",)
    assert AccuracyReport(TITLE, (few,)).standing_out(few) == ()

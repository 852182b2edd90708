"""Shares in per cent."""

from hypothesis import given
from hypothesis import strategies as st

from core.percent import limit_percent, percent


@given(st.integers(1, 9999), st.integers(1, 9999))
def test_what_is_not_none_or_all_does_not_read_so(some: int, others: int) -> None:
    assert percent(some / (some + others)) not in {"0.0%", "100.0%"}


def test_none_is_none_and_all_is_all() -> None:
    assert [percent(0), percent(1), percent(1 / 3), percent(0.99999)] == ["0.0%", "100.0%", "33.3%", "99.999%"]


@given(st.integers(0, 1_000_000))
def test_a_limit_reads_as_it_was_declared(millionths: int) -> None:
    text = limit_percent(millionths / 1_000_000)
    assert round(float(text[:-1]) * 10_000) == millionths
    assert text == "0%" or len(text) == 2 or text[-2] != "0" or "." not in text

"""Shares in per cent."""

from hypothesis import given
from hypothesis import strategies as st

from core.percent import limit_percent, part_of, percent


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_what_is_not_none_or_all_does_not_read_so(some: int, others: int) -> None:
    assert 0 < float(percent(some / (some + others))[:-1]) < 100


@given(st.integers(1, 10**7), st.integers(0, 100))
def test_what_misses_a_limit_does_not_read_like_it(whole: int, limit: int) -> None:
    """By one row, on either side of it."""
    for part in (whole * limit // 100 + 1, (whole * limit - 1) // 100):
        if 0 <= part <= whole:
            assert float(percent(part / whole, limit / 100)[:-1]) != limit


@given(st.integers(0, 10**6), st.integers(0, 10_000))
def test_what_a_limit_is_of_a_number_is_exact(hundredths: int, permille: int) -> None:
    assert part_of(hundredths * 1000, permille / 1000) == hundredths * permille


def test_none_is_none_and_all_is_all() -> None:
    assert [percent(0), percent(1), percent(1 / 3), percent(0.99999)] == ["0.0%", "100.0%", "33.3%", "99.999%"]


@given(st.integers(0, 1_000_000))
def test_a_limit_reads_as_it_was_declared(millionths: int) -> None:
    text = limit_percent(millionths / 1_000_000)
    assert round(float(text[:-1]) * 10_000) == millionths
    assert text == "0%" or len(text) == 2 or text[-2] != "0" or "." not in text

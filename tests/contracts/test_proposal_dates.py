"""Date formats are declared where the values leave no doubt, and read every value they are declared for."""

from collections import Counter
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.proposal.dates import formats_of

DAYS = st.dates(date(1800, 1, 1), date(2199, 12, 31))


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M"])
@given(days=st.lists(DAYS, min_size=1, max_size=20))
def test_a_form_with_the_year_first_is_found(form: str, days: list[date]) -> None:
    counts = Counter(datetime(day.year, day.month, day.day).strftime(form).zfill(4) for day in days)
    formats, doubtful = formats_of(counts)
    assert (formats, doubtful) == ((form,), False)


@given(days=st.lists(DAYS, min_size=1, max_size=20))
def test_day_and_month_are_told_apart_only_by_a_value_that_tells(days: list[date]) -> None:
    formats, doubtful = formats_of(Counter(f"{day.day}/{day.month}/{day.year} 08:30:00" for day in days))
    told = any(day.day > 12 for day in days)
    assert doubtful is not told
    assert formats == (("%d/%m/%Y %H:%M:%S",) if told else ())


def test_values_that_contradict_each_other_tell_nothing() -> None:
    assert formats_of({"13/1/2024": 1, "1/13/2024": 1}) == ((), True)

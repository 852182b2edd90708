"""Unreadable rows are all told, and take the memory of their stretches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import unreadable
from connectors.unreadable import Unreadable, UnreadableRows
from core.errors import SourceError
from tests.connectors.helpers import Drop

ROWS = st.lists(
    st.builds(
        Unreadable,
        st.integers(1, 12),
        st.sampled_from(["the row is blank", "the row has 1 value, the header 2"]),
        st.sampled_from(["", *(f"{file}, line {line}" for file in ("a b 1.csv", "b.csv") for line in range(1, 5))]),
    )
)


@given(ROWS)
def test_what_was_added_is_told_row_by_row(rows: list[Unreadable]) -> None:
    kept = UnreadableRows()
    kept += rows
    assert list(kept) == rows
    assert len(kept) == len(rows) == sum(stretch.rows for stretch in kept.stretches)
    assert kept.last == max((row.position for row in rows), default=0)
    again = UnreadableRows()
    again += kept.stretches
    assert list(again) == rows


def test_neighbours_of_one_reason_are_one_stretch() -> None:
    kept = UnreadableRows()
    kept += (Unreadable(100 + line, "the row is blank", f"a.csv, line {line}") for line in range(1, 100_001))
    (stretch,) = kept.stretches
    assert (stretch.position, stretch.rows, stretch.reason, kept.last) == (101, 100_000, "a.csv, line 1: the row is blank", 100_100)


def test_every_second_row_is_one_stretch() -> None:
    kept = UnreadableRows()
    kept += (Unreadable(line, "the row is blank") for line in range(3, 200_003, 2))
    (stretch,) = kept.stretches
    assert (stretch.position, stretch.rows, stretch.step, kept.last) == (3, 100_000, 2, 200_001)


def test_more_stretches_than_anybody_looks_through_are_no_table(monkeypatch: pytest.MonkeyPatch, drop: Drop) -> None:
    monkeypatch.setattr(unreadable, "MOST_STRETCHES", 3)
    drop.put("a.csv", "a,b\n" + "1,2\n\n3\n" * 3)
    with pytest.raises(
        SourceError, match=r"^rows cannot be read .* in more than 3 places, up to position 7; the first, 3: the row is blank"
    ):
        drop.read(["a"])
    for filler in ("\n" * 5000, "1,2\n\n" * 5000):
        drop.put("a.csv", "a,b\n1,2\n" + filler)
        assert len(drop.read(["a"]).unreadable) == 5000

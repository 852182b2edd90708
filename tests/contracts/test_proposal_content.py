"""What the values of an unknown column say, of which a part is tested."""

import pytest

from contracts.proposal.content import Content
from contracts.proposal.profile import ColumnProfile
from standards.loader import load_standards

STANDARDS = load_standards()


@pytest.mark.parametrize("right", [50, 400, 1600])
def test_a_value_that_stands_often_counts_as_often_as_it_stands(right: int) -> None:
    """Of telephones a sixth are one of two numbers that stand for none."""
    sample = (*(f"138{number:08}" for number in range(right)), *["0"] * (right // 10), *["1"] * (right // 10))
    profile = ColumnProfile("DH", len(sample), len(sample), right + 2, True, 1, 11, sample)
    assert Content(profile, STANDARDS).accepted(STANDARDS.elements["phone_number"]) == pytest.approx(right / len(sample), abs=0.01)

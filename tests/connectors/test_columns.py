"""Names of columns: each different, whatever a file calls them."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.columns import unique_names
from connectors.extraction import POSITION
from connectors.files.xml import _Record

NAMES = st.lists(st.sampled_from(["a", "a_2", "a_3", "b", "", POSITION, " a "]), max_size=12)


def numbered(names: list[str], taken: set[str]) -> list[str]:
    """By counting up from 2 for each."""
    result = []
    for name in names:
        unique = next(one for number in range(1, 99) if (one := name if number == 1 else f"{name}_{number}") not in taken)
        taken.add(unique)
        result.append(unique)
    return result


@given(NAMES)
def test_a_name_that_repeats_gets_the_next_free_number(names: list[str]) -> None:
    cleaned = [name.strip() or f"unnamed_{place}" for place, name in enumerate(names, start=1)]
    assert list(unique_names(names)) == numbered(cleaned, {POSITION})


@given(NAMES)
def test_so_does_an_element_that_repeats_in_a_record(names: list[str]) -> None:
    record = _Record(1)
    for place, name in enumerate(names):
        record.add(name, str(place))
    assert dict(record.values) == dict(zip(numbered(names, {POSITION}), map(str, range(len(names))), strict=True))


def test_thousands_of_equal_names_are_told_apart() -> None:
    """Counted up from 2 for each, these would be two thousand million looks."""
    names = unique_names(["号"] * 60_000)
    assert len(set(names)) == 60_000
    assert names[-1] == "号_60000"

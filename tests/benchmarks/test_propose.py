"""Real tables that nobody described: the answers against labels that are older than the matcher."""

import pytest

from benchmarks.propose import LEAST_CONTENT, LEAST_NAMES, LEAST_PRECISION, measure, read_labels, real_data, wilson
from core.errors import RequestError
from standards.loader import load_standards

pytestmark = pytest.mark.slow


def test_labels_name_elements_that_a_registry_has() -> None:
    used = {element.id for schema in load_standards().schemas.values() for element in schema.elements}
    assert {element for label in read_labels() for element in label.elements} - used == {"none"}


def test_half_of_a_name_follows_from_it() -> None:
    halves: dict[str, set[str]] = {}
    for label in read_labels():
        halves.setdefault(label.column, set()).add(label.half)
    assert all(len(found) == 1 for found in halves.values())


@pytest.mark.parametrize(("right", "of", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)])
def test_intervals_are_those_of_the_literature(right: int, of: int, low: float, high: float) -> None:
    """Newcombe (1998), table I, and the closed form for none and all."""
    found = wilson(right, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.0002)


@pytest.mark.long
def test_real_tables_are_read_as_well_as_promised() -> None:
    try:
        real_data()
    except RequestError as error:
        pytest.skip(str(error))
    scores = {(score.what, score.half): score for score in measure()}
    for half in ("tune", "report", "all"):
        for what in ("catalogue, names", "tables, names", "tables, names and content"):
            assert scores[what, half].precision.share >= LEAST_PRECISION, (what, half)
        assert scores["catalogue, names", half].first_choice.share >= LEAST_NAMES
        assert scores["tables, names", half].first_choice.share >= LEAST_NAMES
        assert scores["catalogue, column names without titles", half].first_choice.share >= LEAST_NAMES
        assert scores["tables, names and content", half].first_choice.share >= LEAST_CONTENT

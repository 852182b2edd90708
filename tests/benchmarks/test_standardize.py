"""The benchmark of standardizing in small: the rows are what they are said to be, and every part is measured; seconds are not asked."""

import json

import pytest

from benchmarks import standardize
from benchmarks.mixed_rows import MESSY_SHARE, mixed_rows
from standards.loader import load_standards
from standards.single import normalize_values

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_mixed_rows_have_every_population_element_and_are_mostly_right():
    table = mixed_rows(3_000, 1)
    standards = load_standards()
    assert table.column_names == [element.id for element in standards.schemas["population"].elements]
    assert table.num_rows == 3_000
    assert mixed_rows(3_000, 1).equals(table)
    for name in table.column_names:
        values = [value for value in table[name].to_pylist()[:600] if value is not None]
        kept = sum(answer.value == value for answer, value in zip(normalize_values(standards, name, values), values, strict=True))
        assert len(values) * (1 - 2.5 * MESSY_SHARE) < kept <= len(values), name


@pytest.mark.long
def test_all_parts_are_measured(capsys):
    standardize.run(people=3_000, as_json=True)
    found = json.loads(capsys.readouterr().out)
    whole, *others = found["parts"]
    assert whole["rows"] == 3_000
    assert whole["columns"] == len(load_standards().schemas["population"].elements)
    assert all(part["seconds"] > 0 and part["limit"] > 0 for part in found["parts"])
    # A shallow copy has no version of before; where there is one, both versions have standardized the same columns.
    assert [part["columns"] for part in others] in ([], [13, 13])
    assert (found["growth"] is None) == (not others)

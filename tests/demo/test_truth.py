"""The account against the truth counts what it says it counts."""

from io import StringIO

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from demo.city import City, Truth, truth_at
from demo.truth import IDENTITY, account, compare, render


@pytest.fixture(scope="module")
def truth(city: City) -> Truth:
    return truth_at(city, 1)


@pytest.mark.parametrize("registry", list(IDENTITY))
def test_the_truth_itself_is_right_throughout(truth: Truth, registry: str) -> None:
    result = compare(registry, truth.table(registry), truth.table(registry), "truth")
    assert (result.found, result.phantom, result.repeated, result.unidentified) == (truth.table(registry).num_rows, 0, 0, 0)
    assert result.right_share == 1.0
    assert result.wrong_share == 0.0
    assert not any(element.wrong or element.missing or element.invented for element in result.elements)


def test_right_wrong_missing_invented_repeated_and_phantom_are_told_apart(truth: Truth) -> None:
    rows = [row for row in truth.population.to_pylist() if row["death_date"] is None and row["phone_number"]][:5]
    known = truth.population.filter(pc.is_in(truth.population["resident_id"], pa.array([row["resident_id"] for row in rows])))
    published = [dict(row) for row in rows[:4]]
    published[0]["person_name"] = "错名"
    published[1]["phone_number"] = None
    published[2]["death_date"] = published[2]["birth_date"]
    published += [dict(published[0]), dict(rows[0], resident_id="330102190001010000"), dict(rows[0], resident_id=None)]
    result = compare("population", known, pa.Table.from_pylist(published, known.schema), "published")
    assert (result.entities, result.rows, result.found, result.repeated, result.phantom, result.unidentified) == (5, 7, 4, 1, 1, 1)
    elements = {element.element: element for element in result.elements}
    assert (elements["person_name"].right, elements["person_name"].wrong, elements["person_name"].missing) == (3, 1, 1)
    assert (elements["phone_number"].right, elements["phone_number"].wrong, elements["phone_number"].missing) == (3, 0, 2)
    assert elements["death_date"].invented == 1


def test_the_best_single_source_is_the_one_with_most_right_values(truth: Truth) -> None:
    half, names_only = truth.population.slice(0, 10_000), truth.population.select(["resident_id", "person_name"])
    result = account(truth, {"population": truth.population}, {"population": {"a": names_only, "b": half}})
    best = result.of("population").best_source
    assert best is not None
    assert best.name == "b"
    assert best.found == 10_000


def test_an_account_can_be_shown_without_any_source(truth: Truth) -> None:
    console = Console(width=140, record=True, file=StringIO())
    console.print(render(account(truth, {registry: truth.table(registry) for registry in IDENTITY})))
    assert "100.00%" in console.export_text()

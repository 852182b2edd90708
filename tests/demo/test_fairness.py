"""Errors by source and by group are counted as they are, and a rule that is unfair to a group is seen."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from demo.city import City, Truth, truth_at
from demo.fairness import fairness, tally
from demo.truth import compare
from pipeline.publication.accuracy import read_accuracy, write_accuracy
from quality.accuracy import AccuracyReport
from standards.loader import load_standards
from standards.model import Title
from tests.factories import hub_in

STANDARDS = load_standards()


@pytest.fixture(scope="module")
def truth(city: City) -> Truth:
    return truth_at(city, 1)


def told(truth: Truth, published: pa.Table, registry: str = "population", **sources: pa.Table) -> AccuracyReport:
    titles = {name: Title(zh=name, en=name) for name in sources}
    return fairness(registry, 1, truth.table(registry), published, sources, titles, STANDARDS)


def marked(report: AccuracyReport) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(line.kind, line.group): worse for line in report.lines if (worse := report.standing_out(line))}


def test_the_truth_itself_has_no_errors_in_any_group(truth: Truth) -> None:
    report = told(truth, truth.population, police=truth.population)
    assert report.kinds == ("all", "source", "age", "sex", "ethnic_group")
    assert all((line.found, line.wrong) == (line.entities, 0) for line in report.lines)
    for kind in report.kinds:
        assert sum(line.entities for line in report.of(kind)) == truth.population.num_rows
    assert marked(report) == {}


def test_counts_are_those_of_the_account(truth: Truth) -> None:
    spoiled = truth.population.slice(100).set_column(
        truth.population.column_names.index("phone_number"),
        "phone_number",
        pc.replace_substring_regex(truth.population["phone_number"], "^.", "2").slice(100),
    )
    counted = compare("population", truth.population, spoiled, "published")
    mine = tally("population", truth.population, spoiled)
    assert int(np.sum(mine.found)) == counted.found
    assert int(np.sum(mine.given)) == sum(item.right + item.wrong + item.invented for item in counted.elements)
    assert int(np.sum(mine.wrong)) == sum(item.wrong + item.invented for item in counted.elements) > 0


@pytest.mark.parametrize(
    ("kind", "group", "members"),
    [
        ("sex", "2", lambda people: pc.equal(people["sex_code"], "2")),
        ("age", "80+", lambda people: pc.less(pc.cast(people["birth_date"], pa.string()), "1945-06-30")),
        ("ethnic_group", "11", lambda people: pc.equal(people["ethnic_group_code"], "11")),
    ],
)
def test_a_rule_that_loses_every_tenth_of_a_group_is_seen(truth: Truth, kind: str, group: str, members: Any) -> None:
    people = truth.population
    concerned = np.asarray(pc.fill_null(members(people), False))
    lost = concerned & (np.cumsum(concerned) % 10 == 0)
    report = told(truth, people.filter(pa.array(~lost)))
    assert marked(report)[kind, group] == ("missed",)
    assert {found for found in marked(report) if found[0] == kind} == {(kind, group)}


def test_organizations_have_no_groups(truth: Truth) -> None:
    assert told(truth, truth.legal_entity, "legal_entity").kinds == ("all",)


def test_an_account_is_kept_with_its_publication(truth: Truth, tmp_path: Any) -> None:
    home = hub_in(tmp_path / "home").home
    report = told(truth, truth.population.slice(10))
    assert read_accuracy(home, "population", 1) is None
    write_accuracy(home, "population", 1, report)
    assert read_accuracy(home, "population", 1) == report

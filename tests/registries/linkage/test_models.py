"""Models are data: they load, their parameters fit, every condition runs, their chart needs no network, and faults are told."""

import re

import pytest
import yaml

from benchmarks.linkage_trials import MODELS
from core.engine import Engine
from core.errors import DefinitionError, RequestError
from core.settings import load_settings
from registries.definition import load_definitions
from registries.linkage.blocking import block
from registries.linkage.chart import weights_page
from registries.linkage.labels import unlearned
from registries.linkage.model import FOLDER, learned_path, load_trained, model_path, read_model
from registries.linkage.prepare import prepare
from registries.linkage.scoring import score
from standards.loader import load_standards

OWN = sorted(FOLDER.glob("*.yml"))
ALL = [*OWN, *sorted(MODELS.glob("*.yml"))]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_a_model_is_of_a_registry_and_trained(path):
    trained = load_trained(path.stem)
    schema = load_standards().schemas[path.stem]
    assert path.stem in load_definitions()
    assert all(schema.use(element) for element in trained.model.elements)
    assert trained.model.training.label in schema.identity


@pytest.mark.slow
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_condition_of_a_model_runs(path, tmp_path):
    model = read_model(path)
    with Engine(load_settings({"HUB_HOME": str(tmp_path)}), threads=1) as engine:
        names = ", ".join(f"'张三' AS {element}" for element in model.elements)
        engine.run(f"CREATE TABLE records AS SELECT range AS _record_id, 'd' AS _dataset, {names} FROM range(2)")
        prepare(engine, model, "records", "prepared")
        columns = {name for name, *_ in engine.rows("DESCRIBE prepared")}
        for comparison in model.comparisons:
            assert set(comparison.needs) <= columns
            assert {level.frequency for level in comparison.levels} - {None} <= columns
        block(engine, model, "prepared", "prepared", "pairs")
        engine.run("CREATE OR REPLACE TABLE pairs AS SELECT 1 AS join_key_l, 2 AS join_key_r, '0' AS match_key")
        score(engine, model, unlearned(model), "prepared", "pairs", "scored")
        assert engine.rows("SELECT left_row, right_row FROM scored") == [(1, 2)]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_chart_has_every_level_and_loads_nothing(path):
    trained = load_trained(path.stem)
    page = weights_page(trained)
    for comparison in trained.model.comparisons:
        for level in comparison.levels:
            assert level.title.zh in page
    assert not re.search(r"https?:|src=|@import|<script|<link", page)


def test_parameters_of_an_installation_count_as_long_as_they_fit(tmp_path):
    came = load_trained("population")
    own = learned_path(tmp_path, "population")
    own.parent.mkdir()
    own.write_text(came.parameters.model_copy(update={"prior": 0.25}).model_dump_json())
    assert load_trained("population", tmp_path).parameters.prior == 0.25
    own.write_text(came.parameters.model_copy(update={"version": came.model.version + 1}).model_dump_json())
    assert load_trained("population", tmp_path) == came


def test_faults_of_a_model_are_told(tmp_path):
    body = yaml.safe_load(model_path("population").read_text(encoding="utf-8"))
    body["thresholds"]["review"] = 99
    body["surprise"] = 1
    path = tmp_path / "population.yml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_model(path)
    assert {fault.key for fault in caught.value.faults} == {"thresholds", "surprise"}
    with pytest.raises(RequestError, match="no linkage model nobody"):
        load_trained("nobody")


def test_a_model_that_is_no_yaml_is_told_with_its_line(tmp_path):
    path = tmp_path / "population.yml"
    path.write_text("id: population\nversion: !!int x\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"population\.yml: line 2: is not valid YAML"):
        read_model(path)
    path.write_text("id: population\n# 人口\n", encoding="gb18030")
    with pytest.raises(DefinitionError, match=r"population\.yml: line 2: is not UTF-8"):
        read_model(path)


def test_blocking_needs_no_address_to_be_cut():
    """Cutting one costs more than all else that is prepared, and most known records are compared with nothing."""
    for path in OWN:
        narrow = read_model(path).for_blocking
        assert "address" not in narrow.prepared.values()
        assert narrow.prepared

"""Standardizing: a column of few values and one of many are read alike, whatever the order of rows."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contracts.model import AsOf, Contract
from core.engine import Engine
from pipeline.changes import CANDIDATES
from pipeline.plan import make_plan
from pipeline.standardize import STANDARDIZED, _read_day, standardize
from tests.factories import hub_in
from tests.quality.faulty import STANDARDS, TODAY, contract, rows_with_faults


def standardized(folder: Path, schema_id: str, numbers: list[int], threads: int) -> dict[int, dict[str, Any]]:
    """Values and issues of the rows with faults, by their number; a number may come many times and has then to come out the same."""
    rows = rows_with_faults(schema_id)
    columns: dict[str, Any] = {name: pa.array([rows[number][name] for number in numbers], pa.string()) for name in rows[0]}
    with Engine(hub_in(folder).settings, threads=threads) as engine:
        engine.register("delivery", pa.table(columns | {"nr": pa.array(numbers), "_position": pa.array(range(len(numbers)))}))
        engine.run(
            f"CREATE TABLE {CANDIDATES} AS SELECT * EXCLUDE (nr), md5(_position::varchar)::uuid AS _record_id, "
            "md5(nr::varchar)::uuid AS _row_digest, false AS _known, false AS _conflict FROM delivery"
        )
        standardize(engine, make_plan(contract(schema_id), STANDARDS), TODAY)
        found: dict[int, dict[str, Any]] = {}
        for row in engine.records(f"SELECT * EXCLUDE (_record_id, _row_digest) FROM {STANDARDIZED}"):
            number = numbers[row.pop("_position")]
            assert found.setdefault(number, row) == row
        assert len(found) == len(set(numbers))
        return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "schema_id", [pytest.param(name, marks=() if name == "geography" else pytest.mark.long) for name in STANDARDS.schemas]
)
def test_every_way_to_standardize_gives_the_same(tmp_path: Path, schema_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Value by value or row by row, variables as functions or as columns, few rows or many, once or often and in any order."""
    numbers = list(range(len(rows_with_faults(schema_id))))
    once = standardized(tmp_path / "once", schema_id, numbers, 1)
    often = random.Random(3).sample(numbers * 3, len(numbers) * 3)
    monkeypatch.setattr("pipeline.standardize.FEW_ROWS", 0)
    assert standardized(tmp_path / "often", schema_id, often, 2) == once
    monkeypatch.setattr("pipeline.statements.FEW_ROWS", 0)
    monkeypatch.setattr("pipeline.standardize.FEW_VALUES", -1)
    monkeypatch.setattr("pipeline.standardize.BRIEF_ROWS", 0)
    monkeypatch.setattr("pipeline.values.BRIEF_ROWS", 0)
    assert standardized(tmp_path / "direct", schema_id, often, 2) == once


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [("%y(1930)%m%d", "990307", "1999-03-07"), ("%d/%m/%y(2000)", "7/3/99", "2099-03-07"), ("%d.%m.%Y", "07.03.1999", "1999-03-07")],
)
def test_the_day_from_which_a_record_holds_is_read_as_declared(tmp_path: Path, form: str, text: str, day: str) -> None:
    with Engine(hub_in(tmp_path).settings) as engine:
        engine.register("d", pa.table({"since": [text, "990230"]}))
        found = engine.rows(f"SELECT {_read_day(AsOf(column='since', formats=(form,)), 'd')}::varchar FROM d")
    assert found == [(day,), (None,)]


@pytest.mark.parametrize("few", [True, False])
def test_columns_are_read_as_the_contract_says_they_are_written(tmp_path: Path, few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another code list and bare numbers of a unit are translated without an issue; what leads nowhere is refused."""
    if not few:
        for name, value in (("standardize.FEW_VALUES", -1), ("standardize.FEW_ROWS", 0), ("statements.FEW_ROWS", 0)):
            monkeypatch.setattr(f"pipeline.{name}", value)
    document = contract("legal_entity").model_dump(by_alias=True)
    document["columns"] |= {
        "organization_status_code": [{"element": "organization_status_code", "written_in": "entity_status_36104"}],
        "industry_code": [{"element": "industry_code", "written_in": "industry_2011_division"}],
        "registered_capital": [{"element": "registered_capital", "unit": "万元"}],
        "established_date": [{"element": "established_date", "formats": ("%y(1930)%m%d",)}],
    }
    asked = Contract.model_validate(document)
    right = rows_with_faults("legal_entity")[0]
    given = [
        ("3", "79", "500", "990307"),
        ("4", "0111", "5,00.0", "000000"),
        ("吊销", "土地管理业", "1,500.00", "300307"),
        ("5", "I65", "500万元", "1999-03-07"),
    ]
    names = ("organization_status_code", "industry_code", "registered_capital", "established_date")
    rows = [right | dict(zip(names, values, strict=True)) for values in given]
    columns: dict[str, Any] = {name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]}
    with Engine(hub_in(tmp_path).settings) as engine:
        engine.register("delivery", pa.table(columns | {"_position": pa.array(range(len(rows)))}))
        engine.run(
            f"CREATE TABLE {CANDIDATES} AS SELECT *, md5(_position::varchar)::uuid AS _record_id, "
            "md5(_position::varchar)::uuid AS _row_digest, false AS _known, false AS _conflict FROM delivery"
        )
        plan = make_plan(asked, STANDARDS)
        standardize(engine, plan, TODAY)
        found = engine.records(f"SELECT * FROM {STANDARDIZED} ORDER BY _position")
    plans = {item.element.id: item for item in plan.elements}
    issues = [
        {name: [issue for bit, issue in enumerate(plans[name].issues) if row[f"{name}__issues"] & 1 << bit] for name in names}
        for row in found
    ]
    status, industry, capital, day = names
    assert [row[status] for row in found] == ["2", "entity_status_36104:4", "2", "entity_status_36104:5"]
    assert [row[industry] for row in found][:3] == ["80", "industry_2011_division:0111", "79"]
    assert [row[capital] for row in found] == ["500 CNY", "5,00.0", "1500 CNY", "500 CNY"]
    assert [row[day] for row in found] == ["1999-03-07", None, "1930-03-07", "1999-03-07"]
    assert issues[0] == {name: [] for name in names}
    assert issues[1][status] == issues[1][industry] == ["repaired", "unknown-code"]
    assert issues[2] == {status: [], industry: ["repaired"], capital: ["repaired"], day: []}

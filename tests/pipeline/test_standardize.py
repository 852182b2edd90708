"""Standardizing: a column of few values and one of many are read alike, whatever the order of rows."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contracts.model import AsOf
from core.engine import Engine
from pipeline.changes import CANDIDATES
from pipeline.standardize import STANDARDIZED, _valid_from, make_plan, standardize
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
@pytest.mark.parametrize("schema_id", STANDARDS.schemas)
def test_every_way_to_standardize_gives_the_same(tmp_path: Path, schema_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Value by value or row by row, doubtful values put in place or the table written anew, rows once or often and in any order."""
    numbers = list(range(len(rows_with_faults(schema_id))))
    once = standardized(tmp_path / "once", schema_id, numbers, 1)
    often = random.Random(3).sample(numbers * 30, len(numbers) * 30)
    assert standardized(tmp_path / "often", schema_id, often, 2) == once
    for share in (0.0, 1.0):
        monkeypatch.setattr("pipeline.standardize.FEW_VALUES", -1)
        monkeypatch.setattr("pipeline.standardize.IN_PLACE_SHARE", share)
        assert standardized(tmp_path / f"direct {share}", schema_id, often, 2) == once


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [("%y(1930)%m%d", "990307", "1999-03-07"), ("%d/%m/%y(2000)", "7/3/99", "2099-03-07"), ("%d.%m.%Y", "07.03.1999", "1999-03-07")],
)
def test_the_day_from_which_a_record_holds_is_read_as_declared(tmp_path: Path, form: str, text: str, day: str) -> None:
    with Engine(hub_in(tmp_path).settings) as engine:
        engine.register("d", pa.table({"since": [text, "990230"]}))
        found = engine.rows(f"SELECT {_valid_from(AsOf(column='since', formats=(form,)))}::varchar FROM d")
    assert found == [(day,), (None,)]

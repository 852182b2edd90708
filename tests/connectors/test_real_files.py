"""Files of Beijing's departments as published, held against figures that were counted without this hub."""

import csv

import pytest

from connectors.columns import clean_name
from core.errors import SourceError
from tests.connectors.helpers import REAL_DATA, Drop


def _index(folder):
    path = REAL_DATA / folder / "INDEX.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _columns(entry) -> list[str]:
    """Named columns; the index cuts long headers, so the last one may be half a name."""
    names = entry["header"].split("|")
    return [clean_name(name) for name in (names[:-1] if len(entry["header"]) >= 110 else names) if clean_name(name)]


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("entry", _index("cn_departments"), ids=lambda entry: entry["file"])
def test_every_row_of_a_published_file_is_read_or_accounted_for(entry):
    drop = Drop(REAL_DATA / "cn_departments")
    headless = "noheader" in entry["file"]
    delivery = drop.read(["1"] if headless else _columns(entry), path=entry["file"], header=not headless)
    # Of the file without a header the index counts the first line as one.
    assert len(delivery.rows) + len(delivery.unreadable) == int(entry["rows"]) + headless
    assert list(delivery.unreadable.values()) == ["the row is blank"] * int(entry["blank_rows"])
    assert len(delivery.columns) == int(entry["columns"])
    assert entry["encoding"].split()[0] in delivery.notes["encoding"]
    assert min([*delivery.positions, *delivery.unreadable]) >= int(entry["header_line"]) + (not headless)
    assert not any("\ufffd" in (value or "") for row in delivery.rows[:500] for name, value in row.items() if name != "_position")


@pytest.mark.usefixtures("real_data")
@pytest.mark.parametrize("entry", _index("cn_departments_disguised"), ids=lambda entry: entry["file"])
def test_a_workbook_named_csv_is_called_one_and_can_be_read_as_one(entry):
    drop = Drop(REAL_DATA / "cn_departments_disguised")
    with pytest.raises(SourceError, match="is not text but an Excel workbook") as error:
        drop.read(["企业名称"], path=entry["file"])
    assert "kind: xlsx" in error.value.hint
    delivery = drop.read(["1"], path=entry["file"], kind="xlsx", header=False)
    assert len(delivery.rows) > 40
    assert len(delivery.columns) < 30

"""Personal data stays in landing, lake and databases: markers planted in every column are searched for in everything else."""

import logging
import traceback
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from core.errors import GateFailed, HubError, SourceError
from tests.factories import RESIDENTS, Hub, Row, person, with_assertions

pytestmark = pytest.mark.slow
MARKERS = {
    "SFZH": "11010119900307888X",
    "XM": "马克甲乙丙",
    "XB": "MARKERSEX",
    "CSRQ": "MARKERBIRTH",
    "DH": "13987654321",
    "DZ": "MARKERSTREET某某街7号",
    "GXSJ": "MARKERDATE",
    "BZ": "MARKERREMARK",
}
PARTS = [*MARKERS.values(), "马克甲乙丙", "19900307888"]


def _files_outside(hub: Hub) -> list[Path]:
    home = hub.settings.home
    files = [path for path in home.rglob("*") if path.is_file()]
    closed = (hub.settings.landing, hub.settings.lake_dir)
    return [path for path in files if not any(path.is_relative_to(folder) for folder in closed) and ".db" not in path.name]


def test_no_marker_is_found_outside_lake_and_databases(
    hub: Hub, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.register(with_assertions(RESIDENTS, largest_quarantine=0.5))
    good = [person(number) for number in range(4)]
    batch = hub.sync(RESIDENTS, [*good, person(5) | MARKERS, person(6) | {**MARKERS, "SFZH": person(6)["SFZH"]}])
    assert batch.quarantined == 1
    hub.publish("population")
    _write_reports(hub, batch.batch_id)
    errors = [_stopped_by_gate(hub), _engine_error(hub)]
    written = {path: path.read_bytes().decode("utf-8", "replace") for path in _files_outside(hub)}
    assert any(path.suffix == ".html" for path in written)
    assert any(path.parent.name == "registered" for path in written)
    printed = capfd.readouterr()
    own = [record.getMessage() for record in caplog.records if not record.name.startswith(("faker", "hypothesis"))]
    for place, text in {**written, "log": "\n".join(own), "out": printed.out, "err": printed.err, "errors": "\n".join(errors)}.items():
        assert [part for part in PARTS if part in text] == [], place


def _write_reports(hub: Hub, batch_id: str) -> None:
    from pipeline.report import write_report

    for subject in (batch_id, "population"):
        for language in ("zh", "en"):
            assert write_report(hub.home, subject, None, language).exists()


def _stopped_by_gate(hub: Hub) -> str:
    with pytest.raises(GateFailed) as raised:
        hub.sync(RESIDENTS, [person(5) | MARKERS])
    return "".join(traceback.format_exception(raised.value))


def _engine_error(hub: Hub) -> str:
    from core.engine import Engine

    with Engine(hub.settings) as engine, pytest.raises(HubError) as raised:
        engine.rows("SELECT $value::date", {"value": MARKERS["CSRQ"]})
    return str(raised.value)


def test_no_marker_is_in_the_catalog_or_the_audit_log(hub: Hub) -> None:
    """Databases of the hub's own bookkeeping: figures and names of columns, never a record."""
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(1), person(5) | MARKERS])
    hub.publish("population")
    hub.home.catalog.dispose()
    for name in ("catalog.db", "catalog.db-wal", "audit.db", "audit.db-wal", "lake.db"):
        path = hub.settings.home / name
        text = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        assert [part for part in PARTS if part in text] == [], name


CHINESE = {
    **RESIDENTS,
    "record_key": ["身份证号"],
    "columns": {"姓名": "person_name", "身份证号": "resident_id", "性别": "sex_code", "电话": "phone_number", "地址": "residence_address"},
    "as_of": None,
}
NAMES = [*CHINESE["columns"]]


def _values(row: Row) -> list[str]:
    return [row[name] for name in ("XM", "SFZH", "XB", "DH", "DZ")]


# A word of the contract stands in a value; a form repeats names beside values; a mistake in the header; a value became a name.
HEADLESS: dict[str, list[list[str]]] = {
    "address-unknown": [_values(person(1)), _values(person(5) | MARKERS | {"DZ": "地址不详"})],
    "word-of-the-contract": [_values(person(1)), _values(person(5) | MARKERS | {"DZ": "地址"})],
    "form": [["姓名", MARKERS["XM"], "电话", MARKERS["DH"], "备注"], ["地址", MARKERS["DZ"], "", "", ""]],
    "value-in-the-header": [["姓名", "身份证号", "性别", "地址", MARKERS["DH"]], _values(person(1))],
    "value-beside-the-header": [[*NAMES, MARKERS["SFZH"]], [*_values(person(1)), "x"]],
}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("case", HEADLESS)
def test_no_row_is_quoted_where_a_header_is_missed(hub: Hub, case: str, kind: str) -> None:
    document: dict[str, Any] = {**CHINESE, "source": {"kind": kind, "connection": "drop", "path": f"people.{kind}"}}
    hub.register(document)
    _put(hub.drop / f"people.{kind}", HEADLESS[case])
    told = _told(hub, document)
    assert told
    assert [part for part in (*PARTS, *_values(person(1))[:2]) if part in told] == []


def _put(path: Path, rows: list[list[str]]) -> None:
    if path.suffix == ".csv":
        path.write_text("\n".join(map(",".join, rows)), encoding="utf-8")
        return
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path)


def _told(hub: Hub, document: dict[str, Any]) -> str:
    """Everything that is said about the next delivery: the error and its hint as raised and as kept, and the notes."""
    from pipeline.delivery.check import check_source
    from pipeline.land import land

    (contract,) = hub.register(document)
    said = [str(check_source(hub.home, contract))]
    try:
        land(contract.id, hub.home)
    except SourceError as error:
        said.append(str(error))
    batch = hub.batch(f"{contract.id}@1")
    return "\n".join([*said, str(batch.error), str(batch.hint), str(batch.notes)])

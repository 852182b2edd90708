"""Personal data stays in landing, lake and databases: markers planted in every column are searched for in everything else."""

import logging
import traceback
from pathlib import Path

import pytest

from core.errors import GateFailed, HubError
from tests.factories import RESIDENTS, Hub, person, with_assertions

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

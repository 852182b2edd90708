"""A batch pins the version of the standard that judged it, and a number stands for one standard only."""

import json
import zlib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from catalog.batches import batches_of
from catalog.standards import get_standard, standard_versions
from contracts.model import Contract
from contracts.references import element_faults
from core.clock import today
from core.errors import DefinitionError, RequestError
from pipeline.accept import accept
from pipeline.report import standing
from pipeline.standard import standard_named
from standards.loader import load_standards
from standards.model import Standards
from standards.versions import digest, elements_of, pack, unpack
from tests.factories import ENTERPRISES, PATIENTS, RESIDENTS, Hub, organization, person
from tests.standards.proposals import copied

INSTALLED = load_standards()


def released(version: str, standards: Standards = INSTALLED, in_force_from: date | None = None) -> Standards:
    """The standard under another number."""
    changed: dict[str, Any] = {"version": version} | ({"in_force_from": in_force_from} if in_force_from else {})
    return standards.model_copy(update={"release": standards.release.model_copy(update=changed)})


def reworded() -> Standards:
    """The installed standard with another title of one element, under the same number."""
    element = INSTALLED.elements["person_name"]
    other = element.model_copy(update={"title": element.title.model_copy(update={"en": "Full name"})})
    return INSTALLED.model_copy(update={"elements": {**INSTALLED.elements, "person_name": other}})


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    def install(standards: Standards) -> None:
        for module in ("pipeline.standard", "pipeline.report"):
            monkeypatch.setattr(f"{module}.load_standards", lambda: standards)

    return install


def test_what_is_no_date_is_kept_as_none_however_mild_a_standard_is(hub: Hub, install: Any, without_suite: None) -> None:
    """A standard may call every fault a warning; a column of dates or numbers has none but dates or numbers all the same."""
    kinds = {
        name: kind.model_copy(update={"severity": "warning"}) for name, kind in INSTALLED.issue_types.items() if kind.severity == "error"
    }
    install(released("77.0", INSTALLED.model_copy(update={"issue_types": {**INSTALLED.issue_types, **kinds}})))
    enterprises = {**ENTERPRISES, "columns": {**ENTERPRISES["columns"], "RS": "employee_count", "ZB": "registered_capital"}}
    hub.register(RESIDENTS, enterprises)
    days = ("1990-13-45", "出生", "01/02/03", "3000-01-01", "")
    batch = hub.sync(RESIDENTS, [person(number, CSRQ=day) for number, day in enumerate(days)])
    assert (batch.records, batch.quarantined) == (len(days), 0)
    assert {row["birth_date"] for row in hub.state(RESIDENTS)} == {None, date(3000, 1, 1)}
    again = standing(hub.home, hub.sync(RESIDENTS, [person(number, CSRQ=day) for number, day in enumerate(days)]))
    assert (again.rows, again.present["birth_date"], again.filled["birth_date"]) == (len(days), 4, 1)
    batch = hub.sync(enterprises, [organization(number, RS=text, ZB=text) for number, text in enumerate(("7", "七人", "9" * 30))])
    assert (batch.records, batch.quarantined) == (3, 0)
    assert {row["employee_count"] for row in hub.state(enterprises)} == {7, None}
    kept = {row["registered_capital"] for row in hub.state(enterprises)}
    assert "七人" in kept
    assert None in kept
    assert len(kept) == 3


def test_a_version_is_kept_whole_from_its_first_use_on(any_hub: Hub, without_suite: None) -> None:
    hub = any_hub
    hub.register(PATIENTS)
    assert standard_versions(hub.home.catalog) == []
    batch = hub.sync(PATIENTS, [person(0)])
    assert batch.standard_version == INSTALLED.version
    assert get_standard(hub.home.catalog, INSTALLED.version) == INSTALLED
    (kept,) = standard_versions(hub.home.catalog)
    assert (kept.version, kept.digest, kept.batches) == (INSTALLED.version, digest(INSTALLED), 1)
    assert kept.in_force_from == INSTALLED.release.in_force_from
    with pytest.raises(RequestError) as raised:
        get_standard(hub.home.catalog, "77.0")
    assert INSTALLED.version in raised.value.hint


def test_a_number_never_stands_for_two_standards(hub: Hub, install: Any, without_suite: None) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(0)])
    landed = hub.land(PATIENTS, [person(1)])
    install(reworded())
    for attempt in (lambda: hub.land(PATIENTS, [person(0)]), lambda: accept(landed, hub.home)):
        with pytest.raises(RequestError, match=f"still called {INSTALLED.version}") as raised:
            attempt()
        assert "version.yml" in raised.value.hint
    assert hub.batch(landed).status == "landed"  # and can be accepted as soon as the version was raised
    install(released("77.0", reworded()))
    assert accept(landed, hub.home).standard_version == "77.0"


def test_a_standard_that_is_not_in_force_yet_is_refused_and_the_day_itself_counts(hub: Hub, install: Any, without_suite: None) -> None:
    hub.register(PATIENTS)
    install(released("77.0", in_force_from=today() + timedelta(days=1)))
    with pytest.raises(RequestError, match="still to come"):
        hub.sync(PATIENTS, [person(0)])
    assert standard_versions(hub.home.catalog) == []
    install(released("77.0", in_force_from=today()))
    assert hub.sync(PATIENTS, [person(0)]).standard_version == "77.0"


def test_what_changed_between_landing_and_acceptance_is_recorded_under_the_version_that_judged(
    hub: Hub, install: Any, without_suite: None
) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(0), person(1)])
    landed = hub.land(PATIENTS, [person(0), person(1)])
    install(released("77.0"))
    batch = accept(landed, hub.home)
    # Other rules: no row counts as unchanged.
    assert (batch.standard_version, batch.accepted, batch.unchanged) == ("77.0", 2, 0)
    again = hub.sync(PATIENTS, [person(0), person(1)])
    assert (again.standard_version, again.unchanged) == ("77.0", 2)


def test_the_elements_of_a_version_are_known_also_where_the_rest_cannot_be_read() -> None:
    packed = pack(INSTALLED)
    named = [element.id for element in INSTALLED.schemas["population"].elements]
    assert elements_of(packed, "population") == tuple(named)
    document = json.loads(zlib.decompress(packed)) | {"of another program": 1}
    older = zlib.compress(json.dumps(document).encode())
    with pytest.raises(ValidationError):
        unpack(older)
    assert elements_of(older, "population") == tuple(named)


def test_a_fault_of_a_proposal_names_the_file_that_was_proposed(tmp_path: Path, hub: Hub) -> None:
    folder = copied(tmp_path)
    folder.joinpath("version.yml").write_text("version: [\n", encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        standard_named(str(folder), lambda: hub.home)
    assert str(folder / "version.yml") in {fault.file for fault in raised.value.faults}
    assert not [fault for fault in raised.value.faults if fault.file.startswith("standards/")]


def test_a_contract_that_the_standard_outgrew_is_no_longer_collected(hub: Hub, install: Any, without_suite: None) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(0)])
    population = INSTALLED.schemas["population"]
    fewer = population.model_copy(update={"uses": tuple(use for use in population.uses if use.element.id != "phone_number")})
    release = INSTALLED.release.model_copy(update={"version": "99.0.0"})
    install(INSTALLED.model_copy(update={"release": release, "schemas": {**INSTALLED.schemas, "population": fewer}}))
    with pytest.raises(
        RequestError, match=r"version 1 of the contract does not fit standard 99.0.0: columns.DH: .phone_number. is not part of"
    ):
        hub.sync(PATIENTS, [person(0), person(1)])
    (failed, _) = batches_of(hub.home.catalog, PATIENTS["id"])
    assert failed.status == "failed"
    without = INSTALLED.model_copy(update={"schemas": {name: item for name, item in INSTALLED.schemas.items() if name != "population"}})
    assert dict(element_faults(Contract.model_validate(PATIENTS), without))["feeds[0]"].startswith('there is no base registry "population"')
    hub.register({**PATIENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": [*PATIENTS["ignore"], "DH"]})
    assert hub.sync(PATIENTS, [person(0), person(1)]).records == 2

"""Elements that come to a registry, or leave it, with a later standard: rows without them stay as they are, what was published before is
answered as it was, and every publication can be worked out again."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import GateFailed, RequestError
from pipeline.answers.why import Moment, show
from pipeline.impact.blast_radius import impact
from pipeline.publication.replay import replay_publication
from registries.definition import get_definition
from registries.feed import read_changes, read_state
from standards import loader
from standards.loader import load_standards, read_standards
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.portal.conftest import open_portal
from tests.standards.proposals import copied, edited, released

pytestmark = pytest.mark.slow
WITH_NICKNAMES = {**PATIENTS, "columns": {**PATIENTS["columns"], "NC": "nickname"}}
PEOPLE = range(1, 7)


def with_nickname(folder: Path, name: str = "nickname", version: str = "77.0") -> Path:
    """The installed standard under a number of its own, with one element more, which the population takes between others."""
    wider = released(copied(folder, version), version)
    element = yaml.safe_load((wider / "data_elements" / "former_name.yml").read_text(encoding="utf-8")) | {"id": name}
    element |= {"title": {"zh": "小名", "en": "Nickname"}, "definition": {"zh": "家人的称呼", "en": "What the family says"}, "aliases": []}
    (wider / "data_elements" / f"{name}.yml").write_text(yaml.safe_dump(element, allow_unicode=True), encoding="utf-8")
    return edited(wider, "schemas/population.yml", lambda body: body["uses"].insert(3, {"element": name}))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a standard in the place of the installed one."""
    monkeypatch.setitem(loader._substitutes, loader.FOLDER, read_standards(folder))


def folded(hub: Hub) -> dict[str, dict[str, Any]]:
    """What whoever follows the feed from its beginning has by now."""
    schema, table = load_standards().schemas["population"], dict[str, dict[str, Any]]()
    for event in read_changes(hub.home.serving, get_definition("population"), schema, 0, 10_000).events:
        values = {**table.get(str(event.canonical_id), {}), **(event.values or {})} if event.event == "update" else dict(event.values or {})
        table[str(event.canonical_id)] = {name: value for name, value in values.items() if value is not None}
    return table


@pytest.mark.long
def test_rows_without_the_new_element_keep_their_digests(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_suite: None
) -> None:
    hub.register(RESIDENTS, PATIENTS)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    hub.sync(PATIENTS, [person(number) for number in PEOPLE])
    hub.publish("population")
    install(with_nickname(tmp_path), monkeypatch)
    hub.register(WITH_NICKNAMES)
    hub.sync(WITH_NICKNAMES, [person(number, NC="小芳" if number == 2 else "") for number in PEOPLE])
    assert hub.publish("population").updated == 1
    # Moved to another place, a schema still gives the digests that it gave: who has no nickname is not touched.
    hub.sync(RESIDENTS, [person(number, **({"DZ": "北京市西城区文津街7号"} if number == 5 else {})) for number in PEOPLE])
    assert hub.publish("population").updated == 1
    schema = load_standards().schemas["population"]
    page = read_changes(hub.home.serving, get_definition("population"), schema, len(PEOPLE), 100)
    ids = {str(row["_canonical_id"]): row["resident_id"] for row in hub.served("base_population")}
    assert [(ids[event.canonical_id], set(event.values)) for event in page.events] == [
        (resident_id(2), {"nickname"}),
        (resident_id(5), {"residence_address"}),
    ]
    assert [replay_publication("population", number, hub.home).is_same for number in (1, 2, 3)] == [True] * 3
    assert hub.unbalanced() == []


@pytest.mark.long
def test_an_element_that_goes_leaves_every_row_at_once(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_suite: None
) -> None:
    """Also those of entities of which nothing came anew; and what was published before keeps it."""
    hub = any_hub
    install(with_nickname(tmp_path), monkeypatch)
    hub.register(RESIDENTS, WITH_NICKNAMES)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    hub.sync(WITH_NICKNAMES, [person(number, NC="小芳") for number in PEOPLE])
    hub.publish("population")
    people = [str(row["_canonical_id"]) for row in hub.served("base_population") if row["nickname"]]
    assert len(people) == len(PEOPLE)
    install(released(copied(tmp_path, "78.0"), "78.0"), monkeypatch)
    hub.sync(RESIDENTS, [person(number, **({"DZ": "北京市西城区文津街7号"} if number == 5 else {})) for number in PEOPLE])
    assert hub.publish("population").updated == len(PEOPLE)
    table = folded(hub)
    assert not any("nickname" in values for values in table.values())
    page = read_state(hub.home.serving, load_standards().schemas["population"], None, "", 100)
    assert {str(row.canonical_id): dict(row.values) for row in page.rows} == table
    assert [replay_publication("population", number, hub.home).is_same for number in (1, 2)] == [True, True]
    install(with_nickname(tmp_path, "household_name", "79.0"), monkeypatch)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    hub.publish("population")
    for canonical_id in people:
        for day in (None, date(2024, 5, 5)):
            assert show(hub.home, "population", canonical_id, Moment(day, 1))["nickname"] == "小芳"
    assert hub.unbalanced() == []


@pytest.mark.long
def test_another_identity_links_every_record_anew(
    hub: Hub, second_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_suite: None
) -> None:
    """Also those of datasets that bring nothing new: a hub that begins with that standard has the same table."""
    hub.register(RESIDENTS, PATIENTS)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    hub.sync(PATIENTS, [person(number, XM="王小芳") for number in PEOPLE])
    assert hub.publish("population").entities == len(PEOPLE)
    folder = released(copied(tmp_path, "77.0"), "77.0")
    folder = edited(folder, "schemas/population.yml", lambda body: body.update(identity=["resident_id", "person_name"]))
    (foreseen,) = impact(hub.home, load_standards(), read_standards(folder)).registries
    install(folder, monkeypatch)
    hub.sync(RESIDENTS, [person(number) for number in (*PEOPLE, 7)])
    with pytest.raises(GateFailed, match="6 of 6 entities would disappear"):
        hub.publish("population")
    assert (foreseen.moved.expected, foreseen.appeared.expected, foreseen.vanished.expected) == (12, 12, 6)
    assert "would disappear, which stops the publication" in foreseen.gate
    hub.publish("population", accept_shrink="the standard has changed")
    second_hub.register(RESIDENTS, PATIENTS)
    second_hub.sync(RESIDENTS, [person(number) for number in (*PEOPLE, 7)])
    second_hub.sync(PATIENTS, [person(number, XM="王小芳") for number in PEOPLE])
    second_hub.publish("population")
    incremental, fresh = (
        {row["_canonical_id"]: row["phone_number"] for row in each.served("base_population")} for each in (hub, second_hub)
    )
    assert incremental == fresh
    assert len(fresh) == 2 * len(PEOPLE) + 1
    assert [replay_publication("population", number, hub.home).is_same for number in (1, 2)] == [True, True]
    assert hub.unbalanced() == []


def test_what_is_published_is_read_while_a_wider_standard_waits(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_suite: None
) -> None:
    """Installed is not published: feed, pages and API answer by what the base table has."""
    hub = any_hub
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    hub.publish("population")
    install(with_nickname(tmp_path), monkeypatch)
    assert len(folded(hub)) == len(PEOPLE)
    client, canonical_id = open_portal(hub).client, hub.served("base_population")[0]["_canonical_id"]
    api = "/api/v1/registries/population"
    addresses = [f"{api}/changes", f"{api}/state", f"{api}/records/{canonical_id}", api, "/registries/population", "/"]
    for address in (*addresses, f"/registries/population/records/{canonical_id}"):
        assert client.get(address).status_code == 200, address


def test_a_standard_that_gives_an_element_another_data_type_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_suite: None
) -> None:
    """The values that are kept under its name would be of two types, which no reader of the lake takes."""
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    folder = edited(
        released(copied(tmp_path), "79.0"),
        "data_elements/employee_count.yml",
        lambda body: [body.pop(name, None) for name in ("data_type", "minimum", "maximum")] and body.update(type="text"),
    )
    before = load_standards()
    install(folder, monkeypatch)
    with pytest.raises(RequestError, match="employee_count is of data type string, and values of it are kept as integer"):
        hub.sync(RESIDENTS, [person(number) for number in PEOPLE])
    found = impact(hub.home, before, load_standards())
    assert found.stops
    assert any("employee_count" in fault for fault in found.faults)

"""A source that suddenly claims that everybody's name is empty, or the same, does not win survivorship."""

from typing import Any

import pytest

from core.errors import GateFailed
from pipeline.publish import publish
from registries.attempts import standing_attempt
from registries.definition import SourceLimits, get_definition
from registries.publications import latest
from standards.loader import load_standards
from tests.factories import ENTERPRISES, PATIENTS, RESIDENTS, Hub, organization, person

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
PEOPLE = range(120)


def people(**changed: str) -> list[dict[str, str]]:
    return [person(number, **changed) for number in PEOPLE]


def attempt(hub: Hub, registry: str = "population") -> Any:
    return standing_attempt(hub.home.serving, latest(hub.home.serving, registry))


def addresses(hub: Hub) -> set[str]:
    return {row["residence_address"] for row in hub.served("base_population")}


def test_names_that_all_become_one_stop_the_registry_and_no_other(any_hub: Hub) -> None:
    hub = any_hub
    hub.register(RESIDENTS, ENTERPRISES)
    hub.sync(RESIDENTS, people())
    hub.sync(ENTERPRISES, [organization(1)])
    first = hub.publish("population")
    hub.publish("legal_entity")
    hub.sync(RESIDENTS, people(XM="李伟"))
    hub.sync(ENTERPRISES, [organization(1), organization(2)])
    with pytest.raises(GateFailed, match=r"public_security__resident person_name changed in 1\d\d of 120 records \(limit 20%\)") as stopped:
        hub.publish("population")
    assert "李伟" not in str(stopped.value)
    assert latest(hub.home.serving, "population") == first
    assert hub.publish("legal_entity").number == 2
    assert {item["kind"] for item in attempt(hub).findings} == {"changed", "same"}
    # A mended delivery needs nobody's word.
    hub.sync(RESIDENTS, people(DH="13700000001")[:3] + people()[3:])
    second = hub.publish("population")
    assert (second.number, second.updated, second.change_accepted) == (2, 3, None)
    assert attempt(hub) is None
    assert hub.unbalanced() == []


def test_values_that_all_disappear_are_stopped_until_a_person_has_seen_that(hub: Hub) -> None:
    hub.register(RESIDENTS, PATIENTS)
    hub.sync(RESIDENTS, people())
    hub.sync(PATIENTS, [person(number, DH=f"1370000{number:04}") for number in PEOPLE])
    hub.publish("population")
    before = addresses(hub)
    # The police fall silent: without the gate, nobody would have an address any more.
    hub.sync(RESIDENTS, people(DZ=""))
    with pytest.raises(GateFailed, match="goes no further"):
        publish("population", hub.home, accept_change="not seen yet")
    assert addresses(hub) == before
    assert [(item["element"], item["kind"], item["rows"]) for item in attempt(hub).findings] == [("residence_address", "emptied", 120)]
    # What comes on top of what was shown has been accepted by nobody.
    hub.sync(PATIENTS, [person(number, DH="") for number in PEOPLE])
    with pytest.raises(GateFailed, match="health__patient phone_number emptied"):
        publish("population", hub.home, accept_change="the registers are being merged")
    after = publish("population", hub.home, accept_change="the registers are being merged").publication
    assert (after.number, after.change_accepted) == (2, "the registers are being merged")
    assert addresses(hub) == {None}


def test_new_records_that_all_have_one_name_are_stopped_until_a_person_has_seen_that(hub: Hub) -> None:
    """Of a source that is new, there from the first publication on, or has grown: its name would be everybody's."""
    hub.register(PATIENTS)
    hub.sync(PATIENTS, people(XM="张三"))
    with pytest.raises(GateFailed, match=r"health__patient person_name uniform in 120 of 120 records \(limit 20%\)") as stopped:
        hub.publish("population")
    assert "张三" not in str(stopped.value)
    hub.sync(PATIENTS, people())
    assert hub.publish("population").number == 1
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, people(XM="张三"))
    with pytest.raises(GateFailed, match="public_security__resident person_name uniform in 120"):
        hub.publish("population")
    # Ninety are too few to speak of.
    hub.sync(RESIDENTS, people(XM="张三")[:90])
    assert hub.publish("population").number == 2
    hub.sync(RESIDENTS, [*people(XM="张三")[:90], *(person(number, XM="张三") for number in range(200, 320))])
    with pytest.raises(GateFailed, match="public_security__resident person_name uniform in 120 of 120"):
        hub.publish("population")
    after = publish("population", hub.home, accept_change="a temple of monks of one name").publication
    assert (after.number, after.inserted, after.change_accepted) == (3, 120, "a temple of monks of one name")
    assert hub.unbalanced() == []


@pytest.mark.long
def test_one_publication_that_two_gates_stop_is_settled_by_two_decisions(hub: Hub) -> None:
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, people())
    hub.publish("population")
    hub.sync(RESIDENTS, people(DZ="")[50:])
    with pytest.raises(GateFailed, match="residence_address emptied"):
        hub.publish("population")
    with pytest.raises(GateFailed, match="50 of 120 entities would disappear") as stopped:
        publish("population", hub.home, accept_change="a")
    assert stopped.value.hint.endswith('--accept-shrink "why it is right" --accept-change "why it is right"')
    # A schedule that comes between takes nothing back of what has been looked at.
    with pytest.raises(GateFailed, match="residence_address emptied"):
        hub.publish("population")
    after = publish("population", hub.home, accept_change="a", accept_shrink="b").publication
    assert (after.entities, after.change_accepted, after.shrink_accepted) == (70, "a", "b")


@pytest.mark.long
def test_records_that_went_away_and_came_back_otherwise_are_looked_at(hub: Hub) -> None:
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, people())
    hub.publish("population")
    hub.sync(RESIDENTS, people()[20:])
    hub.sync(RESIDENTS, people(XM="李伟")[:20] + people()[20:])
    with pytest.raises(GateFailed, match=r"person_name same in (19|20) of 120 records \(limit 5%\)"):
        hub.publish("population")


def test_records_that_came_under_other_keys_are_looked_at(hub: Hub) -> None:
    """An export under new numbers: nothing of it is the record that was there, and every name in it is the same."""
    cards = {**RESIDENTS, "record_key": ["KH"], "ignore": ["KH"]}
    hub.register(cards)
    for first, changed in ((0, {}), (1000, {}), (2000, {"XM": "李伟"})):
        hub.sync(cards, [person(number, **changed) | {"KH": str(first + number)} for number in PEOPLE])
        if not changed:
            assert hub.publish("population").entities == len(PEOPLE)
    with pytest.raises(GateFailed, match=r"person_name same in 118 of 120 records \(limit 5%\)"):
        hub.publish("population")


def test_under_a_new_standard_only_what_the_source_itself_says_otherwise_counts(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.standard

    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, people())
    hub.publish("population")
    installed = load_standards()
    newer = installed.model_copy(update={"release": installed.release.model_copy(update={"version": "77.0"})})
    monkeypatch.setattr(pipeline.standard, "load_standards", lambda *_, **__: newer)
    # Three rows of it are others now: too few to speak of, whatever the standard makes of all of them.
    hub.sync(RESIDENTS, people(DH="13700000001")[:3] + people()[3:])
    assert hub.publish("population").updated >= 3
    newest = installed.model_copy(update={"release": installed.release.model_copy(update={"version": "78.0"})})
    monkeypatch.setattr(pipeline.standard, "load_standards", lambda *_, **__: newest)
    hub.sync(RESIDENTS, people(XM="李伟"))
    with pytest.raises(GateFailed, match="person_name changed in"):
        hub.publish("population")


def test_a_few_changes_and_small_sources_are_not_looked_at(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(RESIDENTS, PATIENTS)
    hub.sync(RESIDENTS, people())
    hub.sync(PATIENTS, [person(number) for number in range(20)])
    hub.publish("population")
    hub.sync(RESIDENTS, people(DZ="")[:4] + people()[4:])
    hub.sync(PATIENTS, [person(number, DH="") for number in range(20)])

    def not_called(*_: object) -> None:
        raise AssertionError("nothing was to be compared")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.publication.source_gate._changes", not_called)
        assert hub.publish("population").updated >= 20


def test_limits_of_an_element_come_before_those_of_all() -> None:
    limits = SourceLimits.model_validate(
        {"emptied": 0.2, "changed": 0.5, "same": 0.3, "least_records": 1, "elements": {"name": {"changed": 0.1}, "day": {"changed": 1}}}
    )
    assert limits.smallest == 0.1
    assert limits.of("name") == {"emptied": 0.2, "changed": 0.1, "same": 0.3}
    assert limits.of("other") == {"emptied": 0.2, "changed": 0.5, "same": 0.3}
    assert get_definition("population").sources is not None

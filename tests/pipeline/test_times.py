"""Both times of real publications: records delivered late and corrected, by command, page and API, with why."""

from datetime import date, timedelta

import pytest

from core.clock import today
from core.errors import RequestError
from pipeline.answers.why import Moment, find_entity, show, why_at
from pipeline.publication.replay import replay_publication
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.portal.conftest import open_portal

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
DOCUMENT = {**PATIENTS, "assertions": {**PATIENTS["assertions"]}}
# Each publication: the telephone, and since when the source says it holds.
STORY = [("13800000001", "2020-03-01"), ("13800000002", "2022-03-01"), ("13800000003", "2021-03-01"), None]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A person whose telephone changes, is corrected with an earlier date, and who is gone at the end; somebody stays."""
    from pipeline.validate import count_issues
    from tests.factories import hub_in

    hub = hub_in(tmp_path_factory.mktemp("told") / "home")
    others = [person(number) for number in range(2, 9)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        hub.register(DOCUMENT)
        for fact in STORY:
            mine = [person(1, DH=fact[0], GXSJ=fact[1])] if fact else []
            hub.sync(DOCUMENT, [*mine, *others])
            hub.publish("population")
    return hub


EXPECTED = {
    # (day, publication): telephone, and the publication that says so
    ("2019-01-01", 1): None,
    ("2020-06-01", 1): ("13800000001", 1),
    ("2023-01-01", 1): ("13800000001", 1),
    ("2021-06-01", 2): ("13800000001", 1),
    ("2022-06-01", 2): ("13800000002", 2),
    ("2020-06-01", 3): ("13800000001", 1),
    ("2021-06-01", 3): ("13800000003", 3),
    ("2022-06-01", 3): ("13800000003", 3),
}


@pytest.mark.parametrize(("day", "number"), EXPECTED)
def test_show_and_why_answer_as_of_both_times(told: Hub, day: str, number: int) -> None:
    canonical_id = find_entity(told.home, "population", resident_id(1), number)
    at = Moment(date.fromisoformat(day), number)
    expected = EXPECTED[day, number]
    if expected is None:
        with pytest.raises(RequestError, match="says nothing of"):
            show(told.home, "population", canonical_id, at)
        return
    row = show(told.home, "population", canonical_id, at)
    assert (row["phone_number"], row["_publication_from"]) == expected
    account = why_at(told.home, "population", canonical_id, at)
    assert account.number == expected[1]
    assert {answer.element: answer.value for answer in account.answers}["phone_number"] == expected[0]


def test_known_at_alone_is_what_that_publication_showed(told: Hub) -> None:
    canonical_id = find_entity(told.home, "population", resident_id(1), 3)
    for number in (1, 2, 3):
        phone = show(told.home, "population", canonical_id, Moment(known_at=number))["phone_number"]
        assert phone == STORY[number - 1][0]  # type: ignore[index]
    for known_at in (None, 4):
        with pytest.raises(RequestError, match="has been deleted from population by publication 4"):
            find_entity(told.home, "population", resident_id(1), known_at)
    for wrong in (0, 5, 99):
        with pytest.raises(RequestError, match=f"no publication {wrong}"):
            show(told.home, "population", canonical_id, Moment(known_at=wrong))


def test_the_api_answers_as_of_both_times(told: Hub) -> None:
    client = open_portal(told).client
    asked = {"identifier": resident_id(1), "purpose": "appeal 7", "valid_at": "2022-06-01", "known_at": 2}
    found = client.post("/api/v1/registries/population/lookup", json=asked).json()
    assert (found["elements"]["phone_number"]["value"], found["publication"], found["published_by"]) == ("13800000002", 2, 2)
    address = f"/api/v1/registries/population/records/{found['canonical_id']}"
    masked = client.get(address, params={"valid_at": "2020-06-01", "known_at": 3}).json()
    assert (masked["published_by"], masked["revealed"], masked["valid_from"]) == (1, False, "2020-03-01")
    assert "13800000001" not in str(masked)
    assert client.get(address).status_code == 404
    assert client.get(address, params={"valid_at": "2019-01-01", "known_at": 3}).status_code == 404
    assert client.get(address, params={"valid_at": "yesterday"}).status_code == 422


def test_a_day_that_stands_for_no_day_is_told_and_says_nothing(hub: Hub) -> None:
    """Otherwise a record that holds since the end of the calendar would be in no answer."""
    hub.register(RESIDENTS)
    rubbish = ("9999-12-31", "99991231", "0001-01-01", "infinity", "-infinity")
    batch = hub.sync(RESIDENTS, [person(0), *(person(number, GXSJ=day) for number, day in enumerate(rubbish, 1))])
    assert [row["_valid_from"] for row in hub.state(RESIDENTS) if row["_valid_from"]] == [date(2024, 1, 1)]
    (note,) = [note for note in batch.notes if note["kind"] == "unread-date"]
    assert note["message"].startswith(f"{len(rubbish)} rows give a date")
    hub.publish("population")
    assert len(hub.served("base_population_as_of")) == len(rubbish) + 1


def test_a_day_that_is_still_to_come_is_told_and_not_believed(hub: Hub) -> None:
    """It would stand before every other record of its source, and be in no answer of today."""
    hub.register(RESIDENTS)
    days = (today(), today() + timedelta(days=1), date(2099, 1, 1))
    batch = hub.sync(RESIDENTS, [person(number, GXSJ=str(day)) for number, day in enumerate(days)])
    assert sorted(str(row["_valid_from"]) for row in hub.state(RESIDENTS)) == sorted([str(days[0]), "None", "None"])
    (note,) = [note for note in batch.notes if note["kind"] in ("unread-date", "future-date")]
    assert note["message"].startswith("2 rows give a date of effect that is still to come")
    hub.publish("population")
    assert len(hub.served("base_population_as_of")) == len(days)


def test_a_death_is_told_from_when_it_was_registered_whoever_writes_on_of_the_dead(
    hub: Hub, without_suite: None, without_lake: None
) -> None:
    """An office that is not believed of days after a death says nothing of the row's day either, but where a value comes from it."""
    offices = [{"id": name, "title": {"zh": "局", "en": name}} for name in ("civil_affairs", "tax")]
    deaths, payers = (
        {**PATIENTS, "id": f"{office['id']}__person", "department": office, "source": {**PATIENTS["source"], "path": f"{office['id']}.csv"}}
        for office in offices
    )
    deaths |= {"columns": {"SFZH": "resident_id", "XM": "person_name", "SWRQ": "death_date"}, "ignore": ["XB", "CSRQ", "DH", "DZ"]}
    payers |= {"columns": {**PATIENTS["columns"], "DW": "employer_name"}}
    hub.register(RESIDENTS, deaths, payers)
    hub.sync(RESIDENTS, [person(number, GXSJ="2020-01-01") for number in (1, 2)])
    hub.publish("population")
    hub.sync(deaths, [person(number, GXSJ="2023-02-02") | {"SWRQ": "2023-02-01"} for number in (1, 2)])
    hub.sync(payers, [person(number, GXSJ="2024-06-01") | {"DW": "春风公司" if number == 2 else ""} for number in (1, 2)])
    hub.publish("population")

    def died(number: int, day: str) -> date | None:
        row = show(hub.home, "population", find_entity(hub.home, "population", resident_id(number)), Moment(date.fromisoformat(day)))
        return row["death_date"]  # type: ignore[no-any-return]

    told = [died(1, day) for day in ("2023-02-01", "2023-02-02")]
    assert [str(day) for day in told] == ["None", "2023-02-01"]
    assert [str(row["_valid_from"]) for row in hub.served("base_population", "resident_id")] == ["2023-02-02", "2024-06-01"]
    assert all(replay_publication("population", number, hub.home).is_same for number in (1, 2))

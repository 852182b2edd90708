"""Why: the rules on the way of a value, the link of its record, and accounts of publications that later ones have overtaken."""

from typing import Any

import pytest

from catalog.batches import Batch
from core.engine import Engine
from pipeline.answers.rules_applied import AppliedRule
from pipeline.answers.why import Moment, Why, _raw, find_entity, why, why_at
from pipeline.home import Home
from registries.definition import Rank, RegistryDefinition, get_definition, load_definitions
from tests.factories import LICENCES, PATIENTS, RESIDENTS, Hub, certificate, person, resident_id

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


def chosen(account: Why, element: str) -> tuple[Any, str]:
    answer = next(item for item in account.answers if item.element == element)
    return answer.value, next(item.contract_id for item in answer.candidates if item.verdict == "chosen")


def installed(monkeypatch: pytest.MonkeyPatch, definition: RegistryDefinition) -> None:
    """Another definition of the population registry from here on."""
    monkeypatch.setattr("registries.definition.load_definitions", lambda: {**load_definitions(), "population": definition})


def test_an_account_is_by_the_rules_of_its_publication(any_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = any_hub
    hub.register(RESIDENTS, PATIENTS)
    hub.sync(RESIDENTS, [person(number) for number in range(5)])
    hub.sync(PATIENTS, [person(number, XM="欧阳丽", GXSJ="2024-02-01") for number in range(5)])
    hub.publish("population")
    before = get_definition("population")
    ranks = {**before.ranks, "person_name": Rank(sources=("health",))}
    with monkeypatch.context() as patched:
        installed(patched, before.model_copy(update={"version": before.version + 1, "ranks": ranks}))
        hub.publish("population")
        canonical = find_entity(hub.home, "population", resident_id(1))
        accounts = [why(hub.home, "population", canonical, number) for number in (1, 2)]
        assert [chosen(item, "person_name") for item in accounts] == [
            (person(1)["XM"], RESIDENTS["id"]),
            ("欧阳丽", PATIENTS["id"]),
        ]
        assert [item.definition_version for item in accounts] == [before.version, before.version + 1]
        assert why_at(hub.home, "population", canonical, Moment(known_at=1)) == accounts[0]
    # Gone since, it can still be asked as it was known.
    hub.sync(RESIDENTS, [person(number) for number in range(5) if number != 1])
    hub.sync(PATIENTS, [person(number) for number in range(5) if number != 1])
    installed(monkeypatch, before.model_copy(update={"version": before.version + 2}))
    assert hub.publish("population").deleted == 1
    assert find_entity(hub.home, "population", resident_id(1), known_at=2) == canonical
    assert why(hub.home, "population", canonical, 1) == accounts[0]


def test_every_value_names_the_rules_that_made_it_and_the_link_of_its_record(hub: Hub) -> None:
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(1)])
    hub.publish("population")
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(1)))
    (born,) = next(item.candidates for item in account.answers if item.element == "birth_date")
    standard, terms = account.standard_version, f"{RESIDENTS['id']}/1"
    assert born.link == "resident-id/1"
    assert born.rules[0] == AppliedRule("column", "CSRQ", terms)
    assert AppliedRule("type", "date", standard) in born.rules
    assert (account.number, account.published_by) == (1, hub.settings.actor)


def test_an_address_from_after_a_death_is_not_believed_and_why_says_so(hub: Hub) -> None:
    insured = {
        **PATIENTS,
        "id": "social_security__insured",
        "department": {"id": "social_security", "title": {"zh": "人社局", "en": "Social security"}},
        "source": {"kind": "csv", "connection": "drop", "path": "insured.csv"},
        "columns": {"SFZH": "resident_id", "XM": "person_name", "DZ": "residence_address"},
        "ignore": ["XB", "CSRQ", "DH"],
    }
    deaths = {**PATIENTS, "columns": {**PATIENTS["columns"], "SWRQ": "death_date"}}
    hub.register(insured, deaths)
    hub.sync(insured, [person(number, GXSJ="2024-01-01") for number in (1, 2)])
    hub.sync(deaths, [{**person(1, GXSJ="2023-05-02"), "SWRQ": "2023-05-01"}, {**person(2, GXSJ="2023-05-02"), "SWRQ": ""}])
    hub.publish("population")
    answers = {
        number: {
            item.element: item for item in why(hub.home, "population", find_entity(hub.home, "population", resident_id(number))).answers
        }
        for number in (1, 2)
    }
    assert [answers[number]["residence_address"].value for number in (1, 2)] == [None, person(2)["DZ"]]
    (late,) = answers[1]["residence_address"].candidates
    assert (late.verdict, late.value) == ("after-the-last-day", person(1)["DZ"])
    assert answers[1]["residence_address"].order["stopped_by"] == "death_date"
    # Who registers the death may speak of the days after it.
    assert answers[1]["phone_number"].value == person(1)["DH"]


@pytest.mark.parametrize("day", ["2023-05-02", "2022-05-02"])
def test_a_division_from_after_a_death_is_believed_no_more_than_its_address(hub: Hub, day: str) -> None:
    columns = {"SFZH": "resident_id", "XM": "person_name", "DZ": "residence_address", "DQ": "residence_division_code"}
    insured = {
        **PATIENTS,
        "id": "social_security__insured",
        "department": {"id": "social_security", "title": {"zh": "人社局", "en": "Social security"}},
        "source": {"kind": "csv", "connection": "drop", "path": "insured.csv"},
        "columns": columns,
        "ignore": ["XB", "CSRQ", "DH"],
    }
    deaths = {**PATIENTS, "columns": {**PATIENTS["columns"], "SWRQ": "death_date"}}
    hub.register(insured, deaths)
    hub.sync(insured, [person(1, GXSJ=day) | {"DQ": "110101"}])
    hub.sync(deaths, [{**person(1, GXSJ="2023-05-02"), "SWRQ": "2023-05-01"}])
    hub.publish("population")
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(1)))
    told = {item.element: (item.value, item.candidates[0].verdict) for item in account.answers if item.element in columns.values()}
    if day > "2023-05-01":
        assert told["residence_address"] == told["residence_division_code"] == (None, "after-the-last-day")
    else:
        assert (told["residence_address"], told["residence_division_code"]) == ((person(1)["DZ"], "chosen"), ("110101", "chosen"))


def test_of_sources_that_count_alike_in_everything_the_dataset_decides_and_why_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told that a value is not the newest, where the one that was chosen is of the same day."""
    before, alike = get_definition("population"), (("public_security", "health"),)
    rules = {"phone_number": "newest", "residence_address": "fullest", "person_name": "most_frequent"}
    ranks = before.ranks | {element: Rank(sources=alike, then=then) for element, then in rules.items()}  # type: ignore[arg-type]
    installed(monkeypatch, before.model_copy(update={"version": before.version + 1, "ranks": ranks}))
    patients = {**RESIDENTS, **{name: PATIENTS[name] for name in ("id", "title", "department", "source")}}
    hub.register(RESIDENTS, patients)
    other = {"XM": "欧阳丽", "DH": "13700000000", "DZ": "北京市西城区文津街7号"}
    hub.sync(RESIDENTS, [person(1, **other), person(2, **other, GXSJ="2023-01-01", XB="")])
    hub.sync(patients, [person(1), person(2)])
    hub.publish("population")
    told = {}
    for number in (1, 2):
        account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(number)))
        words = {item.element: item.candidates for item in account.answers if item.element in rules}
        told[number] = {element: (found[0].contract_id, found[1].verdict) for element, found in words.items()}
    chosen_id = patients["id"]  # the first by its id
    assert told[1] == dict.fromkeys(rules, (chosen_id, "counts-alike"))
    assert told[2] == {
        "phone_number": (chosen_id, "not-the-newest"),
        "residence_address": (chosen_id, "not-the-fullest"),
        "person_name": (chosen_id, "counts-alike"),
    }


def test_a_division_goes_with_the_address_that_was_chosen_and_why_says_so(hub: Hub) -> None:
    """Both are of the right province; the source that ranks first for the division gave another address."""
    columns = {"SFZH": "resident_id", "XM": "person_name", "DZ": "residence_address", "DQ": "residence_division_code"}
    first, second = ({**document, "columns": columns, "as_of": None, "ignore": []} for document in (RESIDENTS, PATIENTS))
    second |= {"columns": {**columns, "DQ": "residence_division_code"}}
    hub.register(first, second)
    row = {name: value for name, value in person(1).items() if name in ("SFZH", "XM")}
    hub.sync(first, [{**row, "DZ": "", "DQ": "110101"}])
    hub.sync(second, [{**row, "DZ": "北京市西城区文津街7号", "DQ": "110102"}])
    hub.publish("population")
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(1)))
    answer = next(item for item in account.answers if item.element == "residence_division_code")
    assert answer.value == "110102"
    assert {(word.contract_id, word.verdict) for word in answer.candidates} == {
        (RESIDENTS["id"], "not-with-the-address"),
        (PATIENTS["id"], "chosen"),
    }


def test_however_many_records_an_entity_has_its_batches_are_opened_once_each(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company may have hundreds of permits: each account is that of its own row."""
    document = {
        **PATIENTS,
        "record_key": ["KH"],
        "columns": {"SFZH": "resident_id", "XM": "person_name", "DH": "phone_number"},
        "ignore": ["KH", "XB", "CSRQ", "DZ"],
    }
    hub.register(document)
    cards = [person(1, KH=str(number), DH=f" 1380000{number:04}") for number in range(40)]
    hub.sync(document, [*cards, *(person(number, KH=f"p{number}") for number in range(2, 9))])
    hub.publish("population")
    opened = []

    def raw(engine: Engine, home: Home, batch: Batch, rows: Any) -> Any:
        opened.append(batch.batch_id)
        return _raw(engine, home, batch, rows)

    monkeypatch.setattr("pipeline.answers.why._raw", raw)
    account = why(hub.home, "population", find_entity(hub.home, "population", resident_id(1)))
    assert opened == [f"{document['id']}@1"]
    told = next(item for item in account.answers if item.element == "phone_number").candidates
    assert {(item.position, item.raw, item.value) for item in told} == {
        (number + 2, f" 1380000{number:04}", f"1380000{number:04}") for number in range(40)
    }


def test_the_validity_of_a_certificate_is_of_the_issue_that_was_chosen_and_why_says_so(hub: Hub) -> None:
    """Whoever has seen the earlier one would have it end before it was issued; whoever says no day of issue is heard."""
    columns = LICENCES["columns"] | {"JZ": "certificate_valid_to_date"}
    seen, undated = (
        {**LICENCES, "id": f"{name}__seen", "department": {"id": name, "title": {"zh": name, "en": name}}, "columns": columns}
        | {"source": {**LICENCES["source"], "path": f"{name}.csv"}}
        for name in ("housing", "health")
    )
    hub.register(LICENCES, seen, undated)
    hub.sync(LICENCES, [certificate(number, FZRQ="2022-02-02") for number in (1, 2)])
    hub.sync(seen, [certificate(1, FZRQ="2015-02-02", JZ="2021-02-02"), certificate(2, FZRQ="2015-02-02", JZ="2021-02-02")])
    hub.sync(undated, [certificate(2, FZRQ="", JZ="2032-02-02")])
    hub.publish("certificate")
    ends = {row["certificate_number"]: row["certificate_valid_to_date"] for row in hub.served("base_certificate")}
    assert ends == {resident_id(1): None, resident_id(2): "2032-02-02"}
    for number in (1, 2):
        entity = next(row["_canonical_id"] for row in hub.served("base_certificate") if row["certificate_number"] == resident_id(number))
        answer = next(item for item in why(hub.home, "certificate", entity).answers if item.element == "certificate_valid_to_date")
        assert (seen["id"], "with-another-value") in {(word.contract_id, word.verdict) for word in answer.candidates}

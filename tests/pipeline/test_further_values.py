"""Several values of an element from the sources to the views: what stands beside the chosen value, in tables published before that as well."""

import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from cli.app import app
from core.database import writing
from core.engine import Engine, parquet
from pipeline import publish as publishing
from pipeline.answers.why import why
from pipeline.publication import base, merging
from pipeline.publication.base import base_state
from pipeline.publication.export import export
from pipeline.publication.replay import replay_publication
from registries.definition import get_definition, load_definitions
from registries.feed import read_changes
from registries.further_values import COLUMN
from registries.versions import as_of_view, ensure_table, history_view, rows_table, values_view, versions_view
from standards.loader import load_standards
from tests.factories import PATIENTS, RESIDENTS, Hub, hub_in, person, resident_id
from tests.portal.conftest import open_portal

pytestmark = pytest.mark.slow
SCHEMA = load_standards().schemas["population"]
POLICE = {
    **RESIDENTS,
    "columns": {"SFZH": "resident_id", "XM": "person_name", "XB": "sex_code", "CSRQ": "birth_date", "DZ": "residence_address"},
    "ignore": ["DH"],
}
CARDS = {
    **PATIENTS,
    "record_key": ["KH"],
    "columns": {"SFZH": "resident_id", "XM": "person_name", "DH": "phone_number", "DZ": "residence_address"},
    "ignore": ["XB", "CSRQ", "KH"],
}
ELSEWHERE, BEFORE = "北京市西城区文津街7号", "北京市西城区文津街8号"
SPACED = "北京市东城区景山前街（1号）"


def story(hub: Hub) -> None:
    """Person 1 lives where registered, 2 elsewhere, 3 has an older card with another home and telephone. A second delivery changes nobody."""
    hub.register(POLICE, CARDS)
    hub.sync(POLICE, [person(number) for number in range(1, 9)])
    cards = [person(1, KH="1", DZ=SPACED), person(2, KH="2", DZ=ELSEWHERE), person(3, KH="3"), *(person(n, KH=str(n)) for n in range(4, 9))]
    older = person(3, KH="30", DZ=BEFORE, DH="13900000003", GXSJ="2019-01-01")
    hub.sync(CARDS, [*cards, older])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """An installation that published before there were several values, and again after it."""
    from pipeline.validate import count_issues

    hub, now = hub_in(tmp_path_factory.mktemp("several") / "home"), get_definition("population")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        story(hub)
        with patched.context() as before:
            old = now.model_copy(update={"several": {}, "version": now.version - 1})
            before.setattr("registries.definition.load_definitions", lambda: {**load_definitions(), "population": old})
            for module in (base, merging, publishing):
                before.setattr(
                    module, "base_columns", lambda schema, made=base.base_columns: {k: v for k, v in made(schema).items() if k != COLUMN}
                )
            hub.publish("population")
            forget_column(hub)
        hub.publish("population")
    return hub


def forget_column(hub: Hub) -> None:
    with writing(hub.home.serving) as connection:
        for view in (values_view(SCHEMA), as_of_view(SCHEMA), versions_view(SCHEMA), SCHEMA.table, history_view(SCHEMA)):
            connection.exec_driver_sql(f"DROP VIEW {view}")
        connection.exec_driver_sql(f"ALTER TABLE {rows_table(SCHEMA)} DROP COLUMN {COLUMN}")


def name_of(hub: Hub, number: int) -> str:
    return next(str(row["_canonical_id"]) for row in hub.served("base_population") if row["resident_id"] == resident_id(number))


def test_the_view_has_a_row_for_each_value_and_dataset(told: Hub) -> None:
    rows = {tuple(row.values())[1:] for row in told.served(values_view(SCHEMA))}
    assert rows == {
        ("residence_address", "residence", person(2)["DZ"], POLICE["id"], "2024-01-01"),
        ("residence_address", "former", BEFORE, CARDS["id"], "2019-01-01"),
        ("phone_number", "mobile", "13900000003", CARDS["id"], "2019-01-01"),
    }
    homes = {row["resident_id"]: row["residence_address"] for row in told.served("base_population")}
    assert (homes[resident_id(1)], homes[resident_id(2)]) == (SPACED, ELSEWHERE)


def test_only_who_has_further_values_is_published_anew(told: Hub) -> None:
    page = read_changes(told.home.serving, get_definition("population"), SCHEMA, 8, 100)
    assert {(event.event, event.canonical_id) for event in page.events} == {("update", name_of(told, number)) for number in (2, 3)}
    (told_of_two,) = [event.values for event in page.events if event.canonical_id == name_of(told, 2)]
    assert told_of_two == {
        COLUMN: [
            {
                "element": "residence_address",
                "role": "residence",
                "value": person(2)["DZ"],
                "sources": [POLICE["id"]],
                "valid_from": "2024-01-01",
            }
        ]
    }


def test_files_and_iceberg_get_the_column_with_an_id_of_its_own(told: Hub) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    with Engine(told.settings) as engine:
        counts = [engine.value(f"SELECT count({COLUMN}) FROM {base_state(told.home, SCHEMA, number)}") for number in (1, 2)]
    assert counts == [0, 2]
    catalog = SqlCatalog("hub", uri=told.settings.lake_url, warehouse=told.settings.lake_warehouse)
    table = catalog.load_table("base.base_population")
    told_there = [text for text in table.scan().to_arrow()[COLUMN].to_pylist() if text]
    catalog.close()
    assert len(told_there) == 2
    assert {item["role"] for text in told_there for item in json.loads(text)} == {"residence", "former", "mobile"}


@pytest.mark.usefixtures("without_suite")
def test_publications_before_and_after_come_out_again(told: Hub) -> None:
    for number in (1, 2):
        found = replay_publication("population", number, told.home)
        assert (found.is_same, found.bytes_expected) == (True, True)


def test_an_export_has_them_masked_as_their_elements_are(told: Hub, tmp_path: Path) -> None:
    for purpose, phone, home in (("", "139********", BEFORE[:6] + "*" * 5), ("appeal 7", "13900000003", BEFORE)):
        done = export(told.home, "population", tmp_path / f"export{purpose}", purpose=purpose)
        (column,) = [column for column in done.columns if column.name == COLUMN]
        assert column.masked == (not purpose)
        with Engine(told.settings) as engine:
            rows = engine.rows(f"SELECT {COLUMN} FROM {parquet([tmp_path / f'export{purpose}' / done.file])} WHERE resident_id IS NOT NULL")
        values = {item["value"] for (text,) in rows if text for item in json.loads(text)}
        assert {phone, home} <= values
        assert len(values) == 3


def test_both_databases_show_the_same_rows(any_hub: Hub) -> None:
    ensure_table(any_hub.home.serving, SCHEMA)
    text = json.dumps([{"element": "phone_number", "role": "mobile", "value": '1\n"', "sources": ["b", "a"], "valid_from": None}])
    day = "2020-01-01" if any_hub.home.serving.dialect.name == "sqlite" else date(2020, 1, 1)
    with writing(any_hub.home.serving) as connection:
        connection.execute(sa.text("INSERT INTO current_publication VALUES ('population', 1)"))
        for name, further in (("x", text), ("y", None), ("z", text.replace("null", '"2020-01-01"'))):
            statement = f"INSERT INTO {rows_table(SCHEMA)} (_canonical_id, _publication_from, {COLUMN}) VALUES (:n, 1, :s)"
            connection.execute(sa.text(statement), {"n": name, "s": further})
    found = [tuple(row.values()) for row in any_hub.served(values_view(SCHEMA), "_canonical_id, source")]
    each = [(source, name, since) for name, since in (("x", None), ("z", day)) for source in "ab"]
    assert found == [(name, "phone_number", "mobile", '1\n"', source, since) for source, name, since in each]


def test_why_names_the_record_that_a_further_value_comes_from(told: Hub) -> None:
    found = {answer.element: answer.further for answer in why(told.home, "population", name_of(told, 3)).answers if answer.further}
    assert {
        (name, item.value.role, word.contract_id, word.position, word.raw)
        for name, items in found.items()
        for item in items
        for word in item.words
    } == {
        ("residence_address", "former", CARDS["id"], 10, BEFORE),
        ("phone_number", "mobile", CARDS["id"], 10, "13900000003"),
    }
    another = {answer.element: answer.further for answer in why(told.home, "population", name_of(told, 2)).answers}["residence_address"]
    assert [(item.value.role, item.words[0].contract_id, item.words[0].rules[0].name) for item in another] == [
        ("residence", POLICE["id"], "DZ")
    ]
    assert why(told.home, "population", name_of(told, 2), 1).answers[0].further == ()


def test_page_and_api_show_them_masked_like_their_element(told: Hub) -> None:
    client = open_portal(told).client
    address = f"/registries/population/records/{name_of(told, 3)}?lang=en"
    page = client.get(address).text
    assert "Former residence" in page
    assert "since 2019-01-01" in page
    assert "Former residence, Another residence" in page
    assert "名下房产、曾用居住地址" in client.get("/standards/elements/residence_address?lang=zh").text
    assert BEFORE not in page
    assert "13900000003" not in page
    asked = {"identifier": resident_id(3), "purpose": "appeal 7"}
    full = client.post("/api/v1/registries/population/lookup", json=asked).json()["elements"]
    masked = client.get(f"/api/v1/registries/population/records/{name_of(told, 3)}").json()["elements"]
    (home,) = full["residence_address"]["beside"]
    assert (home["value"], home["role"], home["sources"], home["valid_from"]) == (BEFORE, "former", [CARDS["id"]], "2019-01-01")
    assert [item["value"] for item in masked["phone_number"]["beside"]] == ["139********"]
    assert full["person_name"]["beside"] == []
    changes = client.get("/api/v1/registries/population/changes", params={"after": 8}).text
    assert "139********" in changes
    assert "13900000003" not in changes


def test_show_prints_them(told: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HOME", str(told.settings.home))
    text = CliRunner().invoke(app, ["show", "population", resident_id(3)]).output
    assert f"beside residence_address: {BEFORE} (former, since 2019-01-01; {CARDS['id']})" in text
    feed = CliRunner().invoke(app, ["changes", "population", "--anew"]).output
    assert "beside residence_address: " in feed
    assert "{'element'" not in feed
    (item, _) = json.loads(CliRunner().invoke(app, ["show", "population", resident_id(3), "--json"]).output)[COLUMN]
    assert item["role"] == "former"
    found = CliRunner().invoke(app, ["why", "population", resident_id(3), "phone_number", "--json"]).output
    assert json.loads(found)["answers"][0]["further"][0]["words"][0]["position"] == 10


def test_of_older_records_only_those_from_before_a_death_are_heard(hub: Hub, without_suite: None, without_lake: None) -> None:
    """Of one address two offices have records: one of them only from afterwards, the other one from before and from afterwards."""

    def office(department: str) -> dict[str, object]:
        columns = {"SFZH": "resident_id", "XM": "person_name", "DZ": "residence_address"}
        named = {"id": f"{department}__person", "department": {"id": department, "title": {"zh": "局", "en": department}}}
        source = {**CARDS["source"], "path": f"{department}.csv"}
        return {**CARDS, **named, "source": source, "columns": columns, "ignore": ["XB", "CSRQ", "DH", "KH"]}

    tax, schools = office("tax"), office("education")
    deaths = {**PATIENTS, "columns": {**PATIENTS["columns"], "SWRQ": "death_date", "DZ": "residence_address"}, "ignore": ["XB", "CSRQ"]}
    hub.register(tax, schools, deaths)

    def records(*told: tuple[str, str]) -> list[dict[str, str]]:
        return [person(1, GXSJ=day, DZ=address) | {"KH": str(key)} for key, (day, address) in enumerate(told)]

    hub.sync(tax, records(("2020-01-01", ELSEWHERE), ("2024-01-01", ELSEWHERE)))
    hub.sync(schools, records(("2023-08-01", ELSEWHERE), ("2024-01-01", BEFORE)))
    hub.sync(deaths, [person(1, GXSJ="2023-05-02") | {"SWRQ": "2023-05-01"}])
    hub.publish("population")
    answers = why(hub.home, "population", name_of(hub, 1)).answers
    (further,) = next(item.further for item in answers if item.element == "residence_address")
    said = (further.value.role, further.value.value, further.value.sources, further.value.valid_from)
    assert said == ("former", ELSEWHERE, ("tax__person",), date(2020, 1, 1))
    assert [word.valid_from for word in further.words] == [date(2020, 1, 1)]

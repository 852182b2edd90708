"""What stands beside the chosen values of the city: former names of its companies against the truth, and how it is told."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.database import writing
from core.engine import Engine
from demo import organizations
from demo.beside import beside, render
from demo.city import City
from demo.departments import supply
from registries.definition import get_definition
from registries.further_values import COLUMN, compared, further_values
from registries.survivorship import Contribution, keep_best, merged
from registries.versions import ensure_table, rows_table
from standards.loader import load_standards
from tests.factories import Hub, hub_in

SOURCES = {"market_regulation__enterprise": ("TYSHXYDM", "QYMC", "HZRQ"), "tax__taxpayer": ("纳税人识别号", "纳税人名称", "更新日期")}


@pytest.fixture
def names(city: City, tmp_path: Path) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Credit code → the name that is chosen, and role and value of the names beside it."""
    definition, contributions = get_definition("legal_entity"), []
    with Engine(hub_in(tmp_path / "home").settings, threads=1) as engine:
        for number, (dataset, (code, name, day)) in enumerate(SOURCES.items(), start=1):
            engine.connection.register(f"raw_{number}", supply(city, 1, [dataset])[dataset])
            engine.run(
                f"CREATE TABLE said_{number} AS SELECT {code} AS _canonical_id, row_number() OVER () AS _record_id, {name} AS organization_name, "
                f"try_cast(replace({day}, '/', '-') AS date) AS _valid_from FROM raw_{number} WHERE length({code}) = 18 AND {name} <> ''"
            )
            department = dataset.partition("__")[0]
            contributions.append(keep_best(engine, Contribution(dataset, department, number, ("organization_name",), f"said_{number}"), {}))
        rows = engine.records(merged(definition, ("organization_name",), contributions))
    return {
        row["_canonical_id"]: (row["organization_name"], [(item.role, item.value) for item in further_values(row[COLUMN])]) for row in rows
    }


def test_former_names_are_those_that_companies_bore(city: City, names: dict[str, tuple[str, list[tuple[str, str]]]]) -> None:
    companies, several = city.organizations, get_definition("legal_entity").several["organization_name"]
    former = organizations.names(city.dice, companies, companies.name_version - companies.formerly_named).to_pylist()
    truth = dict(zip(city.credit_codes.to_pylist(), zip(former, city.organization_names.to_pylist(), strict=True), strict=True))
    told = [(code, value) for code, (_, items) in names.items() for role, value in items if role == "former" and code in truth]
    right = [code for code, value in told if compared(value, several) == compared(truth[code][0], several)]
    assert len(told) > 20
    assert len(right) > 0.9 * len(told)
    # Two spellings of one name are no two names: half of the tax office's brackets are of another width.
    alone = [code for code, (chosen, items) in names.items() if not items and truth.get(code, ("", ""))[1] == chosen]
    assert len(alone) > 0.8 * len(names)


def test_entities_are_counted_by_element_and_role(hub: Hub) -> None:
    schema = load_standards().schemas["population"]
    ensure_table(hub.home.serving, schema)
    roles = {"x": ["property", "former"], "y": ["former", "former"], "z": []}
    with writing(hub.home.serving) as connection:
        connection.execute(sa.text("INSERT INTO current_publication VALUES ('population', 1)"))
        for name, mine in roles.items():
            items = [
                {"element": "residence_address", "role": role, "value": "某地", "sources": ["a", "b"], "valid_from": None} for role in mine
            ]
            statement = f"INSERT INTO {rows_table(schema)} (_canonical_id, _publication_from, {COLUMN}) VALUES (:n, 1, :s)"
            connection.execute(sa.text(statement), {"n": name, "s": json.dumps(items) if items else None})
    found = beside(hub.home, "population")
    assert found == {"residence_address": {"property": 1, "former": 2}, "household_address": {}, "phone_number": {}}
    assert render({"population": found}).row_count == 2

"""The catalog: contract versions, batches and their ends, files and field ids."""

import json

import pytest
import sqlalchemy as sa

from catalog.batches import Acceptance, batches_of, end_batch, latest_accepted, record_findings, start_batch
from catalog.datasets import contract_at, contract_in_force, contracts_in_force, dataset_numbers
from catalog.files import LakeFile, field_ids, files_of
from catalog.tables import lease, metadata
from core.database import open_database, writing
from core.errors import RequestError, StoreError
from core.leases import holding
from pipeline.home import open_home
from tests.factories import LICENCES, PATIENTS, RESIDENTS, Hub


def test_a_contract_is_a_new_version_only_if_it_says_something_else(any_hub: Hub) -> None:
    hub = any_hub
    hub.register(PATIENTS)
    hub.register(PATIENTS)
    assert contract_in_force(hub.home.catalog, PATIENTS["id"])[0] == 1
    hub.register({**PATIENTS, "update_cycle": "daily"})
    hub.register({**PATIENTS, "update_cycle": "daily"})
    version, contract = contract_in_force(hub.home.catalog, PATIENTS["id"])
    assert (version, contract.update_cycle) == (2, "daily")
    assert contract_at(hub.home.catalog, PATIENTS["id"], 1).update_cycle == "irregular"
    # What was said before may be said again, and is then a version of its own.
    hub.register(PATIENTS)
    assert contract_in_force(hub.home.catalog, PATIENTS["id"])[0] == 3


def test_registered_contracts_come_back_as_they_were(hub: Hub) -> None:
    contracts = {contract.id: contract for contract in hub.register(RESIDENTS, PATIENTS, LICENCES)}
    assert {name: contract for name, (_, contract) in contracts_in_force(hub.home.catalog).items()} == contracts
    assert {name: contract.digest for name, (_, contract) in contracts_in_force(hub.home.catalog).items()} == {
        name: contract.digest for name, contract in contracts.items()
    }
    assert sorted(dataset_numbers(hub.home.catalog).values()) == [1, 2, 3]


def test_an_unknown_dataset_is_refused_with_those_there_are(hub: Hub) -> None:
    hub.register(PATIENTS)
    with pytest.raises(RequestError) as raised:
        contract_in_force(hub.home.catalog, "health__none")
    assert PATIENTS["id"] in raised.value.hint


def test_what_dags_read_is_one_file_for_each_department(hub: Hub) -> None:
    hub.register(RESIDENTS, PATIENTS)
    second = {**PATIENTS, "id": "health__second"}
    hub.register(second)
    files = {path.name: json.loads(path.read_text()) for path in hub.settings.registered.iterdir()}
    assert set(files) == {"public_security.json", "health.json"}
    assert [dataset["id"] for dataset in files["health.json"]["datasets"]] == [PATIENTS["id"], "health__second"]
    assert files["health.json"]["datasets"][0]["pool"] == "source__drop"


def test_a_batch_that_was_left_open_is_closed_by_the_next(any_hub: Hub) -> None:
    catalog = any_hub.home.catalog
    with holding(catalog, lease, "dataset/tax__payer") as held:
        for _ in range(3):
            start_batch(catalog, held, "tax__payer", 1, "1", "test")
    assert [(batch.seq, batch.status) for batch in batches_of(catalog, "tax__payer")] == [
        (3, "landing"),
        (2, "abandoned"),
        (1, "abandoned"),
    ]
    assert latest_accepted(catalog, "tax__payer") is None


def test_a_closed_batch_stays_as_it_ended(hub: Hub) -> None:
    catalog = hub.home.catalog
    with holding(catalog, lease, "dataset/tax__payer") as held:
        batch = start_batch(catalog, held, "tax__payer", 1, "1", "test")
    end_batch(catalog, batch.batch_id, "failed", "first")
    end_batch(catalog, batch.batch_id, "stopped", "second")
    after = hub.batch(batch.batch_id)
    assert (after.status, after.error) == ("failed", "first")


def test_findings_replace_those_of_the_attempt_before(hub: Hub) -> None:
    catalog = hub.home.catalog
    with holding(catalog, lease, "dataset/tax__payer") as held:
        batch = start_batch(catalog, held, "tax__payer", 1, "1", "test")
        issue = {"element": "e", "issue_type": "missing", "severity": "error", "dimension": "completeness", "rows": 1}
        for rows in (1, 2):
            found = Acceptance({"quarantined": rows}, [{**issue, "rows": rows}], [], [], [], {}, [LakeFile("p", "t", "stopped", 1, rows)])
            record_findings(catalog, held, batch.batch_id, found)
    assert [file.rows for file in files_of(catalog, "t", ("stopped",))] == [2]
    assert hub.issues(hub.batch(batch.batch_id)) == {("e", "missing"): 2}


def test_field_ids_are_given_once_and_never_reused(any_hub: Hub) -> None:
    catalog = any_hub.home.catalog
    first = field_ids(catalog, "t", ["_record_id", "b", "a"])
    assert first == {"_record_id": 1, "b": 100, "a": 101}
    assert field_ids(catalog, "t", ["a"]) == {"a": 101}
    assert field_ids(catalog, "t", ["_op", "c", "a", "b"]) == {"_op": 2, "c": 102, "a": 101, "b": 100}
    assert field_ids(catalog, "other", ["c"]) == {"c": 100}


def test_a_database_of_a_newer_program_is_left_alone(hub: Hub) -> None:
    with writing(hub.home.catalog) as connection:
        connection.execute(sa.text("update alembic_version set version_num = '0999_later'"))
    with pytest.raises(StoreError, match=r"the catalog database to 0999_later; this one knows it up to \d"):
        open_home(hub.settings)


@pytest.mark.parametrize("name", ["catalog", "serving", "audit"])
def test_migrations_make_the_tables_that_the_code_knows(hub: Hub, name: str) -> None:
    import sqlalchemy as sa

    import exchange.tables
    import registries.tables

    known = {"catalog": metadata, "serving": registries.tables.metadata, "audit": exchange.tables.metadata}[name]
    _ = hub.home
    inspector = sa.inspect(open_database(getattr(hub.settings, f"{name}_url")))
    assert set(inspector.get_table_names()) >= set(known.tables)
    for table in known.tables.values():
        made = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert made == {column.name: bool(column.nullable) for column in table.columns}, table.name

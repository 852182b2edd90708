"""What a department can do to a delivery: the dataset concerned says what happened and what to do, and every other one is published.

The contracts are the example's; the rows are made up.
"""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from contracts.model import Contract
from core.errors import GateFailed, SourceError
from pipeline.ledger import check_ledger
from pipeline.publish import publish
from registries.publications import Publication, latest
from tests.examples.deliveries import CONNECTION, CONTRACTS, REAL_DATA, Hub, open_hub, path_of
from tests.standards.identifiers import make_uscc

pytestmark = pytest.mark.slow

GOOD, VICTIM = "science__tech_sme", "commerce__prepaid_card"
HEADERS = {GOOD: "序号,企业名称,统一社会信用代码,统计年份", VICTIM: "序号,时间,统一社会信用代码,企业名称,备案号,企业类型"}
CODES = [make_uscc("91119919", f"MA0TET{number:02}") for number in range(12)]
NAME = "测试公司"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A drop folder with a good delivery of two datasets."""
    drop = tmp_path / "drop"
    (drop / "cn_departments").mkdir(parents=True)
    deliver(drop, GOOD, [f"{row},{NAME}{row}号,{code},2018年" for row, code in enumerate(CODES[:6])])
    deliver(drop, VICTIM, [f"{row},2025年,{code},{NAME}{row}号,TEST{row:04},规模发卡" for row, code in enumerate(CODES[4:])])
    return drop


@pytest.fixture
def hub(folder: Path, tmp_path: Path) -> Iterator[Hub]:
    connections = {CONNECTION: folder.as_uri(), "closed_db": f"postgresql://hub:secret-word@127.0.0.1:{closed_port()}/none"}
    with open_hub(tmp_path / "home", connections) as hub:
        hub.register(small(GOOD), small(VICTIM))
        yield hub


def changed(contract: Contract, **update: object) -> Contract:
    """A contract made anew: a copy would keep the digest of the original."""
    document = contract.model_dump(mode="json", by_alias=True) | update
    return Contract.model_validate_json(json.dumps(document))


def small(contract_id: str) -> Contract:
    """A contract of the example for a delivery of some rows."""
    contract = CONTRACTS[contract_id]
    source = {"kind": "csv", "connection": CONNECTION, "path": path_of(contract).removesuffix(".gz")}
    return changed(contract, source=source, assertions={"least_rows": 1, "largest_shrink": 0.2})


def place(folder: Path, contract_id: str) -> Path:
    return folder / path_of(small(contract_id))


def deliver(folder: Path, contract_id: str, rows: list[str], header: str | None = None) -> None:
    place(folder, contract_id).write_text("\n".join([header or HEADERS[contract_id], *rows]) + "\n", encoding="utf-8")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def assert_only_the_victim_suffers(hub: Hub, status: str, *words: str) -> None:
    """The batch is closed with message and hint, none of which quotes a value; the other dataset is published; the ledger holds."""
    assert hub.collect(GOOD).status == "accepted"
    batch = hub.last_batch(VICTIM)
    assert batch.status == status
    assert batch.error
    assert all(word in batch.error for word in (VICTIM, *words)), batch.error
    assert batch.hint
    assert not [word for word in (NAME, "secret-word", *CODES) if word in batch.error + batch.hint]
    publication = publish("legal_entity", hub.home).publication
    assert publication.entities >= 6
    assert [equation for equation in check_ledger(hub.home) if not equation.holds] == []


def assert_published_as(hub: Hub, before: Publication) -> None:
    """A later publication, made because the other dataset was collected again, says the same."""
    now = latest(hub.home.serving, "legal_entity")
    assert (now.entities, now.records, now.digest) == (before.entities, before.records, before.digest)


def test_a_good_delivery_of_both_is_published(hub: Hub) -> None:
    assert (hub.collect(GOOD).accepted, hub.collect(VICTIM).accepted) == (6, 8)
    assert publish("legal_entity", hub.home).publication.entities == 12
    assert hub.errors == {}


def test_a_file_that_did_not_come(hub: Hub, folder: Path) -> None:
    place(folder, VICTIM).unlink()
    hub.collect(VICTIM)
    assert isinstance(hub.errors[VICTIM], SourceError)
    assert_only_the_victim_suffers(hub, "failed", "no file matches", "prepaid_cards.csv")


def test_a_folder_that_is_not_mounted_is_worth_a_retry(hub: Hub, folder: Path) -> None:
    hub.collect(GOOD)
    folder.rename(folder.with_name("gone"))
    hub.collect(VICTIM)
    assert hub.errors[VICTIM].transient
    folder.with_name("gone").rename(folder)
    assert_only_the_victim_suffers(hub, "failed", CONNECTION, "is not there")


def test_a_database_that_refuses_the_connection_is_worth_a_retry(hub: Hub) -> None:
    hub.register(changed(small(VICTIM), source={"kind": "postgresql", "connection": "closed_db", "object": "public.cards"}))
    hub.collect(VICTIM)
    assert isinstance(hub.errors[VICTIM], SourceError)
    assert hub.errors[VICTIM].transient
    assert_only_the_victim_suffers(hub, "failed", "closed_db")


def test_a_column_that_was_renamed_leaves_the_last_good_state_in_force(hub: Hub, folder: Path) -> None:
    hub.collect(GOOD)
    hub.collect(VICTIM)
    before = publish("legal_entity", hub.home).publication
    deliver(folder, VICTIM, [f"1,2025年,{CODES[4]},{NAME},TEST0001,规模发卡"], header=HEADERS[VICTIM].replace("企业名称", "发卡企业名称"))
    hub.collect(VICTIM)
    assert_only_the_victim_suffers(hub, "failed", "lacks the column 企业名称")
    assert "企业名称 may now be 发卡企业名称" in (hub.last_batch(VICTIM).hint or "")
    assert_published_as(hub, before)


def test_a_workbook_called_csv(hub: Hub, folder: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(HEADERS[VICTIM].split(","))
    workbook.active.append(["1", "2025年", CODES[0], NAME, "TEST0001", "规模发卡"])
    workbook.save(place(folder, VICTIM))
    hub.collect(VICTIM)
    assert_only_the_victim_suffers(hub, "failed", "is not text but an Excel workbook (xlsx)")
    assert "kind: xlsx" in (hub.last_batch(VICTIM).hint or "")


def test_a_file_of_no_bytes(hub: Hub, folder: Path) -> None:
    place(folder, VICTIM).write_bytes(b"")
    hub.collect(VICTIM)
    assert_only_the_victim_suffers(hub, "failed", "is empty")


def test_a_file_that_is_only_a_header_is_stopped_by_the_gate(hub: Hub, folder: Path) -> None:
    deliver(folder, VICTIM, [])
    hub.collect(VICTIM)
    assert isinstance(hub.errors[VICTIM], GateFailed)
    assert_only_the_victim_suffers(hub, "stopped", "0 rows arrived")


def test_a_file_cut_to_a_tenth_is_stopped_by_the_gate(hub: Hub, folder: Path) -> None:
    hub.collect(GOOD)
    hub.collect(VICTIM)
    before = publish("legal_entity", hub.home).publication
    deliver(folder, VICTIM, [f"0,2025年,{CODES[4]},{NAME}0号,TEST0000,规模发卡"])
    hub.collect(VICTIM)
    assert_only_the_victim_suffers(hub, "stopped", "7 of 8 records disappeared")
    assert_published_as(hub, before)


def test_a_table_with_sixteen_thousand_columns(hub: Hub, folder: Path) -> None:
    empty = "," * 16_372
    deliver(folder, VICTIM, [f"1,2025年,{CODES[0]},{NAME},TEST0001,规模发卡{empty}"], header=HEADERS[VICTIM] + empty)
    hub.collect(VICTIM)
    assert_only_the_victim_suffers(hub, "failed", "16,375 columns to land")  # three of 16,378 are ignored
    assert "without a name" in (hub.last_batch(VICTIM).hint or "")


def real(contract_id: str, path: str) -> Contract:
    """A contract that takes the name of the company from a published file."""
    source = {"kind": "csv", "connection": "published", "path": path}
    columns = {"企业名称": ["organization_name"]}
    return changed(small(contract_id), source=source, record_key=["企业名称"], columns=columns, ignore=[])


DISGUISED = ["changping_listed", "culture_exporters", "dongcheng_tech_smes", "eco_farms", "gas_bills", "miyun_builders"]


@pytest.mark.usefixtures("real_data")
def test_published_workbooks_called_csv_and_a_published_table_of_16378_columns(tmp_path: Path, folder: Path) -> None:
    with open_hub(tmp_path / "home", {CONNECTION: folder.as_uri(), "published": REAL_DATA.resolve().as_uri()}) as hub:
        hub.register(small(GOOD))
        paths = [f"cn_departments_disguised/{name}.csv" for name in DISGUISED] + ["cn_departments/culture_exporters_wide.csv.gz"]
        for path in paths:
            hub.register(real(VICTIM, path))
            batch = hub.collect(VICTIM)
            assert batch.status == "failed"
            assert batch.error
            expected = "is not text but an Excel workbook" if "disguised" in path else "16,378 columns"
            assert expected in batch.error
            assert batch.hint
        assert_only_the_victim_suffers(hub, "failed")

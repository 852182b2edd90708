"""Made-up people, organizations and certificates with right check characters, contracts for them, and a hub in a folder.

Check characters are computed by `tests.standards.identifiers`, in plain Python, not by the expressions under test.
"""

import atexit
import csv
import io
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from catalog.batches import Batch, get_batch, issues_of
from catalog.datasets import register
from contracts.loader import load_contracts
from contracts.model import Contract
from core.database import reading
from core.engine import Engine
from core.settings import Settings, load_settings, prepare_home
from pipeline.home import Home, open_home
from registries.publications import Publication
from standards.loader import load_standards
from tests.standards.identifiers import make_certificate_identifier, make_resident_id, make_uscc

Row = dict[str, str]
REGION = "110101"
FAMILY_NAMES = "王李张刘陈杨黄赵吴周"
GIVEN_NAMES = ("伟", "芳", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳")


def resident_id(number: int, region: str = REGION) -> str:
    """The identity number of person `number`: another day of birth and sequence for each."""
    year, month, day = 1950 + number % 50, 1 + number % 12, 1 + number % 28
    return make_resident_id(f"{region}{year}{month:02}{day:02}{number % 1000:03}")


def wrong_check(identifier: str) -> str:
    """The identifier with another last character, which is then wrong."""
    return identifier[:-1] + ("1" if identifier[-1] != "1" else "2")


def person(number: int, **changed: str) -> Row:
    """A row of a residents' table, clean: nothing in it needs repair."""
    name = FAMILY_NAMES[number % 10] + GIVEN_NAMES[number // 10 % 10]
    identifier = resident_id(number)
    row = {
        "SFZH": identifier,
        "XM": name,
        "XB": "1" if int(identifier[16]) % 2 else "2",
        "CSRQ": f"{identifier[6:10]}-{identifier[10:12]}-{identifier[12:14]}",
        "DH": f"138{number:08}",
        "DZ": f"北京市东城区景山前街{number}号",
        "GXSJ": "2024-01-01",
    }
    return row | changed


def credit_code(number: int) -> str:
    """The credit code of organization `number`."""
    return make_uscc("91110101", f"MA{number:06}")


def organization(number: int, **changed: str) -> Row:
    """A row of a table of enterprises, clean."""
    row = {
        "XYDM": credit_code(number),
        "MC": f"北京春风{number}号贸易有限公司",
        "FR": FAMILY_NAMES[number % 10] + GIVEN_NAMES[number // 10 % 10],
        "CLRQ": f"20{number % 20:02}-03-15",
        "DH": f"139{number:08}",
    }
    return row | changed


def certificate(number: int, **changed: str) -> Row:
    """A row of a table of certificates, clean; held by person `number`."""
    return {"ZZLX": "机动车驾驶证", "ZZBH": resident_id(number), "CZRDM": resident_id(number), "FZRQ": "2020-05-01"} | changed


def certificate_identifier(number: int) -> str:
    """The identifier of an electronic certificate."""
    return make_certificate_identifier("11100000000013338W001", credit_code(1), f"{number:08}")


RESIDENTS: dict[str, Any] = {
    "id": "public_security__resident",
    "title": {"zh": "户籍人口", "en": "Registered residents"},
    "department": {"id": "public_security", "title": {"zh": "公安局", "en": "Public security"}},
    "feeds": ["population"],
    "source": {"kind": "csv", "connection": "drop", "path": "resident.csv"},
    "record_key": ["SFZH"],
    "columns": {
        "SFZH": "resident_id",
        "XM": "person_name",
        "XB": "sex_code",
        "CSRQ": "birth_date",
        "DH": "phone_number",
        "DZ": "residence_address",
    },
    "as_of": "GXSJ",
    "assertions": {"least_rows": 0, "largest_shrink": 1.0, "largest_quarantine": 1.0},
}
PATIENTS: dict[str, Any] = {
    **RESIDENTS,
    "id": "health__patient",
    "title": {"zh": "居民健康卡", "en": "Patients"},
    "department": {"id": "health", "title": {"zh": "卫健委", "en": "Health"}},
    "source": {"kind": "csv", "connection": "drop", "path": "patient.csv"},
    "columns": {"SFZH": "resident_id", "XM": "person_name", "DH": "phone_number"},
    "ignore": ["XB", "CSRQ", "DZ"],
}
ENTERPRISES: dict[str, Any] = {
    **{key: RESIDENTS[key] for key in ("assertions",)},
    "id": "market_regulation__enterprise",
    "title": {"zh": "企业", "en": "Enterprises"},
    "department": {"id": "market_regulation", "title": {"zh": "市场监管局", "en": "Market regulation"}},
    "feeds": ["legal_entity"],
    "source": {"kind": "csv", "connection": "drop", "path": "enterprise.csv"},
    "record_key": ["XYDM"],
    "columns": {
        "XYDM": "unified_social_credit_code",
        "MC": "organization_name",
        "FR": "legal_representative_name",
        "CLRQ": "established_date",
        "DH": "organization_phone_number",
    },
}
LICENCES: dict[str, Any] = {
    **{key: RESIDENTS[key] for key in ("assertions",)},
    "id": "transport__licence",
    "title": {"zh": "驾驶证", "en": "Driving licences"},
    "department": {"id": "transport", "title": {"zh": "交通局", "en": "Transport"}},
    "feeds": ["certificate"],
    "source": {"kind": "csv", "connection": "drop", "path": "licence.csv"},
    "record_key": ["ZZBH"],
    "columns": {
        "ZZLX": "certificate_type_name",
        "ZZBH": "certificate_number",
        "CZRDM": "certificate_holder_code",
        "FZRQ": "issued_date",
    },
}


def with_assertions(document: Mapping[str, Any], **assertions: Any) -> dict[str, Any]:
    """The contract with some assertions of its own."""
    return {**document, "assertions": {**document["assertions"], **assertions}}


def to_csv(rows: Iterable[Mapping[str, str]], columns: Sequence[str]) -> str:
    """Rows as CSV text with a header line."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@dataclass(frozen=True)
class Hub:
    """An installation in a folder, with a drop folder beside it."""

    settings: Settings

    @cached_property
    def home(self) -> Home:
        """The opened installation."""
        _copy_databases(self.settings)
        home = open_home(self.settings)
        (self.settings.home / "connections.yml").write_text(yaml.safe_dump({"drop": self.drop.as_uri()}))
        self.drop.mkdir(exist_ok=True)
        return home

    @property
    def drop(self) -> Path:
        """Where deliveries are put."""
        return self.settings.home.with_name(self.settings.home.name + "-drop")

    def register(self, *documents: Mapping[str, Any]) -> list[Contract]:
        """Write contracts out, load them as a user's files are loaded, and register them."""
        home = self.home
        paths = []
        for document in documents:
            paths.append(self.drop / f"{document['id']}.yml")
            paths[-1].write_text(yaml.safe_dump(dict(document), allow_unicode=True))
        contracts = load_contracts(paths, load_standards())
        for contract in contracts:
            register(home.catalog, contract, "test", home.settings.registered)
        return contracts

    def deliver(self, document: Mapping[str, Any], rows: Sequence[Mapping[str, str]], columns: Sequence[str] | None = None) -> None:
        """Put a delivery where the contract's source is."""
        named = columns or list(dict.fromkeys([*(name for row in rows for name in row), *document["columns"], "GXSJ"]))
        (self.drop / document["source"]["path"]).write_text(to_csv(rows, named), encoding="utf-8")

    def land(self, document: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> str:
        """Deliver and land; returns the batch id."""
        from pipeline.land import land

        home = self.home
        self.deliver(document, rows)
        return land(document["id"], home)

    def sync(self, document: Mapping[str, Any], rows: Sequence[Mapping[str, str]], *, full: bool = False) -> Batch:
        """Deliver, land and accept."""
        from pipeline.accept import accept

        return accept(self.land(document, rows), self.home, full=full)

    def publish(self, registry: str, accept_shrink: str = "") -> Publication:
        """Publish and return the current publication."""
        from pipeline.publish import publish

        return publish(registry, self.home, accept_shrink=accept_shrink).publication

    def batch(self, batch_id: str) -> Batch:
        """The batch as the catalog has it now."""
        return get_batch(self.home.catalog, batch_id)

    def issues(self, batch: Batch) -> dict[tuple[str, str], int]:
        """Rows by element and issue type."""
        return {(row["element"], row["issue_type"]): row["rows"] for row in issues_of(self.home.catalog, batch.batch_id)}

    def served(self, table: str, order: str = "_canonical_id") -> list[dict[str, Any]]:
        """The rows of a table or view of the serving database."""
        with reading(self.home.serving) as connection:
            return [dict(row._mapping) for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY {order}"))]

    def state(self, document: Mapping[str, Any], upto: int | None = None) -> list[dict[str, Any]]:
        """The standardized state of a dataset, by record id."""
        from catalog.datasets import contract_in_force
        from pipeline.state import log_columns, standardized_table, state

        columns = log_columns(contract_in_force(self.home.catalog, document["id"])[1], load_standards())
        sql = state(self.home, standardized_table(document["id"]), columns, upto)
        with Engine(self.settings) as engine:
            return engine.records(f"SELECT * FROM {sql} ORDER BY _record_id")

    def quarantine(self, document: Mapping[str, Any]) -> dict[int, set[str]]:
        """Rules broken by the rows that wait in quarantine, by position."""
        from pipeline.quarantine.waiting import waiting_pointers

        found = waiting_pointers(self.home, document["id"])
        with Engine(self.settings) as engine:
            rows = engine.rows(f"SELECT _position, rules FROM {found}") if found else []
        return {position: set(rules.split(";")) for position, rules in rows}

    def unbalanced(self) -> list[str]:
        """Equations of the ledger that do not hold, in words."""
        from pipeline.ledger import check_ledger

        return [f"{e.subject}: {e.words}: {e.left} {e.right}" for e in check_ledger(self.home) if not e.holds]


def _copy_databases(settings: Settings) -> None:
    """Lay empty databases into a home that has none: copying them takes a tenth of making them."""
    prepare_home(settings)
    for url in (settings.catalog_url, settings.serving_url, settings.audit_url):
        database = Path(url.removeprefix("sqlite:///"))
        if database.parent == settings.home and not database.exists():
            shutil.copy(_empty_databases() / database.name, database)


@cache
def _empty_databases() -> Path:
    """A folder with the databases of an empty hub, made once in every process."""
    folder = Path(tempfile.mkdtemp(prefix="govhub-test-empty-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_home(hub_in(folder).settings)
    return folder


def hub_in(folder: Path, **variables: str) -> Hub:
    """A hub whose state lives in a folder; variables are those of the environment without `HUB_`."""
    named = {f"HUB_{name.upper()}": value for name, value in variables.items()}
    return Hub(load_settings({"HUB_HOME": str(folder), "HUB_THREADS": "1", "HUB_MEMORY_MB": "512", "HUB_ACTOR": "test", **named}))

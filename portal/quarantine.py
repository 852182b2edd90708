"""Rows set aside by a batch: where each stands, which rules it breaks, and the offending values, masked, from landing."""

from dataclasses import dataclass
from typing import Any

from catalog.batches import Batch
from catalog.datasets import contract_at
from catalog.files import LakeFile, files_of
from core.engine import Engine, quote
from exchange import audit
from pipeline.landing import batch_folder, landed_rows
from pipeline.state import log_source, standardized_table
from portal.context import Hub
from standards.masked import masked_raw

COLUMNS = {"_record_id": "UUID", "_position": "BIGINT", "rules": "VARCHAR"}
PAGE = 50


@dataclass(frozen=True)
class Broken:
    """One rule that a row breaks, with the raw value (masked) that breaks it."""

    element: str
    issue_type: str
    column: str | None
    raw: str | None


@dataclass(frozen=True)
class QuarantinedRow:
    """One row set aside: its position in the source and what is wrong with it."""

    position: int
    record_id: str
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class Quarantine:
    """One page of the rows that a batch set aside."""

    total: int
    rows: tuple[QuarantinedRow, ...]
    has_raw: bool


def read_quarantine(hub: Hub, batch: Batch, page: int, rule: str = "", page_size: int = PAGE) -> Quarantine:
    """Read one page, with an entry in the audit log before it. `rule` ("element:issue") keeps the rows that break that one."""
    table = standardized_table(batch.contract_id)
    files = [file for file in files_of(hub.home.catalog, table, ("quarantine",), batch.seq) if file.seq == batch.seq]
    if not files:
        return Quarantine(0, (), True)
    audit.record(hub.home.audit, actor=hub.actor, action="view-quarantine", subject=batch.batch_id, purpose=f"masked, page {page}")
    return _read(hub, batch, table, files, page, rule, page_size)


def _read(hub: Hub, batch: Batch, table: str, files: list[LakeFile], page: int, rule: str, page_size: int) -> Quarantine:
    contract = contract_at(hub.home.catalog, batch.contract_id, batch.contract_version)
    has_raw = batch_folder(hub.home.settings, batch.contract_id, batch.seq).exists()
    where = "WHERE list_contains(string_split(rules, ';'), $rule)" if rule else ""
    bound = {"rule": rule} if rule else None
    with Engine(hub.home.settings) as engine:
        rows = log_source(hub.home, f"{table}/quarantine", COLUMNS, files)
        total = engine.value(f"SELECT count(*) FROM {rows} {where}", bound, doing="counting quarantined rows")
        some = f"SELECT * FROM {rows} {where} ORDER BY _position LIMIT {page_size} OFFSET {(page - 1) * page_size}"
        columns = sorted({source.column for source in contract.elements.values()}) if has_raw else []
        names = "".join(f", l.{quote(name)} AS {quote('raw ' + name)}" for name in columns)
        landed = f"LEFT JOIN {landed_rows(hub.home.settings, batch)} l USING (_position)" if has_raw else ""
        found = engine.records(
            f"SELECT q._position, q._record_id, q.rules{names} FROM ({some}) q {landed} ORDER BY q._position",
            bound,
            doing="reading quarantined rows",
        )
    sources = {name: source.column for name, source in contract.elements.items()}
    return Quarantine(total, tuple(_row(hub, row, sources) for row in found), has_raw)


def _row(hub: Hub, row: dict[str, Any], sources: dict[str, str]) -> QuarantinedRow:
    broken = []
    for rule in filter(None, row["rules"].split(";")):
        element, _, issue = rule.partition(":")
        column = sources.get(element)
        raw = masked_raw(row.get(f"raw {column}"), hub.standards.elements.get(element)) if column else None
        broken.append(Broken(element, issue, column, raw))
    return QuarantinedRow(row["_position"], str(row["_record_id"]), tuple(broken))

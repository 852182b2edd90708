"""Rows of a dataset with what is wrong with them: those that a batch set aside, and those that are published with warnings.

Each row leads to its place in landing, from where the offending values come, masked. A row that came unchanged is not read again, so its
warnings are those of the batch that examined it last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from catalog.batches import Batch, batch_at, batch_id_of
from catalog.datasets import contract_at
from catalog.files import LakeFile, files_of
from contracts.model import Contract
from core.engine import Engine, quote
from pipeline.home import Home
from pipeline.landing import batch_folder
from pipeline.quarantine.repairs import delivered_rows
from pipeline.quarantine.waiting import STOPPED_ISSUES, pointers_of, waiting_pointers
from pipeline.state import ISSUE_COLUMNS, log_source, standardized_table, state
from pipeline.validate import DUPLICATE
from standards.loader import load_standards
from standards.masked import is_personal, masked_raw, masked_value
from standards.model import DataElement, Standards

POINTER = {"_record_id": "UUID", "_batch_seq": "INTEGER", "_position": "BIGINT"}
ORDERS = {"position": ("_batch_seq", "_position"), "rules": ("rules", "_batch_seq", "_position")}


@dataclass(frozen=True)
class Breach:
    """One rule that a row breaks, with the columns concerned and their raw values, masked."""

    element: str
    issue_type: str
    values: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class IssueRow:
    """One row: the batch that examined it, its position there, and what is wrong with it."""

    batch_id: str
    position: int
    record_id: str
    has_raw: bool
    broken: tuple[Breach, ...]


@dataclass(frozen=True)
class IssueRows:
    """Some of the rows that were asked for, how many there are, and how many break each rule, most frequent first."""

    total: int
    rows: tuple[IssueRow, ...] = ()
    rules: tuple[tuple[str, int], ...] = ()

    @property
    def has_raw(self) -> bool:
        """Whether all of them can still be shown as received."""
        return all(row.has_raw for row in self.rows)


@dataclass(frozen=True)
class Wanted:
    """Which rows: those that break one rule ("element:issue") or any, in which order, how many, from where on."""

    rule: str = ""
    order: str = "position"
    descending: bool = False
    limit: int = 50
    offset: int = 0


def quarantined(home: Home, batch: Batch, wanted: Wanted) -> IssueRows:
    """Rows that a batch set aside."""
    return read_rows(home, batch.contract_id, pointers_of(home, batch), wanted)


def waiting(home: Home, contract_id: str, wanted: Wanted) -> IssueRows:
    """Rows of a dataset that are in quarantine now, whichever batch set them aside."""
    return read_rows(home, contract_id, waiting_pointers(home, contract_id), wanted)


def warned(home: Home, batch: Batch, wanted: Wanted, *, in_force: bool = False) -> IssueRows:
    """Rows in which a batch found warnings; or with `in_force`, all that the dataset's records in force after the batch carry."""
    return read_rows(home, batch.contract_id, warning_pointers(home, batch, in_force=in_force), wanted)


def warning_pointers(home: Home, batch: Batch, *, in_force: bool) -> str | None:
    """SQL for the rows with warnings, in the same shape."""
    kind = "issues" if in_force or batch.status == "accepted" else STOPPED_ISSUES
    table, files = standardized_table(batch.contract_id), _files(home, batch, kind)
    files = files if in_force else [file for file in files if file.seq == batch.seq]
    if not files:
        return None
    found = f"(SELECT * FROM {log_source(home, f'{table}/issues', ISSUE_COLUMNS, files)} WHERE severity = 'warning')"
    if in_force:
        found += f" JOIN {state(home, table, {'_record_id': 'UUID', '_batch_seq': 'INTEGER'}, batch.seq)} USING (_record_id, _batch_seq)"
    rule = "element || ':' || issue_type"
    return f"(SELECT {', '.join(POINTER)}, string_agg(DISTINCT {rule}, ';' ORDER BY {rule}) AS rules FROM {found} GROUP BY {', '.join(POINTER)})"


def _files(home: Home, batch: Batch, kind: str) -> Sequence[LakeFile]:
    return files_of(home.catalog, standardized_table(batch.contract_id), (kind,), batch.seq)


def read_rows(home: Home, contract_id: str, pointers: str | None, wanted: Wanted) -> IssueRows:
    """The rows of a dataset that pointers (SQL: record, batch, position, rules; None for none) lead to."""
    if pointers is None:
        return IssueRows(0)
    where = "WHERE list_contains(string_split(rules, ';'), $rule)" if wanted.rule else ""
    bound = {"rule": wanted.rule} if wanted.rule else None
    order = ", ".join(f"{name}{' DESC' if wanted.descending else ''}" for name in ORDERS[wanted.order])
    with Engine(home.settings) as engine:
        total = engine.value(f"SELECT count(*) FROM {pointers} {where}", bound, doing="counting rows with issues")
        page = f"SELECT * FROM {pointers} {where} ORDER BY {order} LIMIT {wanted.limit} OFFSET {wanted.offset}"
        found = engine.records(page, bound, doing="reading rows with issues") if wanted.limit else []
        rules = engine.rows(
            f"SELECT rule, count(*) FROM (SELECT unnest(list_distinct(string_split(rules, ';'))) AS rule FROM {pointers}) "
            "GROUP BY rule ORDER BY 2 DESC, 1",
            doing="counting rows by rule",
        )
        return IssueRows(total, tuple(_with_values(home, engine, contract_id, found)), tuple((rule, rows) for rule, rows in rules))


def _with_values(home: Home, engine: Engine, contract_id: str, found: Sequence[Mapping[str, Any]]) -> Iterable[IssueRow]:
    """The rows with their raw values, which lie in the landing of the batch that examined each."""
    contracts: dict[int, Contract] = {}
    landed: dict[tuple[int, int], Mapping[str, Any]] = {}
    for seq, rows in groupby(sorted(found, key=lambda row: row["_batch_seq"]), key=lambda row: row["_batch_seq"]):
        batch = batch_at(home.catalog, contract_id, seq)
        contracts[seq] = contract_at(home.catalog, contract_id, batch.contract_version)
        if batch_folder(home.settings, contract_id, seq).exists():
            landed |= _landed(home, engine, batch, contracts[seq], [row["_position"] for row in rows])
    return (_issue_row(contracts[row["_batch_seq"]], row, landed.get((row["_batch_seq"], row["_position"]))) for row in found)


def _landed(
    home: Home, engine: Engine, batch: Batch, contract: Contract, positions: Sequence[int]
) -> dict[tuple[int, int], Mapping[str, Any]]:
    columns = sorted({*_key_columns(contract), *(source.column for source in contract.elements.values())})
    names = ", ".join(["_position", *map(quote, columns)])
    sql = f"SELECT {names} FROM {delivered_rows(home, batch)} WHERE _position IN ({', '.join(map(str, positions))})"
    rows = engine.records(sql, doing="reading landed rows")
    return {(batch.seq, row["_position"]): row for row in rows}


def _issue_row(contract: Contract, row: Mapping[str, Any], landed: Mapping[str, Any] | None) -> IssueRow:
    standards = load_standards()
    broken = []
    for rule in dict.fromkeys(filter(None, row["rules"].split(";"))):
        element, _, issue = rule.partition(":")
        columns = concerned(contract, element, issue, standards)
        refused = element in contract.elements
        values = ((column, _masked(landed[column], standards.elements.get(name), refused) if landed else None) for column, name in columns)
        broken.append(Breach(element, issue, tuple(values)))
    batch_id = batch_id_of(contract.id, row["_batch_seq"])
    return IssueRow(batch_id, row["_position"], str(row["_record_id"]), landed is not None, tuple(broken))


def _masked(raw: str | None, element: DataElement | None, refused: bool) -> str | None:
    """A refused value as its department needs to see it; one that is merely concerned is a person's own and masked like any."""
    if refused or element is None or not is_personal(element):
        return masked_raw(raw, element)
    return masked_value(raw, element)


def concerned(contract: Contract, element: str, issue: str, standards: Standards) -> list[tuple[str, str]]:
    """The columns, each with its element, that an issue is about: one, those of a rule over several, or those of the record's key."""
    columns = {name: source.column for name, source in contract.elements.items()}
    if element in columns:
        return [(columns[element], element)]
    if issue == DUPLICATE:
        names = {column: name for name, column in columns.items()}
        return [(column, names.get(column, "")) for column in _key_columns(contract)]
    rules = [rule for rule in standards.cross_rules if rule.issue_type == issue and rule.schema_id in contract.feeds]
    supplied = set(columns) | set(contract.constants)
    needed = dict.fromkeys(name for rule in rules if set(rule.needs) <= supplied for name in rule.needs)
    return [(columns[name], name) for name in needed if name in columns]


def _key_columns(contract: Contract) -> tuple[str, ...]:
    return () if contract.whole_row_is_key else tuple(contract.record_key)

"""Quarantine: the rows of a dataset that may not be published, as pointers into landing with the rules they broke; and beside them the
published rows that carry warnings."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.batches import Batch, get_batch, latest_accepted
from catalog.datasets import contract_in_force
from catalog.files import files_of
from core.engine import Engine, parquet
from core.errors import RequestError
from pipeline.home import Home
from pipeline.landing import batch_folder, landed_rows
from pipeline.row_issues import IssueRows, Wanted, quarantined, warned, warning_pointers
from pipeline.state import standardized_table
from standards.loader import load_standards
from standards.model import IssueType

SYSTEM = ("_position", "_record_id", "_row_digest")


@dataclass(frozen=True)
class RuleCount:
    """How many rows broke one rule; a row may break several."""

    element: str
    issue_type: str
    rows: int
    message_zh: str
    message_en: str
    fixer: str


def quarantined_rows(home: Home, contract_id: str) -> tuple[Batch, str] | None:
    """The last accepted batch, and SQL for its quarantined rows: raw columns, `_position`, `rules`. None where nothing is quarantined."""
    contract_in_force(home.catalog, contract_id)
    batch = latest_accepted(home.catalog, contract_id)
    if batch is None:
        return None
    files = [file for file in files_of(home.catalog, standardized_table(contract_id), ("quarantine",)) if file.seq == batch.seq]
    if not files:
        return None
    pointers = parquet([home.settings.lake_dir / file.path for file in files])
    return batch, f"(SELECT l.*, q.rules FROM {landed_rows(home.settings, batch)} l JOIN {pointers} q USING (_position))"


def rule_counts(home: Home, contract_id: str, *, warnings: bool = False) -> list[RuleCount]:
    """Rows by rule, most frequent first: those in quarantine, or the published ones that carry warnings."""
    types = load_standards().issue_types
    return [_rule_count(rule, count, types) for rule, count in listed_rows(home, contract_id, 0, warnings=warnings).rules]


def listed_rows(home: Home, contract_id: str, limit: int, *, warnings: bool = False) -> IssueRows:
    """The first rows in quarantine, or in force with warnings, after the last accepted batch; values masked."""
    contract_in_force(home.catalog, contract_id)
    batch = latest_accepted(home.catalog, contract_id)
    if batch is None:
        return IssueRows(0)
    wanted = Wanted(limit=limit)
    return warned(home, batch, wanted, in_force=True) if warnings else quarantined(home, batch, wanted)


def _rule_count(rule: str, count: int, types: dict[str, IssueType]) -> RuleCount:
    element, issue = rule.split(":")
    kind = types[issue]
    return RuleCount(element, issue, count, kind.message.zh, kind.message.en, kind.fixer)


def export_rows(home: Home, contract_id: str, path: Path, *, warnings: bool = False) -> int:
    """Write the quarantined rows (or those in force with warnings) as received, with position and the reasons in words, to a CSV file
    readable by its owner only.

    Returns how many rows were written. Raises RequestError where the file exists already.
    """
    if path.exists():
        raise RequestError(f"{path} exists already", hint="name a new file")
    types, elements = load_standards().issue_types, load_standards().elements
    with (
        Engine(home.settings) as engine,
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8-sig", newline="") as out,
    ):
        rows = _warned_rows(home, engine, contract_id) if warnings else _quarantined_rows(home, engine, contract_id)
        columns = list(dict.fromkeys(name for row in rows for name in row if name not in (*SYSTEM, "rules", "batch")))
        writer = csv.writer(out)
        writer.writerow([*(["批次 batch"] if warnings else []), "行号 row", *columns, "原因", "reason"])
        for row in rows:
            broken = [rule.split(":") for rule in row["rules"].split(";")]
            zh = "；".join(f"{elements[e].title.zh if e in elements else '整行'}：{types[i].message.zh}" for e, i in broken)
            en = "; ".join(f"{elements[e].title.en if e in elements else 'row'}: {types[i].message.en}" for e, i in broken)
            place = [*([row["batch"]] if warnings else []), row["_position"]]
            writer.writerow([*place, *(_harmless(row.get(name)) for name in columns), zh, en])
    return len(rows)


def _quarantined_rows(home: Home, engine: Engine, contract_id: str) -> list[dict[str, Any]]:
    found = quarantined_rows(home, contract_id)
    return engine.records(f"SELECT * FROM {found[1]} ORDER BY _position", doing="reading quarantined rows") if found else []


def _warned_rows(home: Home, engine: Engine, contract_id: str) -> list[dict[str, Any]]:
    """The rows lie in the landing of the batch that examined each; of one that is purged, place and rules are left."""
    contract_in_force(home.catalog, contract_id)
    last = latest_accepted(home.catalog, contract_id)
    pointers = warning_pointers(home, last, in_force=True) if last else None
    rows: list[dict[str, Any]] = []
    for (seq,) in engine.rows(f"SELECT DISTINCT _batch_seq FROM {pointers} ORDER BY 1") if pointers else []:
        batch = get_batch(home.catalog, f"{contract_id}@{seq}")
        has_raw = batch_folder(home.settings, contract_id, seq).exists()
        landed = f"SELECT * FROM {landed_rows(home.settings, batch)}" if has_raw else "SELECT NULL::BIGINT AS _position"
        joined = f"{pointers} q LEFT JOIN ({landed}) l USING (_position) WHERE q._batch_seq = {seq}"
        found = engine.records(f"SELECT l.*, q._position, q.rules FROM {joined} ORDER BY q._position", doing="reading rows with warnings")
        rows += [{**row, "batch": seq} for row in found]
    return rows


def _harmless(value: str | None) -> str:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    text = value or ""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

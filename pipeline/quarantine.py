"""Quarantine: the rows of a dataset that may not be published, as pointers into landing with the rules they broke."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from catalog.batches import Batch, latest_accepted
from catalog.datasets import contract_in_force
from catalog.files import files_of
from core.engine import Engine, parquet
from core.errors import RequestError
from pipeline.home import Home
from pipeline.landing import landed_rows
from pipeline.state import standardized_table
from standards.loader import load_standards
from standards.model import IssueType

SYSTEM = ("_position", "_record_id", "_row_digest")


@dataclass(frozen=True)
class RuleCount:
    """How many quarantined rows broke one rule; a row may break several."""

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


def rule_counts(home: Home, contract_id: str) -> list[RuleCount]:
    """Quarantined rows by rule, most frequent first."""
    found = quarantined_rows(home, contract_id)
    if found is None:
        return []
    with Engine(home.settings) as engine:
        rows = engine.rows(
            f"SELECT rule, count(*) FROM (SELECT unnest(string_split(rules, ';')) AS rule FROM {found[1]}) GROUP BY rule ORDER BY 2 DESC, 1",
            doing="counting quarantined rows",
        )
    types = load_standards().issue_types
    return [_rule_count(rule, count, types) for rule, count in rows]


def _rule_count(rule: str, count: int, types: dict[str, IssueType]) -> RuleCount:
    element, issue = rule.split(":")
    kind = types[issue]
    return RuleCount(element, issue, count, kind.message.zh, kind.message.en, kind.fixer)


def export_rows(home: Home, contract_id: str, path: Path) -> int:
    """Write the quarantined rows as received, with position and the reasons in words, to a CSV file readable by its owner only.

    Returns how many rows were written. Raises RequestError where the file exists already.
    """
    if path.exists():
        raise RequestError(f"{path} exists already", hint="name a new file")
    found = quarantined_rows(home, contract_id)
    types, elements = load_standards().issue_types, load_standards().elements
    with (
        Engine(home.settings) as engine,
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8-sig", newline="") as out,
    ):
        rows = engine.records(f"SELECT * FROM {found[1]} ORDER BY _position") if found else []
        columns = [name for name in (rows[0] if rows else {}) if name not in (*SYSTEM, "rules")]
        writer = csv.writer(out)
        writer.writerow(["行号 row", *columns, "原因", "reason"])
        for row in rows:
            broken = [rule.split(":") for rule in row["rules"].split(";")]
            zh = "；".join(f"{elements[e].title.zh if e in elements else '整行'}：{types[i].message.zh}" for e, i in broken)
            en = "; ".join(f"{elements[e].title.en if e in elements else 'row'}: {types[i].message.en}" for e, i in broken)
            writer.writerow([row["_position"], *(_harmless(row[name]) for name in columns), zh, en])
    return len(rows)


def _harmless(value: str | None) -> str:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    text = value or ""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

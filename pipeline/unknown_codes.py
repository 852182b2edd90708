"""Codes that are in no list: which share of a dataset's rows has one, before a batch and after it.

A batch may examine few rows of many. The share among these says nothing of the column, and one wrong row among them would hide whatever the
next batch brings; so what stands of the others is counted with them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.batches import Batch, latest_looking_at
from catalog.files import files_of
from core.engine import Engine
from pipeline.changes import DELETED, WITHDRAWN
from pipeline.home import Home
from pipeline.quarantine.waiting import BEFORE
from pipeline.standardize import STANDARDIZED
from pipeline.state import ISSUE_COLUMNS, log_source, standardized_table, state
from standards.model import Standards

UNKNOWN_CODE, _LEAST = "unknown-code", 3  # fewer rows than these are no change of the source


def unknown_codes(
    engine: Engine, home: Home, batch: Batch, issues: Sequence[Mapping[str, Any]], fills: Sequence[Mapping[str, Any]], standards: Standards
) -> dict[str, tuple[float, float]]:
    """Both shares, after and before, by coded element, where a delivery has enough of such rows and an earlier one has looked at the element."""
    found = {row["element"]: row["rows"] for row in issues if row["issue_type"] == UNKNOWN_CODE and row["rows"] >= _LEAST}
    coded = [row for row in fills if row["element"] in found and standards.elements[row["element"]].code_list]
    if batch.kind != "delivery":
        return {}
    looked = [row for row in coded if latest_looking_at(home.catalog, batch.contract_id, row["element"], batch.seq)]
    return {row["element"]: _shares(engine, home, batch, row["element"], found[row["element"]], row["evaluated"]) for row in looked}


def _shares(engine: Engine, home: Home, batch: Batch, element: str, found: int, examined: int) -> tuple[float, float]:
    had = "list_contains(found, $rule)"
    rows, unknown, others, unknown_others = engine.row(
        f"SELECT count(*), count(*) FILTER ({had}), count(*) FILTER (is_left), count(*) FILTER (is_left AND {had}) FROM ({_stood(home, batch)})",
        {"rule": f"{element}:{UNKNOWN_CODE}"},
        doing="counting unknown codes",
    )
    return (found + unknown_others) / (examined + others), unknown / rows if rows else 0.0


def _stood(home: Home, batch: Batch) -> str:
    """SQL for the rows of a dataset before a batch, with what was found in them: records, or what waits in place of them in quarantine; and
    whether the batch has left them as they were.
    """
    table = standardized_table(batch.contract_id)
    records = state(home, table, {"_record_id": "UUID", "_batch_seq": "INTEGER"})
    touched = f"SELECT _record_id FROM {STANDARDIZED} UNION ALL SELECT _record_id FROM {DELETED}"
    # What a whole delivery does not set aside again waits no longer.
    waits_on = "false" if batch.is_whole else f"_record_id NOT IN ({touched} UNION ALL SELECT _record_id FROM {WITHDRAWN})"
    waiting = f"SELECT string_split(rules, ';') AS found, {waits_on} AS is_left FROM {BEFORE}"
    is_record = f"WHERE _record_id NOT IN (SELECT _record_id FROM {BEFORE})"
    left = f"_record_id NOT IN ({touched}) AS is_left"
    files = files_of(home.catalog, table, ("issues",))
    if not files:
        return f"{waiting} UNION ALL SELECT []::VARCHAR[] AS found, {left} FROM {records} {is_record}"
    issues = (
        "(SELECT _record_id, _batch_seq, list(element || ':' || issue_type) AS found "
        f"FROM {log_source(home, f'{table}/issues', ISSUE_COLUMNS, files)} WHERE issue_type = '{UNKNOWN_CODE}' GROUP BY _record_id, _batch_seq)"
    )
    return f"{waiting} UNION ALL SELECT found, {left} FROM {records} LEFT JOIN {issues} USING (_record_id, _batch_seq) {is_record}"

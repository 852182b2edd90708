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
from pipeline.state import ISSUE_COLUMNS, LOG_COLUMNS, log_source, standardized_table, state
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
    rows, unknown, others, unknown_others = engine.row(
        "SELECT count(*), count(*) FILTER (was_unknown), count(*) FILTER (is_left), count(*) FILTER (is_left AND was_unknown) "
        f"FROM ({_stood(home, batch)})",
        {"element": element},
        doing="counting unknown codes",
    )
    return (found + unknown_others) / (examined + others), unknown / rows if rows else 0.0


def _stood(home: Home, batch: Batch) -> str:
    """SQL for the rows of a dataset before a batch, records or what waits in place of them in quarantine: whether there was an unknown code of
    `$element` (was_unknown), and whether the batch has left the row as it was (is_left).
    """
    table, place = standardized_table(batch.contract_id), "_record_id, _batch_seq, _position"
    touched = f"SELECT _record_id FROM {STANDARDIZED} UNION ALL SELECT _record_id FROM {DELETED}"
    # What a whole delivery does not set aside again waits no longer.
    waits_on = "false" if batch.is_whole else f"_record_id NOT IN ({touched} UNION ALL SELECT _record_id FROM {WITHDRAWN})"
    records = state(home, table, {name: LOG_COLUMNS[name] for name in ("_record_id", "_batch_seq", "_position")})
    rows = (
        f"SELECT {place}, {waits_on} AS is_left FROM {BEFORE} UNION ALL "
        f"SELECT {place}, _record_id NOT IN ({touched}) FROM {records} WHERE _record_id NOT IN (SELECT _record_id FROM {BEFORE})"
    )
    issues = log_source(home, f"{table}/issues", ISSUE_COLUMNS, files_of(home.catalog, table, ("issues",)))
    unknown = f"SELECT DISTINCT {place}, true AS found FROM {issues} WHERE element = $element AND issue_type = '{UNKNOWN_CODE}'"
    return f"SELECT coalesce(found, false) AS was_unknown, is_left FROM ({rows}) LEFT JOIN ({unknown}) USING ({place})"

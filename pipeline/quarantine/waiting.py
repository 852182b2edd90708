"""What waits in quarantine now, whichever batch set it aside.

What a whole delivery sets aside is all that waits; rows that come in a part afterwards, or are run again, leave, or stay with what is wrong
with them now. A record that the source sends right is not set aside again: it leaves by itself.
"""

from collections.abc import Sequence
from typing import Any

from catalog.batches import Batch, accepted_from, batch_at, latest_whole
from catalog.files import LakeFile, files_of
from core.engine import Engine
from pipeline.changes import DELETED, ROWS, WITHDRAWN
from pipeline.home import Home
from pipeline.quarantine.repairs import corrected_keys
from pipeline.state import log_source, standardized_table

QUARANTINE_COLUMNS = {
    "_record_id": "UUID",
    "_batch_seq": "INTEGER",
    "_position": "BIGINT",
    "rules": "VARCHAR",
    "_since_seq": "INTEGER",  # the batch since which the record has been waiting without a break
}
# Kinds of file: the rows that a batch would have set aside, and the issues that it would have listed, had no gate stopped it.
STOPPED, STOPPED_ISSUES = "stopped", "stopped_issues"
BEFORE = "waiting_before"  # table: what waited before the batch that is being accepted
SET_ASIDE = "set_aside"  # table: what the batch that is being accepted sets aside


def waiting_pointers(home: Home, contract_id: str) -> str | None:
    """SQL for the rows that wait: record, batch, position, rules, `_since_seq`. None where nothing does."""
    whole = latest_whole(home.catalog, contract_id)
    if whole is None:
        return None
    table = standardized_table(contract_id)
    files = [file for file in files_of(home.catalog, table, ("quarantine",)) if file.seq >= whole.seq]
    if not files:
        return None
    rows = _pointers(home, table, files)
    again = accepted_from(home.catalog, contract_id, whole.seq + 1)
    if not again:
        return rows
    # Whatever came since is where it was put last: in the log, or in quarantine anew.
    logs = [file for file in files_of(home.catalog, table, ("log",)) if file.seq in {item.seq for item in again}]
    log = log_source(home, table, {"_record_id": "UUID", "_batch_seq": "INTEGER"}, logs)
    examined = f"SELECT _record_id, _batch_seq FROM {rows} UNION ALL SELECT _record_id, _batch_seq FROM {log}"
    last = f"(SELECT _record_id, max(_batch_seq) AS _batch_seq FROM ({examined}) GROUP BY _record_id)"
    return f"(SELECT q.* FROM {rows} q JOIN {last} USING (_record_id, _batch_seq) WHERE {_still_waits(again)})"


def _still_waits(batches: Sequence[Batch]) -> str:
    """SQL for whether a row was not run again under another key: one that was has left, although nothing of its record came."""
    places = [(seq, place) for batch in batches for _, seq, place in corrected_keys(batch)]
    listed = ", ".join(map(str, places))
    return f"(_batch_seq, _position) NOT IN ({listed})" if places else "true"


def pointers_of(home: Home, batch: Batch) -> str | None:
    """SQL for the rows that one batch set aside, or would have, had no gate stopped it, in the same shape. None where there are none."""
    table = standardized_table(batch.contract_id)
    kind = "quarantine" if batch.status == "accepted" else STOPPED
    files = [file for file in files_of(home.catalog, table, (kind,), batch.seq) if file.seq == batch.seq]
    return _pointers(home, table, files) if files else None


def _pointers(home: Home, table: str, files: Sequence[LakeFile]) -> str:
    source = log_source(home, f"{table}/quarantine", QUARANTINE_COLUMNS, files)
    # Files from before this was kept do not say since when.
    return f"(SELECT * REPLACE (coalesce(_since_seq, _batch_seq) AS _since_seq) FROM {source})"


def empty_table(name: str) -> str:
    """SQL that makes a table for rows that wait."""
    return f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in QUARANTINE_COLUMNS.items())})"


def read_before(home: Home, engine: Engine, batch: Batch) -> None:
    """Leave what waits before a batch as the table `waiting_before`."""
    pointers = waiting_pointers(home, batch.contract_id)
    engine.run(empty_table(BEFORE), doing="reading quarantine")
    if pointers:
        engine.run(f"INSERT INTO {BEFORE} SELECT {', '.join(QUARANTINE_COLUMNS)} FROM {pointers}", doing="reading quarantine")


def waiting_after(home: Home, engine: Engine, batch: Batch) -> tuple[int, list[dict[str, Any]]]:
    """How many rows wait once a batch is accepted, and how many by rule and since when."""
    rows = f"SELECT _record_id, rules, _since_seq FROM {SET_ASIDE}"
    if not batch.is_whole:
        seen = f"SELECT _record_id FROM {ROWS} UNION ALL SELECT _record_id FROM {DELETED} UNION ALL SELECT _record_id FROM {WITHDRAWN}"
        rows += (
            f" UNION ALL SELECT _record_id, rules, _since_seq FROM {BEFORE} WHERE _record_id NOT IN ({seen}) AND {_still_waits([batch])}"
        )
    (_, total, _), *found = engine.rows(
        f"WITH waits AS MATERIALIZED ({rows}) SELECT NULL AS rule, count(*), NULL FROM waits UNION ALL "
        "SELECT rule, count(*), min(_since_seq) FROM (SELECT unnest(list_distinct(string_split(rules, ';'))) AS rule, _since_seq FROM waits) "
        "GROUP BY rule ORDER BY rule NULLS FIRST",
        doing="counting what waits",
    )
    return total, [_by_rule(home, batch.contract_id, *row) for row in found]


def _by_rule(home: Home, contract_id: str, rule: str, rows: int, seq: int) -> dict[str, Any]:
    element, _, issue = rule.partition(":")
    return {"element": element, "issue_type": issue, "rows": rows, "since": batch_at(home.catalog, contract_id, seq).started_at}

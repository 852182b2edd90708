"""The lake files of an accepted batch: its part of the log, quarantine, issues, repairs, and a compacted state when the log has outgrown it."""

from collections.abc import Container, Iterator
from typing import NamedTuple

from catalog.batches import Batch
from catalog.files import LakeFile, files_of
from core import lake
from core.engine import Engine, quote
from pipeline.changes import DELETED, WITHDRAWN
from pipeline.home import Home
from pipeline.plan import ROW, ROW_ISSUES, Plan
from pipeline.quarantine.repairs import REPAIR_COLUMNS, repair_rows
from pipeline.quarantine.waiting import BEFORE, QUARANTINE_COLUMNS, SET_ASIDE, STOPPED, STOPPED_ISSUES, empty_table
from pipeline.standardize import STANDARDIZED
from pipeline.state import ISSUE_COLUMNS, fold, log_columns, outgrown, standardized_table, typed_fields
from pipeline.validate import DUPLICATE, KEY
from standards.model import Standards

Kinds = Container[tuple[str, str]]  # of issues, as they are counted: element, or what stands for the record, and name
# Whose columns a file has that is kept elsewhere.
_OWNERS = {STOPPED: "quarantine", STOPPED_ISSUES: "issues"}


def write_files(
    engine: Engine, home: Home, plan: Plan, batch: Batch, standards: Standards, kinds: Kinds, *, with_quarantine: bool
) -> list[LakeFile]:
    """Write the log, and what there is beside it; the views of the split are in the engine, and `kinds` of issues occur. Named nowhere until the
    batch is accepted.
    """
    table = standardized_table(batch.contract_id)
    columns = log_columns(plan.contract, standards)
    # The rows are in the order of arrival already, and nobody needs another.
    files = [_write(engine, home, batch, table, "log", columns, _log_rows(plan, batch, columns), None)]
    if with_quarantine:
        files.append(_write(engine, home, batch, table, "quarantine", QUARANTINE_COLUMNS, f"SELECT * FROM {SET_ASIDE}", "_position"))
    files += _write_issues(engine, home, plan, batch, kinds, "issues")
    if batch.kind != "delivery":
        rows = repair_rows(home, engine, batch, "accepted_rows", BEFORE)
        files.append(_write(engine, home, batch, table, "repairs", REPAIR_COLUMNS, rows, "_position"))
    compacted = _compact(engine, home, batch, table, columns, files[0])
    return files + compacted


def write_stopped(
    engine: Engine, home: Home, plan: Plan, batch: Batch, kinds: Kinds, *, with_quarantine: bool, with_issues: bool
) -> list[LakeFile]:
    """Write what a batch that a gate stops would set aside, and its issues, so that they can be listed: elsewhere, as nothing of it counts."""
    table = standardized_table(batch.contract_id)
    files = _write_issues(engine, home, plan, batch, kinds, STOPPED_ISSUES) if with_issues else []
    if with_quarantine:
        files.append(_write(engine, home, batch, table, STOPPED, QUARANTINE_COLUMNS, f"SELECT * FROM {SET_ASIDE}", "_position"))
    return files


def _write_issues(engine: Engine, home: Home, plan: Plan, batch: Batch, kinds: Kinds, kind: str) -> list[LakeFile]:
    rows = " UNION ALL ".join(_issue_rows(plan, batch, kinds))
    table = standardized_table(batch.contract_id)
    return [_write(engine, home, batch, table, kind, ISSUE_COLUMNS, rows, "_position")] if rows else []


def _write(
    engine: Engine, home: Home, batch: Batch, table: str, kind: str, columns: dict[str, str], sql: str, order: str | None
) -> LakeFile:
    owner = table if kind in ("log", "compact") else f"{table}/{_OWNERS.get(kind, kind)}"
    fields = {name: number for name, (number, _) in typed_fields(home.catalog, owner, columns).items()}
    keys = [name for name in (order, "_record_id", "element", "issue_type") if order and name in columns]
    written = lake.write(engine, home.settings, sql, f"{table}/{kind}-{batch.seq:08d}.parquet", fields, list(dict.fromkeys(keys)))
    return LakeFile(written.path, table, kind, batch.seq, written.rows)


def _log_rows(plan: Plan, batch: Batch, columns: dict[str, str]) -> str:
    elements = [f"{item.published}::{columns[item.element.id]} AS {quote(item.element.id)}" for item in plan.elements]
    names = ", ".join(quote(name) for name in columns)
    nothing = ", ".join(f"NULL::{kind}" for name, kind in columns.items() if name not in ("_record_id", "_batch_seq", "_op"))
    return (
        f"SELECT {names} FROM (SELECT _record_id, {batch.seq}::integer AS _batch_seq, CASE WHEN _known THEN 'update' ELSE 'insert' END AS _op, "
        f"_position, _row_digest, _valid_from, {', '.join(elements)} FROM accepted_rows) "
        f"UNION ALL SELECT _record_id, {batch.seq}::integer, 'delete', {nothing} "
        # A record that only waited is no record; that it is gone ends its waiting.
        f"FROM (SELECT _record_id FROM {DELETED} UNION ALL SELECT _record_id FROM {WITHDRAWN})"
    )


def set_aside(engine: Engine, plan: Plan, batch: Batch, rows: int, kinds: Kinds) -> None:
    """Table `set_aside`: of the quarantined rows, given their number and the kinds of issues that occur, pointers into landing with the rules that
    were broken; never a value.
    """
    if not rows:
        engine.run(empty_table(SET_ASIDE))
        return
    rules = [
        f"CASE WHEN {found.condition} THEN '{found.about}:{found.issue}' END"
        for found in _occurring(plan, kinds)
        if found.severity == "error"
    ]
    since = f"(SELECT _record_id, min(_since_seq) AS _since_seq FROM {BEFORE} GROUP BY _record_id)"
    engine.run(
        f"CREATE TABLE {SET_ASIDE} AS "
        f"SELECT _record_id, {batch.seq}::integer AS _batch_seq, _position, concat_ws(';', {', '.join(rules)}) AS rules, "
        f"coalesce(w._since_seq, {batch.seq})::integer AS _since_seq FROM quarantined_rows LEFT JOIN {since} w USING (_record_id)",
        doing="setting rows aside",
    )


def _issue_rows(plan: Plan, batch: Batch, kinds: Kinds) -> Iterator[str]:
    """One row per refused value. Repairs are counted, not listed: landing and standard together give them back."""
    optional = {item.element.id for item in plan.elements if not item.use.required}
    for found in _occurring(plan, kinds):
        if found.severity != "repaired" and not (found.issue == "missing" and found.about in optional):
            yield (
                f"SELECT _record_id, {batch.seq}::integer AS _batch_seq, _position, '{found.about}' AS element, '{found.issue}' AS issue_type, "
                f"'{found.severity}' AS severity FROM {STANDARDIZED} WHERE {found.condition}"
            )


class _Occurring(NamedTuple):
    """A kind of issue that occurs: what it is about, its name and severity, and SQL for whether a row has it."""

    about: str
    issue: str
    severity: str
    condition: str


def _occurring(plan: Plan, kinds: Kinds) -> Iterator[_Occurring]:
    """Of all kinds of issues that a dataset can have, those that occur: most do not, and each costs as much to plan."""
    for item in plan.elements:
        for bit, (issue, severity) in enumerate(zip(item.issues, item.severities, strict=True)):
            if (item.element.id, issue) in kinds:
                yield _Occurring(item.element.id, issue, severity, f"({quote(item.column)} & {1 << bit}) <> 0")
    for bit, (issue, severity) in enumerate(plan.row_issues):
        if (KEY if issue == DUPLICATE else ROW, issue) in kinds:
            yield _Occurring(ROW, issue, severity, f"({ROW_ISSUES} & {1 << bit}) <> 0")


def _compact(engine: Engine, home: Home, batch: Batch, table: str, columns: dict[str, str], log: LakeFile) -> list[LakeFile]:
    files = files_of(home.catalog, table, ("log", "compact"))
    if not outgrown(files, log):
        return []
    sql = fold(home, table, columns, [*files, log], "_record_id", "_batch_seq")
    return [_write(engine, home, batch, table, "compact", columns, f"SELECT * FROM {sql}", "_record_id")]

"""Accept: from a landed batch to a dataset's new state.

Compare with what was accepted before, standardize what is new, validate it, pass the gate, split it into accepted and quarantined rows,
and commit ledger, findings and files together. Up to that commit nothing is visible; after it, the lake follows.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from catalog.batches import (
    EVERY_BATCH,
    Acceptance,
    Batch,
    accept_batch,
    batches_of,
    end_batch,
    get_batch,
    judged_otherwise,
    latest_accepted,
    latest_whole,
    pin_standard,
    record_findings,
)
from catalog.datasets import contract_at
from catalog.files import files_of
from catalog.tables import lease
from contracts.model import Contract
from core import lake
from core.clock import today
from core.engine import Engine
from core.errors import GateFailed, RequestError
from core.faults import described
from core.leases import Lease, holding, writing_under
from core.space import check_space
from core.space import held as held_bytes
from core.steps import timed
from pipeline.batch_files import quarantine_rows, write_files, write_stopped
from pipeline.changes import DELETED, TEXTS, Changes, compare
from pipeline.delivery.drift import UNKNOWN_CODE, accepted_drift
from pipeline.delivery.tracking import is_in_order, settle_log
from pipeline.fill_rates import fills_of_delivery
from pipeline.home import Home, open_home
from pipeline.landing import batch_folder, landed_rows, named_deletes
from pipeline.operation.lineage import hub_table, traced
from pipeline.quarantine.repairs import BORROWED, count_repaired, delivered_rows, find_borrowed, with_repaired
from pipeline.quarantine.waiting import BEFORE, read_before, waiting_after
from pipeline.receipts import issue_missing
from pipeline.standard import standard_in_force
from pipeline.standardize import BRIEF_ROWS, STANDARDIZED, Plan, make_plan, standardize, unread_dates
from pipeline.state import LOG_COLUMNS, log_columns, standardized_table, state, typed_fields
from pipeline.validate import gate, is_shrink, validate
from standards.day import on_day
from standards.loader import load_standards
from standards.model import Standards

STAYS = "the last good state stays published; mend the source or the contract's assertions, then run it again"
HELD_BACK = "deletes-held-back"  # note of a batch whose missing records were kept


def accept(batch_id: str, home: Home | None = None, *, full: bool = False, day: str = "", accept_shrink: str = "") -> Batch:
    """Bring a landed batch into its dataset's state and return it with its ledger. With `full`, no row counts as unchanged. `day` (ISO, by
    default today) decides what lies in the future and which codes are in force. `accept_shrink` is why a person lets as many records
    disappear as a batch that was stopped has shown; no more than that may.

    Raises GateFailed, with the reasons, where the contract's assertions do not hold; the state before stays in force. A batch that was
    accepted already, or that a newer one has superseded, is returned as it is.
    """
    home = home or open_home()
    batch = get_batch(home.catalog, batch_id)
    with holding(home.catalog, lease, f"dataset/{batch.contract_id}", home.settings.actor) as held:
        batch = get_batch(home.catalog, batch_id)
        if batch.status == "accepted":
            # The lake's table has the columns of the newest contract, whichever batch is asked for.
            follow(home, latest_accepted(home.catalog, batch.contract_id) or batch)
        if batch.status != "landed":
            return _as_it_is(batch)
        # What landed is raw: the version that counts is the one that judges it, also where another was installed in between.
        standards = standard_in_force(home)
        batch = pin_standard(home.catalog, held, batch_id, standards.version)
        try:
            _check_order(home, batch)
            check_space(home.settings, "lake", held_bytes(batch_folder(home.settings, batch.contract_id, batch.seq))[1])
            landing, standardized = hub_table("landing", batch.contract_id), hub_table("std", batch.contract_id)
            with traced(home.settings, f"accept.{batch.contract_id}", [landing.counted(batch.landed)], [standardized]) as run:
                columns = _accept(home, held, batch, standards, full, day or today().isoformat(), accept_shrink)
                done = get_batch(home.catalog, batch_id)
                run.outputs = [standardized.counted((done.accepted or 0) + (done.deleted or 0), columns)]
        except Exception as error:
            fault, status = described(error), "stopped" if isinstance(error, GateFailed) else "failed"
            if not fault.transient:
                end_batch(home.catalog, batch_id, status, fault.message, fault.hint)
                settle_log(home, contract_at(home.catalog, batch.contract_id, batch.contract_version))
                issue_missing(home, batch.contract_id)
            raise
        settle_log(home, contract_at(home.catalog, batch.contract_id, batch.contract_version))
        with timed({}, "follow"):
            follow(home, batch)
        issue_missing(home, batch.contract_id)
    return get_batch(home.catalog, batch_id)


def _as_it_is(batch: Batch) -> Batch:
    if batch.status in ("accepted", "superseded"):
        return batch
    raise RequestError(f"batch {batch.batch_id} is {batch.status} and cannot be accepted", hint="run the dataset again: ./hub sync")


def _check_order(home: Home, batch: Batch) -> None:
    if not is_in_order(home, batch):
        raise RequestError(
            f"batch {batch.batch_id} holds changes since a state that is no longer the last one", hint="run the dataset again: ./hub sync"
        )


def _accept(home: Home, held: Lease, batch: Batch, standards: Standards, full: bool, day: str, accept_shrink: str) -> dict[str, str]:
    """Do it, up to and including the commit; returns the columns of the standardized table with their types."""
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
    plan = make_plan(contract, standards)
    seconds = dict(batch.seconds)
    _clear_leftovers(home, held, batch)
    with Engine(home.settings) as engine:
        with timed(seconds, "compare"):
            read_before(home, engine, batch)
            changes = _compare(engine, home, batch, contract, full)
            if changes.fresh <= BRIEF_ROWS:
                engine.use_one_thread()
        with timed(seconds, "standardize"):
            standardize(engine, plan, day, TEXTS)
        with timed(seconds, "validate"), on_day(day):
            results, issues = validate(engine, plan, standards)
        with timed(seconds, "split"):
            split = _split(engine, plan)
            found = _findings(engine, home, plan, batch, changes, split, results, issues, seconds)
            found = replace(found, notes=[*found.notes, *accepted_drift(home, contract, batch, _unknown_codes(found, standards))])
        shrink = is_shrink(contract, changes)
        seen = shrink and bool(accept_shrink) and changes.disappeared <= _stopped_at(home, batch)
        if seen:
            found = replace(found, notes=[*found.notes, _shrink_accepted(home, changes, accept_shrink)])
        reasons = _reasons(engine, home, batch, contract, standards, changes, split, found, may_shrink=seen)
        if reasons:
            warned, bad = any(issue["severity"] == "warning" for issue in found.issues), split.quarantined > 0
            files = write_stopped(engine, home, plan, batch, with_quarantine=bad, with_issues=warned)
            record_findings(home.catalog, held, batch.batch_id, replace(found, files=files))
            raise GateFailed(f"batch {batch.batch_id} stopped: {'; '.join(reasons)}", hint=_way_on(batch, shrink, bad, warned))
        with timed(seconds, "write"):
            files = write_files(engine, home, plan, batch, standards, with_quarantine=split.quarantined > 0)
            total, rules = waiting_after(home, engine, batch, quarantine_rows(plan, batch))
        more = {"files": files, "seconds": seconds, "waiting": rules, "counts": {**found.counts, "waiting": total}}
        accept_batch(home.catalog, held, batch.batch_id, Acceptance(**{**_shallow(found), **more}))
    return log_columns(contract, standards)


def _way_on(batch: Batch, shrink: bool, bad: bool, warned: bool) -> str:
    """What can be done about a batch that was stopped."""
    parts = [
        STAYS,
        f'if that is right: ./hub sync {batch.contract_id} --accept-shrink "why it is right"' if shrink else "",
        f"which rows are wrong, and why: ./hub quarantine {batch.batch_id} --rows 20" if bad else "",
        f"which rows lack a value that was refused: ./hub quarantine {batch.batch_id} --warnings --rows 20" if warned else "",
    ]
    return "; ".join(filter(None, parts))


def _reasons(
    engine: Engine,
    home: Home,
    batch: Batch,
    contract: Contract,
    standards: Standards,
    changes: Changes,
    split: "_Split",
    found: Acceptance,
    *,
    may_shrink: bool,
) -> list[str]:
    """Why a batch must not be accepted. The gate speaks of deliveries; of rows of quarantine that are run again many may fail again."""
    if batch.kind != "delivery":
        return []
    fills = fills_of_delivery(engine, home, batch, contract, standards, changes, found.fills)
    drifted = [str(note["message"]) for note in found.notes if note.get("policy") == "stop"]
    judged = changes if batch.is_whole else _as_a_whole(changes, split)
    rekeyed = _rekeyed(home, batch, contract) if is_shrink(contract, judged) and not may_shrink else []
    return drifted + rekeyed + gate(contract, judged, split.quarantined, fills, may_shrink=may_shrink)


def _rekeyed(home: Home, batch: Batch, contract: Contract) -> list[str]:
    """That records seem to be gone because they have another key since the last accepted batch."""
    last = latest_accepted(home.catalog, contract.id)
    if last is None or contract_at(home.catalog, contract.id, last.contract_version).record_key == contract.record_key:
        return []
    return [f"the record key changed with version {batch.contract_version} of the contract, by which every record counts as new"]


def _stopped_at(home: Home, batch: Batch) -> int:
    """The most records that would have disappeared with a batch that was stopped since the last accepted one: what a person has seen."""
    last = latest_accepted(home.catalog, batch.contract_id)
    earlier = batches_of(home.catalog, batch.contract_id, EVERY_BATCH)
    stopped = [item.deleted or 0 for item in earlier if item.status == "stopped" and item.seq > (last.seq if last else 0)]
    return max(stopped, default=0)


def _shrink_accepted(home: Home, changes: Changes, why: str) -> dict[str, Any]:
    message = f"{changes.disappeared} of {changes.previous} records disappeared, which {home.settings.actor} let pass: {why}"
    return {"kind": "shrink-accepted", "message": message}


def _unknown_codes(found: Acceptance, standards: Standards) -> dict[str, tuple[int, int]]:
    """By coded element: how many rows have a code that is in no list, of how many."""
    unknown = {row["element"]: row["rows"] for row in found.issues if row["issue_type"] == UNKNOWN_CODE}
    coded = (row for row in found.fills if standards.elements[row["element"]].code_list)
    return {row["element"]: (unknown.get(row["element"], 0), row["evaluated"]) for row in coded}


def _shallow(found: Acceptance) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Acceptance.__dataclass_fields__}


def _compare(engine: Engine, home: Home, batch: Batch, contract: Contract, full: bool) -> Changes:
    before = latest_accepted(home.catalog, contract.id)
    same_rules = not full and batch.kind == "delivery" and _same_rules(home, batch)
    table = standardized_table(contract.id)
    previous = state(home, table, {name: LOG_COLUMNS[name] for name in ("_record_id", "_row_digest")})
    waiting = None if batch.is_whole else BEFORE
    rows = delivered_rows(home, batch)
    named = None if batch.is_whole else named_deletes(engine, home.settings, batch)
    taken_over = None
    if batch.kind == "delivery" and find_borrowed(engine, home, batch):
        own = landed_rows(home.settings, batch)
        taken_over = f"SELECT _repaired_id FROM {BORROWED} WHERE _repaired_id IN (SELECT _record_id FROM {own})"
        named = None if batch.is_whole else with_repaired(own, named)
    changes = compare(
        engine,
        rows,
        previous,
        same_rules=same_rules,
        is_whole=batch.is_whole,
        named_deletes=named,
        waiting=waiting,
        taken_over=taken_over,
    )
    if before is not None and changes.disappeared and (batch.unreadable or 0) > _unreadable_when_whole(home, contract.id):
        # A row that cannot be read may be one that seems to be gone: its record stays until the file can be read again.
        engine.run(f"DELETE FROM {DELETED}")
    return changes


def _same_rules(home: Home, batch: Batch) -> bool:
    """Whether contract and standard judged the last whole delivery, and every row since, as they judge now."""
    whole = latest_whole(home.catalog, batch.contract_id)
    return whole is not None and not judged_otherwise(home.catalog, whole, batch.rules)


def _unreadable_when_whole(home: Home, contract_id: str) -> int:
    """Unreadable rows of the last accepted batch whose deletes were believed: those since are all from deliveries that may be torn."""
    accepted = (batch for batch in batches_of(home.catalog, contract_id, EVERY_BATCH) if batch.status == "accepted" and batch.is_whole)
    whole = (batch for batch in accepted if not any(note["kind"] == HELD_BACK for note in batch.notes))
    return next((batch.unreadable or 0 for batch in whole), 0)


@dataclass(frozen=True)
class _Split:
    """What becomes of the standardized rows, and of the records that disappeared."""

    quarantined: int
    inserted: int
    updated: int
    deleted: int

    @property
    def accepted(self) -> int:
        return self.inserted + self.updated


def _split(engine: Engine, plan: Plan) -> _Split:
    """Views `accepted_rows` and `quarantined_rows` over the standardized table, and their counts."""
    stops = plan.stopping
    engine.run(f"CREATE VIEW quarantined_rows AS SELECT * FROM {STANDARDIZED} WHERE {stops}")
    engine.run(f"CREATE VIEW accepted_rows AS SELECT * FROM {STANDARDIZED} WHERE NOT ({stops})")
    inserted, updated = engine.row("SELECT count(*) FILTER (NOT _known), count(*) FILTER (_known) FROM accepted_rows")
    quarantined = engine.value("SELECT count(*) FROM quarantined_rows")
    deleted = engine.value(f"SELECT count(*) FROM {DELETED}")
    return _Split(quarantined, inserted, updated, deleted)


def _as_a_whole(changes: Changes, split: _Split) -> Changes:
    """A part is judged by what the dataset is with it: of two changed rows one may be bad, and a day may bring none."""
    kept = changes.previous - split.deleted - split.updated - changes.unchanged
    return replace(changes, landed=changes.landed + max(0, kept))


def _findings(
    engine: Engine,
    home: Home,
    plan: Plan,
    batch: Batch,
    changes: Changes,
    split: _Split,
    results: Sequence[Any],
    issues: Sequence[Any],
    seconds: dict[str, float],
) -> Acceptance:
    counts = {
        "accepted": split.accepted,
        "unchanged": changes.unchanged,
        "repeated": changes.repeated,
        "quarantined": split.quarantined,
        "previous": changes.previous,
        "inserted": split.inserted,
        "updated": split.updated,
        "deleted": split.deleted,
        "records": changes.previous + split.inserted - split.deleted,
    }
    notes = list(batch.notes)
    if changes.disappeared > split.deleted:
        message = f"{changes.disappeared} records are missing, but more rows than before could not be read: the records are kept"
        notes.append({"kind": HELD_BACK, "message": message})
    if repaired := count_repaired(home, engine, batch):
        message = f"{repaired} rows are as they were when the department repaired them: the repaired rows stand for them"
        notes.append({"kind": "repaired", "message": message})
    if unread := unread_dates(engine, plan):
        message = f"{unread} rows give a date from which they hold that cannot be read; declare its format at as_of"
        notes.append({"kind": "unread-date", "message": message})
    checks = [
        {
            "check_id": result.check.id,
            "element": result.check.element,
            "kind": result.check.kind,
            "issue_type": result.check.issue_type,
            "dimension": result.check.dimension,
            "severity": result.check.severity,
            "evaluated": result.evaluated,
            "unexpected": result.unexpected,
        }
        for result in results
    ]
    return Acceptance(counts, [asdict(issue) for issue in issues], checks, _fills(engine, plan), notes, seconds)


def _fills(engine: Engine, plan: Plan) -> list[dict[str, Any]]:
    """How many standardized rows have a value that can be published, by element."""
    usable = ", ".join(f"count({item.published})" for item in plan.elements)
    total, *filled = engine.row(f"SELECT count(*), {usable} FROM {STANDARDIZED}", doing="counting filled values")
    return [{"element": item.element.id, "evaluated": total, "filled": count} for item, count in zip(plan.elements, filled, strict=True)]


def _clear_leftovers(home: Home, held: Lease, batch: Batch) -> None:
    """Remove lake files of this dataset that no committed row names; the lease says that nobody is writing them."""
    table = standardized_table(batch.contract_id)

    def named() -> set[str]:
        with writing_under(home.catalog, held):
            return {file.path for file in files_of(home.catalog, table)}

    lake.remove_leftovers(home.settings.lake_dir / table, named, home.settings.lake_dir)


def follow(home: Home, batch: Batch) -> None:
    """Bring the dataset's Iceberg table up to what the catalog says."""
    standards = load_standards()
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
    table = standardized_table(batch.contract_id)
    files = [(file.seq, file.path) for file in files_of(home.catalog, table, ("log",))]
    lake.follow(home.settings, f"std.{table}", typed_fields(home.catalog, table, log_columns(contract, standards)), files)

"""Accept: from a landed batch to a dataset's new state.

Compare with what was accepted before, standardize what is new, validate it, pass the gate, split it into accepted and quarantined rows,
and commit ledger, findings and files together. Up to that commit nothing is visible; after it, the lake follows.
"""

from dataclasses import replace

from catalog.batches import Acceptance, Batch, accept_batch, end_batch, get_batch, latest_accepted, pin_standard, record_findings
from catalog.datasets import contract_at
from catalog.files import files_of
from catalog.tables import lease
from contracts.model import Contract
from core import iceberg, lake
from core.clock import today
from core.engine import Engine
from core.errors import GateFailed, RequestError
from core.faults import described
from core.leases import Lease, holding, writing_under
from core.space import check_space
from core.space import held as held_bytes
from core.steps import timed
from pipeline.batch_files import set_aside, write_files, write_stopped
from pipeline.changes import TEXTS
from pipeline.delivery.comparing import compare_batch
from pipeline.delivery.tracking import is_in_order, settle_log
from pipeline.findings import Examined, findings, has_warnings, issue_kinds, split_rows
from pipeline.gates import is_shrink, reasons, shrink_accepted, was_shown, way_on
from pipeline.home import Home, open_home
from pipeline.landing import batch_folder
from pipeline.operation.lineage import hub_table, traced
from pipeline.plan import make_plan
from pipeline.quarantine.waiting import waiting_after
from pipeline.receipts import issue_missing
from pipeline.standard import standard_in_force
from pipeline.standardize import standardize
from pipeline.state import listed_history, log_columns, standardized_table, typed_fields
from pipeline.statements import BRIEF_ROWS
from pipeline.validate import validate
from standards.day import on_day
from standards.loader import load_standards
from standards.model import Standards


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
        contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
        try:
            _check_order(home, batch)
            check_space(home.settings, "lake", held_bytes(batch_folder(home.settings, batch.contract_id, batch.seq))[1])
            landing, standardized = hub_table("landing", batch.contract_id), hub_table("std", batch.contract_id)
            with traced(home.settings, f"accept.{batch.contract_id}", [landing.counted(batch.landed)], [standardized]) as run:
                columns = _accept(home, held, batch, contract, standards, full, day or today().isoformat(), accept_shrink)
                done = get_batch(home.catalog, batch_id)
                run.outputs = [standardized.counted((done.accepted or 0) + (done.deleted or 0), columns)]
        except Exception as error:
            fault, status = described(error), "stopped" if isinstance(error, GateFailed) else "failed"
            if not fault.transient:
                end_batch(home.catalog, batch_id, status, fault.message, fault.hint)
                settle_log(home, contract)
                issue_missing(home, batch.contract_id)
            raise
        settle_log(home, contract)
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


def _accept(
    home: Home, held: Lease, batch: Batch, contract: Contract, standards: Standards, full: bool, day: str, accept_shrink: str
) -> dict[str, str]:
    """Do it, up to and including the commit; returns the columns of the standardized table with their types."""
    plan = make_plan(contract, standards)
    seconds = dict(batch.seconds)
    _clear_leftovers(home, held, batch)
    with Engine(home.settings, threads=1 if (batch.landed or 0) <= BRIEF_ROWS else None) as engine:
        with timed(seconds, "compare"):
            changes = compare_batch(engine, home, batch, contract, full=full)
            if changes.fresh <= BRIEF_ROWS:
                engine.use_one_thread()
        with timed(seconds, "standardize"):
            standardize(engine, plan, day, TEXTS)
        with timed(seconds, "validate"), on_day(day):
            results, issues = validate(engine, plan, standards)
        with timed(seconds, "split"):
            examined = Examined(engine, home, batch, contract, standards, plan, changes, split_rows(engine, plan))
            found = findings(examined, results, issues, seconds)
        if seen := bool(accept_shrink) and is_shrink(contract, changes) and was_shown(home, batch, changes):
            found = replace(found, notes=[*found.notes, shrink_accepted(home, changes, accept_shrink)])
        stops = reasons(examined, found, may_shrink=seen)
        if stops:
            _record_stopped(examined, held, found)
            raise GateFailed(f"batch {batch.batch_id} stopped: {'; '.join(stops)}", hint=way_on(examined, found, may_shrink=seen))
        with timed(seconds, "write"):
            kinds = issue_kinds(found)
            set_aside(engine, plan, batch, examined.split.quarantined, kinds)
            files = write_files(engine, home, plan, batch, standards, kinds, with_quarantine=examined.split.quarantined > 0)
            total, rules = waiting_after(home, engine, batch)
        found = replace(found, files=files, waiting=rules, counts={**found.counts, "waiting": total})
        accept_batch(home.catalog, held, batch.batch_id, found)
    return log_columns(contract, standards)


def _record_stopped(examined: Examined, held: Lease, found: Acceptance) -> None:
    """Write down what was found in a batch that is stopped, and in which of its rows."""
    engine, home, bad, kinds = examined.engine, examined.home, examined.split.quarantined > 0, issue_kinds(found)
    set_aside(engine, examined.plan, examined.batch, examined.split.quarantined, kinds)
    files = write_stopped(engine, home, examined.plan, examined.batch, kinds, with_quarantine=bad, with_issues=has_warnings(found))
    record_findings(home.catalog, held, examined.batch.batch_id, replace(found, files=files))


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
    files = [(file.seq, file.path) for file in listed_history(home, table)]
    iceberg.follow(home.settings, f"std.{table}", typed_fields(home.catalog, table, log_columns(contract, standards)), files)

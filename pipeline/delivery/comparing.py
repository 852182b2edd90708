"""What a batch is compared with: the accepted state of its dataset, under the rules by which that was judged."""

from dataclasses import replace

from catalog.batches import EVERY_BATCH, Batch, batches_of, judged_otherwise, latest_accepted, latest_whole
from contracts.model import Contract
from core.engine import Engine
from pipeline.changes import DELETED, Changes, compare
from pipeline.delivery.notes import BLANK
from pipeline.home import Home
from pipeline.landing import landed_rows, named_deletes
from pipeline.quarantine.repairs import BORROWED, count_unsettled, delivered_rows, find_borrowed, has_corrected_keys, with_repaired
from pipeline.quarantine.waiting import BEFORE, read_before
from pipeline.state import LOG_COLUMNS, standardized_table, state

HELD_BACK = "deletes-held-back"  # note of a batch whose missing records were kept


def compare_batch(engine: Engine, home: Home, batch: Batch, contract: Contract, *, full: bool) -> Changes:
    """Compare a landed batch with the accepted state of its dataset (`pipeline.changes.compare`). With `full`, no row counts as unchanged."""
    read_before(home, engine, batch)
    before = latest_accepted(home.catalog, contract.id)
    named = None if batch.is_whole else named_deletes(engine, home.settings, batch)
    taken_over, unsettled = None, 0
    if batch.kind == "delivery" and has_corrected_keys(home, contract.id):
        own = landed_rows(home.settings, batch)
        find_borrowed(engine, home, batch, BEFORE)
        taken_over = f"SELECT _repaired_id FROM {BORROWED} WHERE _repaired_id IN (SELECT _record_id FROM {own})"
        if not batch.is_whole:
            unsettled = count_unsettled(engine, own, named)
            named = with_repaired(own, named)
    changes = compare(
        engine,
        delivered_rows(home, batch),
        state(home, standardized_table(contract.id), {name: LOG_COLUMNS[name] for name in ("_record_id", "_row_digest")}),
        same_rules=not full and batch.kind == "delivery" and _same_rules(home, batch),
        is_whole=batch.is_whole,
        named_deletes=named,
        waiting=BEFORE,
        taken_over=taken_over,
    )
    changes = replace(changes, unsettled=unsettled)
    if before is not None and changes.disappeared and torn(batch) > _torn_when_whole(home, contract.id):
        # A row that cannot be read may be one that seems to be gone: its record stays until the file can be read again.
        engine.run(f"DELETE FROM {DELETED}")
    return changes


def _same_rules(home: Home, batch: Batch) -> bool:
    """Whether contract and standard judged the last whole delivery, and every row since, as they judge now."""
    whole = latest_whole(home.catalog, batch.contract_id)
    return whole is not None and not judged_otherwise(home.catalog, whole, batch.rules)


def torn(batch: Batch) -> int:
    """How many rows of a batch may be records that nobody can read: blank ones are none."""
    return (batch.unreadable or 0) - sum(int(note.get(BLANK, 0)) for note in batch.notes)


def _torn_when_whole(home: Home, contract_id: str) -> int:
    """Unreadable rows of the last accepted batch whose deletes were believed: those since are all from deliveries that may be torn."""
    accepted = (batch for batch in batches_of(home.catalog, contract_id, EVERY_BATCH) if batch.status == "accepted" and batch.is_whole)
    whole = (batch for batch in accepted if not any(note["kind"] == HELD_BACK for note in batch.notes))
    return next((torn(batch) for batch in whole), 0)

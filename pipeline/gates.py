"""Gates: why a batch must not become the state of its dataset, and what a person may decide about that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog.batches import EVERY_BATCH, Acceptance, Batch, batches_of, latest_accepted
from catalog.datasets import contract_at
from contracts.model import Contract
from core.nouns import noun
from core.percent import limit_percent, part_of, percent
from pipeline.changes import Changes
from pipeline.delivery.comparing import torn
from pipeline.fill_rates import fills_of_delivery
from pipeline.findings import Examined, Split, has_warnings
from pipeline.home import Home

_AROUND_A_TABLE = 5  # so many rows that cannot be read may be titles, sums and remarks
STAYS = "the last good state stays published; mend the source or the contract's assertions, then run it again"


def reasons(examined: Examined, found: Acceptance, *, may_shrink: bool) -> list[str]:
    """Why a batch must not be accepted. The gates speak of deliveries; of rows of quarantine that are run again many may fail again."""
    batch, contract, split = examined.batch, examined.contract, examined.split
    if batch.kind != "delivery":
        return []
    drifted = [str(note["message"]) for note in found.notes if note.get("policy") == "stop"]
    judged = _judged(examined)
    rekeyed = _rekeyed(examined.home, batch, contract) if is_shrink(contract, judged) and not may_shrink else []
    fills = fills_of_delivery(examined, found.fills)
    return drifted + rekeyed + gate(contract, judged, split.quarantined, fills, unreadable=torn(batch), may_shrink=may_shrink)


def gate(
    contract: Contract,
    changes: Changes,
    quarantined: int,
    fills: Mapping[str, tuple[int, int]],
    *,
    unreadable: int = 0,
    may_shrink: bool = False,
) -> list[str]:
    """Where the contract's assertions do not hold, in words; an empty list lets a batch pass. A person may have decided on a shrink. Rows that
    could not be read are set aside like those that would be quarantined, unless they are a handful.
    """
    limits = contract.assertions
    found = []
    if changes.landed < limits.least_rows:
        found.append(f"{changes.landed} {noun(changes.landed, 'row')} arrived, the contract asks for at least {limits.least_rows}")
    if is_shrink(contract, changes) and not may_shrink:
        part, most = percent(changes.disappeared / changes.previous, limits.largest_shrink), limit_percent(limits.largest_shrink)
        found.append(f"{changes.disappeared} of {changes.previous} records disappeared ({part}, limit {most})")
    unreadable = unreadable if unreadable > _AROUND_A_TABLE else 0
    aside, rows = quarantined + unreadable, changes.landed + unreadable
    if aside > part_of(rows, limits.largest_quarantine):
        part, most = percent(aside / rows, limits.largest_quarantine), limit_percent(limits.largest_quarantine)
        if unreadable:
            found.append(f"{unreadable} of {rows} rows could not be read, {quarantined} would be quarantined ({part}, limit {most})")
        else:
            found.append(f"{quarantined} of {rows} rows would be quarantined ({part}, limit {most})")
    for element, least in limits.fill_rates.items():
        evaluated, filled = fills.get(element, (0, 0))
        if evaluated and filled < part_of(evaluated, least):
            part, asked = percent(filled / evaluated, least), limit_percent(least)
            found.append(f"{element} is filled in {part} of {evaluated} rows, the contract asks for {asked}")
    return found


def is_shrink(contract: Contract, changes: Changes) -> bool:
    """Whether more records would disappear than the contract allows."""
    return bool(changes.previous) and changes.disappeared > part_of(changes.previous, contract.assertions.largest_shrink)


def was_shown(home: Home, batch: Batch, changes: Changes) -> bool:
    """Whether a batch that was stopped since the last accepted one has shown a person that so many records would disappear."""
    last = latest_accepted(home.catalog, batch.contract_id)
    earlier = batches_of(home.catalog, batch.contract_id, EVERY_BATCH)
    stopped = [item.deleted or 0 for item in earlier if item.status == "stopped" and item.seq > (last.seq if last else 0)]
    return changes.disappeared <= max(stopped, default=0)


def shrink_accepted(home: Home, changes: Changes, why: str) -> dict[str, Any]:
    """The note of a batch whose shrink a person let pass."""
    message = f"{changes.disappeared} of {changes.previous} records disappeared, which {home.settings.actor} let pass: {why}"
    return {"kind": "shrink-accepted", "message": message}


def way_on(examined: Examined, found: Acceptance, *, may_shrink: bool = False) -> str:
    """What can be done about a batch that was stopped: no shrink is to be let pass again that a person has let pass."""
    batch, bad = examined.batch, examined.split.quarantined > 0
    rows = _judged(examined).landed
    shrink = is_shrink(examined.contract, examined.changes) and not may_shrink
    drifted = sorted({str(note["kind"]).removeprefix("drift-") for note in found.notes if note.get("policy") == "stop"})
    let_pass = ", ".join(f"{kind}: carry_on" for kind in drifted)
    parts = [
        STAYS,
        f"if so few rows are right: set assertions: {{least_rows: {rows}}} in the contract and register it"
        if batch.kind == "delivery" and rows < examined.contract.assertions.least_rows
        else "",
        f'if that is right: ./hub sync {batch.contract_id} --accept-shrink "why it is right"' if shrink else "",
        f"if what has changed is right: set drift: {{{let_pass}}} in the contract and register it, until this has been accepted"
        if drifted
        else "",
        f"which rows are wrong, and why: ./hub quarantine {batch.batch_id} --rows 20" if bad else "",
        f"which rows lack a value that was refused: ./hub quarantine {batch.batch_id} --warnings --rows 20" if has_warnings(found) else "",
    ]
    return "; ".join(filter(None, parts))


def _rekeyed(home: Home, batch: Batch, contract: Contract) -> list[str]:
    """That records seem to be gone because they have another key since the last accepted batch."""
    last = latest_accepted(home.catalog, contract.id)
    if last is None or contract_at(home.catalog, contract.id, last.contract_version).record_key == contract.record_key:
        return []
    return [f"the record key changed with version {batch.contract_version} of the contract, by which every record counts as new"]


def _judged(examined: Examined) -> Changes:
    """What a batch changes, as the gates look at it."""
    return examined.changes if examined.batch.is_whole else _as_a_whole(examined.changes, examined.split)


def _as_a_whole(changes: Changes, split: Split) -> Changes:
    """A part is judged by what the dataset is with it: of two changed rows one may be bad, and a day may bring none."""
    kept = changes.previous - split.deleted - split.updated - changes.unchanged
    return replace(changes, landed=changes.landed + max(0, kept))

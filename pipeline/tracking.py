"""Change tracking: which part of its source the next batch of a dataset reads, and where it stands after it.

The state of a cursor is that of the last accepted batch, written in the transaction that accepts it: a batch that fails, is stopped or
killed moves nothing. The whole source is read at first, when contract or standard changed, when the contract's time for a sweep has come,
and when a person orders it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from catalog.batches import Batch, accepted_from, latest_accepted, latest_whole
from connectors.extraction import Extraction
from connectors.increment import Increment, Period, Request
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.clock import now
from core.errors import RequestError
from pipeline.home import Home


@dataclass(frozen=True)
class Order:
    """What a person orders for one batch, beyond the contract: all of the source, or the rows of some days (both ends included); and that
    it is read now, whatever the hours agreed are."""

    full: bool = False
    period: tuple[date, date] | None = None
    outside_window: bool = False


ORDINARY = Order()


def next_request(home: Home, contract: Contract, batch: Batch, order: Order = ORDINARY) -> Request | None:
    """The part of the source that a batch asks for; None for all of it. Raises RequestError for a period that nothing can be read by."""
    if order.period:
        return _period(home, contract, batch, order.period)
    if contract.cursor is None or contract.change_tracking != "cursor":
        return None
    since = None if order.full or needs_whole(home, contract, batch) else _cursor(home, contract)
    return Increment(contract.cursor.column, contract.cursor.overlap, since)


def tracking_after(home: Home, contract: Contract, extraction: Extraction) -> dict[str, Any] | None:
    """Where change tracking stands once the batch of an extraction is accepted, and after which batch it was read."""
    if contract.change_tracking == "snapshot" and extraction.is_whole:
        return None
    before = latest_accepted(home.catalog, contract.id)
    after: dict[str, Any] = {"after": before.seq if before else 0}
    if contract.cursor is not None:
        # A period says nothing about what came since: the cursor stays where it was.
        value = extraction.cursor if extraction.cursor is not None or extraction.is_whole else _cursor(home, contract)
        after |= {"column": contract.cursor.column, "cursor": value}
    return after


def needs_whole(home: Home, contract: Contract, batch: Batch) -> bool:
    """Whether the whole source has to be read: nothing else would bring every record under the present contract and standard."""
    whole = latest_whole(home.catalog, contract.id)
    # Also rows that were run again since, under another version: they are judged again by reading all.
    if whole is None or any(_rules(item) != _rules(batch) for item in accepted_from(home.catalog, contract.id, whole.seq)):
        return True
    return contract.cursor is not None and whole.started_at + timedelta(hours=contract.cursor.sweep_hours) <= now()


def _rules(batch: Batch) -> tuple[int, str]:
    return batch.contract_version, batch.standard_version


def is_in_order(home: Home, batch: Batch) -> bool:
    """Whether a part that has landed still follows the accepted state that it was read after."""
    before = latest_accepted(home.catalog, batch.contract_id)
    return batch.is_whole or (batch.tracking or {}).get("after") == (before.seq if before else 0)


def _cursor(home: Home, contract: Contract) -> str | None:
    before = latest_accepted(home.catalog, contract.id)
    tracking = (before.tracking if before else None) or {}
    if contract.cursor is None or tracking.get("column") != contract.cursor.column:
        return None
    value = tracking.get("cursor")
    return None if value is None else str(value)


def _period(home: Home, contract: Contract, batch: Batch, days: tuple[date, date]) -> Period:
    if not isinstance(contract.source, DatabaseSource):
        raise RequestError(f"{contract.id}: files are delivered whole, there is no period to read again", hint="leave out --from and --to")
    whole = latest_whole(home.catalog, contract.id)
    if whole is None or _rules(whole) != _rules(batch):
        raise RequestError(
            f"{contract.id}: a period can only be added to a state under the present contract and standard",
            hint=f"collect it whole first: ./hub sync {contract.id} --full",
        )
    columns = (*contract.tracking_columns, *((contract.as_of.column,) if contract.as_of else ()))
    return Period(tuple(dict.fromkeys(columns)), *days)

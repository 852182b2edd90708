"""Change tracking: which part of its source the next batch of a dataset reads, and where it stands after it.

The state of a cursor is that of the last accepted batch, written in the transaction that accepts it: a batch that fails, is stopped or
killed moves nothing. The whole source is read at first, when contract or standard changed, when the connection leads to another database,
and when a person orders it. When the contract's time for a sweep has come, the source is asked what differs; where it cannot tell, all of it
is read.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from catalog.batches import (
    EVERY_BATCH,
    Batch,
    batches_of,
    judged_otherwise,
    latest_accepted,
    latest_batch,
    latest_by_version,
    latest_whole,
    set_tracking,
)
from catalog.datasets import contract_at
from connectors.databases.increment import Following, Increment, Period, Request, no_time
from connectors.extraction import Extraction
from contracts.model import Contract
from contracts.sources import DatabaseSource
from core.clock import now
from core.connections import load_connections
from core.errors import RequestError
from core.keys import RECORD_KEY, load_key
from pipeline.delivery.differing import differing
from pipeline.delivery.notes import READ_WHOLE
from pipeline.home import Home
from pipeline.quarantine.repairs import has_corrected_keys


@dataclass(frozen=True)
class Order:
    """What a person orders for one batch, beyond the contract: all of the source, or the rows of some days (both ends included); that it is
    read now, whatever the hours agreed are; and why as many records may disappear as a stopped batch has shown."""

    full: bool = False
    period: tuple[date, date] | None = None
    outside_window: bool = False
    accept_shrink: str = ""


ORDINARY = Order()
# What an address may say beside where it leads: how one signs in, and how the two speak to each other.
_MANNERS = ("user=", "password=", "passfile=", "ssl", "connect_timeout=", "application_name=", "charset=", "driver=", "keepalives")


def next_request(home: Home, contract: Contract, batch: Batch, order: Order = ORDINARY) -> Request | None:
    """The part of the source that a batch asks for; None for all of it. Raises RequestError for a period that nothing can be read by."""
    if order.period:
        return _period(home, contract, batch, order.period)
    if contract.change_tracking == "log":
        prefix = slot_prefix(home, contract.id)
        place = log_place(home, contract)
        whole = Following(prefix, f"{prefix}{batch.seq}", kept=place.get("slot"))
        return whole if order.full or needs_whole(home, contract, batch) else replace(whole, **place)
    if contract.change_tracking == "snapshot" and not order.full:
        return differing(home, contract, batch)
    if contract.cursor is None or contract.change_tracking != "cursor":
        return None
    everything = Increment(contract.cursor.column, contract.cursor.overlap)
    if order.full or needs_whole(home, contract, batch):
        return everything
    if _is_sweep_due(home, contract):
        return differing(home, contract, batch, everything) or everything
    return replace(everything, since=_cursor(home, contract))


def tracking_after(home: Home, contract: Contract, extraction: Extraction) -> dict[str, Any] | None:
    """Where change tracking stands once the batch of an extraction is accepted, and after which batch it was read."""
    if contract.change_tracking == "snapshot" and extraction.is_whole:
        return None
    before = latest_accepted(home.catalog, contract.id)
    after: dict[str, Any] = {"after": before.seq if before else 0}
    # A part says nothing of what another database had before: that it leads elsewhere stays to be seen until all is read there.
    place = _place(home, contract) if extraction.is_whole else None
    after |= {"place": place} if place or (place := _tracking(before).get("place")) else {}
    if contract.cursor is not None:
        # A period says nothing about what came since: the cursor stays where it was.
        value = extraction.cursor if extraction.cursor is not None or extraction.is_whole else _cursor(home, contract)
        after |= {"column": contract.cursor.column, "cursor": value}
        # A whole reading is a sweep by itself.
        swept = now().isoformat() if extraction.told else None if extraction.is_whole else _tracking(before).get("swept")
        after |= {"swept": swept} if swept else {}
    if contract.change_tracking == "log":
        # A whole state that came another way, by bundle, is followed by no log: the next reading is of all the source.
        after |= {"log": extraction.log or ({} if extraction.is_whole else log_place(home, contract))}
    return after


def slot_prefix(home: Home, contract_id: str) -> str:
    """How the names of a dataset's slots begin: no other hub's do, which may follow the same table, nor those of a copy restored elsewhere."""
    key = bytes.fromhex(load_key(home.settings, RECORD_KEY))
    named = f"slot {contract_id} {home.settings.home}"
    return f"hub_{hmac.new(key, named.encode(), 'sha256').hexdigest()[:16]}_"


def log_place(home: Home, contract: Contract) -> dict[str, str]:
    """Where the log of changes stands after the last accepted batch: slot, place and table; empty where nothing is followed yet."""
    place: dict[str, str] = _tracking(latest_accepted(home.catalog, contract.id)).get("log") or {}
    return place


def _tracking(batch: Batch | None) -> Mapping[str, Any]:
    """Where change tracking stood once a batch was accepted."""
    return (batch.tracking if batch else None) or {}


def settle_log(home: Home, contract: Contract) -> None:
    """Let the source forget the log that the last accepted batch no longer needs, and what batches that were not accepted held back; and a
    source whose log was followed before, all of it."""
    _give_up_others(home, contract)
    if contract.change_tracking == "log":
        last, place = latest_accepted(home.catalog, contract.id), log_place(home, contract)
        stands = _settle(home, contract, place.get("slot"), place.get("lsn"))
        if last is not None and stands:
            # A slot that stands before this one day is that of a server that was put back.
            set_tracking(home.catalog, last.batch_id, {**_tracking(last), "log": {**place, "confirmed": stands}})


def give_up_log(home: Home, contract: Contract, keep: str | None = None) -> bool:
    """Let the source keep no log for the hub any more, but for one slot. Returns whether that is so: a source that cannot be reached keeps what
    it has."""
    return contract.change_tracking != "log" or _settle(home, contract, keep, None) is not None


def overgrown_log(home: Home, contract: Contract) -> str | None:
    """What to say of the log that the source keeps for the hub: empty where it is not too much; None where no log is followed, or the source
    does not answer.
    """
    from connectors.databases.postgresql_slots import retained_mb, retained_words

    if contract.log is None or contract.change_tracking != "log":
        return None
    retained = retained_mb(contract, load_connections(settings=home.settings), slot_prefix(home, contract.id))
    if retained is None:
        return None
    return retained_words(retained, contract.log) if retained > contract.log.alert_retained_mb else ""


def end_log(home: Home, contract: Contract) -> bool:
    """Let the source of an ended dataset keep no log for the hub. Returns whether that is so; it is asked until it has answered once."""
    newest = latest_batch(home.catalog, contract.id)
    if contract.change_tracking != "log" or newest is None or _log_of(newest).get("given_up"):
        return True
    is_given_up = give_up_log(home, contract)
    if is_given_up:
        _note_given_up(home, newest)
    return is_given_up


def _log_of(batch: Batch) -> Mapping[str, Any]:
    return _tracking(batch).get("log") or {}


def _note_given_up(home: Home, batch: Batch) -> None:
    set_tracking(home.catalog, batch.batch_id, {**_tracking(batch), "log": {**_log_of(batch), "given_up": True}})


def _settle(home: Home, contract: Contract, slot: str | None, lsn: str | None) -> str | None:
    from connectors.databases.postgresql_slots import settle

    return settle(contract, load_connections(settings=home.settings), slot_prefix(home, contract.id), slot, lsn)


def _give_up_others(home: Home, contract: Contract) -> None:
    """Have the log given up that was followed before the contract named another way or another connection; again until it is done."""
    # Of the newest the log is still needed, whatever the contract says by now.
    followed = [item for item in latest_by_version(home.catalog, contract.id)[1:] if "log" in _tracking(item)]
    for item in reversed(followed):
        then = contract_at(home.catalog, contract.id, item.contract_version)
        is_same = contract.change_tracking == "log" and then.source.connection == contract.source.connection
        # The other connection may lead to the same server.
        if not (is_same or _log_of(item).get("given_up")) and give_up_log(home, then, log_place(home, contract).get("slot")):
            _note_given_up(home, item)


def needs_whole(home: Home, contract: Contract, batch: Batch) -> bool:
    """Whether the whole source has to be read: nothing else would bring every record under the present contract and standard."""
    whole = latest_whole(home.catalog, contract.id)
    # Also rows that were run again since, under another version: they are judged again by reading all.
    return whole is None or judged_otherwise(home.catalog, whole, batch.rules) or _is_unsettled(home, whole) or _has_moved(home, contract)


def moved_note(home: Home, contract: Contract) -> list[dict[str, str]]:
    """What a batch says that reads all since the contract's connection leads to another database."""
    if not _has_moved(home, contract):
        return []
    slot = log_place(home, contract).get("slot") if contract.change_tracking == "log" else None
    held = f"; if the former one is still there, its slot {slot} holds log for nobody: drop it there" if slot else ""
    return [
        {"kind": "moved", "message": f"connection {contract.source.connection} leads to another database than before: all was read{held}"}
    ]


def _has_moved(home: Home, contract: Contract) -> bool:
    """Whether the contract's connection leads elsewhere than when all was read last, as far as both are known."""
    before, now_at = _tracking(latest_accepted(home.catalog, contract.id)).get("place"), _place(home, contract)
    return None not in (before, now_at) and before != now_at


def _place(home: Home, contract: Contract) -> str | None:
    """Where the contract's connection leads, however one signs in and speaks there, as a keyed digest; None where it is not set up."""
    try:
        parts = urlsplit(load_connections(settings=home.settings).url(contract.source.connection))
    except RequestError:
        return None
    options = (option for option in parts.query.split("&") if not option.lower().startswith(_MANNERS))
    named = f"place {parts.scheme.partition('+')[0]}://{parts.netloc.rpartition('@')[2].lower()}{parts.path}?{'&'.join(options)}"
    key = bytes.fromhex(load_key(home.settings, RECORD_KEY))
    return hmac.new(key, named.encode(), "sha256").hexdigest()[:32]


def _is_unsettled(home: Home, whole: Batch) -> bool:
    """Whether a part since then has left open what became of a row whose key was corrected."""
    if not has_corrected_keys(home, whole.contract_id):
        return False
    since = (
        item for item in batches_of(home.catalog, whole.contract_id, EVERY_BATCH) if item.status == "accepted" and item.seq > whole.seq
    )
    return any(note["kind"] == READ_WHOLE for item in since for note in item.notes)


def _is_sweep_due(home: Home, contract: Contract) -> bool:
    """Whether it is time to look at all rows of the source: a cursor misses what is committed late or without it, and deletes."""
    whole = latest_whole(home.catalog, contract.id)
    if whole is None or contract.cursor is None:
        return True
    swept = _tracking(latest_accepted(home.catalog, contract.id)).get("swept")
    last = datetime.fromisoformat(swept) if swept else whole.started_at
    # Also where the clock was ahead then: it would not be time for as long as it was.
    return not last <= now() < last + timedelta(hours=contract.cursor.sweep_hours)


def is_in_order(home: Home, batch: Batch) -> bool:
    """Whether a part that has landed still follows the accepted state that it was read after."""
    before = latest_accepted(home.catalog, batch.contract_id)
    return batch.is_whole or (batch.tracking or {}).get("after") == (before.seq if before else 0)


def _cursor(home: Home, contract: Contract) -> str | None:
    tracking = _tracking(latest_accepted(home.catalog, contract.id))
    if contract.cursor is None or tracking.get("column") != contract.cursor.column:
        return None
    value = tracking.get("cursor")
    return None if value is None else str(value)


def check_period(contract: Contract) -> None:
    """Raise RequestError where no period of a dataset can be read, whatever its state is."""
    if not isinstance(contract.source, DatabaseSource) or contract.source.kind == "sql":
        raise RequestError(
            f"{contract.id}: its source is only read whole, there is no period to read again", hint="leave out --from and --to"
        )
    if not _day_columns(contract):
        raise no_time(contract.id, ())


def _day_columns(contract: Contract) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*contract.tracking_columns, *((contract.as_of.column,) if contract.as_of else ()))))


def _period(home: Home, contract: Contract, batch: Batch, days: tuple[date, date]) -> Period:
    whole = latest_whole(home.catalog, contract.id)
    if whole is None or whole.rules != batch.rules or _has_moved(home, contract):
        raise RequestError(
            f"{contract.id}: a period can only be added to a state under the present contract and standard, of the same database",
            hint=f"collect it whole first: ./hub sync {contract.id} --full",
        )
    return Period(_day_columns(contract), *days)

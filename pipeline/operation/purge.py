"""Purge: remove what the retention of contracts has run out for, and what nothing names any more. A kind of batch: it has its receipt.

What is to go is written down first and then removed; a purge that dies is ended by the next. A dataset that is at work is left for another
time. Publications that rest on a delivery which is gone are marked: they cannot be worked out again from what was received.
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from catalog.batches import EVERY_BATCH, OPEN, Batch, accepted_from, batch_at, batch_id_of, batches_of, latest_whole
from catalog.datasets import contracts_in_force
from catalog.files import files_of
from catalog.purges import Item, Purge, end_purge, get_purge, start_purge, unfinished
from catalog.tables import lease
from contracts.model import Contract
from core import iceberg
from core.clock import now
from core.engine import Engine
from core.errors import HubError, LeaseHeld
from core.leases import Lease, holding
from core.nouns import noun
from core.space import held
from pipeline.home import Home, open_home
from pipeline.landing import batch_folder
from pipeline.operation.kept import Kept, what_is_kept
from pipeline.quarantine.repairs import REPAIR_COLUMNS
from pipeline.state import log_source, named_files, standardized_table, state
from registries.definition import load_definitions
from registries.publications import Input, inputs_by_publication, inputs_of, latest, mark_not_replayable
from registries.publications import history as publications_of

# A file that nothing names may be one that is being written: its row comes with the commit.
UNNAMED_AFTER = 24 * 3600.0
SNAPSHOTS_KEPT = timedelta(days=7)


def purge(home: Home | None = None) -> Purge:
    """Purge once, and return the account of it. Raises LeaseHeld where another purge is at work."""
    home = home or open_home()
    with holding(home.catalog, lease, "purge", home.settings.actor) as held_lease:
        for left in unfinished(home.catalog):
            _remove(home, left)
        number = _purge(home, held_lease)
        _mark_publications(home)
    return get_purge(home.catalog, number)


def _purge(home: Home, held_lease: Lease) -> int:
    """Remove what is to go, and return the number of the account. Meanwhile no dataset that is looked at is written."""
    with contextlib.ExitStack() as stack:
        items: list[Item] = []
        notes: list[dict[str, Any]] = []
        history: list[Item] = []
        for contract_id, (_, contract) in contracts_in_force(home.catalog).items():
            try:
                stack.enter_context(holding(home.catalog, lease, f"dataset/{contract_id}", home.settings.actor))
            except LeaseHeld:
                notes.append({"kind": "busy", "message": f"{contract_id} is being written and is left for the next purge"})
                continue
            items += _landing(home, contract, notes)
            items += _unnamed_landing(home, contract_id)
            history += _history(home, contract, notes)
        items += _unnamed_lake(home)
        items += _metadata(home, notes)
        unlisted = [str((home.settings.home / item.path).relative_to(home.settings.lake_dir)) for item in history]
        number = start_purge(home.catalog, held_lease, home.settings.actor, [*items, *history], notes, unlisted)
        _remove(home, get_purge(home.catalog, number))
    return number


def _remove(home: Home, account: Purge) -> None:
    """Remove everything an account names; what is gone already is gone. Iceberg's tables let go of a file before it goes.

    A run that is repeated gives its files the names that it gave them before: what was nobody's when the account was written may be committed.
    """
    named, kept = named_files(home), []
    for note in account.notes:
        if note["kind"] == "history":
            (seq,) = [file.seq for file in files_of(home.catalog, note["table"], ("compact",)) if file.path == note["base"]]
            iceberg.replace(home.settings, f"std.{note['table']}", note["gone"], (seq, note["base"]))
    for item in account.items:
        path = home.settings.home / item.path
        if path.is_dir():
            shutil.rmtree(path)
        elif (item.layer, item.reason) != ("lake", "unnamed") or _is_leftover(home, path, named):
            path.unlink(missing_ok=True)
        elif path.exists():
            kept.append(item)
    end_purge(home.catalog, account, kept)


def _item(home: Home, path: Path, layer: str, subject: str, reason: str) -> Item:
    files, size = held(path)
    return Item(str(path.relative_to(home.settings.home)), layer, subject, reason, files, size)


def _landing(home: Home, contract: Contract, notes: list[dict[str, Any]]) -> Iterator[Item]:
    """Deliveries that are older than the contract keeps them."""
    batches = batches_of(home.catalog, contract.id, EVERY_BATCH)
    oldest = now() - timedelta(days=contract.retention.landing_days)
    old = [batch for batch in batches if batch.started_at < oldest and batch_folder(home.settings, contract.id, batch.seq).exists()]
    needed = _needed(home, contract.id, old) if old else set()
    if kept := sorted(batch.seq for batch in old if batch.seq in needed):
        days = contract.retention.landing_days
        late = noun(len(kept), "delivery is", "deliveries are")
        message = f"{contract.id}: {len(kept)} {late} older than {days} {noun(days, 'day')} and still needed"
        notes.append({"kind": "kept", "message": message, "batches": kept})
    for batch in old:
        if batch.seq not in needed:
            yield _item(home, batch_folder(home.settings, contract.id, batch.seq), "landing", batch.batch_id, "retention")


def _needed(home: Home, contract_id: str, old: list[Batch]) -> set[int]:
    """Batches that are kept whatever their age: open ones, the last whole delivery and all since, and repairs that still stand."""
    whole = latest_whole(home.catalog, contract_id)
    since = {batch.seq for batch in accepted_from(home.catalog, contract_id, whole.seq)} if whole else set()
    return {batch.seq for batch in old if batch.status in OPEN} | since | set(_standing(home, contract_id, old))


def _standing(home: Home, contract_id: str, old: list[Batch]) -> Iterator[int]:
    """Repairs of which a row is in force: should the source send the wrong row again, the repaired one stands for it."""
    table = standardized_table(contract_id)
    seqs = {batch.seq for batch in old}
    files = [file for file in files_of(home.catalog, table, ("repairs",)) if file.seq in seqs]
    if not files:
        return
    live = state(home, table, {"_record_id": "UUID", "_row_digest": "UUID"})
    repairs = log_source(home, f"{table}/repairs", REPAIR_COLUMNS, files)
    met = "s._record_id = coalesce(r._repaired_id, r._record_id) AND s._row_digest = r._row_digest"
    query = f"SELECT DISTINCT r._batch_seq FROM {repairs} r JOIN {live} s ON {met} WHERE r._accepted"
    with Engine(home.settings) as engine:
        yield from (seq for (seq,) in engine.rows(query, doing="looking for repairs that stand"))


def _history(home: Home, contract: Contract, notes: list[dict[str, Any]]) -> list[Item]:
    """Logs and compacted states of the standardized table from before the oldest state that is to be kept.

    That is the newest compacted state of before the period; never one that is younger than what publications rest on.
    """
    days, table = contract.retention.history_days, standardized_table(contract.id)
    if days is None:
        return []
    files, began = files_of(home.catalog, table, ("log", "compact")), now() - timedelta(days=days)
    last = min(_rested_on(home, contract.id), default=0)
    bases = [file for file in files if file.kind == "compact" and file.seq <= last and _started(home, contract.id, file.seq) < began]
    if not bases:
        return []
    base, old = bases[-1], [file for file in files if file.seq < bases[-1].seq]
    if old:
        replaced = [file.path for file in files if file.seq < base.seq or (file.seq == base.seq and file.kind == "log")]
        message = f"{contract.id}: states before that after batch {base.seq} can be read no longer"
        notes.append({"kind": "history", "message": message, "table": table, "gone": replaced, "base": base.path})
    return [_item(home, home.settings.lake_dir / file.path, "lake", batch_id_of(contract.id, file.seq), "retention") for file in old]


def _rested_on(home: Home, contract_id: str) -> Iterator[int]:
    """Batches whose state is read by what is current: publications, and quarantine since the last whole delivery."""
    whole = latest_whole(home.catalog, contract_id)
    yield whole.seq if whole else 0
    for registry in load_definitions():
        pinned = inputs_of(home.serving, registry, latest(home.serving, registry).number).get(contract_id)
        if pinned is not None:
            yield pinned.batch_seq


def _started(home: Home, contract_id: str, seq: int) -> datetime:
    return batch_at(home.catalog, contract_id, seq).started_at


def _unnamed_landing(home: Home, contract_id: str) -> Iterator[Item]:
    """What a run that died has left in landing; the lease says that none is at work."""
    known = {f"{batch.seq:08d}" for batch in batches_of(home.catalog, contract_id, EVERY_BATCH) if batch.landed is not None}
    parent = home.settings.landing / contract_id
    for path in sorted(parent.iterdir()) if parent.is_dir() else []:
        if path.name not in known:
            yield _item(home, path, "landing", contract_id, "unnamed")


def _unnamed_lake(home: Home) -> Iterator[Item]:
    """Parquet files of the lake that no committed row names, a day old at least."""
    named = named_files(home)
    for path in sorted(home.settings.lake_dir.rglob("*.parquet*")):
        if _is_leftover(home, path, named):
            yield _item(home, path, "lake", path.relative_to(home.settings.lake_dir).parts[0], "unnamed")


def _is_leftover(home: Home, path: Path, named: set[str]) -> bool:
    try:
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:  # the run that wrote it has just come by again
        return False
    return age > UNNAMED_AFTER and str(path.relative_to(home.settings.lake_dir)) not in named


def _metadata(home: Home, notes: list[dict[str, Any]]) -> Iterator[Item]:
    """Iceberg's own files that no table needs any more: of snapshots that have expired, and versions of the metadata before the present one."""
    try:
        found = iceberg.old_metadata(home.settings, now() - SNAPSHOTS_KEPT, UNNAMED_AFTER)
    except HubError as error:
        notes.append({"kind": "metadata", "message": f"the lake's metadata was left for the next purge: {error.message}"})
        return
    for path in found:
        if not path.is_relative_to(home.settings.home):  # HUB_LAKE_WAREHOUSE: a folder that is not the hub's alone
            continue
        yield _item(home, path, "metadata", path.parent.parent.name, "superseded")


def _mark_publications(home: Home) -> None:
    """Mark publications of which a pinned delivery, or one that it builds upon, is no longer in landing."""
    kept = cache(lambda contract_id: what_is_kept(home, contract_id))
    for registry in load_definitions():
        open_ones = [item.number for item in publications_of(home.serving, registry, EVERY_BATCH) if item.not_replayable_since is None]
        pinned = inputs_by_publication(home.serving, registry)
        gone = [number for number in open_ones if _needs_what_is_gone(pinned.get(number, {}), pinned.get(number - 1, {}), kept)]
        if gone:
            mark_not_replayable(home.serving, registry, gone)


def _needs_what_is_gone(pinned: Mapping[str, Input], before: Mapping[str, Input], kept: Callable[[str], Kept]) -> bool:
    """The step to a publication is taken again from the logs since the one before."""
    return any(kept(name).lacks_delivery(item.batch_seq) for name, item in pinned.items()) or any(
        kept(name).lacks_state(before[name].batch_seq) for name in pinned if name in before
    )

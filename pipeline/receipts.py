"""The receipt of a batch: the signed account of what was read, what became of it, and what the source itself says of it.

It is made when the batch has ended, from the catalog and from landing's manifest, and kept as it was signed. `exchange/verify_receipt.py` checks
it without the hub.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from catalog.batches import OPEN, WHOLE, Batch, get_batch
from catalog.datasets import contract_at
from catalog.purges import purge_of
from catalog.receipts import store_receipt, stored_receipt, without_receipt
from catalog.standards import standard_digest
from connectors.claim import Claim, plan_digest
from connectors.extract import source_claim, source_files
from connectors.extraction import TOLD
from contracts.model import Contract
from contracts.sources import DatabaseSource, FileSource
from core.clock import now, utc_text
from core.connections import load_connections
from core.engine import Engine
from core.errors import HubError, RequestError
from core.nouns import noun
from core.signing import load_signer, public_keys
from core.sums import MODULUS, Parts, shown_parts
from exchange.verify_receipt import FORMAT, canonical, check
from pipeline.delivery.completeness import NOT_COMPARABLE, differing, in_words, unwritten
from pipeline.home import Home
from pipeline.landing import batch_folder, landed_parts, read_manifest, rows_path, verify_landing

_SHOWN = 5  # files that are named
_ROWS = ("read", "landed", "unreadable", "accepted", "unchanged", "repeated", "quarantined")
_RECORDS = ("previous", "inserted", "updated", "deleted", "records")
NO_ENGINE = "files have no engine that could count their rows"
IN_PAGES = "the source is read page by page, and says nothing of the whole"
FROM_LOG = "only what the source's log says has changed was read"
OTHER_COLUMNS = "columns of the source had changed, so that what it says of its rows is said of other columns"
FROM_QUARANTINE = "the rows come from quarantine, not from the source"
OF_LANDING = ("landing", "source")  # parts of a receipt that are read from the delivery as it landed


def receipt_of(home: Home, batch_id: str) -> dict[str, Any]:
    """The signed receipt of a batch, made now where it is still missing. Raises RequestError while the batch is open."""
    found = stored_receipt(home.catalog, batch_id)
    return found or _issue(home, get_batch(home.catalog, batch_id))


def issue_missing(home: Home, contract_id: str) -> None:
    """Sign what has ended of a dataset and has no receipt: normally the batch at hand, and any whose process died before it came to it."""
    for batch_id in without_receipt(home.catalog, contract_id):
        _issue(home, get_batch(home.catalog, batch_id))


def _issue(home: Home, batch: Batch) -> dict[str, Any]:
    if batch.status in OPEN:
        raise RequestError(
            f"batch {batch.batch_id} is {batch.status}: it has no receipt yet", hint="a receipt is signed when a batch has ended"
        )
    signer = load_signer(home.settings)
    account = account_of(home, batch)
    receipt = {**account, "format": FORMAT, "algorithm": signer.algorithm, "key_id": signer.key_id, "issued_at": _moment(now())}
    document = {"receipt": receipt, "signature": signer.sign(canonical(receipt))}
    store_receipt(home.catalog, batch.batch_id, signer.key_id, document)
    return stored_receipt(home.catalog, batch.batch_id) or document


def account_of(home: Home, batch: Batch) -> dict[str, Any]:
    """What a receipt says of a batch, from the catalog and from landing as they are now."""
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
    manifest = read_manifest(home.settings, batch) if batch.landed is not None else None
    return {
        "batch": {
            "id": batch.batch_id,
            "dataset": batch.contract_id,
            "number": batch.seq,
            "status": batch.status,
            "kind": batch.kind,
            "scope": batch.scope or WHOLE,
            "actor": batch.actor,
            "started_at": _moment(batch.started_at),
            "landed_at": _moment(batch.landed_at),
            "finished_at": _moment(batch.finished_at),
            "milliseconds": {name: round(seconds * 1000) for name, seconds in batch.seconds.items()},
        },
        "contract": {"version": batch.contract_version, "digest": contract.digest, "department": contract.department.id},
        "standard": {"version": batch.standard_version, "digest": standard_digest(home.catalog, batch.standard_version)},
        "rows": {name: getattr(batch, name) for name in _ROWS},
        "records": {name: getattr(batch, name) for name in _RECORDS},
        "landing": None if manifest is None else _landing(home, batch, contract, manifest),
        "source": None if manifest is None else _source(batch, contract, manifest),
    }


def _moment(moment: Any) -> str | None:
    return None if moment is None else utc_text(moment)


def _landing(home: Home, batch: Batch, contract: Contract, manifest: Mapping[str, Any]) -> dict[str, Any]:
    plan = plan_digest(contract, manifest["columns"], {})
    path = batch_folder(home.settings, batch.contract_id, batch.seq) / "manifest.json"
    return {
        "columns": list(plan.columns),
        "key": list(plan.key),
        # The manifest's seal is over manifest and rows: with this, the receipt is about these very bytes.
        "manifest_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **_shown(_manifest_parts(home, batch, contract, manifest)),
    }


def _manifest_parts(home: Home, batch: Batch, contract: Contract, manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The partitions of a manifest; batches from before manifests had them are added up now."""
    if "partitions" in manifest:
        return unwritten(manifest["partitions"])
    return _recomputed(home, batch, contract, manifest)


def _recomputed(home: Home, batch: Batch, contract: Contract, manifest: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    with Engine(home.settings) as engine:
        return landed_parts(engine, rows_path(home.settings, batch), plan_digest(contract, manifest["columns"], {}))


def _shown(parts: Parts) -> dict[str, Any]:
    """Rows, digest and partitions as they may leave the hub."""
    shown = shown_parts(parts)
    total = sum(digest for _, digest in parts.values()) % MODULUS
    return {
        "rows": sum(rows for rows, _ in parts.values()),
        "digest": f"{total:032x}" if shown else None,
        "partitions": [{"part": part, "rows": rows, "digest": f"{digest:032x}"} for part, (rows, digest) in shown.items()],
    }


def _why_nothing(batch: Batch, contract: Contract) -> str:
    if batch.kind != "delivery":
        return FROM_QUARANTINE
    if isinstance(contract.source, FileSource):
        return NO_ENGINE
    if not isinstance(contract.source, DatabaseSource):
        return IN_PAGES
    return FROM_LOG if contract.change_tracking == "log" else OTHER_COLUMNS


def _source(batch: Batch, contract: Contract, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What the source said of the rows, and how it compares; of a source that says nothing, why."""
    found = manifest.get("source")
    where: dict[str, Any] = {"kind": contract.source.kind, "connection": contract.source.connection}
    if manifest.get("files"):
        where["files"] = manifest["files"]
    if found is None:
        return {
            **where,
            "engine": "",
            "state": "",
            "rows": None,
            "columns": [],
            "key": [],
            "not_comparable": [],
            "reason": _why_nothing(batch, contract),
            "verdict": NOT_COMPARABLE,
            "said": None,
            "landed": None,
        }
    return {
        **where,
        **{name: found[name] for name in ("engine", "state", "rows", "columns", "key", "reason", "verdict")},
        "not_comparable": [{"column": column, "reason": reason} for column, reason in found["not_comparable"].items()],
        "said": None if found["partitions"] is None else _shown(unwritten(found["partitions"])),
        "landed": None if found["landed_partitions"] is None else _shown(unwritten(found["landed_partitions"])),
    }


def verify_receipt(home: Home, batch: Batch, document: Mapping[str, Any] | None) -> list[str]:
    """What does not hold of a receipt: signature and equations, catalog and landing against it, and landing computed anew.

    Of a batch that is open, and has none yet, what does not hold of landing. Where a purge has removed the delivery (`purge_of`), signature,
    equations and catalog are what there is to hold it against.
    """
    purged = purged_by(home, batch) is not None
    found = [] if document is None else list(_signed(home, batch, document, with_landing=not purged))
    if batch.landed is None or purged:
        return found
    found += verify_landing(home, batch)
    manifest = read_manifest(home.settings, batch)
    return found if manifest is None else [*found, *_partitions(home, batch, manifest)]


def purged_by(home: Home, batch: Batch) -> int | None:
    """The number of the purge that removed a batch's delivery; None where it is there, or is gone without one."""
    gone = not batch_folder(home.settings, batch.contract_id, batch.seq).exists()
    return purge_of(home.catalog, "landing", batch.batch_id) if gone else None


def _signed(home: Home, batch: Batch, document: Mapping[str, Any], *, with_landing: bool) -> Iterator[str]:
    receipt = document["receipt"]
    key = public_keys(home.settings).get(str(receipt.get("key_id")))
    yield from ["signature: the public key of the receipt is not here any more"] if key is None else check(document, key)
    now_said = {name: said for name, said in account_of(home, batch).items() if with_landing or name not in OF_LANDING}
    yield from (f"{where} is not what the receipt says" for where in _changed(receipt, now_said))


def _changed(receipt: Mapping[str, Any], account: Mapping[str, Any]) -> Iterator[str]:
    """Where catalog and landing now say something else."""
    for name, now_said in account.items():
        if receipt.get(name) == now_said:
            continue
        entries = now_said if isinstance(now_said, dict) else {}
        before = receipt.get(name) if isinstance(receipt.get(name), dict) else {}
        where = "landing" if name in OF_LANDING else "catalog"
        changed = [f"{name}.{entry}" for entry in entries if before.get(entry) != entries[entry]] if before else [name]
        yield from (f"{where}: {entry}" for entry in changed or [name])


def _partitions(home: Home, batch: Batch, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Which partitions of landing are not those of the manifest any more."""
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
    try:
        parts = _recomputed(home, batch, contract, manifest)
        before = unwritten(manifest.get("partitions", {}))
    except (HubError, KeyError, TypeError, ValueError, AttributeError):
        return  # that it cannot be read stands in what landing itself says
    words = in_words(before, parts, ("manifest", "landing"))
    if words and before:
        yield f"landing: {words}"


def compare_source(home: Home, batch: Batch) -> tuple[str, bool]:
    """Ask the source again and say in words how it compares with what the batch landed; and whether it is different.

    A source that has gone on since is different without anything being wrong.
    """
    manifest = read_manifest(home.settings, batch) if batch.landed is not None else None
    if manifest is None:
        return "not compared: landing has nothing of this batch any more", False
    if batch.kind != "delivery":
        return f"not compared: {FROM_QUARANTINE}", False
    if not batch.is_whole and TOLD not in manifest:
        return "not compared: the batch holds only what was new in the source", False
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
    try:
        connections = load_connections(settings=home.settings)
        claim = source_claim(contract, connections)
        files = source_files(contract, connections) if manifest.get("files") else []
    except HubError as error:
        return f"not compared: {error.message}", False
    if files:
        return _files_in_words(manifest["files"], [asdict(file) for file in files])
    if claim is None:
        return f"not comparable: {_why_nothing(batch, contract)}", False
    if claim.rows is None:
        return f"not comparable: {claim.reason}", False
    if TOLD in manifest:
        return _told_in_words(manifest[TOLD], claim)
    try:
        with Engine(home.settings) as engine:
            landed = landed_parts(engine, rows_path(home.settings, batch), claim.plan)
    except HubError as error:
        return f"not compared: {error.message}", False
    rows = sum(count for count, _ in landed.values())
    if claim.rows == rows and (claim.parts is None or not differing(claim.parts, landed)):
        left_out = f"; not comparable: {', '.join(claim.plan.excluded)}" if claim.plan.excluded else ""
        same = f"the same {rows:,} {noun(rows, 'row')}"
        return (same if claim.parts is None else f"{same} with the same digests{left_out}"), False
    where = in_words(landed, claim.parts, ("landed", "source")) if claim.parts is not None else ""
    return f"the source now has {claim.rows:,} {noun(claim.rows or 0, 'row')}, {rows:,} landed{'; ' if where else ''}{where}", True


def _told_in_words(told: Mapping[str, Any], claim: Claim) -> tuple[str, bool]:
    """How what a source says now compares with what it said of all its rows when only those that differed were read."""
    if claim.parts is None or claim.plan.excluded:
        return f"not comparable: {claim.reason or ', '.join(claim.plan.excluded)}", False
    digest = f"{sum(total for _, total in claim.parts.values()) % MODULUS:032x}"
    if (claim.rows, digest) == (told["rows"], told["digest"]):
        return f"the same {claim.rows:,} {noun(claim.rows or 0, 'row')} with the same digests", False
    return f"the source now has {claim.rows:,} {noun(claim.rows or 0, 'row')}, it had {told['rows']:,}, and they are not the same", True


def _files_in_words(landed: Sequence[Mapping[str, Any]], now_there: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """How the files that are there now compare with those that were read, byte for byte."""
    before, after = ({item["name"]: item["sha256"] for item in files} for files in (landed, now_there))
    if before == after:
        return f"byte for byte the same files: {_listed(before)}", False
    return (
        f"files that are not those of the batch: {_listed(name for name in {*before, *after} if before.get(name) != after.get(name))}",
        True,
    )


def _listed(names: Iterable[str]) -> str:
    first, *others = sorted(names)
    shown = [first, *others[: _SHOWN - 1]]
    return ", ".join(shown) + (f" and {len(others) + 1 - len(shown)} more" if len(others) >= _SHOWN else "")

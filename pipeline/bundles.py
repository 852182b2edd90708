"""Bundles: terms for those who pack, packing on this machine to try it, and taking one in with the same receipt as on the wire."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from catalog.batches import EVERY_BATCH, Batch, batches_from, batches_of
from catalog.datasets import contract_in_force
from catalog.department_keys import add_key, get_key
from connectors.bundled import bundle_extraction, refused, sequence_note
from connectors.databases.identifiers import quote, split_object
from connectors.extract import check_window
from connectors.files.drop import delivered_paths
from connectors.offline.bundle import TERMS_FORMAT, Bundle, BundleError, fingerprint, key_id_of, pack
from connectors.packed import reading_for_bundle
from contracts.model import Contract
from contracts.sources import DatabaseSource, FileSource
from core.clock import BEIJING, beijing_text
from core.connections import load_connections
from core.errors import RequestError
from core.files import requested
from core.signing import ED25519, algorithm_of
from pipeline.accept import accept
from pipeline.home import Home
from pipeline.land import Arrival, land

_ORIGIN = "bundle"
# One that is landing stands under the lease that the next one waits for, or is left by a process that died.
_TAKEN = ("landed", "accepted")
WAIT_FOR_IT = "take in the missing one first; if it is lost, take this one in with --accept-gap and the reason"


def terms_of(home: Home, dataset: str) -> dict[str, Any]:
    """What a department's packing program has to know of a dataset; nothing in it is secret."""
    version, contract = contract_in_force(home.catalog, dataset)
    source = contract.source
    return {
        "format": TERMS_FORMAT,
        "dataset": contract.id,
        "department": contract.department.id,
        "contract_version": version,
        "columns": list(contract.source_columns),
        "key": list(contract.record_key),
        "ignore": [name for name in contract.ignore if not contract.is_read(name)],
        "kind": source.kind,
        "file": PurePosixPath(source.path).name if isinstance(source, FileSource) else "",
        "header": getattr(source, "header", True),
        "delimiter": getattr(source, "delimiter", ","),
        "encoding": getattr(source, "encoding", None),
        "query": f"SELECT * FROM {_relation(source)}" if isinstance(source, DatabaseSource) else "",
    }


def _relation(source: DatabaseSource) -> str:
    mark = "`" if source.kind == "mysql" else '"'
    schema_name, table = split_object(source.object)
    return f"{quote(schema_name, mark)}.{quote(table, mark)}" if schema_name else quote(table, mark)


def pack_here(
    home: Home,
    dataset: str,
    key: Path,
    out: Path,
    *,
    sequence: int | None = None,
    count: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Pack a registered dataset as its department would, through the connection that leads to its source from here, and as gently as a sync
    reads it; `tell` is told what is worth knowing of that. Raises SourceError where the source fails, and RequestError where it cannot be packed.
    """
    _, contract = contract_in_force(home.catalog, dataset)
    terms = terms_of(home, dataset)
    options: dict[str, Any] = {"sequence": sequence, "count": count}
    if not out.is_dir():
        raise RequestError(f"{out} is not a folder", hint="name the folder that the bundle is put into")
    connections = load_connections(settings=home.settings)
    check_window(contract, datetime.now(BEIJING))
    try:
        if isinstance(contract.source, FileSource):
            return pack(terms, key, out, files=delivered_paths(contract.id, contract.source, connections), **options)
        with reading_for_bundle(contract, connections, terms, tell) as reading:
            return pack(terms, key, out, reading=reading, **options)
    except BundleError as error:
        raise RequestError(f"{dataset}: {error}", hint="connectors/offline/bundle.py says how bundles are packed") from None


def register_key(home: Home, department: str, file: Path) -> str:
    """Register a department's public key from a file; its id. Raises RequestError where the file has none."""
    with requested(file):
        text = file.read_text(encoding="utf-8")
    if "PRIVATE" in text:
        raise RequestError(f"{file} is a private key", hint="it is the department's alone: ask for the file .pub, and for a new key")
    try:
        is_key = text.startswith("-----BEGIN PUBLIC KEY-----") and len(fingerprint(text)) == 64 and algorithm_of(text) == ED25519
    except ValueError:
        is_key = False
    if not is_key:
        raise RequestError(f"{file} has no public key of Ed25519", hint="ask the department for the file .pub that keygen has made")
    add_key(home.catalog, department, key_id_of(text), text, home.settings.actor)
    return key_id_of(text)


def unbundle(home: Home, path: Path, *, dataset: str | None = None, accept_gap: str = "", accept_older: str = "") -> Batch:
    """Take a bundle in: verify it, land what it holds, and accept it.

    Raises RequestError where it is none, not signed by the department, of another dataset than the one named, or not the next one;
    SourceError where a part is not what was packed, or where what landed is not what was counted.
    """
    with requested(path):
        path.open("rb").close()
    try:
        with Bundle(path) as bundle:
            contract = _verified(home, bundle, dataset)
            if waiting := _landed(home, bundle):
                return accept(waiting, home)
            _check_turn(home, bundle, accept_gap, accept_older)
            extraction = bundle_extraction(contract, bundle, load_connections(settings=home.settings))
            note = sequence_note(bundle)
            extraction.notes.insert(0, note)
            arrival = Arrival(
                origin=f"{_ORIGIN}:{bundle.manifest['sequence']}:{bundle.manifest_sha256}",
                note=_waved_through(accept_gap if _gap(home, bundle) else "", accept_older if _newer_reading(home, bundle) else ""),
                check=lambda: _check_turn(home, bundle, accept_gap, accept_older),
            )
            batch_id = land(contract.id, home, extraction, arrival=arrival)
    except BundleError as error:
        raise refused(dataset or path.name, error) from None
    return accept(batch_id, home)


def _waved_through(accept_gap: str, accept_older: str) -> dict[str, Any]:
    """The note of a bundle that a person took in although something spoke against it."""
    gap = f"bundles before it were passed over: {accept_gap}" if accept_gap else ""
    older = f"it was taken in although it was packed before the newest reading: {accept_older}" if accept_older else ""
    said = "; ".join(filter(None, [gap, older]))
    return {"kind": "bundle-gap" if gap else "bundle-older", "message": said} if said else {}


def _verified(home: Home, bundle: Bundle, dataset: str | None) -> Contract:
    """The contract of a bundle that its department has signed."""
    manifest = bundle.manifest
    if dataset is not None and manifest["dataset"] != dataset:
        raise RequestError(f"the bundle is one of {manifest['dataset']}, not of {dataset}", hint="is it the right file?")
    _, contract = contract_in_force(home.catalog, manifest["dataset"])
    key = get_key(home.catalog, contract.department.id, manifest["key_id"])
    if key is None:
        raise RequestError(
            f"{contract.id}: the bundle is signed by a key that is none of {contract.department.id}",
            hint="ask the department for its public key and compare the fingerprint on the telephone: ./hub keys --add FILE --department ID",
        )
    if key.withdrawn_at is not None:
        raise RequestError(
            f"{contract.id}: the key {key.key_id} was withdrawn", hint="ask the department to pack it again with its new key"
        )
    try:
        bundle.verify(key.public_key)
    except BundleError as error:
        raise refused(contract.id, error) from None
    if manifest["department"] != contract.department.id:
        raise RequestError(f"{contract.id}: the bundle says that it is from another department", hint="ask the department for new terms")
    return contract


def _check_turn(home: Home, bundle: Bundle, accept_gap: str, accept_older: str) -> None:
    """Raise RequestError where a bundle was taken in before, another one is to be taken in before it, or the source was read since it was packed."""
    manifest = bundle.manifest
    dataset, sequence = manifest["dataset"], manifest["sequence"]
    taken = _taken(home, dataset)
    for number, (sha256, batch) in taken.items():
        if sha256 == bundle.manifest_sha256:
            raise RequestError(f"{dataset}: bundle {number} was taken in before, as batch {batch.batch_id}", hint="nothing to do")
    last = max(taken, default=0)
    if sequence <= last:
        raise RequestError(
            f"{dataset}: the bundle has number {sequence}, and number {last} was taken in already",
            hint="it is older than what is here; if the department has begun to count anew, have it packed with --sequence",
        )
    if not accept_older:
        _check_age(home, bundle)
    if not accept_gap and (gap := _gap(home, bundle)):
        raise RequestError(f"{dataset}: {gap}", hint=WAIT_FOR_IT)


def _gap(home: Home, bundle: Bundle) -> str:
    """What says that a bundle is not the next one; nothing where it is."""
    taken, sequence = _taken(home, bundle.manifest["dataset"]), bundle.manifest["sequence"]
    last = max(taken, default=0)
    if sequence != last + 1:
        return f"the bundle has number {sequence}, the next one is number {last + 1}"
    if taken and bundle.manifest["previous"] != taken[last][0]:
        return f"the bundle does not follow the one that was taken in as number {last}"
    return ""


def _check_age(home: Home, bundle: Bundle) -> None:
    """Raise RequestError where the source was read since a bundle was packed: it would put back what has changed meanwhile."""
    newest = _newer_reading(home, bundle)
    if newest is not None:
        dataset, packed_at = bundle.manifest["dataset"], _utc(bundle.manifest["packed_at"])
        raise RequestError(
            f"{dataset}: the bundle was packed at {beijing_text(packed_at)}, and {newest.batch_id} read the source at "
            f"{beijing_text(newest.started_at)}",
            hint="leave it, and take the next one in with --accept-gap; if only the packing machine's clock is wrong, take it in with "
            "--accept-older and the reason",
        )


def _newer_reading(home: Home, bundle: Bundle) -> Batch | None:
    """The newest accepted reading of the source itself, if it began after a bundle was packed."""
    packed_at = _utc(bundle.manifest["packed_at"])
    batches = batches_of(home.catalog, bundle.manifest["dataset"], EVERY_BATCH)
    newest = next((batch for batch in batches if _is_reading(batch)), None)
    return newest if newest is not None and packed_at is not None and packed_at < newest.started_at else None


def _is_reading(batch: Batch) -> bool:
    """Whether a batch has what the source itself had."""
    return batch.status == "accepted" and batch.kind == "delivery" and not (batch.origin or "").startswith(f"{_ORIGIN}:")


def _utc(text: str) -> datetime | None:
    """When a bundle says that it was packed, where that is a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else None


def _taken(home: Home, dataset: str) -> dict[int, tuple[str, Batch]]:
    """Bundles that are in a batch that stands, by number; one that a gate has stopped may be given again."""
    found = {}
    for batch in batches_from(home.catalog, dataset, f"{_ORIGIN}:", _TAKEN):
        _, number, sha256 = (batch.origin or "").split(":")
        found[int(number)] = (sha256, batch)
    return found


def _landed(home: Home, bundle: Bundle) -> str | None:
    """The batch that a bundle has become and that was not accepted yet: the process that took it in has died in between."""
    sha256, batch = _taken(home, bundle.manifest["dataset"]).get(bundle.manifest["sequence"], ("", None))
    return batch.batch_id if batch is not None and sha256 == bundle.manifest_sha256 and batch.status == "landed" else None


def write_terms(home: Home, dataset: str, file: Path) -> None:
    """Write the terms of a dataset for a department."""
    with requested(file):
        file.write_text(json.dumps(terms_of(home, dataset), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

"""What a bundle brings, read as a delivery: rows that a department's program has packed, or files as they lay in its drop folder.

What the packing program counted and added up takes the place of a source's own account, so that the receipt is the same as on the wire.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from connectors.claim import Claim, DigestPlan, plan_digest
from connectors.columns import plan_columns
from connectors.extract import extract
from connectors.extraction import BATCH_ROWS, Extraction, Note, numbered, text_schema
from connectors.files.drop import is_finished_name
from connectors.offline.bundle import FILES, ROWS, Bundle, BundleError, DamagedError
from connectors.storage.fetched import Fetched
from connectors.unreadable import UnreadableRows
from contracts.model import Contract
from contracts.sources import DatabaseSource, FileSource
from core.connections import Connections
from core.errors import SourceError
from core.work import make_folder_in

ENGINE = "the department's packing program"
UNCOUNTED = "the packing program has not counted the records of the files"
BYTES_ONLY = "of files the packing program counts records and digests bytes, not rows"
OTHER_TERMS = "the bundle was packed under other terms than the contract in force has"
ASK_AGAIN = "do not use it; ask the department for a new bundle, and how this one was changed"
COPY_AGAIN = "compare it with the one on the medium; where that is no better, ask the department for a new bundle"


def bundle_extraction(contract: Contract, bundle: Bundle, connections: Connections) -> Extraction:
    """The delivery in a bundle whose signature was verified. Raises SourceError, here or while it is consumed, where it is not what was packed."""
    form = bundle.manifest["form"]
    if form == ROWS and not isinstance(contract.source, FileSource):
        return _rows(contract, bundle)
    if form == FILES and isinstance(contract.source, FileSource):
        return _files(contract, contract.source, bundle, connections)
    raise SourceError(
        f"{contract.id}: the bundle has {form}, the contract's source is of kind {contract.source.kind}",
        hint="have the department pack it by the terms that ./hub bundle --terms writes",
    )


def _state(bundle: Bundle) -> str:
    return f"the manifest of bundle {bundle.manifest['sequence']}, signed by the department's key {bundle.manifest['key_id']}"


def refused(about: str, error: BundleError) -> SourceError:
    """What is wrong with a bundle, as an error of the hub: about its dataset, or the file, which some messages name themselves."""
    said = str(error)
    hint = COPY_AGAIN if isinstance(error, DamagedError) else ASK_AGAIN
    return SourceError(said if said.startswith(f"{about} ") else f"{about}: {said}", hint=hint)


def _rows(contract: Contract, bundle: Bundle) -> Extraction:
    names = tuple(bundle.manifest["names"])
    where = contract.source.object if isinstance(contract.source, DatabaseSource) else "the bundle"
    plan = plan_columns(contract, names, where)
    schema = text_schema(plan.names)
    claims: list[Claim] = []

    def read() -> Iterator[pa.RecordBatch]:
        yield from _texts(contract, bundle, plan.places, plan.names)
        claims.append(_row_claim(contract, bundle, plan.names))

    return Extraction(schema, numbered(read(), schema), notes=list(plan.notes), claims=claims)


def _texts(contract: Contract, bundle: Bundle, places: tuple[int, ...], names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    try:
        for rows in bundle.rows():
            for start in range(0, len(rows), BATCH_ROWS):
                some = rows[start : start + BATCH_ROWS]
                yield pa.RecordBatch.from_arrays([pa.array([row[place] for row in some], pa.string()) for place in places], schema=schema)
    except BundleError as error:
        raise refused(contract.id, error) from None
    except (pa.ArrowException, ValueError, TypeError):
        raise refused(contract.id, BundleError("a part holds something that is no text")) from None


def _row_claim(contract: Contract, bundle: Bundle, names: tuple[str, ...]) -> Claim:
    manifest = bundle.manifest
    plan = plan_digest(contract, names, dict(manifest["not_comparable"]))
    claim = Claim(ENGINE, _state(bundle), int(manifest["rows"]), plan)
    if (list(plan.columns), list(plan.key)) != (manifest["columns"], manifest["key"]):
        return replace(claim, reason=OTHER_TERMS)
    if manifest["partitions"] is None:
        return replace(claim, reason="none of the columns can be compared")
    return replace(claim, parts={part: (int(rows), int(total, 16)) for part, (rows, total) in manifest["partitions"].items()})


def _files(contract: Contract, source: FileSource, bundle: Bundle, connections: Connections) -> Extraction:
    folder = make_folder_in(connections.work, "bundle")
    unpacked = Fetched(folder, connections.leading(source.connection, folder.resolve().as_uri()))
    try:
        _unpack(contract, source, bundle, folder)
        # The hours and the pace agreed are for the department's system, which nobody reads here.
        free = contract.model_copy(update={"reading": contract.reading.model_copy(update={"window": None, "rows_per_second": None})})
        extraction = extract(free, unpacked.connections)
    except BaseException:
        unpacked.remove()
        raise
    whole, claims, unreadable = extraction.batches, extraction.claims, extraction.unreadable

    def read() -> Iterator[pa.RecordBatch]:
        try:
            yield from whole
            claims.append(_file_claim(bundle, unreadable))
        finally:
            unpacked.remove()

    extraction.batches = read()
    return extraction


def _unpack(contract: Contract, source: FileSource, bundle: Bundle, folder: Path) -> None:
    """The files of a bundle, put where the contract's path looks for them; every one has to be one that it matches."""
    below = folder / PurePosixPath(source.path).parent
    below.mkdir(parents=True, exist_ok=True)
    for part in bundle.manifest["parts"]:
        name, wanted = part["name"], PurePosixPath(source.path).name
        # Also what a drop folder would leave aside as a copy under way: nothing that was signed is passed over.
        if not PurePosixPath(name).match(wanted) or (name != wanted and not is_finished_name(name)):
            raise SourceError(
                f"{contract.id}: the bundle has a file that the contract's path {source.path} does not match",
                hint="have the department name its files so, or change the path in the contract",
            )
        try:
            with (below / part["name"]).open("xb") as file:
                for block in bundle.blocks(part):
                    file.write(block)
        except BundleError as error:
            raise refused(contract.id, error) from None


def _file_claim(bundle: Bundle, unreadable: UnreadableRows) -> Claim:
    """Records as the packing program counted them. It counts no blank lines; those that the reader has told apart are rows that it read."""
    manifest: dict[str, Any] = bundle.manifest
    claim = Claim(ENGINE, _state(bundle), None, DigestPlan((), (), {}), reason=UNCOUNTED)
    if manifest["rows"] is None:
        return claim
    blank = sum(row.rows for row in unreadable.stretches if row.is_blank)
    return replace(claim, rows=int(manifest["rows"]) + blank, reason=BYTES_ONLY)


def sequence_note(bundle: Bundle) -> Note:
    """What a batch says of the bundle it came from."""
    manifest = bundle.manifest
    return Note(
        "bundle", f"bundle {manifest['sequence']}, packed {manifest['packed_at']}, signed by the department's key {manifest['key_id']}"
    )

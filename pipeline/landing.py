"""Where landed batches lie, what is in them, and whether they are still what landed. Reading only; `pipeline.land` writes them."""

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.batches import Batch
from catalog.datasets import contract_at
from connectors.claim import DigestPlan
from connectors.extraction import TOLD
from contracts.model import Contract
from core.digests import digest_sums, partition_sums, record_id, row_digest
from core.engine import Engine, parquet, quote
from core.errors import HubError
from core.keys import RECORD_KEY, load_key
from core.settings import Settings
from core.sums import combine, shown_digest
from pipeline.home import Home

Manifest = Mapping[str, Any]
_BLOCK = 1 << 20
_SHOWN = 5  # positions of altered rows that are named
VERIFYING = "verifying a landed batch"


def batch_folder(settings: Settings, contract_id: str, seq: int) -> Path:
    """Where a batch lies in landing."""
    return settings.landing / contract_id / f"{seq:08d}"


def rows_path(settings: Settings, batch: Batch) -> Path:
    """The rows of a landed batch."""
    return batch_folder(settings, batch.contract_id, batch.seq) / "rows.parquet"


def deletes_path(settings: Settings, batch: Batch) -> Path:
    """The records that a batch says are gone, where its source names them."""
    return batch_folder(settings, batch.contract_id, batch.seq) / "deletes.parquet"


def named_deletes(engine: Engine, settings: Settings, batch: Batch) -> str | None:
    """SQL for the ids of the records that a batch names as gone; None where its source does not say. Raises HubError where they are altered."""
    manifest = read_manifest(settings, batch)
    if manifest is not None and "deletes" not in manifest:
        return None
    if manifest is None or any(_deletes(engine, settings, batch, manifest)):
        raise HubError(
            f"batch {batch.batch_id}: the deletes in landing are not those that its source named",
            hint=f"landing was altered or is damaged; read the table anew: ./hub sync {batch.contract_id} --full",
        )
    return parquet([deletes_path(settings, batch)])


def _deletes(engine: Engine, settings: Settings, batch: Batch, manifest: Manifest) -> Iterator[str]:
    """What differs between the deletes that lie in landing and those that the manifest speaks of."""
    path = deletes_path(settings, batch)
    count = digest = None
    if path.exists():
        count, high, low = engine.row(f"SELECT count(*), {digest_sums('_record_id')} FROM {parquet([path])}", doing=VERIFYING)
        digest = f"{combine(high, low):032x}"
    if (count, digest) != (manifest.get("deletes"), manifest.get("deletes_digest")):
        yield "deletes: they are not those that the source named"


def read_manifest(settings: Settings, batch: Batch) -> dict[str, Any] | None:
    """Return the manifest of a landed batch; None where it is not there any more, or cannot be read."""
    path = batch_folder(settings, batch.contract_id, batch.seq) / "manifest.json"
    try:
        manifest = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def shown_manifest(settings: Settings, batch: Batch) -> dict[str, Any] | None:
    """The manifest without what may not leave the hub: digests of few rows."""
    manifest = read_manifest(settings, batch) if batch.landed is not None else None
    if manifest is None:
        return None
    shown = {name: value for name, value in manifest.items() if name not in ("partitions", "source")}
    if told := manifest.get(TOLD):
        shown[TOLD] = told | {"digest": shown_digest(told["digest"], told["rows"])}
    return shown | {"digest": shown_digest(manifest.get("digest"), batch.landed)}


def landed_rows(settings: Settings, batch: Batch) -> str:
    """SQL that reads the rows of a landed batch."""
    return parquet([rows_path(settings, batch)])


def row_expressions(contract: Contract, columns: Sequence[str]) -> tuple[str, str]:
    """SQL for record id and digest of a row as received; the statement binds `$record_key` and `$dataset`."""
    digested = [name for name in contract.source_columns if name in columns]
    key_columns = digested if contract.whole_row_is_key else list(contract.record_key)
    return record_id(key_columns), row_digest([quote(name) for name in digested])


def landed_parts(engine: Engine, path: Path, plan: DigestPlan) -> dict[str, tuple[int, int]]:
    """Rows and digests of landed rows by partition, over the columns of a plan."""
    digested = row_digest([quote(name) for name in plan.columns]) if plan.excluded else "_row_digest"
    columns = partition_sums([quote(name) for name in plan.key], "digested")
    # The key's columns and the digest alone: the file is read by columns.
    inner = ", ".join([*(quote(name) for name in plan.key), f"{digested} AS digested"])
    rows = engine.rows(f"SELECT {columns} FROM (SELECT {inner} FROM {parquet([path])}) GROUP BY part", doing="adding up digests")
    return {part: (count, combine(high, low)) for part, count, high, low in rows}


def seal(key: str, manifest: Manifest, rows: Path) -> str:
    """A keyed digest of a manifest and the bytes of its rows: whoever alters either cannot make the seal anew without the key."""
    sealed = {name: value for name, value in manifest.items() if name != "seal"}
    made = hmac.new(bytes.fromhex(key), json.dumps(sealed, ensure_ascii=False, sort_keys=True).encode(), "sha256")
    with rows.open("rb") as file:
        while block := file.read(_BLOCK):
            made.update(block)
    return made.hexdigest()


def verify_landing(home: Home, batch: Batch) -> list[str]:
    """Compute counts, record ids and digests of a batch again from the columns of its landed file; what differs, in words."""
    manifest = read_manifest(home.settings, batch)
    if manifest is None:
        return ["manifest: it is gone or cannot be read"]
    contract = contract_at(home.catalog, batch.contract_id, batch.contract_version)
    try:
        return [*_content(home, batch, contract, manifest), *_sealed(home, batch, manifest)]
    except HubError as error:
        return [f"rows: they cannot be read as the manifest describes them ({error.message})"]
    except (KeyError, TypeError):
        return ["manifest: it is not the one that was written when the batch landed"]


def _content(home: Home, batch: Batch, contract: Contract, manifest: Manifest) -> Iterator[str]:
    record, content = row_expressions(contract, manifest["columns"])
    bound = {"record_key": load_key(home.settings, RECORD_KEY), "dataset": contract.id}
    if batch.kind != "delivery" and contract.whole_row_is_key:
        # The whole row was the key: a repaired one keeps the id of the row it repairs, which it alone does not give.
        record, bound = "_record_id", {}
    rows = f"(SELECT _position, _record_id, _row_digest, {record} AS record, {content} AS content FROM {landed_rows(home.settings, batch)})"
    altered = "record IS DISTINCT FROM _record_id OR content IS DISTINCT FROM _row_digest"
    with Engine(home.settings) as engine:
        found = engine.row(f"SELECT count(*), count(*) FILTER ({altered}), {digest_sums('content')} FROM {rows}", bound, doing=VERIFYING)
        query = f"SELECT _position FROM {rows} WHERE {altered} ORDER BY _position LIMIT {_SHOWN}"
        places = [str(position) for (position,) in engine.rows(query, bound, doing=VERIFYING)]
        yield from _deletes(engine, home.settings, batch, manifest)
    count, changed, high, low = found
    if changed:
        more = " and more" if changed > len(places) else ""
        yield f"rows: {changed} are not what landed any more (position {', '.join(places)}{more})"
    unreadable = sum(row.get("rows", 1) for row in manifest["unreadable_rows"])
    landing = {"landed": count, "unreadable": unreadable, "read": count + unreadable}
    catalog = {"landed": batch.landed, "unreadable": batch.unreadable, "read": batch.read}
    stated = [(name, manifest[name], "the manifest") for name in landing] + [
        (name, value, "the catalog") for name, value in catalog.items()
    ]
    yield from (f"{name}: {where} says {value}, landing has {landing[name]}" for name, value, where in stated if value != landing[name])
    if manifest["digest"] != f"{combine(high, low):032x}":
        yield "digest: that of the landed rows is not that of the manifest"


def _sealed(home: Home, batch: Batch, manifest: Manifest) -> Iterator[str]:
    """Also what no row digest covers: columns that the contract does not map, positions, unreadable rows."""
    made = seal(load_key(home.settings, RECORD_KEY), manifest, rows_path(home.settings, batch))
    if not hmac.compare_digest(str(manifest.get("seal")), made):
        yield "seal: manifest and rows are not those that were sealed when they landed"

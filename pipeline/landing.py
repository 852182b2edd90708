"""Where landed batches lie, and what is in them. Reading only; `pipeline.land` writes them."""

import json
from pathlib import Path

from catalog.batches import Batch
from core.digests import combine, digest_sums
from core.engine import Engine, parquet
from core.settings import Settings


def batch_folder(settings: Settings, contract_id: str, seq: int) -> Path:
    """Where a batch lies in landing."""
    return settings.landing / contract_id / f"{seq:08d}"


def read_manifest(settings: Settings, batch: Batch) -> dict[str, object]:
    """Return the manifest of a landed batch."""
    path = batch_folder(settings, batch.contract_id, batch.seq) / "manifest.json"
    manifest: dict[str, object] = json.loads(path.read_text())
    return manifest


def landed_rows(settings: Settings, batch: Batch) -> str:
    """SQL that reads the rows of a landed batch."""
    return parquet([batch_folder(settings, batch.contract_id, batch.seq) / "rows.parquet"])


def verify_landing(settings: Settings, batch: Batch) -> list[str]:
    """Recompute a batch's counts and digest from its landed file; what differs from the manifest, in words."""
    manifest = read_manifest(settings, batch)
    with Engine(settings) as engine:
        rows, high, low = engine.row(f"SELECT count(*), {digest_sums('_row_digest')} FROM {landed_rows(settings, batch)}")
    unreadable: list[object] = manifest["unreadable_rows"]  # type: ignore[assignment]
    found = {
        "landed": rows,
        "unreadable": len(unreadable),
        "read": rows + len(unreadable),
        "digest": f"{combine(high, low):032x}",
    }
    catalog = {"landed": batch.landed, "unreadable": batch.unreadable, "read": batch.read}
    stated = [(name, manifest[name], "the manifest") for name in found] + [(name, value, "the catalog") for name, value in catalog.items()]
    return [f"{name}: {where} says {value}, landing has {found[name]}" for name, value, where in stated if value != found[name]]

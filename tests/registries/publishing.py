"""Publications made by hand, for tests of what stands in the serving database: only what differs is loaded, as `pipeline.publish` does."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from core.database import writing
from registries import serving
from registries.publications import nothing_yet
from registries.tables import current_publication, publication
from standards.model import Schema
from tests.factories import Hub

Table = Mapping[str, Mapping[str, Any]]  # canonical id → `_valid_from` and elements
LAST = "9999-12-31"


def load(hub: Hub, schema: Schema, number: int, old: Table, new: Table) -> dict[str, int]:
    """Load what publication `number` changes, without making it current; returns its counts."""
    engine = hub.home.serving
    opened = {name: row for name, row in new.items() if old.get(name) != row}
    closed = [name for name in old if name not in new or name in opened]
    serving.end_rows(engine, schema, number, sorted(closed))
    serving.load_rows(engine, schema, [_batch(hub, schema, number, opened)] if opened else [])
    deleted = sum(name not in new for name in old)
    updated = sum(name in old for name in opened)
    return {"inserted": len(opened) - updated, "updated": updated, "deleted": deleted}


def _batch(hub: Hub, schema: Schema, number: int, rows: Table) -> pa.RecordBatch:
    def day(text: str | None) -> Any:
        return text if text is None or hub.home.serving.dialect.name == "sqlite" else date.fromisoformat(text)

    kind = pa.string() if hub.home.serving.dialect.name == "sqlite" else pa.date32()
    size = len(rows)
    columns: dict[str, pa.Array] = {
        "_canonical_id": pa.array(list(rows), pa.string()),
        "_publication_from": pa.array([number] * size, pa.int32()),
        "_valid_from": pa.array([day(row.get("_valid_from")) for row in rows.values()], kind),
        "_valid_to": pa.array([day(LAST)] * size, kind),
    }
    for name in sorted({name for row in rows.values() for name in row} - {"_valid_from"}):
        columns[name] = pa.array([row.get(name) for row in rows.values()], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def make_current(hub: Hub, registry: str, number: int, counts: Mapping[str, int]) -> None:
    """Commit a publication that has been loaded."""
    row = vars(nothing_yet(registry)) | {"number": number, **counts}
    with writing(hub.home.serving) as connection:
        connection.execute(publication.insert().values(**row))
        connection.execute(sa.delete(current_publication).where(current_publication.c.registry == registry))
        connection.execute(current_publication.insert().values(registry=registry, number=number))


def publish_table(hub: Hub, schema: Schema, number: int, old: Table, new: Table) -> dict[str, int]:
    """Load and commit."""
    counts = load(hub, schema, number, old, new)
    make_current(hub, schema.id, number, counts)
    return counts

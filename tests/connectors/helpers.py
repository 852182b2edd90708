"""A drop folder, a contract for what lies in it, and what comes out."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.extract import Extraction, extract
from contracts.model import Contract
from core.connections import Connections

REAL_DATA = Path(os.environ.get("GOVHUB_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")


def make_contract(source: dict[str, Any], columns: list[str], **more: Any) -> Contract:
    """A contract that reads these columns; what they are mapped to does not matter to a connector."""
    return Contract.model_validate(
        {
            "id": "tax__delivery",
            "title": {"zh": "数据", "en": "Data"},
            "department": {"id": "tax", "title": {"zh": "税务局", "en": "Tax"}},
            "feeds": ["population"],
            "source": source,
            "record_key": "*",
            "columns": {name: f"element_{place}" for place, name in enumerate(columns)},
            **more,
        }
    )


@dataclass
class Delivery:
    """An extraction, consumed."""

    rows: list[dict[str, Any]]
    unreadable: dict[int, str]
    notes: dict[str, str]
    columns: list[str]
    batch_sizes: list[int] = field(default_factory=list)

    def values(self, column: str) -> list[Any]:
        return [row[column] for row in self.rows]

    @property
    def positions(self) -> list[int]:
        return self.values("_position")


def consume(extraction: Extraction) -> Delivery:
    """Read everything and hold each batch against the schema that was promised."""
    batches = list(extraction.batches)
    for batch in batches:
        assert batch.schema == extraction.schema
        batch.validate(full=True)
    rows = pa.Table.from_batches(batches, extraction.schema).to_pylist()
    return Delivery(
        rows,
        {row.position: row.reason for row in extraction.unreadable},
        {note.kind: note.message for note in extraction.notes},
        [name for name in extraction.schema.names if name != "_position"],
        [batch.num_rows for batch in batches],
    )


def read_database(url: str, kind: str, table: str, columns: list[str], **more: Any) -> Delivery:
    """What a table gives."""
    contract = make_contract({"kind": kind, "connection": "source", "object": table}, columns, **more)
    return consume(extract(contract, Connections({"HUB_CONNECTION_SOURCE": url}, Path("none.yml"))))


@dataclass(frozen=True)
class Drop:
    """A drop folder."""

    folder: Path

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, columns: list[str], path: str = "a.csv", kind: str = "csv", **source_and_more: Any) -> Delivery:
        of_source = {"encoding", "delimiter", "header", "header_row", "sheet", "record", "fields", "unit", "line_width", "skipped_lines"}
        source = {key: value for key, value in source_and_more.items() if key in of_source}
        more = {key: value for key, value in source_and_more.items() if key not in of_source}
        contract = make_contract({"kind": kind, "connection": "drop", "path": path, **source}, columns, **more)
        return consume(extract(contract, Connections({"HUB_CONNECTION_DROP": self.folder.as_uri()}, self.home / "connections.yml")))

    @property
    def home(self) -> Path:
        """Beside the folder, where there is no list of connections."""
        return self.folder.with_name(f"{self.folder.name}-home")

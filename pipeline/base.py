"""A base table in the lake: its columns, and its state as of a publication."""

from collections.abc import Sequence

from pipeline.home import Home
from pipeline.state import Sought, engine_type, fold
from registries.further_values import COLUMN
from registries.publications import files_upto
from standards.model import Schema


def base_columns(schema: Schema) -> dict[str, str]:
    """Columns of a base table in the lake with their engine types, in order."""
    system = {
        "_canonical_id": "UUID",
        "_publication": "INTEGER",
        "_op": "VARCHAR",
        "_row_digest": "UUID",
        "_valid_from": "DATE",
        "_valid_to": "DATE",
    }
    elements = {element.id: engine_type(element) for element in schema.elements}
    origins = {f"_from_{element.id}": "INTEGER" for element in schema.elements}
    return system | elements | origins | {COLUMN: "VARCHAR"}


def base_state(home: Home, schema: Schema, number: int, columns: Sequence[str] | None = None, only: Sought | None = None) -> str:
    """SQL for the base rows as of one publication; with `only`, for these entities."""
    wanted = base_columns(schema)
    if columns is not None:
        wanted = {name: wanted[name] for name in columns}
    files = files_upto(home.serving, schema.id, schema.table, number)
    return fold(home, schema.table, wanted, files, "_canonical_id", "_publication", only)

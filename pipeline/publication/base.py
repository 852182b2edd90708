"""A base table in the lake: its columns, and its state as of a publication."""

from collections.abc import Sequence

from catalog.standards import elements_at
from core.digests import named, row_digest
from core.engine import quote
from pipeline.home import Home
from pipeline.state import Sought, engine_type, fold
from registries.definition import RegistryDefinition
from registries.further_values import COLUMN
from registries.publications import files_upto, get_publication
from standards.model import Schema, Standards


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


def base_digest(home: Home, definition: RegistryDefinition, standards: Standards, number: int, elements: Sequence[str]) -> str:
    """SQL for a base row's digest in one publication: canonical id, validity and all elements of the schema as text; `elements` are supplied.

    The elements of the registry's first publication each have their place in it. What came with a later standard, and further values, count
    where there are some: so a row keeps its digest until something in it changes. Where a value came from is not part of it.
    """
    schema = standards.schemas[definition.id]
    places = _first_elements(home, standards, schema, number)
    own = ["_canonical_id::varchar", "_valid_from::varchar"]
    texts = {element.id: f"{quote(element.id)}::varchar" for element in schema.elements if element.id in elements}
    later = [named(element, text) for element, text in texts.items() if element not in places]
    plain = {*own, *(texts[element.id] for element in schema.elements if element.id in texts and engine_type(element) != "VARCHAR")}
    return row_digest([*own, *map(texts.get, places)], [*([COLUMN] if definition.several else []), *later], plain)


def _first_elements(home: Home, now: Standards, schema: Schema, number: int) -> list[str]:
    """The elements that the registry had in its first publication."""
    version = now.version if number == 1 else get_publication(home.serving, schema.id, 1).standard_version
    return [element.id for element in schema.elements] if version == now.version else elements_at(home.catalog, version, schema.id)

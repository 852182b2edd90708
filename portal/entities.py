"""Lists of entities, for registries that hold no persons: public elements only, so that nothing of them goes into the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.database import reading
from core.errors import RequestError
from pipeline.report import base_fills
from portal.context import Hub, Slice
from registries.publications import latest
from standards.masked import is_personal
from standards.model import DataElement, Schema

PAGE = 50


@dataclass(frozen=True)
class Entities:
    """Some entities of a registry, and how many there are in all."""

    total: int
    rows: list[dict[str, Any]]


def is_browsable(schema: Schema) -> bool:
    """Whether a registry may be listed: only where none of its identifying elements is about a person."""
    return not any(is_personal(element) for element in schema.elements if element.id in schema.identity)


def listed_elements(hub: Hub, schema: Schema) -> list[DataElement]:
    """The columns of a list: public elements that the current publication has values of; long texts are left to the record."""
    fills = base_fills(hub.home, schema, latest(hub.home.serving, schema.id).number)
    return [element for element in _public(schema) if fills.get(element.id, (0, {}))[0]]


def _public(schema: Schema) -> list[DataElement]:
    return [element for element in schema.elements if not is_personal(element) and element.representation != "text"]


def browse(hub: Hub, schema: Schema, part: Slice, text: str, order: Sequence[str], *, descending: bool) -> Entities:
    """One part of a registry that may be listed; `text` keeps rows with it in a name or an identifier. Rows without a value come last."""
    if not is_browsable(schema):
        raise RequestError(f"{schema.id} cannot be listed", hint="search by identifier")
    if not latest(hub.home.serving, schema.id).number:
        return Entities(0, [])
    public = _public(schema)
    searched = [element.id for element in public if element.representation in ("name", "identifier")]
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    # Codes are typed in small letters too, of which SQLite makes no difference by itself.
    like = "ILIKE" if hub.home.serving.dialect.name == "postgresql" else "LIKE"
    where = "WHERE " + " OR ".join(f"{name} {like} :text ESCAPE '\\'" for name in searched) if text else ""
    names = ", ".join(["_canonical_id", *(element.id for element in public)])
    bound = {"text": f"%{escaped}%"} if text else {}
    ways = [f"{name} IS NULL, {name}{' DESC' if descending else ''}" for name in dict.fromkeys([*order, *schema.identity, "_canonical_id"])]
    with reading(hub.home.serving) as connection:
        total = connection.execute(sa.text(f"SELECT count(*) FROM {schema.table} {where}"), bound).scalar() or 0
        query = f"SELECT {names} FROM {schema.table} {where} ORDER BY {', '.join(ways)} LIMIT {part.limit} OFFSET {part.offset}"
        rows = [dict(row._mapping) for row in connection.execute(sa.text(query), bound)]
    return Entities(total, rows)

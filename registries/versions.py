"""The base tables in the serving database, as tables and views.

`base_<registry>_history` keeps every version of every entity under the publications in which it held; the view `base_<registry>` shows what
the current publication has.
"""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from core.database import reading, writing
from standards.model import Schema
from standards.render.ddl import Dialect, column_type

SYSTEM = ("_canonical_id", "_publication_from", "_publication_to", "_valid_from", "_valid_to")


def history_table(schema: Schema) -> str:
    """The physical table behind the view `schema.table`."""
    return f"{schema.table}_history"


def ensure_table(serving: sa.Engine, schema: Schema) -> None:
    """Create the history table and the view of a base registry, or add the columns of elements that are new in the standard."""
    dialect: Dialect = "postgresql" if serving.dialect.name == "postgresql" else "sqlite"
    table = history_table(schema)
    with reading(serving) as connection:
        inspector = sa.inspect(connection)
        existing = {column["name"] for column in inspector.get_columns(table)} if inspector.has_table(table) else set()
    wanted = {element.id: column_type(element, dialect) for element in schema.elements}
    if existing and wanted.keys() <= existing:
        return
    with writing(serving) as connection:
        for statement in _creation(schema, wanted) if not existing else _additions(schema, wanted, existing):
            connection.execute(sa.text(statement))


def _creation(schema: Schema, columns: dict[str, str]) -> Iterator[str]:
    table = history_table(schema)
    elements = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    yield (
        f"CREATE TABLE IF NOT EXISTS {table} (_canonical_id VARCHAR(36) NOT NULL, _publication_from INTEGER NOT NULL, _publication_to INTEGER, "
        f"_valid_from DATE, _valid_to DATE, {elements}, PRIMARY KEY (_canonical_id, _publication_from))"
    )
    yield from _view(schema, columns)


def _additions(schema: Schema, columns: dict[str, str], existing: set[str]) -> Iterator[str]:
    yield f"DROP VIEW IF EXISTS {schema.table}"
    for name, kind in columns.items():
        if name not in existing:
            yield f"ALTER TABLE {history_table(schema)} ADD COLUMN {name} {kind}"
    yield from _view(schema, columns)


def _view(schema: Schema, columns: Iterable[str]) -> Iterator[str]:
    names = ", ".join(f"h.{name}" for name in (*SYSTEM, *columns))
    yield (
        f"CREATE VIEW {schema.table} AS SELECT {names} FROM {history_table(schema)} h "
        f"JOIN current_publication c ON c.registry = '{schema.id}' "
        "WHERE h._publication_from <= c.number AND (h._publication_to IS NULL OR h._publication_to > c.number)"
    )

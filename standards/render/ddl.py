"""CREATE TABLE of a base table for the databases that serve it."""

from collections.abc import Iterator
from typing import Literal

from standards.model import DataElement, Schema

Dialect = Literal["sqlite", "postgresql"]


def to_ddl(schema: Schema, dialect: Dialect) -> str:
    """One CREATE TABLE; on PostgreSQL followed by a comment on the table and on each column."""
    columns = ",\n".join(f"    {element.id} {column_type(element, dialect)}" for element in schema.elements)
    statements = [f"CREATE TABLE {schema.table} (\n{columns}\n);"]
    if dialect == "postgresql":
        statements += _comments(schema)
    return "\n".join(statements) + "\n"


def column_type(element: DataElement, dialect: Dialect) -> str:
    """The type of one column in one dialect."""
    match element.data_type:
        case "date":
            return "DATE"
        case "integer":
            return "BIGINT"
        case "decimal":
            return "NUMERIC(24, 8)"
        case "string":
            return f"VARCHAR({element.max_length})" if dialect == "postgresql" and element.max_length else "TEXT"


def _comments(schema: Schema) -> Iterator[str]:
    yield f"COMMENT ON TABLE {schema.table} IS {_quoted(f'{schema.title.zh} / {schema.title.en}')};"
    for element in schema.elements:
        text = f"{element.title.zh} / {element.title.en} ({element.source.standard})"
        yield f"COMMENT ON COLUMN {schema.table}.{element.id} IS {_quoted(text)};"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

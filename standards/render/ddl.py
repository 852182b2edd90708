"""CREATE TABLE of a base table for the databases that serve it, with what every column means in Chinese."""

from collections.abc import Iterator
from typing import Literal

from standards.model import DataElement, Schema, SchemaUse
from standards.render.words import Words

Dialect = Literal["sqlite", "postgresql"]


def to_ddl(schema: Schema, dialect: Dialect) -> str:
    """One CREATE TABLE. PostgreSQL keeps comments of its own; SQLite keeps those that stand inside the statement, in sqlite_master."""
    return _sqlite(schema) if dialect == "sqlite" else _postgresql(schema)


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


def column_comment(use: SchemaUse) -> str:
    """Title, meaning, code list, obligation and source, on one line."""
    words, element = Words("zh"), use.element
    codes = f"代码表 {element.code_list}。" if element.code_list else ""
    obligation = words.t(f"obligation.{use.obligation}")
    return f"{element.title.zh}：{element.definition.zh}。{codes}{obligation}。依据 {words.source(element.source)}"


def _sqlite(schema: Schema) -> str:
    last = schema.elements[-1]
    columns = "\n".join(
        f"    {use.element.id} {column_type(use.element, 'sqlite')}{'' if use.element is last else ','} -- {column_comment(use)}"
        for use in schema.uses
    )
    return f"CREATE TABLE {schema.table} ( -- {schema.title.zh}\n{columns}\n);\n"


def _postgresql(schema: Schema) -> str:
    columns = ",\n".join(f"    {element.id} {column_type(element, 'postgresql')}" for element in schema.elements)
    return "\n".join([f"CREATE TABLE {schema.table} (\n{columns}\n);", *_comments(schema)]) + "\n"


def _comments(schema: Schema) -> Iterator[str]:
    yield f"COMMENT ON TABLE {schema.table} IS {_quoted(schema.title.zh)};"
    for use in schema.uses:
        yield f"COMMENT ON COLUMN {schema.table}.{use.element.id} IS {_quoted(column_comment(use))};"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

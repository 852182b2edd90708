"""Arrow schema of a base table: the published types, every field nullable, since "required" is a check and not a type."""

import pyarrow as pa

from standards.model import DataElement, DataType, Schema

_TYPES: dict[DataType, pa.DataType] = {
    "string": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(24, 8),
}


def to_arrow(schema: Schema) -> pa.Schema:
    """The columns of the schema, in order, each with its titles and classification as metadata."""
    return pa.schema([to_field(element) for element in schema.elements], metadata={"schema": schema.id, "title_zh": schema.title.zh})


def to_field(element: DataElement) -> pa.Field:
    """One column."""
    metadata = {"title_zh": element.title.zh, "title_en": element.title.en, "classification": element.classification}
    return pa.field(element.id, _TYPES[element.data_type], metadata=metadata)

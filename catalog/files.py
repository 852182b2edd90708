"""The files that make up the lake, as the catalog knows them. What is not listed here does not exist for a reader."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from catalog.tables import lake_field, lake_file
from core.database import reading, writing

SYSTEM_FIELDS = 100  # ids below are for columns beginning with "_"


@dataclass(frozen=True)
class LakeFile:
    """One Parquet file: its path below the lake folder, the table and batch it belongs to, and what it holds.

    Kinds: `log` (changes of one batch), `compact` (the state after a batch, replacing all logs up to it), `quarantine`, `issues`,
    `repairs`, and `stopped` and `stopped_issues` (what would be in quarantine and in issues, had no gate stopped the batch).
    """

    path: str
    table_name: str
    kind: str
    seq: int
    rows: int


def insert_files(connection: sa.Connection, files: Sequence[LakeFile]) -> None:
    """List files, inside the transaction that commits them; one that an attempt before has listed is listed anew."""
    if files:
        connection.execute(lake_file.delete().where(lake_file.c.path.in_([file.path for file in files])))
        connection.execute(lake_file.insert(), [vars(file) for file in files])


def files_of(catalog: sa.Engine, table_name: str, kinds: Iterable[str] | None = None, upto: int | None = None) -> list[LakeFile]:
    """Return a table's files, of some kinds or all, in order of their batch, up to and including one batch."""
    query = sa.select(lake_file).where(lake_file.c.table_name == table_name)
    if kinds is not None:
        query = query.where(lake_file.c.kind.in_(list(kinds)))
    if upto is not None:
        query = query.where(lake_file.c.seq <= upto)
    with reading(catalog) as connection:
        rows = connection.execute(query.order_by(lake_file.c.seq, lake_file.c.path)).all()
    return [LakeFile(row.path, row.table_name, row.kind, row.seq, row.rows) for row in rows]


def listed_paths(catalog: sa.Engine) -> set[str]:
    """Return the path of every file that the catalog lists."""
    with reading(catalog) as connection:
        return set(connection.execute(sa.select(lake_file.c.path)).scalars())


def field_ids(catalog: sa.Engine, table_name: str, columns: Sequence[str]) -> dict[str, int]:
    """Return the Iceberg field id of each column, giving new ids to columns not seen before."""
    with reading(catalog) as connection:
        known = _known_fields(connection, table_name)
    if not set(columns) <= known.keys():
        with writing(catalog) as connection:
            known = _known_fields(connection, table_name)
            for column in columns:
                if column not in known:
                    known[column] = _next_field(known, column)
                    connection.execute(lake_field.insert().values(table_name=table_name, column_name=column, field_id=known[column]))
    return {column: known[column] for column in columns}


def _known_fields(connection: sa.Connection, table_name: str) -> dict[str, int]:
    rows = connection.execute(sa.select(lake_field).where(lake_field.c.table_name == table_name))
    return {row.column_name: row.field_id for row in rows}


def _next_field(known: dict[str, int], column: str) -> int:
    if column.startswith("_"):
        return max((number for number in known.values() if number < SYSTEM_FIELDS), default=0) + 1
    return max([number for number in known.values() if number >= SYSTEM_FIELDS] or [SYSTEM_FIELDS - 1]) + 1

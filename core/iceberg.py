"""The Iceberg tables that follow the files of the lake: of rows that a database has committed, idempotently, so they may trail but never lead."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.database import driver_url
from core.errors import StoreError
from core.keys import RECORD_KEY, load_key, proof
from core.settings import FILES, Settings, located

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table, Transaction
    from pyiceberg.types import NestedField

SEQ_PROPERTY = "hub.seq"
FILES_PROPERTY = "hub.files"  # the folder that the files of a table lie below
INSTALLATION_PROPERTY = "hub.installation"  # what tells by whose keys its records have their ids
METADATA_ENDING = ".metadata.json"
HINT = "version-hint.text"

# What an engine type is in Iceberg; anything not listed here is not written to the lake.
ICEBERG_TYPES = {
    "VARCHAR": "StringType",
    "BIGINT": "LongType",
    "INTEGER": "IntegerType",
    "DATE": "DateType",
    "UUID": "UUIDType",
    "BOOLEAN": "BooleanType",
    "DOUBLE": "DoubleType",
}


def follow(
    settings: Settings,
    table: str,
    fields: Mapping[str, tuple[int, str]],
    files: Sequence[tuple[int, str]],
    about: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Make the Iceberg table hold all committed files, given as (seq, path); those it has already are skipped.

    A table that the catalog knows at another place, since the installation was moved or copied, is made anew here and left alone there.
    `about` is said by the table (as properties) and by the snapshot that adds the files (in its summary).
    Raises StoreError (transient) where the lake's catalog is locked or another process commits to the same table, and StoreError where the
    table there is another installation's.
    """
    if not files:
        return
    with _catalog(settings) as catalog:
        _hint(_append(catalog, _iceberg_table(catalog, settings, table, fields), settings, files, about))


@contextmanager
def _catalog(settings: Settings) -> Iterator["SqlCatalog"]:
    """Iceberg's catalog; raises StoreError (transient) where it is locked or another process commits to the same table."""
    from pyiceberg.exceptions import CommitFailedException
    from sqlalchemy.exc import DatabaseError, OperationalError

    try:
        with closing(_opened(driver_url(settings.lake_url), settings.lake_warehouse)) as catalog:
            catalog.create_tables()  # somebody may have taken the database away
            yield catalog
    except (CommitFailedException, OperationalError):
        raise StoreError("the lake's catalog would not take a commit", hint="try again; nothing is lost", transient=True) from None
    except (DatabaseError, FileNotFoundError):
        hint = "nothing is lost: it only follows; empty the table iceberg_tables in the database of HUB_LAKE_URL, and the next run fills it"
        if settings.lake_url.startswith("sqlite"):
            hint = f"nothing is lost: it only follows; take {Path(settings.lake_url).name} away, and the next run makes it anew"
        raise StoreError("the lake's catalog (Iceberg) is damaged, or its metadata is gone", hint=hint) from None


@lru_cache(maxsize=4)
def _opened(url: str, warehouse: str) -> "SqlCatalog":
    """The catalog, once for a process: it has then put its statements together. Its connections are closed after each use."""
    from pyiceberg.catalog.sql import SqlCatalog

    return SqlCatalog("hub", uri=url, warehouse=warehouse)


def _listed_at(catalog: "SqlCatalog", table: str) -> str | None:
    """Where the catalog says that a table's metadata lies; None where it does not know the table."""
    from pyiceberg.catalog.sql import IcebergTables

    with catalog.engine.connect() as connection:
        return connection.execute(sa.select(IcebergTables.metadata_location).where(*_row_of(catalog, table))).scalar()


def _forget(catalog: "SqlCatalog", table: str, location: str | None) -> None:
    """Take a table out of the catalog as long as it is known at a place, and leave what lies there alone: it may be another installation's."""
    from pyiceberg.catalog.sql import IcebergTables

    with catalog.engine.begin() as connection:
        connection.execute(sa.delete(IcebergTables).where(*_row_of(catalog, table), IcebergTables.metadata_location == location))


def _row_of(catalog: "SqlCatalog", table: str) -> Sequence[sa.ColumnElement[bool]]:
    from pyiceberg.catalog.sql import IcebergTables

    namespace, name = table.split(".", maxsplit=1)
    return (IcebergTables.catalog_name == catalog.name, IcebergTables.table_namespace == namespace, IcebergTables.table_name == name)


def _table_folder(settings: Settings, table: str) -> str:
    """Where a table lies in this installation."""
    return "/".join((settings.lake_warehouse.rstrip("/"), *table.split(".", maxsplit=1)))


def _load_here(catalog: "SqlCatalog", settings: Settings, table: str) -> "Table | None":
    """The table; None where there is none, or where it lies elsewhere.

    The catalog and all metadata name absolute places. In a home that was moved they lead nowhere, and in a copy to the original.
    """
    from pyiceberg.exceptions import NoSuchTableError

    location = _listed_at(catalog, table)
    if location is None or not _path(location).is_relative_to(_path(_table_folder(settings, table))):
        return None
    try:
        found = catalog.load_table(table)
    except NoSuchTableError:
        return None
    here = located(settings.lake_dir)
    return found if found.properties.get(FILES_PROPERTY, here) == here else None


def _iceberg_table(catalog: "SqlCatalog", settings: Settings, table: str, fields: Mapping[str, tuple[int, str]]) -> "Table":
    """Open the table, creating it or adding columns so that its schema has exactly our field ids."""
    from pyiceberg import types
    from pyiceberg.schema import Schema

    columns = [
        types.NestedField(number, name, getattr(types, ICEBERG_TYPES[kind])(), required=False) for name, (number, kind) in fields.items()
    ]
    before = _listed_at(catalog, table)
    iceberg = _load_here(catalog, settings, table)
    if iceberg is None:
        _refuse_table_of_another(catalog, settings, table)
        _make_namespace(catalog, table.split(".", maxsplit=1)[0])
        _forget(catalog, table, before)
        iceberg = _create(catalog, table, Schema(*columns), _table_folder(settings, table))
    if {field.name: field.field_id for field in iceberg.schema().fields} != {name: number for name, (number, _) in fields.items()}:
        return _with_columns(catalog, iceberg, columns)
    return iceberg


def _refuse_table_of_another(catalog: "SqlCatalog", settings: Settings, table: str) -> None:
    """Two installations with one catalog would take each table from the other, and readers would see now the one's and now the other's."""
    from pyiceberg.exceptions import NoSuchTableError, ValidationError

    try:
        properties = catalog.load_table(table).properties
    except (NoSuchTableError, OSError, ValueError, ValidationError):  # it was moved, is gone or damaged, or may not be read
        return
    own = _installation(settings)
    if properties.get(INSTALLATION_PROPERTY, own) != own:
        raise StoreError(
            f"the lake's catalog (HUB_LAKE_URL) has the table {table} of another installation, whose files lie in {properties.get(FILES_PROPERTY)}",
            hint="name a HUB_LAKE_URL of this installation's own, then run it again: nothing is lost, the catalog only follows",
        )


def _installation(settings: Settings) -> str:
    return proof(load_key(settings, RECORD_KEY).encode())


def _create(catalog: "SqlCatalog", table: str, schema: "Schema", place: str) -> "Table":
    """Create a table that was not there. Creating writes metadata before it asks the catalog, where another process may have been quicker."""
    from pyiceberg.exceptions import TableAlreadyExistsError

    try:
        return catalog.create_table(table, schema=schema, location=place)
    except TableAlreadyExistsError:
        return catalog.load_table(table)


def _with_columns(catalog: "SqlCatalog", iceberg: "Table", columns: Sequence["NestedField"]) -> "Table":
    """The table with exactly these columns.

    Creating a table numbers its columns anew and the public calls for changing a schema do so too: the ids in the files would then name other
    columns. The schema with our ids is therefore set as one update of the metadata.
    """
    from pyiceberg.schema import Schema
    from pyiceberg.table.update import AddSchemaUpdate, SetCurrentSchemaUpdate

    newest = max(iceberg.schemas()) + 1
    with iceberg.transaction() as transaction:
        updates = (AddSchemaUpdate(schema=Schema(*columns, schema_id=newest)), SetCurrentSchemaUpdate.model_validate({"schema-id": -1}))
        transaction._apply(updates, ())
    return catalog.load_table(iceberg.name())


@contextmanager
def _knowing(catalog: "SqlCatalog", iceberg: "Table", paths: Sequence[Path]) -> Iterator["Table"]:
    """The table while it has every column of some files, as it must to take them: those that a later contract left out go again behind it."""
    import pyarrow.parquet as pq
    from pyiceberg.io.pyarrow import pyarrow_to_schema

    own = iceberg.schema().fields
    known = {field.field_id for field in own}
    more: dict[int, NestedField] = {}
    for path in paths:
        found = pq.read_schema(path)
        if not set(found.names) <= {field.name for field in own}:
            more |= {field.field_id: field for field in pyarrow_to_schema(found).fields if field.field_id not in known}
    if not more:
        yield iceberg
        return
    wide = _with_columns(catalog, iceberg, [*own, *more.values()])
    yield wide
    _with_columns(catalog, catalog.load_table(wide.name()), own)


def _make_namespace(catalog: "SqlCatalog", name: str) -> None:
    """Create a namespace. Where another process does so at the same moment, the catalog tells that only by its key, and it is there."""
    from sqlalchemy.exc import IntegrityError

    try:
        catalog.create_namespace_if_not_exists(name)
    except IntegrityError:
        catalog.create_namespace_if_not_exists(name)


def _transaction(iceberg: "Table") -> "Transaction":
    """A transaction that works out its metadata once per change: pyiceberg copies all of it each time it looks, some twenty times per file."""
    from pyiceberg.table import Transaction

    class Remembering(Transaction):
        _state: Any = (None, None)
        _metadata: Any = None

        @property
        def table_metadata(self) -> Any:
            if not self._updates:
                return self._table.metadata
            state = (self._updates, self._table.metadata)
            if any(now is not before for now, before in zip(state, self._state, strict=True)):
                self._state, self._metadata = state, super().table_metadata
            return self._metadata

    return Remembering(iceberg)


def _append(
    catalog: "SqlCatalog", iceberg: "Table", settings: Settings, files: Sequence[tuple[int, str]], about: Mapping[str, str]
) -> "Table":
    """Add what is missing in one snapshot, and return the table as it is then; the highest number taken over is a property of it."""
    done = int(iceberg.properties.get(SEQ_PROPERTY, 0))
    missing = [(seq, settings.lake_dir / path) for seq, path in files if seq > done]
    if not missing:
        return iceberg
    paths = [path for _, path in missing]
    if gone := next((path for path in paths if not path.exists()), None):
        raise StoreError(
            f"{gone.name} is missing below {gone.parent}", hint="put the file back from a backup: ./hub restore; docs/operating.md says how"
        )
    with _knowing(catalog, iceberg, paths) as wide, _transaction(wide) as transaction:
        transaction.add_files([located(path) for path in paths], snapshot_properties=dict(about), check_duplicate_files=False)
        own = {FILES_PROPERTY: located(settings.lake_dir), INSTALLATION_PROPERTY: _installation(settings)}
        transaction.set_properties({SEQ_PROPERTY: str(max(seq for seq, _ in missing)), **own, **about})
    return wide if wide is iceberg else catalog.load_table(iceberg.name())


def _path(location: str) -> Path:
    return Path(location.removeprefix(FILES))


def _metadata_file(table: "Table") -> Path:
    return _path(table.metadata_location)


def _hint(table: "Table") -> None:
    """Say beside the metadata which one is in force, for readers that know the table's folder only (DuckDB, Spark's Hadoop tables)."""
    present = _metadata_file(table)
    name, hint = present.name.removesuffix(METADATA_ENDING), present.with_name(HINT)
    if hint.exists() and hint.read_text() == name:
        return
    draft = hint.with_name(f".{HINT}.{os.getpid()}")
    draft.write_text(name)
    draft.replace(hint)


def replace(settings: Settings, table: str, gone: Sequence[str], instead: tuple[int, str]) -> None:
    """Let one file of an Iceberg table, given as (seq, path), stand for others, in one snapshot; those that it does not hold are passed over.

    Where the table trails it may hold none of them, and is to hold the one all the same: nobody lists the others any more. A table that is
    not there, or lies elsewhere, is made of what is listed when it follows. Raises StoreError (transient) where another process commits to
    the same table.
    """
    from pyiceberg.io.pyarrow import parquet_files_to_data_files

    with _catalog(settings) as catalog:
        iceberg = _load_here(catalog, settings, table)
        if iceberg is None:
            return
        held = _data_files(iceberg)
        found = [held[uri] for path in gone if (uri := located(settings.lake_dir / path)) in held]
        seq, base = instead[0], settings.lake_dir / instead[1]
        added = [] if located(base) in held else [base]
        if not found and not added:
            return
        with _knowing(catalog, iceberg, added) as wide, wide.transaction() as transaction:
            with transaction.update_snapshot().overwrite() as overwrite:
                for file in found:
                    overwrite.delete_data_file(file)
                for data_file in parquet_files_to_data_files(wide.io, wide.metadata, iter(map(located, added))):
                    overwrite.append_data_file(data_file)
            transaction.set_properties({SEQ_PROPERTY: str(max(seq, int(iceberg.properties.get(SEQ_PROPERTY, 0))))})
        _hint(catalog.load_table(table))


def _data_files(table: "Table") -> dict[str, "DataFile"]:
    """The files of a table by their place, those without rows too: a scan plans none of them, and a reader may look for them all the same."""
    snapshot = table.current_snapshot()
    manifests = snapshot.manifests(table.io) if snapshot else []
    return {entry.data_file.file_path: entry.data_file for manifest in manifests for entry in manifest.fetch_manifest_entry(table.io)}


def old_metadata(settings: Settings, before: datetime, least_age: float) -> list[Path]:
    """Expire snapshots from before a moment (UTC), and return the files of Iceberg's metadata that are needed no more.

    `least_age` in seconds: a younger file may belong to a commit that is under way. Tables that lie elsewhere are left alone.
    Raises StoreError (transient) where a commit is in the way.
    """
    found: list[Path] = []
    with _catalog(settings) as catalog:
        for namespace in catalog.list_namespaces():
            for name in catalog.list_tables(namespace):
                table = _load_here(catalog, settings, ".".join(name))
                if table is None:
                    continue
                table.maintenance.expire_snapshots().older_than(before).commit()
                left = catalog.load_table(name)
                _hint(left)
                found += _unneeded(left, least_age)
    return found


def _unneeded(table: "Table", least_age: float) -> list[Path]:
    """Files in a table's metadata folder that neither its present metadata nor a snapshot of it names."""
    needed = {table.metadata_location}
    for snapshot in table.metadata.snapshots:
        needed |= {snapshot.manifest_list, *(manifest.manifest_path for manifest in snapshot.manifests(table.io))}
    needed |= {item.statistics_path for item in table.metadata.statistics}
    present = _metadata_file(table)
    names = {HINT} | {_path(location).name for location in needed}
    return [path for path in sorted(present.parent.iterdir()) if path.name not in names and time.time() - path.stat().st_mtime > least_age]

"""Writes each department's store: PostgreSQL databases, SQLite files, a workbook and CSV drops, each replaced at one stroke."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import pyarrow as pa

from demo import lists
from demo.postgres import database_uri

TITLE_LINES = {"housing__property": "杭州市不动产登记信息交换表（导出）", "education__student": "在校生及毕业生信息表"}
SHEET_NAMES = {"education__student": "学生信息"}


@dataclass(frozen=True)
class Place:
    """Where a dataset lives: the connection's name, the kind of store, and the table, file or sheet in it."""

    connection: str
    kind: str
    object: str
    encoding: str = "utf-8"


PLACES = {
    "public_security__resident": Place("public_security_db", "postgresql", "hj.t_rkxx"),
    "civil_affairs__marriage": Place("civil_affairs_db", "sqlite", "婚姻登记"),
    "civil_affairs__death": Place("civil_affairs_db", "sqlite", "殡葬登记"),
    "health__resident_card": Place("health_db", "postgresql", "public.resident_card"),
    "social_security__insured": Place("social_security_db", "sqlite", "sbk_canbaoren"),
    "social_security__employer": Place("social_security_db", "sqlite", "sbk_danwei"),
    "education__student": Place("education_drop", "xlsx", "xs_xsxx.xlsx"),
    "housing__property": Place("housing_drop", "csv", "fc_bdcdj.csv", "gbk"),
    "market_regulation__enterprise": Place("market_regulation_db", "sqlite", "T_SCZT_JBXX"),
    "market_regulation__business_licence": Place("market_regulation_db", "sqlite", "T_ZZ_YYZZ"),
    "tax__taxpayer": Place("tax_drop", "csv", "nsr_djxx.csv", "gb18030"),
    "transport__driving_licence": Place("transport_db", "sqlite", "jsz"),
    "transport__road_permit": Place("transport_db", "sqlite", "yyxkz"),
}
# Departments whose store cannot be reached on a day of the story.
DOWN = {2: ("transport",)}


def write_sources(
    tables: dict[str, pa.Table], folder: Path, postgres_uri: str | None, day: int, *, down: Iterable[str] | None = None
) -> dict[str, str]:
    """Write the tables and return connection name → URL. A department that is down has its store moved away, its URL stays.

    Without a PostgreSQL its two departments are left out.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    away = {f"{department}_db" for department in (DOWN.get(day, ()) if down is None else down)}
    stores: dict[str, dict[str, pa.Table]] = {}
    for dataset, table in tables.items():
        stores.setdefault(PLACES[dataset].connection, {})[dataset] = table
    urls: dict[str, str] = {}
    for connection, store in stores.items():
        kind = PLACES[next(iter(store))].kind
        if kind == "sqlite":
            urls[connection] = _write_sqlite(store, folder / f"{connection.removesuffix('_db')}.db", connection in away)
        elif kind != "postgresql":
            urls[connection] = _write_drop(store, folder / connection)
        elif postgres_uri is not None:
            urls[connection] = _write_postgresql(store, database_uri(postgres_uri, connection.removesuffix("_db")))
    return urls


def _write_drop(tables: dict[str, pa.Table], folder: Path) -> str:
    folder.mkdir(exist_ok=True, mode=0o700)
    for dataset, table in tables.items():
        place = PLACES[dataset]
        lines = (_csv_bytes if place.kind == "csv" else _xlsx_bytes)(dataset, table)
        _replace(folder / place.object, lambda path, content=lines: path.write_bytes(content))  # type: ignore[misc]
    return folder.resolve().as_uri()


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside the file, then put it in its place: a reader sees the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    write(partial)
    partial.replace(path)


def _write_postgresql(tables: dict[str, pa.Table], uri: str) -> str:
    import adbc_driver_postgresql.dbapi as adbc

    with adbc.connect(uri) as connection, connection.cursor() as cursor:
        for dataset, table in tables.items():
            schema, name = PLACES[dataset].object.split(".")
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            cursor.execute(f'DROP TABLE IF EXISTS "{schema}"."{name}"')
            cursor.adbc_ingest(name, table, mode="create", db_schema_name=schema)
        connection.commit()
    return uri


def _write_sqlite(tables: dict[str, pa.Table], path: Path, away: bool) -> str:
    import adbc_driver_sqlite.dbapi as adbc

    def write(partial: Path) -> None:
        with adbc.connect(str(partial)) as connection, connection.cursor() as cursor:
            for dataset, table in tables.items():
                cursor.adbc_ingest(PLACES[dataset].object, table, mode="create")
            connection.commit()

    target = path.with_suffix(".db.away") if away else path
    _replace(target, write)
    (path if away else path.with_suffix(".db.away")).unlink(missing_ok=True)
    return f"sqlite:///{path.resolve()}"


def _csv_bytes(dataset: str, table: pa.Table) -> bytes:
    """Return a CSV as an old export program writes it: a title line, no quotes, some lines with too few or too many fields."""
    rate = lists.ragged_lines().get(dataset, 0.0)
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    lines = [TITLE_LINES[dataset]] if dataset in TITLE_LINES else []
    lines.append(",".join(table.column_names))
    lines += [_ragged(",".join("" if value is None else str(value) for value in row), rate) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode(PLACES[dataset].encoding, "replace")


def is_ragged(line: str, rate: float) -> bool:
    """Tell whether a line falls victim to the export program; depends on the line alone, so that it does so every day."""
    return crc32(line.encode()) % 10_000 < rate * 10_000


def _ragged(line: str, rate: float) -> str:
    if not is_ragged(line, rate):
        return line
    return line.rsplit(",", 2)[0] if crc32(line.encode()) % 2 else f"{line},,备注,无"


def _xlsx_bytes(dataset: str, table: pa.Table) -> bytes:
    """Return a workbook with a title row above the header."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(SHEET_NAMES[dataset])
    sheet.append([TITLE_LINES[dataset]])
    sheet.append(table.column_names)
    for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
        sheet.append(row)
    content = BytesIO()
    book.save(content)
    return content.getvalue()

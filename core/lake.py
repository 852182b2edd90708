"""The lake: Parquet files with Iceberg field ids, written here and nowhere else.

A file counts from the moment a database row names it (`catalog.files`, `registries.publications`). Nothing is rewritten in place: a table is a
log of changes, and its present state is a fold over it.
"""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.engine import Engine, literal, parquet, quote
from core.errors import LeaseHeld
from core.settings import Settings

# How files are written; publications say by what, since other settings or another engine give other bytes of the same rows. A column of many
# values gains nothing from a dictionary, and nobody looks through Bloom filters: without either, files are as small and take a tenth less to encode.
# In the second version of the format, texts are stored as lengths and characters: a tenth less to read, and a little smaller.
FORMAT = "FORMAT parquet, DICTIONARY_SIZE_LIMIT 4096, WRITE_BLOOM_FILTER false, PARQUET_VERSION V2"
MANY_ROWS = 122_880  # of a file that is worth a second thread, and of which few rows are looked up
MANY_COLUMNS = 10
# Codec and rows of a part. Who looks up few rows unpacks the parts that they are in: of many columns, with parts of a sixth, half as much. A file of
# fewer columns, as one of links, is mostly ids and gone through: greater parts are better for that, and of random bits zstd makes nothing smaller
# but takes a third longer to read, as some of each record id are fixed.
OF_MANY_COLUMNS, OF_FEW_COLUMNS = "COMPRESSION zstd, ROW_GROUP_SIZE 20480", "COMPRESSION snappy, ROW_GROUP_SIZE 122880"
# A file without rows or known columns. Read by field id, one file alone would be read by one thread, while another waits for it busily.
NOTHING = Path(__file__).with_name("nothing.parquet")


@dataclass(frozen=True)
class Written:
    """A file just written: path below the lake folder, and rows. It does not count before a commit names it."""

    path: str
    rows: int


def write(engine: Engine, settings: Settings, sql: str, path: str, fields: Mapping[str, int], order: Sequence[str]) -> Written:
    """Write the rows of a query as one Parquet file with field ids, ordered by its key (not given where they are already); atomic by rename.

    Raises StoreError where a column of the query has no field id: such a column could later be read as another.
    """
    target = settings.lake_dir / path
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    ids = ", ".join(f"{quote(column)}: {number}" for column, number in fields.items())
    columns = ", ".join(map(quote, fields))
    layout = OF_MANY_COLUMNS if len(fields) >= MANY_COLUMNS else OF_FEW_COLUMNS
    ordered = f" ORDER BY {', '.join(map(quote, order))}" if order else ""
    engine.run(
        f"COPY (SELECT {columns} FROM ({sql}){ordered}) TO {literal(str(draft))} ({FORMAT}, {layout}, FIELD_IDS {{{ids}}})",
        doing=f"writing {path}",
    )
    rows = engine.value(f"SELECT count(*) FROM {parquet([draft])}", doing=f"counting {path}")
    # The database row that names this file is durable; the bytes must be so before it.
    with draft.open("rb") as handle:
        os.fsync(handle.fileno())
    _take_place(draft, target)
    return Written(path, rows)


def _take_place(draft: Path, target: Path) -> None:
    """Give a whole file its name, which is nobody's yet. Raises LeaseHeld where another run has a file of that name: it has taken over."""
    try:
        target.hardlink_to(draft)
    except OSError:
        if target.exists():
            draft.unlink()
            raise LeaseHeld(f"another run has written {target.name} meanwhile; nothing of this run was committed") from None
        draft.replace(target)  # a file system without such links
    else:
        draft.unlink()


def written_by(engine: Engine) -> dict[str, Any]:
    """What the bytes of a file depend on beside its rows: the engine and the settings that it was written with."""
    return {
        "engine": f"duckdb {duckdb.__version__}",
        "threads": engine.threads,
        "memory_mb": engine.memory_limit_mb,
        "format": FORMAT,
        "layouts": [OF_MANY_COLUMNS, OF_FEW_COLUMNS],
    }


@dataclass(frozen=True)
class RowGroup:
    """A part of a file that can be read by itself: its first and last row, and the bounds of a column in it, as texts (None: not known)."""

    first: int
    last: int
    least: str | None
    greatest: str | None

    def may_hold(self, ordered: Sequence[str]) -> Sequence[str]:
        """Of UUIDs as texts, in their order, those that are within the bounds."""
        if self.least is None or self.greatest is None:
            return ordered
        return ordered[bisect_left(ordered, self.least) : bisect_right(ordered, self.greatest)]


def row_groups(engine: Engine, settings: Settings, path: str, column: str) -> list[RowGroup]:
    """The row groups of a file, in order. The engine writes the bounds of UUIDs, but looks at none when it reads them."""
    file = literal(str(settings.lake_dir / path))
    sql = (
        "SELECT row_group_num_rows, sum(row_group_num_rows) OVER (ORDER BY row_group_id), stats_min_value, stats_max_value "
        f"FROM parquet_metadata({file}) WHERE path_in_schema = {literal(column)} ORDER BY row_group_id"
    )
    found = engine.rows(sql, doing="looking into a file")
    return [RowGroup(int(end) - rows, int(end) - 1, least, greatest) for rows, end, least, greatest in found]


def filled_counts(engine: Engine, settings: Settings, paths: Sequence[str]) -> dict[str, int]:
    """How many rows of some files have a value, by column: what the footers say of it, for which no row is read."""
    if not paths:
        return {}
    files = ", ".join(literal(str(settings.lake_dir / path)) for path in paths)
    filled = "sum(coalesce(row_group_num_rows - stats_null_count, 0))::bigint"
    return dict(engine.rows(f"SELECT path_in_schema, {filled} FROM parquet_metadata([{files}]) GROUP BY ALL", doing="looking into files"))


def source(settings: Settings, paths: Sequence[str], fields: Mapping[str, tuple[int, str]], rows: int, *, numbered: bool = False) -> str:
    """SQL that reads lake files by field id; a column that a file does not have is null.

    `fields` maps column → (field id, engine type). `rows` is how many the files have: read by field id, the engine looks into none before it
    plans, takes them for empty and puts whole tables where a few sought rows belong. `numbered`: also by `file_row_number`, counted from 0 in
    each file.
    """
    if not paths:
        columns = ", ".join(f"NULL::{kind} AS {quote(name)}" for name, (_, kind) in fields.items())
        return f"(SELECT {columns} WHERE false)"
    schema = ", ".join(
        f"{number}: {{name: {literal(name)}, type: {literal(kind)}, default_value: NULL}}" for name, (number, kind) in fields.items()
    )
    found = [str(settings.lake_dir / path) for path in paths]
    # Numbered rows are for looking up a few; the engine cannot number those of more than one file that it reads by field id.
    if len(found) == 1 and rows > MANY_ROWS and not numbered:
        found.append(str(NOTHING))
    files = ", ".join(map(literal, found))
    numbering = f"file_row_number = {str(numbered).lower()}"
    return f"read_parquet([{files}], schema = MAP {{{schema}}}, {numbering}, explicit_cardinality = {max(rows, 1)})"


def remove_leftovers(folder: Path, named: Callable[[], set[str]], lake_dir: Path) -> list[str]:
    """Remove files below a table's folder that no committed row names: drafts and results of a run that died. Returns what was removed.

    `named` says which are named, and raises LeaseHeld where another may write by now; it is asked after the folder was looked through. What
    came into the place of a file since then is another's.
    """
    found = {path: _identity(path) for path in (sorted(folder.rglob("*")) if folder.exists() else []) if path.is_file()}
    listed, gone = named(), []
    for path, identity in found.items():
        relative = str(path.relative_to(lake_dir))
        if relative not in listed and path.exists() and _identity(path) == identity:
            path.unlink()
            gone.append(relative)
    return gone


def _identity(path: Path) -> tuple[int, int]:
    held = path.stat()
    return held.st_ino, held.st_mtime_ns

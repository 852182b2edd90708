"""The standardized table of a dataset: an append-only log of changes, and its state as a fold over that log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, groupby
from uuid import UUID

import sqlalchemy as sa

from catalog.files import LakeFile, field_ids, files_of, listed_paths
from contracts.model import Contract
from core.engine import Engine, quote, uuid_literal
from core.errors import RequestError
from core.lake import MANY_ROWS, RowGroup, row_groups, source
from pipeline.home import Home
from registries.definition import load_definitions
from registries.publications import all_files
from standards.model import DataElement, Standards

# System columns of every standardized table, with their engine types.
LOG_COLUMNS = {
    "_record_id": "UUID",
    "_batch_seq": "INTEGER",
    "_op": "VARCHAR",
    "_position": "BIGINT",
    "_row_digest": "UUID",
    "_valid_from": "DATE",
}
# Columns of the issues of a dataset: one row per refused or doubtful value.
ISSUE_COLUMNS = {
    "_record_id": "UUID",
    "_batch_seq": "INTEGER",
    "_position": "BIGINT",
    "element": "VARCHAR",
    "issue_type": "VARCHAR",
    "severity": "VARCHAR",
}
# A log that has outgrown this share of the compacted state is folded into a new one.
COMPACT_SHARE = 0.2
# As many logs are left to be folded at each reading: a look-up opens every one of them, however few rows it has.
MOST_LOGS = 48
ENGINE_TYPES = {"string": "VARCHAR", "date": "DATE", "integer": "BIGINT", "decimal": "VARCHAR"}


# So many keys of a million rows, or of more, are looked up one by one: for more, reading all takes no longer.
_ROWS_PER_KEY, _MOST_KEYS = 2048, 1000


@dataclass(frozen=True)
class Sought:
    """Keys to look up, given or by a query, and the engine that is asked where in large files they are."""

    engine: Engine
    keys: Sequence[UUID] | str

    @cached_property
    def few(self) -> Sequence[UUID] | None:
        """The keys, unless there are too many to look for each."""
        if not isinstance(self.keys, str):
            return self.keys
        found = self.engine.rows(f"SELECT * FROM ({self.keys}) LIMIT {_MOST_KEYS + 1}", doing="reading which records are sought")
        return [key for (key,) in found if key is not None] if len(found) <= _MOST_KEYS else None

    def but(self, found: str) -> "Sought":
        """Without those that a query gives, where there are few."""
        if self.few is None:
            return self
        gone = {key for (key,) in self.engine.rows(found, doing="looking up records")}
        return Sought(self.engine, [key for key in self.few if key not in gone])

    def are(self, key: str) -> str:
        """SQL for a column's being one of them."""
        return f"{key} IN ({self.keys})" if isinstance(self.keys, str) else _one_of(key, self.keys)


def named_files(home: Home) -> set[str]:
    """Paths, below the lake folder, of every file that a committed row names."""
    return listed_paths(home.catalog).union(*(all_files(home.serving, registry) for registry in load_definitions()))


def standardized_table(contract_id: str) -> str:
    """The table's name: layer std, owner, subject."""
    return f"std_{contract_id}"


def engine_type(element: DataElement) -> str:
    """The engine's type of a published element; decimals stay text in the lake, so that no digit is lost."""
    return ENGINE_TYPES[element.data_type]


def log_columns(contract: Contract, standards: Standards) -> dict[str, str]:
    """Columns of the dataset's standardized table with their engine types, in order."""
    names = dataset_elements(contract, standards)
    return LOG_COLUMNS | {name: engine_type(standards.elements[name]) for name in names}


def dataset_elements(contract: Contract, standards: Standards) -> list[str]:
    """The data elements that a dataset supplies, in the order of the schemas it feeds."""
    supplied = set(contract.elements) | set(contract.constants)
    ordered = [use.element.id for feed in contract.feeds for use in standards.schemas[feed].uses]
    return [name for name in dict.fromkeys(ordered) if name in supplied]


def typed_fields(catalog: sa.Engine, table: str, columns: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    """Field id and engine type of each column."""
    ids = field_ids(catalog, table, list(columns))
    return {name: (ids[name], kind) for name, kind in columns.items()}


def log_source(home: Home, table: str, columns: Mapping[str, str], files: Sequence[LakeFile]) -> str:
    """SQL that reads log or compact files of one table."""
    return source(
        home.settings, [file.path for file in files], typed_fields(home.catalog, table, columns), sum(file.rows for file in files)
    )


def state(home: Home, table: str, columns: Mapping[str, str], upto: int | None = None, only: Sought | None = None) -> str:
    """SQL for the state of a standardized table after one of its batches (by default the last accepted one): live records only.

    The newest compact file stands for all logs up to its batch; of the logs after it, the newest row per record counts. With `only`, some
    records are looked up. Raises RequestError where retention has run out for a state.
    """
    files = files_of(home.catalog, table, ("log", "compact"))
    if upto is not None and _oldest_state(files) > upto:
        raise RequestError(f"the state of {table} after batch {upto} is no longer kept", hint="./hub purge --receipt says what was removed")
    files = [file for file in files if upto is None or file.seq <= upto]
    return fold(home, table, columns, files, "_record_id", "_batch_seq", only)


def is_kept(home: Home, table: str, upto: int) -> bool:
    """Whether the state after a batch can still be read."""
    return oldest_state(home, table) <= upto


def oldest_state(home: Home, table: str) -> int:
    """The first batch after which the state can still be read, or 0: where older logs were removed, the oldest file is a compacted state."""
    return _oldest_state(files_of(home.catalog, table, ("log", "compact")))


def _oldest_state(files: Sequence[LakeFile]) -> int:
    return files[0].seq if files and files[0].kind == "compact" else 0


def listed_history(home: Home, table: str) -> list[LakeFile]:
    """Files with every change that can still be told: the logs; where older ones were removed, the state in their place and the logs since."""
    files = files_of(home.catalog, table, ("log", "compact"))
    since = _oldest_state(files)
    return [file for file in files if (file.seq > since if file.kind == "log" else file.seq == since)]


def fold(
    home: Home,
    table: str,
    columns: Mapping[str, str],
    files: Sequence[LakeFile],
    key: str,
    seq: str,
    only: Sought | None = None,
    where: str = "true",
) -> str:
    """SQL for the live rows of a log given by its files in order; with `only`, for the rows of these keys. `where` is SQL over the columns: of
    the many rows of the oldest file those are looked up among the replaced ones for which it holds, and not all.

    No file has a key twice. So the oldest one, compacted or not, is only read: what is worked out is which of its rows later logs replace.
    """
    oldest, later = since_compact(files)
    wanted = {**columns, key: columns.get(key, "UUID"), seq: "INTEGER", "_op": "VARCHAR"}
    names = ", ".join(map(quote, columns))
    log = f"({_rows(home, table, wanted, later, key, only)})" if later else ""
    if only and later and oldest[0].rows > MANY_ROWS:
        # What a later log says of a record is not looked up among the many rows of the oldest.
        only = only.but(f"SELECT DISTINCT {key} FROM {log}")
    base = f"SELECT * FROM ({_rows(home, table, wanted, oldest, key, only)}) WHERE _op <> 'delete' AND ({where})"
    if not later:
        return f"(SELECT {names} FROM ({base}))"
    # What is newest needs to be worked out where there is more than one later log.
    changed = f"(SELECT {key}, max({seq}) AS {seq} FROM {log} GROUP BY {key})" if len(later) > 1 else log
    newest = f"{log} JOIN {changed} USING ({key}, {seq})" if len(later) > 1 else log
    new = f"SELECT {names} FROM {newest} WHERE _op <> 'delete' AND ({where})"
    return f"({new} UNION ALL SELECT {names} FROM ({base}) WHERE {key} NOT IN (SELECT {key} FROM {changed}))"


def _rows(home: Home, table: str, columns: Mapping[str, str], files: Sequence[LakeFile], key: str, only: Sought | None) -> str:
    """SQL for the rows of some files, each filtered by itself: few rows are folded then. A few keys are looked for where they may be."""
    if only is None:
        return f"SELECT * FROM {log_source(home, table, columns, files)}"
    few = only.few
    large = [file for file in files if few is not None and file.rows > max(MANY_ROWS, len(few) * _ROWS_PER_KEY)]
    others = [file for file in files if file not in large]
    parts = [f"SELECT * FROM {log_source(home, table, columns, others)} WHERE {only.are(key)}"]
    parts += [_looked_up(home, table, columns, file, key, only.engine, few) for file in large if few]
    return " UNION ALL ".join(parts)


def _looked_up(home: Home, table: str, columns: Mapping[str, str], file: LakeFile, key: str, engine: Engine, keys: Sequence[UUID]) -> str:
    """SQL for the rows of a few keys of a large file. Where they are is asked first: the engine then passes over what lies between them, where
    it would read every column of every row before it looks for keys.
    """
    numbered, fields = (
        partial(source, home.settings, [file.path], rows=file.rows, numbered=True),
        typed_fields(home.catalog, table, columns),
    )
    parts = [
        f"SELECT file_row_number FROM {numbered({key: fields[key]})} WHERE file_row_number BETWEEN {first} AND {last} AND {_one_of(key, held)}"
        for first, last, held in _stretches(row_groups(engine, home.settings, file.path, key), keys)
    ]
    places = engine.rows(" UNION ALL ".join(parts), doing="looking up records") if parts else []
    where = f"file_row_number IN ({', '.join(str(place) for (place,) in places)})" if places else "false"
    return f"SELECT {', '.join(map(quote, columns))} FROM {numbered(fields)} WHERE {where}"


def _stretches(groups: Sequence[RowGroup], keys: Sequence[UUID]) -> Iterator[tuple[int, int, Sequence[str]]]:
    """First row, last row and keys of each stretch of a file in which there may be any: neighbouring row groups are one."""
    ordered = sorted(map(str, keys))
    held = [(group, group.may_hold(ordered)) for group in groups]
    for is_held, neighbours in groupby(held, key=lambda item: bool(item[1])):
        if is_held:
            stretch = list(neighbours)
            yield stretch[0][0].first, stretch[-1][0].last, list(dict.fromkeys(chain.from_iterable(found for _, found in stretch)))


def _one_of(key: str, keys: Sequence[UUID | str]) -> str:
    return f"{key} IN ({', '.join(map(uuid_literal, keys))})" if keys else "false"


def outgrown(files: Sequence[LakeFile], log: LakeFile) -> bool:
    """Whether a table's logs, with one more, are too many or have outgrown a fifth of its compacted state (or first log): folding them pays.

    Compaction is an aid to speed and never needed to be right: nothing is rewritten, and older states can still be read.
    """
    oldest, later = since_compact(files)
    if not oldest or not log.rows:
        return False
    return len(later) >= MOST_LOGS or log.rows + sum(file.rows for file in later) > COMPACT_SHARE * oldest[0].rows


def since_compact(files: Sequence[LakeFile]) -> tuple[Sequence[LakeFile], Sequence[LakeFile]]:
    """The newest compacted state, or the first log, as a list of one or none; and the logs after it. Empty files have nothing to say."""
    held = [file for file in files if file.rows or file.kind == "compact"]
    compact = [file for file in held if file.kind == "compact"][-1:]
    logs = [file for file in held if file.kind == "log" and (not compact or file.seq > compact[0].seq)]
    return (compact, logs) if compact else (logs[:1], logs[1:])

"""What every connector hands over: Arrow batches of text under the source's own column names, and an account of what was not a row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from connectors.claim import Claim
from connectors.unreadable import UnreadableRows
from contracts.model import Reading
from core.nouns import noun

POSITION = "_position"
# What to do about a system that does not answer, and about one that answers "no".
TRY_LATER = "the department's system may be down or busy: the next run tries again; if it lasts, ask the department"
ASK_DEPARTMENT = "settle it with those who run the department's system, then collect the dataset again"
BATCH_ROWS = 16_384


def held_back(reading: Reading) -> str:
    """What to do where a statement ran longer than the contract allows: it also runs while its rows are held back."""
    if reading.rows_per_second is None:
        return TRY_LATER
    pace, seconds = reading.rows_per_second, reading.statement_timeout_seconds
    return (
        f"at {pace} {noun(pace, 'row')} per second no more than {pace * seconds} come in the {seconds} s that a statement "
        "may run: agree on a higher statement_timeout_seconds or rows_per_second with the department, and set it in the contract"
    )


@dataclass(frozen=True)
class Note:
    """Something about the delivery, or one of its files, that is worth knowing: drift of columns, the encoding found, lines skipped."""

    kind: str
    said: str
    count: int = 1
    file: str = ""

    @property
    def message(self) -> str:
        """What is said, behind the file's name."""
        return f"{self.file}: {self.said}" if self.file else self.said


@dataclass(frozen=True)
class FileDigest:
    """One file of a delivery as it lay there: its name, how many bytes, and their sha256 in hexadecimal digits."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Described:
    """What a database says of a table: comments on it and, by name, on its columns, and the columns of its primary key."""

    table: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()


TOLD = "told"  # what a source said of all its rows, as entry of a manifest and as kind of a note


@dataclass(frozen=True)
class Told:
    """What a source says of all its rows where only those that differ are read: how many they are, and the sum of their digests (32 hexadecimal
    digits)."""

    rows: int
    digest: str


@dataclass
class Extraction:
    """One delivery. `unreadable` and `notes` grow while `batches` is consumed; rows read = rows in batches + unreadable.

    One that is not whole has only what is new: of the rows that are not in it nothing can be said. `cursor` is the highest value of the
    contract's cursor before the rows were read, so that the next delivery can begin there.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    unreadable: UnreadableRows = field(default_factory=UnreadableRows)
    notes: list[Note] = field(default_factory=list)
    is_whole: bool = True
    cursor: str | None = None
    # Where the log of changes stands, and the keys of records that it says are gone; both whole once `batches` is consumed.
    log: dict[str, str] = field(default_factory=dict)
    deleted: list[pa.RecordBatch] = field(default_factory=list)
    # What the database says of each column: "varchar(20), collation utf8mb4_bin". Files have no types.
    types: dict[str, str] = field(default_factory=dict)
    # The rows bring the ids of the records they belong to in a column `_record_id`: rows of quarantine that are run again.
    has_record_ids: bool = False
    # Ends a statement that is running, from another thread; where a driver cannot, it does nothing.
    interrupt: Callable[[], None] = lambda: None
    # What the source itself says of the rows, there when the batches are; empty where it has no engine that could.
    claims: list[Claim] = field(default_factory=list)
    told: Told | None = None
    # The files that were read, there when the batches are consumed; empty where the source is not files.
    files: list[FileDigest] = field(default_factory=list)

    @property
    def claim(self) -> Claim | None:
        """The source's own account."""
        return self.claims[-1] if self.claims else None

    def close(self) -> None:
        """Leave the source where not all of it is wanted."""
        getattr(self.batches, "close", lambda: None)()


def text_schema(columns: tuple[str, ...]) -> pa.Schema:
    """Every column as text, then where the row stood in the source."""
    return pa.schema([*(pa.field(name, pa.string()) for name in columns), pa.field(POSITION, pa.int64())])


def numbered(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Batches of a database under the schema, cut to size and with row numbers: a table has no lines to point at."""
    row = 1
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            part = batch.slice(start, BATCH_ROWS)
            positions = pa.array(np.arange(row, row + part.num_rows, dtype=np.int64))
            yield pa.RecordBatch.from_arrays([*part.columns, positions], schema=schema)
            row += part.num_rows

"""Which part of a table is read: all of it, what a cursor says is new, or the rows of some days. The source itself selects them.

A cursor reads from its highest value on, less an overlap: equal values are read again, and so are changes that were committed late. Rows
without a value are read every time, and so are those whose value has no place in the order (0000-00-00). A time that is still to come is
nobody's highest, or one wrong year would end all reading. A table whose highest value is below the one seen before was restored or emptied:
it is read whole.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import pyarrow as pa

from connectors.extraction import ASK_DEPARTMENT, Note, Told
from core.errors import RequestError, SourceError
from core.sums import Parts

NUMBER, TIME = "number", "time"
BACKWARDS = "cursor-backwards"
_NUMERIC = re.compile(r"-?[0-9]+(\.[0-9]+)?")
Parameter = str | int


@dataclass(frozen=True)
class Increment:
    """What a cursor asks for. Without `since` everything is read, and the highest value is noted. `overlap` is seconds, or so many numbers."""

    column: str
    overlap: int
    since: str | None = None


@dataclass(frozen=True)
class Period:
    """The rows of some days, both ends included, by the first of the columns that holds a time."""

    columns: tuple[str, ...]
    first: date
    last: date


@dataclass(frozen=True)
class Following:
    """The changes since a place in the database's log that a slot holds for the hub; without one, the whole table and a new slot.

    Slots of this hub and dataset have names that begin with `prefix`; `kept` is that of the accepted state, which stays until another state
    is accepted; `table`, `form` and `publication` are what they were when the log was last read (`postgresql_slots.Followed`), and `confirmed`
    is where the slot stood after that, if it is known.
    """

    prefix: str
    new_slot: str
    kept: str | None = None
    slot: str | None = None
    lsn: str | None = None
    table: str | None = None
    form: str | None = None
    publication: str | None = None
    confirmed: str | None = None


@dataclass(frozen=True)
class Chosen:
    """Which of a source's rows are read: their places in it, and what it said of them, by partition; the ids of records that are gone, as texts
    `_record_id`; and what it said of all."""

    places: Sequence[str]
    parts: Parts
    gone: pa.Table
    told: Told


@dataclass(frozen=True)
class Differing:
    """The rows that are not known as they are now: the source says of each its key and its digest, and hands over those that are chosen.
    Where it cannot tell, all is read, and `whole` asked for.

    `choose` gets the texts of the key under their own names, with `DIGEST` (16 bytes) and `PLACE`. It returns None where so many rows differ
    that the whole table is better read.
    """

    choose: Callable[[pa.Schema, Iterable[pa.RecordBatch]], Chosen | None]
    whole: Increment | None = None


DIGEST, PLACE = "hub_digest", "hub_place"
MUCH_DIFFERS = "much-differs"  # kind of the note of a delivery that was read whole after its source had been asked
Request = Increment | Period | Following | Differing


@dataclass(frozen=True)
class Part:
    """A condition in the source's dialect with its parameters, and the highest value of the cursor before the rows were read."""

    condition: str = ""
    parameters: tuple[Parameter, ...] = ()
    cursor: str | None = None
    is_whole: bool = True
    notes: tuple[Note, ...] = ()

    @property
    def where(self) -> str:
        """The condition as it follows the table's name."""
        return f" WHERE {self.condition}" if self.condition else ""


class Dialect(Protocol):
    """How one kind of database writes what a cursor asks."""

    def kind(self, type_name: str) -> str | None:
        """`number` or `time`; None for a type that has no dependable order."""

    def column(self, name: str) -> str:
        """A column's name, quoted."""

    def value(self, place: int, type_name: str) -> str:
        """The parameter at a place (from 1) as a value of a column's type."""

    def earlier(self, value: str, type_name: str, overlap: int) -> str:
        """A value less an overlap."""

    def counts(self, column: str, type_name: str) -> str:
        """The condition under which a value can be the highest: it has a place in the order, and is not still to come."""

    def unplaced(self, column: str, type_name: str) -> str:
        """The condition under which a row is read whatever the cursor says: it has no value, or one without a place in the order."""

    def text(self, value: str) -> str:
        """A value as text that `value` reads again."""


Ask = Callable[[str, str, Sequence[Parameter]], Sequence[Any]]  # what is selected from the rows of a condition, in one row


def choose_part(contract_id: str, request: Request | None, types: Mapping[str, str], dialect: Dialect, ask: Ask) -> Part:
    """Decide what is read of a table whose columns have these types. Raises SourceError where the column cannot say what is new."""
    if request is None or isinstance(request, (Following, Differing)):
        return Part()
    if isinstance(request, Period):
        return _period(contract_id, request, types, dialect)
    if request.column not in types:
        raise no_cursor_column(contract_id, request.column, list(types))
    type_name = types[request.column]
    kind = dialect.kind(type_name)
    if kind is None:
        raise unusable(contract_id, request.column, type_name)
    column = dialect.column(request.column)
    highest, counts = f"max({column})", dialect.counts(column, type_name)
    since = request.since
    if since is None or bool(_NUMERIC.fullmatch(since)) != (kind == NUMBER):
        (top,) = ask(dialect.text(highest), counts, ())
        return other_kind(top) if since is not None else Part(cursor=top)
    top, is_behind = ask(f"{dialect.text(highest)}, {highest} < {dialect.value(1, type_name)}", counts, (since,))
    if top is None or is_behind:
        return backwards(top)
    low = dialect.earlier(dialect.value(1, type_name), type_name, request.overlap)
    return Part(f"({column} >= {low} OR {dialect.unplaced(column, type_name)})", (since,), top, is_whole=False)


def _period(contract_id: str, period: Period, types: Mapping[str, str], dialect: Dialect) -> Part:
    name = next((name for name in period.columns if name in types and dialect.kind(types[name]) == TIME), None)
    if name is None:
        raise no_time(contract_id, period.columns)
    column = dialect.column(name)
    condition = f"{column} >= {dialect.value(1, types[name])} AND {column} < {dialect.value(2, types[name])}"
    return Part(condition, (period.first.isoformat(), (period.last + timedelta(days=1)).isoformat()), is_whole=False)


def backwards(top: str | None) -> Part:
    """What is read of a table whose cursor has run backwards: all of it."""
    message = "the cursor ran backwards: its newest rows are gone or still to come, or the table was restored; the whole table was read"
    return Part(cursor=top, notes=(Note(BACKWARDS, message),))


def other_kind(top: str | None) -> Part:
    """What is read of a table whose cursor has values that cannot be held against the one seen before: all of it."""
    message = "the cursor's values are of another kind than before; the whole table was read"
    return Part(cursor=top, notes=(Note(BACKWARDS, message),))


def no_cursor_column(contract_id: str, column: str, found: Sequence[str]) -> SourceError:
    """The error for a cursor column that is not there."""
    return SourceError(
        f"{contract_id}: the source lacks the cursor column {column}",
        hint="name the column at cursor in the contract that says what is new, or track by snapshot" if found else ASK_DEPARTMENT,
    )


def unusable(contract_id: str, column: str, type_name: str) -> SourceError:
    """The error for a cursor column whose values have no dependable order."""
    return SourceError(
        f"{contract_id}: the cursor column {column} is of type {type_name}: it has to be a day, with or without the time of day, or a whole number",
        hint="name another column at cursor in the contract, or track by snapshot",
    )


def no_time(contract_id: str, columns: Sequence[str]) -> RequestError:
    """The error for a period of a table without a time to go by, in these columns or at all."""
    named = ", ".join(columns) or "none"
    return RequestError(
        f"{contract_id}: no column says from which day a row is (cursor and as-of column: {named})",
        hint=f"collect it whole: ./hub sync {contract_id} --full",
    )

"""Messages of PostgreSQL's logical replication (pgoutput, protocol version 1), as far as they say which records changed.

Formats: PostgreSQL documentation, "Logical Replication Message Formats". Everything but keys is passed over: what a record says now is
read from its table, so neither types nor values that the log leaves out (unchanged large ones) have to be understood here.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

Key = tuple[str, ...]
_TELLS_ROWS_APART = 1  # flag of a column: it is part of the replica identity


@dataclass
class Transaction:
    """One committed transaction: its id (32 bits), where it ends in the log, how many messages tell it, and the keys of records that it touched."""

    xid: int
    end: int = 0
    messages: int = 0
    keys: list[Key] = field(default_factory=list)
    reason: str = ""  # why the records it touched cannot be named


@dataclass(frozen=True)
class Target:
    """The table that is followed, by its oid, whatever it is called at the time, and its key columns with their types (oid)."""

    oid: int
    key: dict[str, int]


def transactions(messages: Iterable[bytes], target: Target) -> Iterator[Transaction]:
    """Transactions in the order in which they were committed; those that touch other tables only have no keys."""
    reader = _Reader(target)
    for message in messages:
        done = reader.take(message)
        if done is not None:
            yield done


class _Reader:
    """What has been said so far: the tables, and the transaction that is being told."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._places: dict[int, list[int] | None] = {}  # table → where in its rows the key columns stand; None: the key cannot be told
        self._now: Transaction | None = None

    def take(self, message: bytes) -> Transaction | None:
        kind, body = message[:1], memoryview(message)[1:]
        if kind == b"B":
            self._now = Transaction(struct.unpack_from("!I", body, 16)[0])
        if self._now is not None:
            self._now.messages += 1
        if kind == b"R":
            self._relation(body)
        elif self._now is not None:
            if kind == b"C":
                self._now.end = struct.unpack_from("!Q", body, 9)[0]
                done, self._now = self._now, None
                return done
            if kind in (b"I", b"U", b"D"):
                self._row(self._now, body)
            elif kind == b"T":
                count = struct.unpack_from("!I", body)[0]
                if self._places.keys() & set(struct.unpack_from(f"!{count}I", body, 5)):
                    self._now.reason = "the table was emptied at once (TRUNCATE)"
        return None

    def _relation(self, body: memoryview) -> None:
        oid = struct.unpack_from("!I", body)[0]
        if oid != self._target.oid:
            return
        _, place = _text(body, 4)
        _, place = _text(body, place)
        count = struct.unpack_from("!H", body, place + 1)[0]
        place += 3
        columns: dict[str, tuple[int, int, bool]] = {}
        for number in range(count):
            tells = bool(body[place] & _TELLS_ROWS_APART)
            name, place = _text(body, place + 1)
            columns[name] = (number, struct.unpack_from("!I", body, place)[0], tells)
            place += 8
        # Of a key that is no part of the replica identity the log does not say what it was before.
        fits = all(columns.get(name, ())[1:] == (kind, True) for name, kind in self._target.key.items())
        self._places[oid] = [columns[name][0] for name in self._target.key] if fits else None

    def _row(self, now: Transaction, body: memoryview) -> None:
        oid = struct.unpack_from("!I", body)[0]
        if oid not in self._places:
            return
        places = self._places[oid]
        if places is None:
            now.reason = "key columns were renamed, retyped, or did not tell the rows apart"
            return
        at = 4
        while at < len(body):
            values, at = _tuple(body, at + 1)
            key = [values[place] for place in places]
            if any(value is None for value in key):
                now.reason = "a record has no key"
                return
            now.keys.append(tuple(value for value in key if value is not None))


def _text(body: memoryview, place: int) -> tuple[str, int]:
    """A text that ends with a zero, and what comes after it."""
    end = place
    while body[end]:
        end += 1
    return bytes(body[place:end]).decode(), end + 1


def _tuple(body: memoryview, place: int) -> tuple[Sequence[str | None], int]:
    """The values of a row as text; None for nothing and for what is left out."""
    count = struct.unpack_from("!H", body, place)[0]
    place += 2
    values: list[str | None] = []
    for _ in range(count):
        kind = body[place]
        place += 1
        if kind in (ord("n"), ord("u")):
            values.append(None)
            continue
        length = struct.unpack_from("!I", body, place)[0]
        values.append(bytes(body[place + 4 : place + 4 + length]).decode())
        place += 4 + length
    return values, place

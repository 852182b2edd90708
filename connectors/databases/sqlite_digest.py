"""What an SQLite database says of a table, from a process of its own: run as a script, it needs the standard library only.

Two copies of SQLite in one process take away each other's locks, and SQLite has no hash function: so the statement that writes the canonical
texts runs here, in a read transaction of this process, and their sha256 is computed beside it. Whether this transaction sees the very state
that the rows are read from is found out by the database's own change counter: nothing was committed between the two.

Lines of JSON go in and out: a request comes in; `{"ready": true}` goes out as soon as the transaction is open; "check" or "again" comes in
once the rows' statement is open; `{"same": …}` goes out; after "go", count and digests.
"""

import json
import sqlite3
import sys
from hashlib import sha256
from typing import Any
from urllib.parse import quote


def _opened(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=15, isolation_level=None)
    connection.text_factory = bytes  # what is stored need not be valid UTF-8
    return connection


def _version(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection commits something."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _hold(watcher: sqlite3.Connection, reader: sqlite3.Connection) -> int:
    """Open the read transaction; the change counter from before it."""
    if reader.in_transaction:
        reader.execute("ROLLBACK")
    before = _version(watcher)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return before


def _digests(reader: sqlite3.Connection, statement: str, parameters: list[Any]) -> dict[str, tuple[int, int]]:
    """Rows and sum of digests by partition; the statement gives the key's and the row's canonical text."""
    rows, sums = [0] * 256, [0] * 256
    for key, row in reader.execute(statement, parameters):
        part = sha256(_as_utf8(key)).digest()[0] if key is not None else 0
        rows[part] += 1
        sums[part] += int.from_bytes(sha256(_as_utf8(row)).digest()[:16], "big")
    return {f"{part:02x}": (count, sums[part] % (1 << 128)) for part, count in enumerate(rows) if count}


def _as_utf8(text: bytes) -> bytes:
    """A text as it is landed: bytes that are no UTF-8 are U+FFFD."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "replace").encode()
    return text


def main() -> None:
    """Answer one request: `path`, `probe` (SQL for which columns hold what cannot be compared), `count` (SQL); then a statement, or null."""
    request = json.loads(sys.stdin.readline())
    watcher, reader = _opened(request["path"]), _opened(request["path"])
    before = _hold(watcher, reader)
    _say({"ready": True})
    for line in sys.stdin:
        match line.strip():
            case "check":
                _say({"same": _version(watcher) == before})
            case "again":
                before = _hold(watcher, reader)
                _say({"ready": True})
            case "go":
                _answer(request, reader)
                return


def _answer(request: dict[str, Any], reader: sqlite3.Connection) -> None:
    parameters = request["parameters"]
    mixed = reader.execute(request["probe"], parameters).fetchone() if request["probe"] else ()
    (count,) = reader.execute(request["count"], parameters).fetchone()
    _say({"rows": count, "mixed": [bool(value) for value in mixed], "version": sqlite3.sqlite_version})
    statement = json.loads(sys.stdin.readline() or "null")
    _say({"parts": _digests(reader, statement, parameters) if statement else None})


if __name__ == "__main__":
    try:
        main()
    except sqlite3.Error as error:
        # Its text may quote values.
        _say({"error": type(error).__name__})

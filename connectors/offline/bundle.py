#!/usr/bin/env python3
"""Pack a dataset where there is no line to the hub (前置机), as a signed bundle that is carried over on a medium.

    python bundle.py keygen --key office.pem                            # once; the printed fingerprint is told to the data centre
    python bundle.py pack --terms resident.terms.json --key office.pem --out /media/usb --files rk_2024.csv
    python bundle.py pack --terms resident.terms.json --key office.pem --out /media/usb --sqlite hj.db
    python bundle.py pack --terms resident.terms.json --key office.pem --out /media/usb --driver pymysql --connect connect.json
    python bundle.py check resident-000001.bundle --key office.pub

One file; it needs Python 3.8 or later and `cryptography`, and for a database its DB-API driver, nothing else. The terms of a dataset
(`./hub bundle DATASET --terms FILE`) are written by the hub: which columns it expects, in which order, and which make the key.

PostgreSQL, MySQL and MariaDB write the texts of values themselves, as on a line to the hub: by psycopg, psycopg2, pg8000, ksycopg2, pymysql,
MySQLdb, mysql.connector and mariadb. By any other driver a value becomes the text of what the driver gives; SQL Server's tells nobody
which columns are CHAR: there, name a --query with RTRIM(column) for each of them.

A bundle is a zip archive: `manifest.json`, `signature` (Ed25519 over the manifest's bytes, in base64) and `parts/…`. The manifest names every
part with its size and sha256, counts the rows, adds up their digests as the hub does, and carries a number: one more than that of the bundle
before it, whose manifest's sha256 it names. A bundle is not encrypted: it holds records as they are, and the medium has to be.
"""

from __future__ import annotations

import argparse
import base64
import codecs
import contextlib
import csv
import errno
import gzip
import hashlib
import importlib
import io
import json
import os
import re
import sqlite3
import struct
import sys
import zipfile
import zlib
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Dict, Iterable, Iterator, List, Sequence, Tuple
from uuid import UUID

FORMAT, TERMS_FORMAT = "govhub bundle 1", "govhub bundle terms 1"
MANIFEST, SIGNATURE, PARTS = "manifest.json", "signature", "parts/"
_ZIP_END = 22  # bytes of the record with which a zip ends
ROWS, FILES = "rows", "files"
FLOAT, BINARY = "floating-point numbers have no text that says all of them", "binary content has no canonical text"
PART_ROWS, PART_BYTES = 100_000, 64 << 20
MODULUS = 1 << 128
# What a bundle may be: larger ones are refused before anything of them is unpacked.
LARGEST_MANIFEST, MOST_PARTS, LARGEST_BUNDLE, LARGEST_EXPANSION = 16 << 20, 10_000, 50 << 30, 200
_BLOCK = 1 << 20
_BLANKS = " \t\r\n"  # what may stand around JSON (RFC 8259, 2)
# Byte-order marks; of those that begin alike the longer first. All codecs but the last read over the mark.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"\x84\x31\x95\x33": "gb18030",
}
_HARMLESS = 1 << 30  # so much may come of a few bytes: a table of one and the same value packs well
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\:]{1,200}")
_BEIJING = timezone(timedelta(hours=8))
_SIGNATURE_LENGTH = 64
_NONE_PACKED = {"sequence": 0, "manifest_sha256": ""}
_TERMS = {"dataset", "department", "contract_version", "columns", "key", "kind"}  # what no terms lack, however old they are
# The packages of drivers; what a session is told by which texts are written; and what of types the texts and their digests depend on.
_POSTGRESQL, _MYSQL = ("psycopg", "psycopg2", "pg8000", "ksycopg2"), ("pymysql", "MySQLdb", "mysql", "mariadb")
_POSTGRESQL_SESSION = (
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET TimeZone = 'Asia/Shanghai'",
    "SET extra_float_digits = 1",
)
_MYSQL_SESSION = ("SET time_zone = '+08:00'",)
_PG_BYTEA, _PG_REALS, _PG_MONEY, _PG_TIMESTAMPTZ = 17, (700, 701), 790, 1184
_MY_FLOAT, _MY_DOUBLE, _MY_BIT, _MY_STRINGS, _MY_BINARY = 4, 5, 16, range(249, 255), (242, 255)  # the last are vectors and shapes
_MY_TWO_OF_ONE_NAME = 1060
_TWO_OF_ONE_NAME = "the query gives two columns one name: name each otherwise (AS)"
# SQLite's own text of a real: 15 digits, without an exponent.
_SQLITE_REAL = (
    "SELECT CASE WHEN NOT instr(CAST(:x AS TEXT), 'e') THEN CAST(:x AS TEXT) WHEN abs(:x) >= 1 THEN printf('%.0f', :x) ELSE"
    " rtrim(printf('%.*f', 14 - CAST(substr(CAST(:x AS TEXT), instr(CAST(:x AS TEXT), 'e') + 1) AS INTEGER), :x), '0') END"
)
# What an Oracle or a Dameng calls a column whose texts are filled up with blanks.
_PADDED = ("DB_TYPE_CHAR", "DB_TYPE_NCHAR", "FIXED_STRING")
# What reading a damaged archive ends in.
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, RuntimeError, OverflowError)


class BundleError(Exception):
    """A bundle that cannot be packed or is not to be trusted; the message says why in words."""


class DamagedError(BundleError):
    """A bundle that copying may have damaged: another copy of it may be whole."""


Parts = Tuple[int, int]


def canonical(document: Any) -> bytes:
    """A manifest as bytes."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("utf-8")


# Keys.


def make_key(path: Path) -> str:
    """Make a private key at a path, its public half beside it (`.pub`); the public half's fingerprint."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BundleError(f"{path} is there already: a key is never replaced") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.with_suffix(".pub").write_bytes(public)
    return fingerprint(public.decode("ascii"))


def fingerprint(public_key: str) -> str:
    """sha256 of a public key (PEM) in its DER form."""
    body = "".join(line for line in public_key.splitlines() if not line.startswith("-"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest()


def key_id_of(public_key: str) -> str:
    """How a manifest names a key: the beginning of its fingerprint."""
    return fingerprint(public_key)[:16]


def _load_private(path: Path) -> tuple[Any, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        raise BundleError(f"{path} is no private key that can be read: make one with keygen") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(f"{path} is no Ed25519 key")
    return key, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _signature_holds(message: bytes, signature: bytes, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key.encode("ascii", "replace"))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise BundleError("the public key is no Ed25519 key")
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


# Packing.


def load_terms(path: Path) -> dict[str, Any]:
    """The terms of a dataset as the hub wrote them."""
    try:
        terms = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BundleError(f"{path} cannot be read: ask the data centre for the terms of the dataset") from None
    if not isinstance(terms, dict) or terms.get("format") != TERMS_FORMAT or not terms.keys() >= _TERMS:
        raise BundleError(f"{path} are no terms of a dataset: ask the data centre for them")
    return terms


def text_of(value: Any) -> str | None:
    """A value that a driver gives as the hub lands it: plain digits, ISO dates, Beijing's clock. Raises TypeError for a type without a text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, UUID)):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, float):
        if value != value or abs(value) == float("inf"):
            return str(value)
        text = format(Decimal(repr(value)), "f")
        return text[:-2] if text.endswith(".0") else text
    if isinstance(value, datetime):
        here = value.astimezone(_BEIJING).replace(tzinfo=None) if value.tzinfo else value
        return _fraction(here.replace(microsecond=0).isoformat(" "), here.microsecond)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _fraction(value.replace(microsecond=0).isoformat(), value.microsecond)
    if isinstance(value, timedelta):
        size = abs(value)
        seconds = size // timedelta(seconds=1)
        clock = f"{'-' if value < timedelta(0) else ''}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return _fraction(clock, size.microseconds)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    raise TypeError(type(value).__name__)


def _fraction(text: str, microseconds: int) -> str:
    return f"{text}.{microseconds:06d}".rstrip("0") if microseconds else text


def _blocks(cursor: Any) -> Iterator[Sequence[Any]]:
    while rows := driven(cursor.fetchmany, 5_000):
        yield from rows


def driven(action: Any, *arguments: Any, **options: Any) -> Any:
    """What a database driver gives. Its errors quote values, statements and passwords, so that only their kind is told."""
    try:
        return action(*arguments, **options)
    except BundleError:
        raise
    except Exception as error:
        if error.args[:1] == (_MY_TWO_OF_ONE_NAME,):
            raise BundleError(_TWO_OF_ONE_NAME) from None
        raise BundleError(
            f"the database could not be read ({type(error).__name__}): check its address, the query, and whether it answers"
        ) from None


def pack(
    terms: dict[str, Any],
    key: Path,
    out: Path,
    *,
    files: Sequence[Path] = (),
    cursor: Any = None,
    query: str = "",
    reading: Reading | None = None,
    **options: Any,
) -> Path:
    """Pack files, or what a query gives through a DB-API cursor, or what was read by one; the bundle's path.

    Options: `sequence` (a number in place of the next one), `state` (where numbers are kept; beside the key), `count` (False: records of files
    are not counted).
    """
    private, public_key = _load_private(key)
    state = options.get("state") or key.with_name(f"{terms['dataset']}.sequence.json")
    asked = options.get("sequence")
    if asked is not None and asked < 1:
        raise BundleError(f"bundles are numbered from 1 on, not {asked}")
    before = _last_packed(state, is_told=asked is not None)
    sequence = asked or before["sequence"] + 1
    path = out / f"{terms['dataset']}-{sequence:06d}.bundle"
    manifest = {
        "format": FORMAT,
        "dataset": terms["dataset"],
        "department": terms["department"],
        "contract_version": terms["contract_version"],
        "sequence": sequence,
        "previous": before["manifest_sha256"],
        "packed_at": datetime.now(timezone.utc).replace(microsecond=0).isoformat(),
        "key_id": key_id_of(public_key),
    }
    draft = path.with_name(f".{path.name}.part")
    if path.exists():
        raise BundleError(f"{path} is there already: take it away, or name another number with --sequence")
    try:
        # Records of people are nobody's but the packer's.
        os.close(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            if cursor is not None:
                reading = reading_of(cursor, query or terms["query"], terms)
            if reading is not None:
                manifest.update(_pack_rows(archive, terms, *reading))
            else:
                manifest.update(_pack_files(archive, terms, files, count=options.get("count", True)))
            text = canonical(manifest)
            archive.writestr(MANIFEST, text)
            archive.writestr(SIGNATURE, base64.b64encode(private.sign(text)))
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        if draft.exists():
            draft.unlink()
    after = state.with_name(state.name + ".new")
    with after.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"sequence": sequence, "manifest_sha256": hashlib.sha256(text).hexdigest()}))
        file.flush()
        os.fsync(file.fileno())  # a machine that is switched off now would be left with an empty one
    after.replace(state)
    return path


def _last_packed(state: Path, *, is_told: bool) -> dict[str, Any]:
    """Number and manifest of the bundle packed last. Where that is not known any more, the number has to be told."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        before = json.loads(state.read_text(encoding="utf-8")) if state.exists() else _NONE_PACKED
        if type(before["sequence"]) is int and before["sequence"] >= 0 and isinstance(before["manifest_sha256"], str):
            return dict(before)
    if not is_told:
        raise BundleError(
            f"{state} does not say any more which bundle was the last: ask the data centre for the next number, for --sequence"
        )
    return dict(_NONE_PACKED)


def prepared(connection: Any) -> Any:
    """A database's connection, told how values are written; to be used before anything is read by it."""
    package = _package(connection)
    statements: tuple[str, ...] = _POSTGRESQL_SESSION if package in _POSTGRESQL else _MYSQL_SESSION if package in _MYSQL else ()
    if hasattr(connection, "set_client_encoding"):  # psycopg2 and its kin do not notice when a statement has set it
        driven(connection.set_client_encoding, "UTF8")
    elif package in _POSTGRESQL:
        statements += ("SET client_encoding = 'UTF8'",)
    cursor = driven(connection.cursor)
    for statement in statements:
        driven(cursor.execute, statement)
    driven(cursor.close)
    return connection


def _package(made: Any) -> str:
    """The package that a connection or cursor is of."""
    return type(made).__module__.partition(".")[0]


Reading = Tuple[List[str], Iterable[Sequence[Any]], Dict[str, str]]


def reading_of(cursor: Any, query: str, terms: dict[str, Any]) -> Reading:
    """What a query gives: column names, rows, and why the values of some columns cannot be compared."""
    package = _package(cursor)
    query = query.strip().rstrip(";")
    if package in _POSTGRESQL:
        return _postgresql_texts(cursor, query, terms)
    if package in _MYSQL:
        return _mysql_texts(cursor, query, terms)
    driven(cursor.execute, query)
    columns = _columns(cursor, terms)
    places = _travelling(columns, terms)
    names, rows = [columns[place][0] for place in places], ([row[place] for place in places] for row in _blocks(cursor))
    padded = [_is_padded(columns[place][1]) for place in places]
    if package == "sqlite3":
        excluded: dict[str, str] = {}
        return names, _with_reals(names, rows, excluded), excluded
    return names, (_without_padding(row, padded) for row in rows) if any(padded) else rows, {}


def _columns(cursor: Any, terms: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and types of what was asked for. Raises BundleError where they are not what the terms want."""
    columns = [(str(column[0]), column[1]) for column in cursor.description]
    names = [name for name, _ in columns]
    if missing := [name for name in terms["columns"] if name not in names]:
        raise BundleError(f"the query lacks the columns {', '.join(missing)}; it has {', '.join(names)}")
    if len(set(names)) != len(names):
        raise BundleError(_TWO_OF_ONE_NAME)
    return columns


def _travelling(columns: Sequence[tuple[str, Any]], terms: dict[str, Any]) -> list[int]:
    """Where the columns are that the hub reads; the others need not travel."""
    return [place for place, (name, _) in enumerate(columns) if name not in terms.get("ignore", ())]


def _postgresql_texts(cursor: Any, query: str, terms: dict[str, Any]) -> Reading:
    driven(cursor.execute, f"SELECT * FROM ({query}\n) AS packed LIMIT 0")
    columns = _columns(cursor, terms)
    driven(cursor.fetchall)
    places = _travelling(columns, terms)
    select = ", ".join(_postgresql_text(f"c{place}", columns[place][1]) for place in places)
    driven(cursor.execute, f"SELECT {select} FROM ({query}\n) AS packed({', '.join(f'c{place}' for place in range(len(columns)))})")
    excluded = {name: BINARY if kind == _PG_BYTEA else FLOAT for name, kind in columns if kind == _PG_BYTEA or kind in _PG_REALS}
    return [columns[place][0] for place in places], _blocks(cursor), excluded


def _postgresql_text(column: str, kind: int) -> str:
    """SQL for a value as the hub's own connector has it written (connectors/databases/postgresql.py)."""
    if kind == _PG_BYTEA:
        return f"encode({column}, 'hex')"
    if kind == _PG_TIMESTAMPTZ:
        return f"({column}::timestamp)::text"
    if kind in _PG_REALS:
        return f"{column}::text::numeric::text"
    return f"{column}::numeric::text" if kind == _PG_MONEY else f"{column}::text"


def _mysql_texts(cursor: Any, query: str, terms: dict[str, Any]) -> Reading:
    driven(cursor.execute, f"SELECT * FROM ({query}\n) AS packed LIMIT 0")
    columns = _columns(cursor, terms)
    driven(cursor.fetchall)
    quoted = ["packed.`{}`".format(name.replace("`", "``")) for name, _ in columns]
    # Bytes and text have one type; only the character set tells them apart. The join gives a row where the query gives none.
    sets = ", ".join(f"CHARSET({column})" for column in quoted)
    driven(cursor.execute, f"SELECT {sets} FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM ({query}\n) AS asked LIMIT 0) AS packed ON TRUE")
    sets_found = driven(cursor.fetchall)[0]
    is_binary = [kind in _MY_BINARY or (kind in _MY_STRINGS and found == "binary") for (_, kind), found in zip(columns, sets_found)]
    places = _travelling(columns, terms)
    select = ", ".join(_mysql_text(quoted[place], columns[place][1], is_binary[place]) for place in places)
    driven(cursor.execute, f"SELECT {select} FROM ({query}\n) AS packed")
    excluded = {name: FLOAT for name, kind in columns if kind in (_MY_FLOAT, _MY_DOUBLE)}
    excluded.update((name, BINARY) for (name, _), binary in zip(columns, is_binary) if binary)
    return [columns[place][0] for place in places], _blocks(cursor), excluded


def _mysql_text(column: str, kind: int, is_binary: bool) -> str:
    """SQL for a value as the hub's own connector has it written (connectors/databases/mysql.py)."""
    if is_binary:
        return _char(f"lower(hex({column}))")
    if kind == _MY_BIT:
        return _char(f"{column} + 0")
    if kind in (_MY_FLOAT, _MY_DOUBLE):
        written = _float_text(column) if kind == _MY_FLOAT else _char(column)
        # Plain digits in place of an exponent, as far as the server's decimals reach.
        exact = _char(f"CAST({written if kind == _MY_FLOAT else column} AS DECIMAL(65, 30))")
        plain = f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {exact}))"
        return f"IF(LOCATE('e', {written}) AND ABS({column}) < 1e34, {plain}, {written})"
    return _char(column)


def _float_text(column: str) -> str:
    """SQL for a FLOAT with the fewest digits that give it back; the server itself writes six."""
    exact = f"({column} + 0e0)"
    closest = f"POW(2, FLOOR(LOG2(ABS({exact}))) - 24)"
    rounded = [f"ROUND({exact}, {digits - 1} - FLOOR(LOG10(ABS({exact}))))" for digits in (7, 8, 9)]
    longer = " ".join(f"WHEN ABS({number} - {exact}) < {closest} THEN {_char(number)}" for number in rounded)
    own = f"WHEN {column} = 0 OR ABS({_char(column)} + 0e0 - {exact}) < {closest} THEN {_char(column)}"
    return f"CASE {own} {longer} ELSE {_char(exact)} END"


def _char(expression: str) -> str:
    return f"CAST({expression} AS CHAR CHARACTER SET utf8mb4)"


def _with_reals(names: Sequence[str], rows: Iterable[Sequence[Any]], excluded: dict[str, str]) -> Iterator[Sequence[Any]]:
    """Rows of SQLite with its own text of reals: types belong to values there, not to columns."""
    with contextlib.closing(sqlite3.connect(":memory:")) as engine:
        for row in rows:
            reals = [place for place, value in enumerate(row) if isinstance(value, float)]
            if reals:
                row = list(row)
                for place in reals:
                    excluded[names[place]] = FLOAT
                    row[place] = engine.execute(_SQLITE_REAL, {"x": row[place]}).fetchone()[0]
            yield row


def _is_padded(kind: Any) -> bool:
    return str(getattr(kind, "name", None) or getattr(kind, "__name__", "")) in _PADDED


def _without_padding(row: Sequence[Any], padded: Sequence[bool]) -> Sequence[Any]:
    return [value.rstrip(" ") if is_padded and isinstance(value, str) else value for value, is_padded in zip(row, padded)]


def _pack_rows(
    archive: zipfile.ZipFile, terms: dict[str, Any], names: list[str], rows: Iterable[Sequence[Any]], excluded: dict[str, str]
) -> dict[str, Any]:
    """Rows as JSON lines, a list of texts each, in parts; what the manifest says of them."""
    parts: list[dict[str, Any]] = []
    total, is_last = 0, False
    rows = iter(rows)
    while not is_last:
        lines, count = io.BytesIO(), 0
        for row in rows:
            lines.write(_line(names, row, excluded))
            count += 1
            if count == PART_ROWS or lines.tell() > PART_BYTES:
                break
        else:
            is_last = True
        if not count and parts:
            break
        parts.append({**_add(archive, f"{len(parts) + 1:05d}.jsonl", lines.getvalue()), "rows": count})
        total += count
    # Only now is it known which columns cannot be compared: the rows are gone through again, as they were packed.
    compared = [name for name in terms["columns"] if name not in excluded]
    key = [name for name in terms["key"] if name in compared] if terms["key"] != ["*"] else compared
    return {
        "form": ROWS,
        "names": names,
        "columns": compared,
        "key": key,
        "not_comparable": {name: why for name, why in excluded.items() if name in terms["columns"]},
        "rows": total,
        "partitions": _digests(archive, parts, names, compared, key),
        "parts": parts,
    }


def _line(names: list[str], row: Sequence[Any], excluded: dict[str, str]) -> bytes:
    return json.dumps(texts_of(names, row, excluded), ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def texts_of(names: Sequence[str], row: Sequence[Any], excluded: dict[str, str]) -> list[str | None]:
    """A row as texts; `excluded` is told of columns whose values cannot be compared. Raises BundleError where a value has no text."""
    texts = []
    for name, value in zip(names, row):
        if isinstance(value, float):
            excluded[name] = FLOAT
        elif isinstance(value, (bytes, bytearray, memoryview)):
            excluded[name] = BINARY
        try:
            texts.append(text_of(value))
        except TypeError as error:
            raise BundleError(f"the column {name} has values of the type {error}: have the query write them as text") from None
    return texts


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> dict[str, Any]:
    archive.writestr(PARTS + name, content)
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def row_text(texts: Sequence[str | None]) -> bytes:
    """The canonical text of a row or key: 0x1F between values, null is a mark, marks inside are written otherwise."""
    marked = ("\x1en" if text is None else text.replace("\x1e", "\x1ee").replace("\x1f", "\x1es") for text in texts)
    return "\x1f".join(marked).encode("utf-8")


def _digests(
    archive: zipfile.ZipFile, parts: Sequence[dict[str, Any]], names: list[str], columns: list[str], key: list[str]
) -> dict[str, list[Any]] | None:
    """Rows and digests by partition, over the texts that were packed; None where no column can be compared."""
    if not columns:
        return None
    places, of_key = [names.index(name) for name in columns], [names.index(name) for name in key]
    found: dict[str, Parts] = {}
    for part in parts:
        # What was just written is read back from the archive: the digests are about what is carried.
        content = _written(archive, PARTS + part["name"])
        for line in content.splitlines():
            texts = json.loads(line)
            name = hashlib.sha256(row_text([texts[place] for place in of_key])).hexdigest()[:2] if of_key else "00"
            digest = int.from_bytes(hashlib.sha256(row_text([texts[place] for place in places])).digest()[:16], "big")
            rows, total = found.get(name, (0, 0))
            found[name] = (rows + 1, (total + digest) % MODULUS)
    return {name: [rows, f"{total:032x}"] for name, (rows, total) in sorted(found.items())}


def _written(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member of an archive that is still open for writing."""
    assert isinstance(archive.filename, str)
    info = archive.getinfo(name)
    with open(archive.filename, "rb") as file:  # noqa: PTH123
        assert archive.fp is not None
        archive.fp.flush()
        file.seek(info.header_offset + 26)
        lengths = file.read(4)
        file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
        return zlib.decompress(file.read(info.compress_size), -15)


def _pack_files(archive: zipfile.ZipFile, terms: dict[str, Any], files: Sequence[Path], count: bool) -> dict[str, Any]:
    """Files as they are; records of text files are counted where the terms say how they are written."""
    if not files:
        raise BundleError("nothing is named to pack: give --files, or a database with --sqlite or --driver")
    if len({file.name for file in files}) != len(files):
        raise BundleError("two of the files have one name")
    parts = []
    for file in files:
        if not _NAME.fullmatch(file.name) or file.name.startswith("."):
            raise BundleError("a file's name has characters that no file of a bundle may have")
        # The hub would not take it in: better heard here than after the medium has travelled. Terms written earlier do not say it.
        if not PurePosixPath(file.name).match(terms.get("file") or "*"):
            raise BundleError(f"{file.name} is not named as the terms want it: {terms['file']}; rename it, or ask for other terms")
        records, blanks = count_records(file, terms) if count else (None, 0)
        digest, size = hashlib.sha256(), 0
        with file.open("rb") as source, archive.open(_member(file.name), "w", force_zip64=True) as member:
            while block := source.read(_BLOCK):
                digest.update(block)
                size += len(block)
                member.write(block)
        parts.append({"name": file.name, "bytes": size, "sha256": digest.hexdigest(), "rows": records, "blank": blanks})
    counted = [part["rows"] for part in parts]
    return {"form": FILES, "rows": None if None in counted else sum(counted), "parts": parts}


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(PARTS + name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def count_records(file: Path, terms: dict[str, Any]) -> tuple[int | None, int]:
    """Records and blank lines of a text file; None where it is of another form, or its header is not found."""
    if terms["kind"] not in ("csv", "jsonl") or _begins_with(file, b"PK\x03\x04"):
        return None, 0
    try:
        with _as_text(file, terms.get("encoding")) as text:
            if terms["kind"] == "jsonl":
                return _tally(line.strip(_BLANKS) for line in text)
            rows = csv.reader(text, delimiter=terms.get("delimiter", ","))
            if terms.get("header", True) and not any(_is_header(row, terms["columns"]) for row in islice(rows, 50)):
                return None, 0
            return _tally("".join(row).strip() for row in rows)
    except (OSError, EOFError, ValueError, LookupError, csv.Error):
        return None, 0


def _is_header(row: Sequence[str], columns: Sequence[str]) -> bool:
    return set(columns) <= {name.strip().lstrip("\ufeff").strip() for name in row}


def _tally(contents: Iterable[str]) -> tuple[int, int]:
    filled = blank = 0
    for content in contents:
        filled, blank = (filled + 1, blank) if content else (filled, blank + 1)
    return filled, blank


def _as_text(file: Path, declared: str | None) -> io.TextIOWrapper:
    """A file in the encoding that its mark names, else in the declared one, else as UTF-8 where it is that, else as GB18030."""
    with _opened(file) as stream:
        start = stream.read(4)
    marked = next((encoding for mark, encoding in _MARKS.items() if start.startswith(mark)), None)
    encoding = marked or declared or "utf-8"
    try:
        with io.TextIOWrapper(_opened(file), encoding, newline="") as text:
            while text.read(_BLOCK):
                pass
    except UnicodeDecodeError:
        encoding = marked or declared or "gb18030"
    found = io.TextIOWrapper(_opened(file), encoding, errors="replace", newline="")
    if marked == "gb18030":
        found.read(1)
    return found


def _opened(file: Path) -> BinaryIO:
    return gzip.open(file, "rb") if _begins_with(file, b"\x1f\x8b") else file.open("rb")  # type: ignore[return-value]


def _begins_with(file: Path, magic: bytes) -> bool:
    with file.open("rb") as raw:
        return raw.read(len(magic)) == magic


# Opening.


def _is_all_of(archive: zipfile.ZipFile, path: Path) -> bool:
    """Whether a file is the archive and nothing else: a zip may have anything in front of it and behind."""
    with path.open("rb") as file:
        file.seek(-min(_ZIP_END, path.stat().st_size), os.SEEK_END)
        ends = file.read(4) == b"PK\x05\x06"
    return ends and min((info.header_offset for info in archive.infolist()), default=0) == 0


class Bundle:
    """A bundle that was found to be whole: use it as a context manager."""

    def __init__(self, path: Path) -> None:
        path.open("rb").close()  # what is not there, or not to be read, is not damaged
        try:
            self._archive = zipfile.ZipFile(path)
        except _DAMAGED:
            raise DamagedError(f"{path.name} is no bundle, or was cut off while it was copied: copy it again") from None
        try:
            if not _is_all_of(self._archive, path):
                raise BundleError(
                    f"{path.name} has bytes before or behind what was packed: it was altered on its way, have it packed again"
                )
            self._infos = self._members(path.name)
            self.manifest_bytes = self._small(MANIFEST, LARGEST_MANIFEST)
            self._signature = self._small(SIGNATURE, 1_000)
            self.manifest = self._read_manifest()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Bundle:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    @property
    def manifest_sha256(self) -> str:
        """What the next bundle names as the one before it."""
        return hashlib.sha256(self.manifest_bytes).hexdigest()

    def verify(self, public_key: str) -> None:
        """Raise BundleError where the signature is not the key's, or where anything but what is signed is in the bundle."""
        try:
            signature = base64.b64decode(self._signature, validate=True)
        except ValueError:
            signature = b""
        if len(signature) != _SIGNATURE_LENGTH or not _signature_holds(self.manifest_bytes, signature, public_key):
            raise BundleError(
                "the signature is not that of this manifest under the department's key: it was altered, or signed by somebody else"
            )
        named = {PARTS + part["name"]: part for part in self.manifest["parts"]}
        listed = set(self._infos) - {MANIFEST, SIGNATURE}
        if missing := sorted(set(named) - listed):
            raise BundleError(f"parts are missing: {', '.join(missing[:5])}")
        if listed - set(named):
            raise BundleError("there is something in the bundle that its manifest does not name")
        for name, part in named.items():
            info = self._infos[name]
            if info.file_size != part["bytes"]:
                raise BundleError(f"the part {part['name']} is not as long as the manifest says")
            if info.file_size > max(1, info.compress_size) * LARGEST_EXPANSION and info.file_size > _HARMLESS:
                raise BundleError(
                    f"the part {part['name']} would unpack to more than {LARGEST_EXPANSION} times its size: that is no delivery"
                )

    def blocks(self, part: dict[str, Any]) -> Iterator[bytes]:
        """The bytes of a part; raises BundleError behind the last where they are not those that were packed."""
        digest, left = hashlib.sha256(), int(part["bytes"])
        try:
            with self._archive.open(self._infos[PARTS + part["name"]]) as member:
                while block := member.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        break
                    digest.update(block)
                    yield block
        except _DAMAGED as error:
            if isinstance(error, OSError) and error.errno == errno.EIO:
                raise  # the medium, not the bundle
            raise DamagedError(f"the part {part['name']} is damaged: copy the bundle again, or pack it again") from None
        if left or digest.hexdigest() != part["sha256"]:
            raise BundleError(f"the part {part['name']} is not the one that was packed")

    def rows(self) -> Iterator[list[list[str | None]]]:
        """Rows, as many as a part has; raises BundleError where a part is not what was packed or has another number of rows."""
        width = len(self.manifest["names"])
        for part in self.manifest["parts"]:
            content = b"".join(self.blocks(part))
            rows = [json.loads(line) for line in content.splitlines()]
            if len(rows) != part["rows"] or not all(isinstance(row, list) and len(row) == width for row in rows):
                raise BundleError(f"the part {part['name']} has not the rows that the manifest says")
            yield rows

    def _members(self, name: str) -> dict[str, zipfile.ZipInfo]:
        infos = self._archive.infolist()
        found = {info.filename: info for info in infos}
        if len(found) != len(infos):
            raise BundleError(f"{name} has two files of one name in it")
        if len(infos) > MOST_PARTS + 2 or sum(info.file_size for info in infos) > LARGEST_BUNDLE:
            raise BundleError(f"{name} would unpack to more than any delivery has")
        for info in infos:
            inner = info.filename[len(PARTS) :] if info.filename.startswith(PARTS) else ""
            is_known = info.filename in (MANIFEST, SIGNATURE) or bool(_NAME.fullmatch(inner) and inner not in (".", ".."))
            if not is_known:
                raise BundleError(f"{name} has a file in it whose name leads out of the bundle")
            if info.external_attr >> 16 & 0o170000 not in (0, 0o100000) or info.flag_bits & 1:
                raise BundleError(f"{name} has something in it that is no plain file")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BundleError(f"{name} is compressed in another way than bundles are")
        if missing := [wanted for wanted in (MANIFEST, SIGNATURE) if wanted not in found]:
            raise BundleError(f"{name} is no bundle: it has no {missing[0]}")
        return found

    def _small(self, name: str, most: int) -> bytes:
        info = self._infos[name]
        if info.file_size > most:
            raise BundleError(f"{name} of the bundle is larger than any is")
        try:
            with self._archive.open(info) as member:
                return member.read(most + 1)
        except _DAMAGED:
            raise DamagedError(f"{name} of the bundle is damaged: copy the bundle again") from None

    def _read_manifest(self) -> dict[str, Any]:
        try:
            manifest = json.loads(self.manifest_bytes.decode("utf-8"))
            _check_form(manifest)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BundleError("the manifest is not one: the bundle was altered, or packed by another program") from None
        return dict(manifest)


def _check_form(manifest: Any) -> None:
    """Raise ValueError or another plain error where a manifest is not of the form that is known here."""
    wanted = {"dataset": str, "department": str, "contract_version": int, "sequence": int, "previous": str, "key_id": str, "packed_at": str}
    if manifest["format"] != FORMAT or manifest["form"] not in (ROWS, FILES):
        raise ValueError
    if not all(type(manifest[name]) is kind for name, kind in wanted.items()) or manifest["sequence"] < 1 or not manifest["parts"]:
        raise ValueError
    names = [part["name"] for part in manifest["parts"]]
    if len(set(names)) != len(names):
        raise ValueError
    for part in manifest["parts"]:
        if not _NAME.fullmatch(part["name"]) or type(part["bytes"]) is not int or part["bytes"] < 0 or len(part["sha256"]) != 64:
            raise ValueError
    if manifest["form"] == ROWS:
        counted = [part["rows"] for part in manifest["parts"]]
        partitions = manifest["partitions"]
        sums = [sum(counted)] + ([sum(rows for rows, _ in partitions.values())] if partitions is not None else [])
        if any(type(rows) is not int for rows in counted) or any(total != manifest["rows"] for total in sums):
            raise ValueError
        if not all(isinstance(name, str) for name in [*manifest["names"], *manifest["columns"], *manifest["key"]]):
            raise ValueError


# The command.


@contextlib.contextmanager
def _cursor(given: argparse.Namespace) -> Iterator[Any]:
    """A cursor on the database that is packed from, None where files are; its connection ends with the block."""
    connection = _connection(given)
    if connection is None:
        yield None
        return
    try:
        yield prepared(connection).cursor()
    finally:
        connection.close()


def sqlite_connection(path: Path) -> sqlite3.Connection:
    """An SQLite database to read only. It keeps what it is given: bytes that are no UTF-8 become U+FFFD, as when the hub reads it itself."""
    connection: sqlite3.Connection = driven(sqlite3.connect, f"{path.resolve().as_uri()}?mode=ro", uri=True)
    connection.text_factory = lambda stored: stored.decode("utf-8", "replace")
    return connection


def _connection(given: argparse.Namespace) -> Any:
    if given.sqlite:
        return sqlite_connection(Path(given.sqlite))
    if not given.driver:
        return None
    # The address is read from a file, or from the environment: what stands on a command line, every user of the machine can read.
    try:
        options = json.loads(Path(given.connect).read_text(encoding="utf-8") if given.connect else os.environ.get("BUNDLE_CONNECT", "{}"))
    except ValueError:
        raise BundleError("what --connect or BUNDLE_CONNECT gives is no JSON") from None
    try:
        module = importlib.import_module(given.driver)
    except ImportError:
        raise BundleError(f"there is no module {given.driver}: install the database's driver") from None
    if not hasattr(module, "connect"):
        raise BundleError(f"the module {given.driver} is no database driver: it has no connect")
    return driven(module.connect, **options) if isinstance(options, dict) else driven(module.connect, options)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Pack a dataset for the hub where there is no line to it.")
    commands = parser.add_subparsers(dest="command", required=True)
    keygen = commands.add_parser("keygen", help="make the department's key")
    keygen.add_argument("--key", required=True, help="where the private key is put; the public one beside it, as .pub")
    packing = commands.add_parser("pack", help="pack files, or what a query gives")
    packing.add_argument("--terms", required=True, help="terms of the dataset, from the hub")
    packing.add_argument("--key", required=True, help="the department's private key")
    packing.add_argument("--out", required=True, help="folder that the bundle is put into")
    packing.add_argument("--files", nargs="+", default=[], help="the files of the delivery")
    packing.add_argument("--sqlite", help="an SQLite database")
    packing.add_argument("--driver", help="a DB-API module: pymysql, psycopg, dmPython, …")
    packing.add_argument("--connect", help="JSON file with what the module's connect() takes; or in the variable BUNDLE_CONNECT")
    packing.add_argument("--query", default="", help="a SELECT; left out, all of the table that the terms name")
    packing.add_argument("--sequence", type=int, help="number of the bundle, where the next one is not known here")
    packing.add_argument("--no-count", action="store_true", help="do not count the records of files")
    checking = commands.add_parser("check", help="check a bundle's signature and parts")
    checking.add_argument("bundle")
    checking.add_argument("--key", required=True, help="the department's public key")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    given = _arguments().parse_args(arguments)
    try:
        if given.command == "keygen":
            print(f"fingerprint {make_key(Path(given.key))}\nhand the file .pub to the data centre, and tell it the fingerprint")
        elif given.command == "pack":
            files = [Path(file) for file in given.files]
            options = {"sequence": given.sequence, "count": not given.no_count}
            terms, key, out = load_terms(Path(given.terms)), Path(given.key), Path(given.out)
            with _cursor(given) as cursor:
                print(pack(terms, key, out, files=files, cursor=cursor, query=given.query, **options))
        else:
            with Bundle(Path(given.bundle)) as bundle:
                bundle.verify(Path(given.key).read_text(encoding="ascii", errors="replace"))
                for part in bundle.manifest["parts"]:
                    for _ in bundle.blocks(part):
                        pass
                rows = "not counted" if bundle.manifest["rows"] is None else bundle.manifest["rows"]
                print(f"{bundle.manifest['dataset']} number {bundle.manifest['sequence']}: whole; rows {rows}")
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or ''}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

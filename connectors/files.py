"""Files of a drop folder: which of them make up a delivery, and what they really are whatever their name says."""

import gzip
import zipfile
from pathlib import Path
from typing import BinaryIO, cast

from contracts.model import CsvSource, WorkbookSource
from core.connections import Connections
from core.errors import SourceError

_GZIP = b"\x1f\x8b"
_KINDS = {
    b"PK\x03\x04": "a zip archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook (xls)",
    b"%PDF": "a PDF document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"SQLite format 3\x00": "an SQLite database",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_MARKUP = {b"<!doctype html": "an HTML page", b"<html": "an HTML page", b"<table": "an HTML page", b"<?xml": "an XML document"}
_ZIPPED = {"xl/": "an Excel workbook (xlsx)", "word/": "a Word document", "content.xml": "an OpenDocument file (ods)"}


def delivered_files(contract_id: str, source: CsvSource | WorkbookSource, connections: Connections) -> list[Path]:
    """The files of a delivery in name order; raises SourceError if there is none or the path leads out of the folder."""
    folder = connections.path(source.connection, "file")
    if not folder.is_dir():
        raise SourceError(
            f"{contract_id}: the folder of connection {source.connection} is not there", hint="is it mounted?", transient=True
        )
    if Path(source.path).is_absolute() or ".." in Path(source.path).parts:
        raise SourceError(f"{contract_id}: {source.path} leads out of the folder of connection {source.connection}")
    literal = folder / source.path
    files = (
        [literal]
        if literal.is_file()
        else sorted((file for file in folder.glob(source.path) if file.is_file()), key=lambda file: file.name)
    )
    outside = [file.name for file in files if not file.resolve().is_relative_to(folder.resolve())]
    if outside:
        raise SourceError(f"{contract_id}: {outside[0]} is a link out of the folder of connection {source.connection}")
    if not files:
        raise SourceError(
            f"{contract_id}: no file matches {source.path} (connection {source.connection})",
            hint="ask the department for the delivery",
            transient=True,
        )
    return files


def open_bytes(path: Path) -> BinaryIO:
    """The file's bytes, decompressed if they are gzip's."""
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
    return cast("BinaryIO", gzip.open(path, "rb")) if compressed else path.open("rb")


def real_kind(path: Path, start: bytes) -> str | None:
    """What a file is if it is not text, told by how it begins."""
    for magic, kind in _KINDS.items():
        if start.startswith(magic):
            return _zipped_kind(path) if kind == "a zip archive" else kind
    beginning = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((kind for magic, kind in _MARKUP.items() if beginning.startswith(magic)), None)


def _zipped_kind(path: Path) -> str:
    try:
        with open_bytes(path) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, EOFError):
        return "a damaged zip archive"
    return next((kind for prefix, kind in _ZIPPED.items() if any(name.startswith(prefix) for name in names)), "a zip archive")

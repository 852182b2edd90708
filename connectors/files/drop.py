"""Files of a drop folder: which of them make up a delivery, and what they really are whatever their name says."""

import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar, cast

from connectors.extraction import FileDigest
from contracts.sources import FileSource
from core.connections import Connections
from core.errors import SourceError

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_ARCHIVE, _DAMAGED = "a zip archive", "a damaged zip archive"
# Names of copies and downloads under way, and of what a spreadsheet keeps while it is open.
_UNDER_WAY, _UNDER_WAY_START = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", ".swp"), ("~$", ".")
# A file has to stay as it is for so long: who writes line by line, or over a slow network, pauses for some seconds. By which clock it was changed is
# not known, and that of a file server may be wrong, by hours where it takes a zone for another: what it says was changed within a day is looked at
# twice.
SETTLED_SECONDS, LOOK_AGAIN_SECONDS, _ANY_CLOCK_SECONDS = 10.0, 2.0, 24 * 3600.0
# No table of a city is larger, or packs better.
_MOST_MEMBERS, _LARGEST_ARCHIVE, _LARGEST_EXPANSION = 10_000, 50 << 30, 200
_LONGEST_NAME = 255  # bytes; of longer ones the system says an error, not that there is no such file
_LEAST_ALLOWED = _LARGEST_EXPANSION << 20
# What reading a damaged file ends with, be it packed or not; the last is what zipfile says of a method or version that it does not know.
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
# Flags of a member: ordinary and strong encryption; a change to a file that is elsewhere; a name in UTF-8.
_LOCKED, _PATCHED, _UTF8 = 0b1000001, 0b100000, 0x800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_KINDS = {
    _ZIP: _ARCHIVE,
    b"\x1f\x8b\x08": "a gzip archive within an archive",  # one layer is off by then
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel workbook (xls)",
    b"%PDF": "a PDF document",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"SQLite format 3\x00": "an SQLite database",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_TAR, _TAR_PLACE = b"ustar", 257  # of the first file's header (POSIX.1-1988)
_MARKUP = {b"<!doctype html": "an HTML page", b"<html": "an HTML page", b"<table": "an HTML page", b"<?xml": "an XML document"}
_MARKUP |= {"<?xml".encode(encoding): "an XML document" for encoding in ("utf-16-le", "utf-16-be")}
_MARKS = b"\xef\xbb\xbf\xff\xfe"  # of UTF-8 and UTF-16, in any order
_ZIPPED = {"xl/": "an Excel workbook (xlsx)", "word/": "a Word document", "content.xml": "an OpenDocument file (ods)"}


@dataclass(frozen=True)
class Member:
    """A file within a zip archive; its name stands behind the archive's."""

    archive: Path
    member: str
    name: str
    found: zipfile.ZipInfo = field(compare=False, repr=False)  # two members may have one name
    opened: zipfile.ZipFile = field(compare=False, repr=False)  # opening it reads the names of all members, which may be thousands


@dataclass(frozen=True)
class FiledAway:
    """A file in a folder that the path leaves open: it is told with the folder, for another may have one of that name."""

    path: Path
    name: str


DeliveredFile = Path | FiledAway | Member
Batch = TypeVar("Batch")
File = TypeVar("File")


def delivered_files(contract_id: str, source: FileSource, connections: Connections) -> list[DeliveredFile]:
    """The files of a delivery in name order, those of a zip archive in place of it. Raises SourceError as `delivered_paths` does."""
    folder = _folder_of_names(source, connections)
    files = [(file, _told(file, folder)) for file in delivered_paths(contract_id, source, connections)]
    return [found for file, name in files for found in unpacked(contract_id, file, name)]


def delivered_paths(contract_id: str, source: FileSource, connections: Connections) -> list[Path]:
    """The files of a delivery in name order, as they lie in the folder.

    Raises SourceError if there is none, if the path leads out of the folder, or (transient) if one is still being written.
    """
    files = _files_of_folder(contract_id, source, connections)
    recent, seconds = settling({file: file.stat().st_mtime for file in files})
    _refuse_changed(contract_id, {file: _state(file) for file in recent}, seconds, _folder_of_names(source, connections))
    return files


def settling(changed: Mapping[File, float]) -> tuple[list[File], float]:
    """Of files and the times at which they were changed, those that somebody may still be writing, and for how many seconds they have to stay."""
    now = time.time()
    recent = [file for file, at in changed.items() if at > now - _ANY_CLOCK_SECONDS]
    ages = [age for file in recent if abs(age := now - changed[file]) < SETTLED_SECONDS]
    return recent, max([LOOK_AGAIN_SECONDS, *(SETTLED_SECONDS - max(age, 0.0) for age in ages)])


States = Mapping[Path, tuple[int, int]]


def states(contract_id: str, source: FileSource, connections: Connections) -> States:
    """Size and time of every file of a delivery, as they are before anybody looks into one. Raises SourceError as `delivered_paths` does."""
    return {file: _state(file) for file in _files_of_folder(contract_id, source, connections)}


def unchanged_since(
    before: States, contract_id: str, source: FileSource, connections: Connections, batches: Iterator[Batch], digests: list[FileDigest]
) -> Iterator[Batch]:
    """The batches of a delivery; behind the last, `digests` has every file of it.

    Raises a transient SourceError before the first and behind the last if a file was changed or has come since its `states` were taken.
    """
    folder = _folder_of_names(source, connections)
    _refuse_changed(contract_id, before, 0.0, folder)
    yield from batches
    digests += file_digests(contract_id, source, connections)
    _refuse_changed(contract_id, before, 0.0, folder)
    if come := sorted(_told(file, folder) for file in _files_of_folder(contract_id, source, connections) if file not in before):
        raise still_written(contract_id, come[0])


def file_digests(contract_id: str, source: FileSource, connections: Connections) -> list[FileDigest]:
    """The files of a delivery as they lie in the folder now, in name order. Raises SourceError as `delivered_paths` does."""
    found, folder = [], _folder_of_names(source, connections)
    for file in _files_of_folder(contract_id, source, connections):
        name = _told(file, folder)
        with file.open("rb") as stream:
            found.append(FileDigest(name, file.stat().st_size, hashlib.file_digest(stream, "sha256").hexdigest()))
    return found


def _folder_of_names(source: FileSource, connections: Connections) -> Path:
    """The folder below which names of files are told: as far as the path names it. In each folder that it leaves open may be one of that name."""
    named = takewhile(lambda part: not set("*?[") & set(part), PurePosixPath(source.path).parts[:-1])
    return connections.path(source.connection, "file").joinpath(*named)


def _told(file: Path, folder: Path) -> str:
    """A file by its name, and by the folders that the path leaves open."""
    return file.relative_to(folder).as_posix()


def _state(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _refuse_changed(contract_id: str, before: States, seconds: float, folder: Path) -> None:
    if not before:
        return
    time.sleep(seconds)
    changed = next((file for file, state in before.items() if not file.exists() or _state(file) != state), None)
    if changed is not None:
        raise still_written(contract_id, _told(changed, folder))


def still_written(contract_id: str, name: str) -> SourceError:
    """The error for a file that changes while it is looked at."""
    return SourceError(f"{contract_id}: {name} is still being written", hint="nothing to do: the next run takes it", transient=True)


def no_file(contract_id: str, source: FileSource) -> SourceError:
    """The error for a delivery that did not come."""
    return SourceError(
        f"{contract_id}: no file matches {source.path} (connection {source.connection})",
        hint="ask the department for the delivery",
        transient=True,
    )


def check_path(contract_id: str, source: FileSource) -> None:
    """Raise SourceError for a path that leads out of its connection's folder."""
    if Path(source.path).is_absolute() or ".." in Path(source.path).parts:
        raise SourceError(f"{contract_id}: {source.path} leads out of the folder of connection {source.connection}")
    parts = Path(source.path).parts
    if not parts or "\x00" in source.path or any(len(os.fsencode(part)) > _LONGEST_NAME for part in parts):
        raise no_file(contract_id, source)


def _files_of_folder(contract_id: str, source: FileSource, connections: Connections) -> list[Path]:
    folder = connections.path(source.connection, "file")
    if not folder.is_dir():
        raise SourceError(
            f"{contract_id}: the folder of connection {source.connection} is not there", hint="is it mounted?", transient=True
        )
    check_path(contract_id, source)
    literal = folder / source.path
    files = (
        [literal]
        if literal.is_file()
        else sorted(filter(_is_delivered, folder.glob(_pattern(source.path))), key=lambda file: (file.name, file))
    )
    outside = [file for file in files if not file.resolve().is_relative_to(folder.resolve())]
    if outside:
        name = _told(outside[0], _folder_of_names(source, connections))
        raise SourceError(
            f"{contract_id}: {name} is a link out of the folder of connection {source.connection}",
            hint="do not follow it; ask the department for the file itself",
        )
    if not files:
        raise no_file(contract_id, source)
    return files


def _pattern(path: str) -> str:
    """A path as the library takes it: two stars within a name, which it refuses, are one, as in a shell."""
    return "/".join(part if part == "**" else re.sub(r"\*{2,}", "*", part) for part in path.split("/"))


def _is_delivered(path: Path) -> bool:
    """Whether a file that a pattern matches is one that somebody has finished: not the name of a copy under way, or of an editor."""
    return path.is_file() and is_finished_name(path.name)


def is_finished_name(name: str) -> bool:
    """Whether a name is not that of a copy under way, or of what an editor keeps beside a file."""
    return not name.startswith(_UNDER_WAY_START) and not name.lower().endswith(_UNDER_WAY)


def unpacked(contract_id: str, file: Path, name: str = "") -> list[DeliveredFile]:
    """The file itself, told by another name than its own if there is one, or the files within it if it is a zip archive and no workbook.

    Raises SourceError for archives that cannot be read as they are: damaged, locked, larger than any delivery when unpacked, or with names
    that lead out of it.
    """
    with file.open("rb") as stream:
        kind = _zipped_kind(file) if stream.read(4) == _ZIP else ""
    if kind == _DAMAGED:
        raise SourceError(f"{contract_id}: {name or file.name} is a damaged zip archive", hint="ask the department for the delivery again")
    if kind != _ARCHIVE:
        return [file if name in ("", file.name) else FiledAway(file, name)]
    archive = open_archive(file)  # closed with the last of its members
    members = sorted((item for item in archive.infolist() if not item.is_dir() and not _is_clutter(item.filename)), key=_name)
    _check_archive(f"{contract_id}: {name or file.name}", members)
    paths = [PurePosixPath(_name(item)) for item in members]
    often = Counter(path.name for path in paths)
    told = [path.name if often[path.name] == 1 else path.as_posix() for path in paths]
    return [Member(file, _name(item), f"{name or file.name}/{own}", item, archive) for own, item in zip(told, members, strict=True)]


def open_archive(file: Path | BinaryIO) -> zipfile.ZipFile:
    """A zip archive. Raises BadZipFile for a damaged one, however it is: the library has many words for that."""
    try:
        archive = zipfile.ZipFile(file)
    except (*DAMAGE, ValueError):
        raise zipfile.BadZipFile from None
    if any(item.header_offset < 0 or not item.filename for item in archive.infolist()):
        archive.close()
        raise zipfile.BadZipFile
    return archive


def _name(item: zipfile.ZipInfo) -> str:
    """The name of a file in an archive: where it does not say that it is UTF-8, it is that all the same, or as a Chinese Windows writes it."""
    if not item.flag_bits & _UTF8:
        for encoding in ("utf-8", "gb18030"):
            with suppress(UnicodeError):
                return item.filename.encode("cp437").decode(encoding)  # the library reads such names as cp437
    return item.filename


def is_locked(members: Iterable[zipfile.ZipInfo]) -> bool:
    """Whether any of them takes a password."""
    return any(item.flag_bits & _LOCKED for item in members)


def _is_clutter(name: str) -> bool:
    """What desktops put into archives beside the files."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name in (".DS_Store", "Thumbs.db", "desktop.ini")


def _check_archive(what: str, members: Sequence[zipfile.ZipInfo]) -> None:
    if not members:
        raise SourceError(f"{what} is an archive with nothing in it", hint="ask the department for the delivery again")
    names = [_name(item) for item in members]
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise SourceError(f"{what} has a file in it whose name leads out of the archive", hint="do not unpack it; ask where it comes from")
    if is_locked(members):
        raise SourceError(f"{what} is locked by a password", hint="ask the department for it without one")
    if any(item.compress_type not in _METHODS or item.flag_bits & _PATCHED for item in members):
        raise SourceError(
            f"{what} is packed in a way that is not read here", hint="ask for an ordinary zip archive (Deflate), or for the files"
        )
    if any(stat.S_ISLNK(item.external_attr >> 16) for item in members):
        raise SourceError(f"{what} has a link in it", hint="ask the department for an archive of plain files")
    packed, whole = sum(item.compress_size for item in members), sum(item.file_size for item in members)
    if len(members) > _MOST_MEMBERS or whole > _LARGEST_ARCHIVE or whole > _LARGEST_EXPANSION * max(packed, 1 << 20):
        raise SourceError(
            f"{what} would unpack to {len(members):,} files of {whole / 1e9:,.1f} GB: that is no delivery",
            hint="ask the department what it is",
        )


def open_bytes(file: DeliveredFile) -> BinaryIO:
    """The file's bytes, decompressed if they are gzip's or in an archive."""
    if isinstance(file, Member):
        return cast("BinaryIO", file.opened.open(file.found))
    path = file.path if isinstance(file, FiledAway) else file
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP
    return cast("BinaryIO", _Unpacked(path, file.name)) if compressed else path.open("rb")


@contextmanager
def open_anywhere(file: DeliveredFile) -> Iterator[BinaryIO]:
    """The same, where bytes are looked at in any order: those of an archive are held, since it gives them in one only at any speed."""
    with open_bytes(file) as stream:
        yield io.BytesIO(stream.read()) if isinstance(file, Member) else stream


class _Unpacked(gzip.GzipFile):
    """What gzip has packed, as long as it is no more than any delivery packs. How large it will be stands nowhere in it."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path, "rb")
        self._file_name = name
        self._most = max(_LARGEST_EXPANSION * path.stat().st_size, _LEAST_ALLOWED)
        self._passed = 0

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; raises SourceError where they are too many."""
        data = super().read(size)
        self._passed += len(data)
        if self._passed > self._most:
            raise SourceError(
                f"{self._file_name} unpacks to more than {self._most / 1e9:,.1f} GB: that is no delivery",
                hint="ask the department what it is",
            )
        return data


def real_kind(path: DeliveredFile, start: bytes) -> str | None:
    """What a file is if it is not text, told by how it begins."""
    for magic, kind in _KINDS.items():
        if start.startswith(magic):
            return _zipped_kind(path) if kind == _ARCHIVE else kind
    if start[_TAR_PLACE:].startswith(_TAR):
        return "a tar archive"
    beginning = start.lstrip(_MARKS + b" \t\r\n").lower()
    return next((kind for magic, kind in _MARKUP.items() if beginning.startswith(magic)), None)


def _zipped_kind(path: DeliveredFile) -> str:
    try:
        with open_anywhere(path) as file, open_archive(file) as archive:
            names = archive.namelist()
    except DAMAGE:
        return _DAMAGED
    return next((kind for prefix, kind in _ZIPPED.items() if any(name.startswith(prefix) for name in names)), _ARCHIVE)

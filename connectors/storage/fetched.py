"""Drop folders on other machines: the files of a delivery are fetched into a private folder, read there and removed.

Whatever a server says is looked at as closely as a file of a stranger: a name that is none, a link out of the folder, a file that grows while
it is fetched, or more bytes than there is room for end the batch before anything is read.
"""

import os
import shutil
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import urlsplit

from connectors.files import drop as files
from contracts.sources import FileSource
from core.connections import Connections
from core.errors import StoreError
from core.space import check_free
from core.work import make_folder_in

# Named, not imported: a local folder needs neither.
_KINDS = {"sftp": "connectors.storage.sftp", "s3": "connectors.storage.s3"}
SCHEMES = ("file", *_KINDS)
_DEEPEST = 32
BLOCK = 4 << 20


@dataclass(frozen=True)
class Entry:
    """A file or folder below a connection's; `state` is another after any change."""

    path: str
    is_folder: bool
    size: int = 0
    changed: float = 0.0
    state: tuple[object, ...] = ()

    @property
    def name(self) -> str:
        """Its name without the folders above it."""
        return PurePosixPath(self.path).name


class RemoteFolder(Protocol):
    """A folder on another machine. Every method raises SourceError where the machine does not answer or refuses."""

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder below it ("" is the folder itself); nothing where there is no such folder below it."""

    def entry(self, path: str) -> Entry | None:
        """One of its files or folders, links followed as far as they stay inside; None if there is none."""

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file."""

    def close(self) -> None:
        """End the connection."""


@dataclass
class Fetched:
    """Files of a delivery in a folder of their own, and connections that lead there. It is gone with this object at the latest."""

    folder: Path
    connections: Connections
    _finalizer: "weakref.finalize[..., Fetched]" = field(init=False)

    def __post_init__(self) -> None:
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def remove(self) -> None:
        """Remove the files."""
        self._finalizer()


def is_remote(source: FileSource, connections: Connections) -> bool:
    """Whether a connection leads to another machine; raises RequestError if it leads to no folder at all."""
    return urlsplit(connections.url(source.connection, *SCHEMES)).scheme.split("+")[0] in _KINDS


@contextmanager
def at_hand(contract_id: str, source: FileSource, connections: Connections) -> Iterator[Connections]:
    """Connections under which the files of a delivery lie in a local folder, as long as this is open."""
    if not is_remote(source, connections):
        yield connections
        return
    fetched = fetch(contract_id, source, connections)
    try:
        yield fetched.connections
    finally:
        fetched.remove()


def fetch(contract_id: str, source: FileSource, connections: Connections) -> Fetched:
    """Fetch the files of a delivery.

    Raises SourceError if there is none, if a path leads out of the folder, or (transient) if one is still being written or the machine does
    not answer; StoreError if there is no room for them.
    """
    files.check_path(contract_id, source)
    url = connections.url(source.connection, *_KINDS)
    folder = make_folder_in(connections.work, "fetched")
    fetched = Fetched(folder, connections.leading(source.connection, folder.resolve().as_uri()))
    try:
        with closing(_open_folder(contract_id, source.connection, url)) as remote:
            found = delivered(contract_id, source, remote)
            check_free(folder, connections.least_free_mb, sum(entry.size for entry in found))
            for entry in found:
                _fetch(contract_id, remote, entry, folder)
            _refuse_changed(contract_id, found, remote)
    except BaseException:
        fetched.remove()
        raise
    return fetched


def _open_folder(contract_id: str, connection: str, url: str) -> RemoteFolder:
    opened: RemoteFolder = import_module(_KINDS[urlsplit(url).scheme]).open_folder(contract_id, connection, url)
    return opened


def delivered(contract_id: str, source: FileSource, remote: RemoteFolder) -> list[Entry]:
    """The files that make up a delivery, none of which was changed a moment ago."""
    literal = remote.entry(source.path)
    if literal is not None and not literal.is_folder:
        found = [literal]
    else:
        matches = {entry.path: entry for entry in _matching(remote, "", PurePosixPath(source.path).parts, 0)}
        found = [entry for path in sorted(matches) if files.is_finished_name((entry := matches[path]).name)]
    if not found:
        raise files.no_file(contract_id, source)
    recent, seconds = files.settling({entry: entry.changed for entry in found})
    if recent:
        time.sleep(seconds)
        _refuse_changed(contract_id, recent, remote)
    return found


def _matching(remote: RemoteFolder, folder: str, parts: tuple[str, ...], depth: int) -> Iterator[Entry]:
    """Files below a folder whose path fits a pattern, part by part; `**` stands for any folders."""
    if not parts or depth > _DEEPEST:
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _matching(remote, folder, rest, depth)
    for entry in remote.entries(folder):
        if entry.is_folder and head == "**":
            yield from _matching(remote, entry.path, parts, depth + 1)
        elif fnmatchcase(entry.name, head):
            if entry.is_folder:
                yield from _matching(remote, entry.path, rest, depth + 1)
            elif not rest and (found := remote.entry(entry.path)) is not None and not found.is_folder:
                yield found


def _fetch(contract_id: str, remote: RemoteFolder, entry: Entry, folder: Path) -> None:
    path = folder / entry.path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            read = 0
            for block in remote.blocks(entry.path):
                read += len(block)
                if read > entry.size:
                    break
                file.write(block)
    except OSError as error:
        raise StoreError(
            f"{contract_id}: {entry.name} cannot be kept on the hub's disk ({error.strerror})",
            hint="make room in the hub's home, then collect the dataset again",
        ) from None
    if read != entry.size:
        raise files.still_written(contract_id, entry.name)
    os.utime(path, (0, 0))  # the copy is whole: nobody has to wait whether it grows


def _refuse_changed(contract_id: str, found: list[Entry], remote: RemoteFolder) -> None:
    changed = next((before for before in found if (now := remote.entry(before.path)) is None or now.state != before.state), None)
    if changed is not None:
        raise files.still_written(contract_id, changed.name)


def is_plain_name(name: str) -> bool:
    """Whether a name that a server gave names a file of its folder and nothing else."""
    return name not in ("", ".", "..") and not any(character in name for character in "/\x00")


def removing(batches: Iterator[files.Batch], fetched: Fetched) -> Iterator[files.Batch]:
    """The batches of a delivery, whose files are removed behind the last."""
    try:
        yield from batches
    finally:
        fetched.remove()

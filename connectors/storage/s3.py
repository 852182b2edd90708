"""A drop folder in S3-compatible storage: `s3://key:secret@bucket/folder?endpoint=https://host:port[&region=…]`."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from connectors.extraction import ASK_DEPARTMENT, TRY_LATER
from connectors.storage.fetched import BLOCK, Entry, is_plain_name
from core.connections import options
from core.errors import RequestError, SourceError

_CONNECT_SECONDS, _ANSWER_SECONDS = 15, 120
# What the storage says (its own error names), and what it means here; everything else may pass by itself.
_REFUSALS = {
    "ACCESS_DENIED": "the storage refuses the hub's key, or the key may not read this folder",
    "INVALID_ACCESS_KEY_ID": "the storage refuses the hub's key",
    "SIGNATURE_DOES_NOT_MATCH": "the storage refuses the hub's key",
    "InvalidAccessKeyId": "the storage refuses the hub's key",
    "NO_SUCH_BUCKET": "the storage has no bucket of that name",
}


def open_folder(contract_id: str, connection: str, url: str) -> "S3Folder":
    """The folder an address leads to; raises RequestError for an address that lacks something."""
    parts, given = urlsplit(url), options(url, "endpoint", "region")
    if not parts.hostname or not parts.username or not parts.password:
        raise RequestError(
            f'connection "{connection}" names no bucket or no key', hint="as in s3://key:secret@bucket/folder?endpoint=https://host:9000"
        )
    endpoint = urlsplit(given.get("endpoint", ""))
    if endpoint.scheme not in ("", "http", "https") or ("endpoint" in given and not endpoint.netloc):
        raise RequestError(f'the endpoint of connection "{connection}" is no address', hint="as in endpoint=https://host:9000")
    system = fs.S3FileSystem(
        access_key=unquote(parts.username),
        secret_key=unquote(parts.password),
        endpoint_override=endpoint.netloc or None,
        scheme=endpoint.scheme or "https",
        # Storage of one's own mostly has no regions; without any the library would ask a public network for it.
        region=given.get("region", "us-east-1"),
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_ANSWER_SECONDS,
    )
    # The host of an address is written small everywhere, and so is a bucket's name.
    return S3Folder(contract_id, connection, system, f"{parts.hostname}/{unquote(parts.path).strip('/')}".rstrip("/"))


class S3Folder:
    """What lies below a prefix of a bucket."""

    def __init__(self, contract_id: str, connection: str, system: fs.S3FileSystem, folder: str) -> None:
        self._contract_id, self._connection = contract_id, connection
        self._system, self._folder = system, folder

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder below it. Keys that no folder could have as names are refused, not passed over."""
        with self._translated():
            found = self._system.get_file_info(fs.FileSelector(self._at(folder), allow_not_found=bool(folder)))
        names = [info.path.removeprefix(f"{self._at(folder)}/") for info in found]
        if not all(map(is_plain_name, names)):
            raise SourceError(
                f"{self._contract_id}: the server names a file that leads out of its folder (connection {self._connection})",
                hint="ask those who run the server; nothing was read",
            )
        return [self._entry(f"{folder}/{name}".lstrip("/"), info) for name, info in zip(names, found, strict=True)]

    def entry(self, path: str) -> Entry | None:
        """A file with its digest as the storage states it, or a folder; None if there is neither."""
        with self._translated():
            info = self._system.get_file_info(self._at(path))
            if info.type == fs.FileType.NotFound:
                return None
            if info.type != fs.FileType.File:
                return self._entry(path, info)
            with self._system.open_input_file(self._at(path)) as file:
                tag = dict(file.metadata() or {}).get(b"ETag")
        return self._entry(path, info, tag)

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file."""
        with self._translated(), self._system.open_input_stream(self._at(path), compression=None) as file:
            while block := file.read(BLOCK):
                yield block

    def close(self) -> None:
        """Nothing stays open."""

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else self._folder

    def _entry(self, path: str, info: fs.FileInfo, tag: bytes | None = None) -> Entry:
        changed = (info.mtime_ns or 0) / 1e9
        return Entry(path, info.type == fs.FileType.Directory, info.size or 0, changed, (info.size, info.mtime_ns, tag))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The one place where the library's errors become the hub's; their text may quote addresses and goes no further."""
        where = f"(connection {self._connection})"
        try:
            yield
        except FileNotFoundError:
            raise SourceError(
                f"{self._contract_id}: the folder of connection {self._connection} is not there", hint="is it mounted?", transient=True
            ) from None
        except (OSError, pa.ArrowException) as error:
            refused = next((reason for name, reason in _REFUSALS.items() if name in str(error)), None)
            if refused:
                raise SourceError(f"{self._contract_id}: {refused} {where}", hint=ASK_DEPARTMENT) from None
            raise SourceError(
                f"{self._contract_id}: the server cannot be reached or broke off {where}", hint=TRY_LATER, transient=True
            ) from None

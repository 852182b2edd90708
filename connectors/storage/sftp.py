"""A drop folder on an SFTP server: `sftp://user[:password]@host[:port]/folder?host_key=SHA256:…[&key=/file][&passphrase=…]`.

The server's key is always checked, by its fingerprint (`host_key`) or a list of known hosts (`known_hosts=/file`): whoever stands between
could otherwise read the password and hand over files of their own.
"""

import asyncio
import posixpath
import stat
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit

import asyncssh

from connectors.extraction import ASK_DEPARTMENT, TRY_LATER
from connectors.storage.fetched import BLOCK, Entry, is_plain_name
from core.connections import options
from core.errors import RequestError, SourceError

_CONNECT_SECONDS, _SILENT_SECONDS, _ANSWER_SECONDS = 15, 15, 120
_Answer = TypeVar("_Answer")


def open_folder(contract_id: str, connection: str, url: str) -> "SftpFolder":
    """The folder an address leads to; raises RequestError for an address that lacks something, SourceError where the server refuses."""
    return SftpFolder(contract_id, connection, url)


class SftpFolder:
    """A folder on an SFTP server."""

    def __init__(self, contract_id: str, connection: str, url: str) -> None:
        self._contract_id, self._connection = contract_id, connection
        self._runner = asyncio.Runner()
        try:
            with self._translated():
                self._session = self._run(_connected(connection, url))
                self._client = self._run(_client(self._session))
                self._folder = self._run(self._client.realpath(unquote(urlsplit(url).path) or "."))
        except BaseException:
            self._runner.close()
            raise

    def entries(self, folder: str) -> list[Entry]:
        """What is in a folder below it; links are neither files nor folders here, `entry` says where they lead."""
        with self._translated():
            try:
                found = self._run(self._client.readdir(posixpath.join(self._folder, folder)))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNotADirectory):
                if folder:
                    return []
                raise self._gone() from None
        names = [(str(item.filename), item.attrs) for item in found if item.filename not in (".", "..")]
        if not all(is_plain_name(name) for name, _ in names):
            raise SourceError(
                f"{self._contract_id}: the server names a file that leads out of its folder (connection {self._connection})",
                hint="ask those who run the server; nothing was read",
            )
        return [_entry(posixpath.join(folder, name), attributes) for name, attributes in names]

    def entry(self, path: str) -> Entry | None:
        """The file or folder that a path leads to, links followed; raises SourceError where it leads out of the folder."""
        with self._translated():
            try:
                attributes = self._run(self._client.stat(self._inside(path)))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNotADirectory):
                return None
        return _entry(path, attributes) if _is(attributes, stat.S_ISREG) or _is(attributes, stat.S_ISDIR) else None

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file."""
        with self._translated():
            file = self._run(_opened(self._client, self._inside(path)))
            try:
                while block := self._run(file.read(BLOCK)):
                    yield cast("bytes", block)
            finally:
                self._run(file.close())

    def close(self) -> None:
        """End the connection."""
        self._session.abort()
        self._runner.close()

    def _inside(self, path: str) -> str:
        real = str(self._run(self._client.realpath(posixpath.join(self._folder, path))))
        if real != self._folder and not real.startswith(self._folder.rstrip("/") + "/"):
            name = posixpath.basename(path)
            raise SourceError(
                f"{self._contract_id}: {name} is a link out of the folder of connection {self._connection}",
                hint="do not follow it; ask the department for the file itself",
            )
        return real

    def _run(self, answer: Coroutine[Any, Any, _Answer]) -> _Answer:
        return self._runner.run(_in_time(answer))

    def _gone(self) -> SourceError:
        return SourceError(
            f"{self._contract_id}: the folder of connection {self._connection} is not there", hint="is it mounted?", transient=True
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The one place where the library's errors become the hub's; their text may quote addresses and goes no further."""
        where = f"(connection {self._connection})"
        try:
            yield
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
            raise SourceError(
                f"{self._contract_id}: the server is not the one whose key the connection names {where}",
                hint="ask those who run the server whether its key was changed; if not, somebody stands between",
            ) from None
        except (asyncssh.PermissionDenied, asyncssh.SFTPPermissionDenied) as error:
            reason = (
                "the server refuses the hub's user, password or key"
                if isinstance(error, asyncssh.PermissionDenied)
                else "the hub's user may not read this folder or file"
            )
            raise SourceError(f"{self._contract_id}: {reason} {where}", hint=ASK_DEPARTMENT) from None
        except (asyncssh.Error, OSError, TimeoutError):
            raise SourceError(
                f"{self._contract_id}: the server cannot be reached or broke off {where}", hint=TRY_LATER, transient=True
            ) from None


async def _in_time(answer: Coroutine[Any, Any, _Answer]) -> _Answer:
    return await asyncio.wait_for(answer, _ANSWER_SECONDS)


async def _client(session: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    return await session.start_sftp_client()


async def _opened(client: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPClientFile:
    return await client.open(path, "rb")


class _Fingerprint(asyncssh.SSHClient):
    """A client that trusts the one server whose key has this fingerprint."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether a server's key is the one."""
        return key.get_fingerprint("sha256") == self._fingerprint


async def _connected(connection: str, url: str) -> asyncssh.SSHClientConnection:
    parts, given = urlsplit(url), options(url, "host_key", "known_hosts", "key", "passphrase")
    if not parts.hostname or not parts.username:
        raise RequestError(f'connection "{connection}" names no server or no user', hint="as in sftp://user@host/folder")
    if not {"host_key", "known_hosts"} & given.keys():
        raise RequestError(
            f'connection "{connection}" does not say by what the server is known',
            hint="add ?host_key=SHA256:… (ssh-keyscan HOST | ssh-keygen -lf -, compared with what the department says) or ?known_hosts=/file",
        )
    fingerprint = given.get("host_key", "")
    return await asyncssh.connect(
        parts.hostname,
        parts.port or 22,
        username=unquote(parts.username),
        password=unquote(parts.password) if parts.password else None,
        client_keys=[_private_key(connection, given)] if "key" in given else None,
        known_hosts=_known_hosts(connection, given["known_hosts"]) if "known_hosts" in given else ([], [], []),
        client_factory=lambda: _Fingerprint(fingerprint),
        agent_path=None,
        config=None,
        connect_timeout=_CONNECT_SECONDS,
        login_timeout=_CONNECT_SECONDS,
        keepalive_interval=_SILENT_SECONDS,
    )


def _private_key(connection: str, given: dict[str, str]) -> asyncssh.SSHKey:
    path = Path(given["key"])
    try:
        if path.stat().st_mode & 0o077:
            raise RequestError(f'the key file of connection "{connection}" can be read by others', hint="chmod 600 the file")
        return asyncssh.read_private_key(path, given.get("passphrase"))
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise RequestError(
            f'the key file of connection "{connection}" cannot be read', hint="name a private key in key=, its passphrase in passphrase="
        ) from None


def _known_hosts(connection: str, path: str) -> asyncssh.SSHKnownHosts:
    try:
        return asyncssh.read_known_hosts(path)
    except (OSError, ValueError):
        raise RequestError(
            f'the list of known hosts of connection "{connection}" cannot be read', hint="as ssh-keyscan writes it"
        ) from None


def _is(attributes: asyncssh.SFTPAttrs, what: Any) -> bool:
    return bool(what(attributes.permissions or 0))


def _entry(path: str, attributes: asyncssh.SFTPAttrs) -> Entry:
    size, changed = attributes.size or 0, float(attributes.mtime or 0)
    return Entry(path, _is(attributes, stat.S_ISDIR), size, changed, (size, changed, attributes.mtime_ns or 0))

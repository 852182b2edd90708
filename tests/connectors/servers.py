"""Servers that hand out files, on this machine and for one test module each."""

import asyncio
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
from pyarrow import fs

from core.settings import REPOSITORY

USER, PASSWORD = "hub", "p@ss:word/+"


@dataclass(frozen=True)
class SftpServer:
    """An SFTP server whose root is `folder`."""

    port: int
    folder: Path
    fingerprint: str
    keys: Path

    def url(self, path: str = "/", secret: str = "p%40ss%3Aword%2F+", host_key: str | None = None, more: str = "") -> str:
        return f"sftp://{USER}:{secret}@127.0.0.1:{self.port}{path}?host_key={host_key or self.fingerprint}{more}"


class _Server(asyncssh.SSHServer):
    def __init__(self, keys: Path) -> None:
        self._keys = keys

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.export_public_key() == (self._keys / "hub.pub").read_bytes()


@contextmanager
def sftp_server(root: Path) -> Iterator[SftpServer]:
    """A real server of the SSH library in a thread of its own."""
    folder, keys = root / "served", root / "keys"
    folder.mkdir()
    keys.mkdir()
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(keys / "hub")
    asyncssh.read_private_key(keys / "hub").write_public_key(keys / "hub.pub")
    (keys / "hub").chmod(0o600)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    loop, started, servers = asyncio.new_event_loop(), threading.Event(), []

    class Root(asyncssh.SFTPServer):
        def __init__(self, chan: Any) -> None:
            super().__init__(chan, chroot=str(folder).encode())

    async def serve() -> None:
        server = await asyncssh.create_server(
            lambda: _Server(keys), "127.0.0.1", 0, server_host_keys=[host_key], sftp_factory=Root, allow_scp=False
        )
        servers.append(server)
        started.set()

    async def end() -> None:
        servers[0].close()
        await servers[0].wait_closed()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(serve()), loop.run_forever()), daemon=True)
    thread.start()
    assert started.wait(20)
    yield SftpServer(servers[0].get_port(), folder, host_key.get_fingerprint("sha256"), keys)
    asyncio.run_coroutine_threadsafe(end(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


@dataclass(frozen=True)
class S3Server:
    """S3-compatible storage, and a client that may write to it."""

    endpoint: str
    system: fs.S3FileSystem

    def url(self, bucket: str, folder: str = "", key: str = "hubkey:hub+secret") -> str:
        return f"s3://{key}@{bucket}/{folder}?endpoint={self.endpoint}&region=us-east-1"


def weed() -> str | None:
    """SeaweedFS, from its wheel or the machine."""
    own = REPOSITORY / ".venv" / "bin" / "weed"
    return str(own) if own.exists() else shutil.which("weed")


@contextmanager
def s3_server(root: Path) -> Iterator[S3Server]:
    """A SeaweedFS with one identity; raises TimeoutError if it does not come up."""
    identity = {
        "name": "hub",
        "credentials": [{"accessKey": "hubkey", "secretKey": "hub+secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (root / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (root / "data").mkdir()
    master, volume, filer, s3, *grpc = free_ports(8)
    command = [
        *(str(weed()), "server", f"-dir={root / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", f"-s3.config={root / 's3.json'}"),
        *(
            f"-master.port={master}",
            f"-volume.port={volume}",
            f"-filer.port={filer}",
            f"-s3.port={s3}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ),
        *(f"-master.port.grpc={grpc[0]}", f"-volume.port.grpc={grpc[1]}", f"-filer.port.grpc={grpc[2]}", f"-s3.port.grpc={grpc[3]}"),
        *("-volume.max=8", "-master.volumeSizeLimitMB=64"),
    ]
    with (root / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=root)
    try:
        yield S3Server(f"http://127.0.0.1:{s3}", _ready(s3))
    finally:
        process.kill()  # nobody needs its data, and a tidy end takes it half a minute
        process.wait(20)
        for port in (master, volume, filer, s3, *grpc):
            for leftover in Path(tempfile.gettempdir()).glob(f"seaweedfs-*-{port}.sock"):
                leftover.unlink()


def _ready(port: int) -> fs.S3FileSystem:
    system = fs.S3FileSystem(
        access_key="hubkey", secret_key="hub+secret", endpoint_override=f"127.0.0.1:{port}", scheme="http", region="us-east-1",
        allow_bucket_creation=True, connect_timeout=2, request_timeout=10,
    )  # fmt: skip
    until = time.monotonic() + 40
    while time.monotonic() < until:
        try:
            system.create_dir("bucket")
            with system.open_output_stream("bucket/ready") as file:
                file.write(b"x")
            return system
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("SeaweedFS does not answer")


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()

"""Serves the portal on the loopback interface."""

import os
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import RequestError
from core.holder import is_alive, me
from core.settings import Settings
from portal.security import LOOPBACK, load_token, session_file

if TYPE_CHECKING:
    import uvicorn

Ready = Callable[[str], None]
WATCH_SECONDS = 3.0
PORTS = 100  # how many ports above the wished one are tried


def portal_address(settings: Settings, port: int | None = None, token: str | None = None) -> str:
    """The address that signs its reader in, of the running portal or of the one that would start now; by default with the installation's token."""
    return f"http://{LOOPBACK[0]}:{port or _running_port(settings)}/?token={token or load_token(settings)}"


def serve(settings: Settings, *, on_ready: Ready | None = None, is_wanted: Callable[[], bool] | None = None) -> None:
    """Serve until interrupted, or no longer wanted, on the wished port or the next free one.

    `on_ready` gets the address once requests are accepted; `is_wanted` is asked every few seconds.
    """
    import uvicorn

    from pipeline.home import open_home
    from portal.app import create_app

    app = create_app(open_home(settings))
    with _listening(settings.portal_port) as listener:
        taken = int(listener.getsockname()[1])
        record = session_file(settings)
        draft = record.with_name(f".{record.name}.{os.getpid()}")
        draft.write_text(f"{taken} {me()}\n", encoding="utf-8")
        draft.replace(record)
        if on_ready is not None:
            on_ready(portal_address(settings, taken))
        # No access log: addresses of records do not belong into it. No proxy in front, so none of its headers is believed.
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, proxy_headers=False, lifespan="off")
        server = uvicorn.Server(config)
        ended = threading.Event()
        if is_wanted is not None:
            threading.Thread(target=_watch, args=(server, is_wanted, ended), daemon=True).start()
        try:
            server.run(sockets=[listener])
        finally:
            ended.set()
            if _recorded(settings) == taken:
                record.unlink(missing_ok=True)


def _watch(server: "uvicorn.Server", is_wanted: Callable[[], bool], ended: threading.Event) -> None:
    while not ended.wait(WATCH_SECONDS):
        if not is_wanted():
            server.should_exit = True
            return


def _listening(wished: int) -> socket.socket:
    for port in range(wished, wished + PORTS):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK[0], port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener
    raise RequestError(f"no free port between {wished} and {wished + PORTS - 1}", hint="name a free one in HUB_PORTAL_PORT")


def _recorded(settings: Settings) -> int | None:
    """The port that a living process has recorded; one that was killed leaves its record behind."""
    try:
        port, process = session_file(settings).read_text(encoding="utf-8").strip().split(" ", 1)
        return int(port) if is_alive(process) else None
    except (OSError, ValueError):
        return None


def _running_port(settings: Settings) -> int:
    return _recorded(settings) or settings.portal_port

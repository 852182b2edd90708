"""A real server in place of an API: its answers are a function of the call."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.apis import calls as api
from connectors.extract import extract
from core.connections import Connections
from core.errors import SourceError
from tests.connectors.helpers import Delivery, consume, make_contract

RECORDS = [{"号": f"{number:04}", "名": f"测试{number}", "额": number / 4} for number in range(23)]
TOKEN = "marker-token+/="


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float


@dataclass
class Server:
    """An API whose answers are a function of the call: status, body and headers."""

    port: int = 0
    pause: float = 0.0  # before each byte, where there is one
    silence: float = 0.0  # in the middle of each answer
    calls: list[Call] = field(default_factory=list)
    answer: Callable[[Call], tuple[int, Any, dict[str, str]]] = lambda call: (200, RECORDS, {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/base"


@pytest.fixture(scope="module")
def listening() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            call = Call(self.command, parts.path, query, dict(self.headers.items()), body, time.monotonic())
            state.calls.append(call)
            status, content, headers = state.answer(call)
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            step = 1 if state.pause else max(len(data) // 2, 1) if state.silence else max(len(data), 1)
            for place in range(0, len(data), step):
                time.sleep(state.pause or (state.silence if place else 0.0))
                with suppress(OSError):  # whoever has heard enough goes
                    self.wfile.write(data[place : place + step])

        do_POST = do_GET  # noqa: N815 - named by the library

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def server(listening: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    listening.calls.clear()
    listening.answer = lambda call: (200, RECORDS, {})
    monkeypatch.setattr(api, "sleep", lambda seconds: pauses.append(seconds))
    pauses.clear()
    return listening


pauses: list[float] = []


def read(server: Server, home: Path, url: str = "", **source: Any) -> Delivery:
    contract = make_contract({"kind": "http", "connection": "tax_api", "path": "v1/payers", **source}, ["号", "额"])
    try:
        return consume(extract(contract, Connections({"HUB_CONNECTION_TAX_API": url or server.url}, home / "connections.yml")))
    finally:
        assert not list((home / "work").glob("*"))


def refusal(server: Server, home: Path, **source: Any) -> SourceError:
    with pytest.raises(SourceError) as error:
        read(server, home, **source)
    assert not [word for word in (TOKEN, "测试", "0001", "127.0.0.1") if word in str(error.value)]
    return error.value


def paged(call: Call, at: int, most: int = 10, **more: Any) -> tuple[int, Any, dict[str, str]]:
    return 200, {"code": 0, "data": {"total": len(RECORDS), "items": RECORDS[at : at + most], **more}}, {}


OF_PAGES = {"records": "/data/items", "total": "/data/total"}

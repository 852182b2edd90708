"""JSON APIs against a real server: all of it arrives or the batch ends with a word; nobody is asked more often than agreed."""

import base64
import gzip
import json
import logging
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
import yaml

from connectors.apis import calls as api
from connectors.extract import extract
from contracts.model import Contract
from contracts.sources import HttpSource
from core.connections import Connections
from core.errors import RequestError, SourceError
from pipeline.delivery.check import check_source
from pipeline.propose import Request, propose
from standards.loader import load_standards
from tests.connectors.helpers import Delivery, consume, make_contract
from tests.connectors.servers import free_ports
from tests.factories import hub_in, person

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
            step = 1 if state.pause else max(len(data), 1)
            for place in range(0, len(data), step):
                time.sleep(state.pause)
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


def by_page(call: Call) -> tuple[int, Any, dict[str, str]]:
    return paged(call, (int(call.query["p"]) - 1) * 10)


def by_offset(call: Call) -> tuple[int, Any, dict[str, str]]:
    return paged(call, int(call.query["from"]), most=min(7, int(call.query["n"])))


def by_cursor(call: Call) -> tuple[int, Any, dict[str, str]]:
    at = int(call.query.get("after", "0"))
    return paged(call, at, next=str(at + 10) if at + 10 < len(RECORDS) else None)


def by_link(call: Call) -> tuple[int, Any, dict[str, str]]:
    at = int(call.query.get("at", "0"))
    return (
        200,
        RECORDS[at : at + 10],
        {"Link": f'</base/v1/payers?at={at + 10}>; rel="next", <x>; rel="last"'} if at + 10 < len(RECORDS) else {},
    )


@pytest.mark.parametrize(
    ("answer", "source", "calls"),
    [
        (by_page, {**OF_PAGES, "paging": {"by": "page", "parameter": "p"}}, 3),
        (by_page, {"records": "/data/items", "paging": {"by": "page", "parameter": "p"}}, 4),
        (by_offset, {**OF_PAGES, "paging": {"by": "offset", "parameter": "from", "size": 500, "size_parameter": "n"}}, 4),
        (by_cursor, {**OF_PAGES, "paging": {"by": "cursor", "parameter": "after", "cursor": "/data/next"}}, 3),
        (by_link, {"paging": {"by": "link"}}, 3),
    ],
    ids=["page", "page without total", "offset, servers with a smaller page", "cursor", "link"],
)
def test_every_record_of_every_page_arrives_once(server, tmp_path, answer, source, calls):
    server.answer = answer
    delivery = read(server, tmp_path, **source)
    assert delivery.values("号") == [record["号"] for record in RECORDS]
    assert delivery.values("额")[:3] == ["0.0", "0.25", "0.5"]
    assert delivery.positions == list(range(1, 24))
    assert len(server.calls) == calls
    assert delivery.notes["pages"] == f"{calls} pages were fetched"


def test_one_answer_may_be_all_and_values_stay_as_they_were_written(server, tmp_path):
    server.answer = lambda call: (
        200,
        b'\xef\xbb\xbf[\n {"\xe5\x8f\xb7": 12345678901234567890123, "\xe9\xa2\x9d": 1.50},\n null, {"\xe5\x8f\xb7": "a\\nb"}]',
        {},
    )
    delivery = read(server, tmp_path)
    assert [(row["号"], row["额"], row["_position"]) for row in delivery.rows] == [
        ("12345678901234567890123", "1.50", 1),
        ("a\nb", None, 3),
    ]
    assert delivery.unreadable == {2: "the line is no JSON object"}


def test_no_record_is_an_empty_delivery_and_not_an_error(server, tmp_path):
    server.answer = lambda call: (200, {"data": {"items": None, "total": 0}}, {})
    delivery = read(server, tmp_path, **OF_PAGES)
    assert (delivery.rows, delivery.columns) == ([], ["号", "额"])


def test_parameters_go_into_the_address_or_as_json(server, tmp_path):
    read(server, tmp_path, parameters={"状态": "在业"})
    assert (server.calls[-1].path, server.calls[-1].query) == ("/base/v1/payers", {"状态": "在业"})
    server.answer = lambda call: paged(call, (call.body["p"] - 1) * 10)
    read(
        server,
        tmp_path,
        method="POST",
        parameters={"a": "b"},
        paging={"by": "page", "parameter": "p", "size": 10, "size_parameter": "n"},
        **OF_PAGES,
    )
    assert [call.body for call in server.calls[-3:]] == [{"a": "b", "n": 10, "p": page} for page in (1, 2, 3)]


def test_who_the_hub_is_comes_from_the_connection_and_stands_in_no_log(server, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    server.answer = by_link
    read(server, tmp_path, url=f"{server.url}?token={TOKEN}&header.X-App=a&parameter.appkey=se%26cret", paging={"by": "link"})
    for call in server.calls:
        assert (call.headers["Authorization"], call.headers["X-App"], call.query["appkey"]) == (f"Bearer {TOKEN}", "a", "se&cret")
    read(server, tmp_path, url=server.url.replace("//", "//user:p%40ss@"))
    assert server.calls[-1].headers["Authorization"] == "Basic " + base64.b64encode(b"user:p@ss").decode()
    server.answer = lambda call: (401, {}, {})
    with pytest.raises(SourceError):
        read(server, tmp_path, url=f"{server.url}?token={TOKEN}&parameter.appkey=se%26cret")
    assert not [word for word in (TOKEN, "cret", "p@ss") if word in caplog.text]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses the hub's token"),
        (403, "may not call"),
        (404, "nothing under this path"),
        (302, "sends the hub elsewhere"),
        (422, "refuses the call"),
    ],
)
def test_a_refusal_is_not_tried_again(server, tmp_path, status, words):
    server.answer = lambda call: (status, {}, {"Location": "http://127.0.0.1:9/"})
    error = refusal(server, tmp_path)
    assert words in error.message
    assert f"status {status}" in error.message
    assert (error.transient, len(server.calls)) == (False, 1)


def test_a_server_in_trouble_is_asked_again_with_growing_pauses(server, tmp_path):
    statuses = iter([500, 503, 502])
    server.answer = lambda call: (next(statuses, 200), RECORDS, {})
    assert len(read(server, tmp_path).rows) == 23
    assert pauses == [1.0, 2.0, 4.0]
    server.answer = lambda call: (500, {}, {})
    error = refusal(server, tmp_path)
    assert error.transient
    assert "broke off (connection tax_api, status 500)" in error.message
    assert len(server.calls) == 4 + 5


def test_a_busy_server_says_how_long_to_wait_and_is_obeyed(server, tmp_path):
    headers = iter([{"Retry-After": "7"}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}])
    server.answer = lambda call: (429, {}, found) if (found := next(headers, None)) is not None else (200, RECORDS, {})
    assert len(read(server, tmp_path).rows) == 23
    assert pauses == [7.0, 0.0, 4.0]
    server.answer = lambda call: (429, {}, {"Retry-After": "86400"})
    error = refusal(server, tmp_path)
    assert "the API is busy" in error.message
    assert error.transient


def test_an_answer_that_comes_byte_by_byte_is_cut_off(server, tmp_path):
    server.answer, server.pause = lambda call: (200, b"[" + b" " * 400, {}), 0.05
    try:
        contract = make_contract({"kind": "http", "connection": "tax_api", "path": "x"}, ["号"], reading={"statement_timeout_seconds": 1})
        with pytest.raises(SourceError, match="took longer than the contract allows") as error:
            consume(extract(contract, Connections({"HUB_CONNECTION_TAX_API": server.url}, tmp_path / "connections.yml")))
    finally:
        server.pause = 0.0
    assert error.value.transient


def test_headers_that_nobody_understands_are_no_fault_of_the_hub(server, tmp_path):
    server.answer = lambda call: (503, {}, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"})
    assert "cannot be reached" in refusal(server, tmp_path).message
    server.answer = lambda call: (200, RECORDS, {"Link": "<http://[::1>; rel=next"})
    assert "no address" in refusal(server, tmp_path, paging={"by": "link"}).message


def test_a_server_that_is_not_there_or_breaks_off_is_worth_a_retry(server, tmp_path):
    [port] = free_ports(1)
    assert refusal(server, tmp_path, url=f"http://127.0.0.1:{port}/").transient
    server.answer = lambda call: (200, b'[{"a"', {"Content-Length": "500", "Connection": "close"})
    server_closes = refusal(server, tmp_path)
    assert server_closes.transient


def test_calls_are_no_more_than_agreed(server, tmp_path):
    server.answer = by_page
    read(server, tmp_path, requests_per_minute=6, paging={"by": "page", "parameter": "p"}, **OF_PAGES)
    assert len(server.calls) == 3
    assert [9 < pause <= 10 for pause in pauses] == [True, True]


def stuck(call: Call) -> tuple[int, Any, dict[str, str]]:
    return paged(call, 3 * len(call.query), next="x")


def by_twos(call: Call) -> tuple[int, Any, dict[str, str]]:
    return paged(call, (int(call.query["page"]) - 1) * 2, 2)


def per_page(call: Call) -> tuple[int, Any, dict[str, str]]:
    """What it gives as the number of records is how many stand on the page."""
    items = RECORDS[(int(call.query["page"]) - 1) * 2 :][:2]
    return 200, {"data": {"total": len(items), "items": items}}, {}


def in_a_circle(call: Call) -> tuple[int, Any, dict[str, str]]:
    at = int(call.query.get("c", 0))
    return paged(call, at, 2, next=str((at + 2) % 6))


def behind(first: int, *, then: int) -> Callable[[Call], tuple[int, Any, dict[str, str]]]:
    """An API that has so many records when its first page is asked for, and so many later, ten on a page."""

    def answer(call: Call) -> tuple[int, Any, dict[str, str]]:
        page = int(call.query["page"])
        records = RECORDS[: first if page == 1 else then]
        return 200, {"data": {"total": len(records), "items": records[(page - 1) * 10 :][:10]}}, {}

    return answer


@pytest.mark.parametrize(
    ("status", "items"),
    [
        (200, [{**record, "asked at": 2} for record in RECORDS[:10]]),
        (200, [{"msg": "no more data"}]),
        (200, [None]),
        (200, []),
        (404, []),
        (500, []),
    ],
    ids=["the same page again", "a word", "null", "empty", "404", "500"],
)
def test_behind_an_only_page_it_is_looked_and_no_server_is_held_to_what_it_does_there(server, tmp_path, status, items):
    first = [{**record, "asked at": 1} for record in RECORDS[:10]]
    server.answer = lambda call: (
        (200, {"data": {"total": 10, "items": first}}, {})
        if call.query["page"] == "1"
        else (status, {"data": {"total": 10, "items": items}}, {})
    )
    assert len(read(server, tmp_path, **OF_PAGES, paging={"by": "page"}).rows) == 10
    assert [call.query["page"] for call in server.calls] == ["1", "2"]
    assert pauses == []


def test_what_has_come_behind_an_only_page_meanwhile_is_a_change(server, tmp_path):
    server.answer = behind(10, then=11)
    error = refusal(server, tmp_path, **OF_PAGES, paging={"by": "page"})
    assert error.transient
    assert "changed while it was read (10 to 11 records)" in error.message


def test_an_answer_that_is_damaged_in_places_costs_what_is_damaged(server, tmp_path):
    """Its bytes would be characters of GB18030 as well."""
    server.answer = lambda call: (200, b'[{"\xe5\x8f\xb7":"\xe9\x99\x88\xe5","\xe9\xa2\x9d":1}]', {})
    assert read(server, tmp_path).values("号") == ["陈\ufffd"]


@pytest.mark.parametrize(
    ("encoding", "headers"),
    [
        ("gb18030", {}),
        ("gbk", {"Content-Type": "application/json;charset=ISO-8859-1"}),
        ("big5", {"Content-Type": "application/json; charset=Big5"}),
        ("utf-16", {}),
        ("utf-8-sig", {"Content-Type": "application/json; charset=GBK"}),
    ],
)
def test_an_answer_in_another_encoding_than_agreed_among_systems_is_read(server, tmp_path, encoding, headers):
    text = json.dumps([{"号": "陳大文", "额": 1}]).replace('"\\u9673\\u5927\\u6587"', '"陳大文"')
    server.answer = lambda call: (200, text.encode(encoding), headers)
    delivery = read(server, tmp_path)
    assert delivery.values("号") == ["陳大文"]
    read_as = encoding if encoding != "gbk" else "gb18030"
    assert delivery.notes.get("encoding") == (None if encoding == "utf-8-sig" else f"read as {read_as}")


def test_as_many_pages_as_may_be_are_not_too_many(server, tmp_path):
    """Without a total only an empty page behind the last says that it was the last."""
    server.answer = by_twos
    source = {"records": "/data/items", "paging": {"by": "page"}}
    assert len(read(server, tmp_path, **source, most_pages=12).rows) == 23
    assert "more than 11 pages" in refusal(server, tmp_path, **source, most_pages=11).message


@pytest.mark.parametrize(
    ("answer", "source", "words", "transient"),
    [
        (lambda call: paged(call, 0), OF_PAGES, "gave 10 records and says it has 23", False),
        (lambda call: paged(call, 0), {**OF_PAGES, "paging": {"by": "page"}}, "page 2 is the same as the one before", False),
        (stuck, {**OF_PAGES, "paging": {"by": "cursor", "cursor": "/data/next"}}, "gives the same cursor again", False),
        (by_twos, {**OF_PAGES, "paging": {"by": "page"}, "most_pages": 3}, "more than 3 pages", False),
        (lambda call: (200, {"data": {"total": 20 + int(call.query["page"]), "items": [{"号": call.query["page"], "额": 1}] * 7}}, {}),
         {**OF_PAGES, "paging": {"by": "page"}}, "changed while it was read (21 to 24 records)", True),
        (lambda call: (200, {"code": 500, "msg": "测试"}, {}), {"records": "/data/items"}, "no list of records under /data/items", False),
        (lambda call: (200, {"data": {"items": [], "total": "many"}}, {}), OF_PAGES, "no number under /data/total", False),
        (lambda call: (200, {"data": {"items": [], "total": "1" * 5000}}, {}), OF_PAGES, "no number under /data/total", False),
        (lambda call: (200, b"<html>", {}), {}, "something else than JSON", False),
        (lambda call: (200, b"\xff\xfe", {}), {}, "something else than JSON", False),
        (lambda call: (200, b'[{"a": 1}, {"a"', {}), {}, "breaks off within its JSON", True),
        (lambda call: (200, b'[{"a": 1}, {"a": "x', {}), {}, "breaks off within its JSON", True),
        (lambda call: (200, b'[{"a": 1}, {"a": tru', {}), {}, "breaks off within its JSON", True),
        (lambda call: (200, b'[{"a": 1}, {"a": "\\u4e', {}), {}, "breaks off within its JSON", True),
        (lambda call: (200, b"[" + b"1" * 5000 + b" 2]", {}), {}, "thousands of digits", False),
        (lambda call: (200, b'{"a": 1}\n{"a": 2}\n', {}), {}, "something behind its end, as where each line", False),
        (lambda call: (200, b'[{"a": "x\ny"}, {"a": "something"}]', {}), {}, "wrong at character 10", False),
        (lambda call: (200, b'[{"a": "\\ud800"}, {"a": "something"}]', {}), {}, "a text in it has half a character", False),
        (lambda call: (200, ["1", None], {}), {}, "the API gives records that are no JSON objects", False),
        (per_page, {**OF_PAGES, "paging": {"by": "page"}}, "says it has 2 records and gives more behind them", False),
        (in_a_circle, {"records": "/data/items", "paging": {"by": "cursor", "parameter": "c", "cursor": "/data/next"}}, "same cursor again", False),
        (lambda call: (200, RECORDS, {"Link": '<http://localhost:1/x>; rel="next"'}), {"paging": {"by": "link"}}, "names another server", False),
        (lambda call: (200, gzip.compress(b"[" + b" " * (70 << 20) + b"]"), {"Content-Encoding": "gzip"}), {}, "more than 64 MB", False),
    ],
    ids=[
        "short", "same page", "same cursor", "many pages", "changing", "no records", "no total", "long total",
        "html", "bytes", "cut", "cut in a text", "cut in a word", "cut in an escape", "digits", "lines", "line break",
        "half a character", "no objects", "number of the page", "circle", "stranger", "bomb",
    ],
)  # fmt: skip
def test_what_is_not_all_of_it_is_never_taken_for_all(server, tmp_path, answer, source, words, transient):
    server.answer = answer
    error = refusal(server, tmp_path, **source)
    assert words in error.message
    assert error.transient is transient
    assert error.hint


def test_columns_that_are_gone_are_named(server, tmp_path):
    server.answer = lambda call: (200, [{"号": "1", "金额": 2}], {})
    assert "the API lacks the column 额; it has 号, 金额" in refusal(server, tmp_path).message


def test_addresses_that_cannot_be_meant(server, tmp_path):
    for url, words in {
        "https:///x": "names no server",
        "https://host/?ca=/none": "cannot be used",
        "https://host/?secret=1": "has an option secret",
        "file:///data": "leads to file; this contract needs https or http",
    }.items():
        with pytest.raises(RequestError, match=words):
            read(server, tmp_path, url=url)


def test_a_contract_is_drafted_from_the_first_answer_and_says_what_it_cannot_know(server, tmp_path, monkeypatch):
    people = [person(number) for number in range(60)]
    server.answer = lambda call: (200, {"code": 0, "data": {"pageCount": 90, "totalCount": 61, "next": "abc", "list": people}}, {})
    monkeypatch.setenv("HUB_CONNECTION_SECURITY_API", server.url)
    hub = hub_in(tmp_path / "home")
    proposal = propose(Request("security_api:v1/people", department="security"), load_standards(), hub.home.settings)
    assert proposal.faults == ()
    assert "# If the API has more, say under source how" in proposal.draft
    assert "/data/next may be its cursor" in proposal.draft
    contract = Contract.model_validate(yaml.safe_load(proposal.draft))
    assert contract.source == HttpSource(
        kind="http", connection="security_api", path="v1/people", records="/data/list", total="/data/totalCount"
    )
    assert contract.columns["SFZH"][0].element == "resident_id"
    # As long as nobody says how it goes on, the sixty-first record is missed, not lost.
    assert "gave 60 records and says it has 61" in (check_source(hub.home, contract).error or "")

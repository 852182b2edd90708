"""JSON APIs against a real server: what they answer arrives as it was written, and nobody is asked more often than agreed."""

import base64
import logging
from typing import Any

import pytest
import yaml

from connectors.extract import extract
from contracts.model import Contract
from contracts.sources import HttpSource
from core.connections import Connections
from core.errors import RequestError, SourceError
from pipeline.delivery.check import check_source
from pipeline.propose import Request, propose
from standards.loader import load_standards
from tests.connectors.apis import OF_PAGES, RECORDS, TOKEN, Call, listening, paged, pauses, read, refusal, server
from tests.connectors.helpers import consume, make_contract
from tests.connectors.servers import free_ports
from tests.factories import hub_in, person

__all__ = ["listening", "server"]


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


@pytest.mark.long
def test_an_answer_that_comes_byte_by_byte_is_cut_off(server, tmp_path):
    server.answer, server.pause = lambda call: (200, b"[" + b" " * 400, {}), 0.05
    try:
        contract = make_contract({"kind": "http", "connection": "tax_api", "path": "x"}, ["号"], reading={"statement_timeout_seconds": 1})
        with pytest.raises(SourceError, match="took longer than the contract allows") as error:
            consume(extract(contract, Connections({"HUB_CONNECTION_TAX_API": server.url}, tmp_path / "connections.yml")))
    finally:
        server.pause = 0.0
    assert error.value.transient


@pytest.mark.parametrize(("limit", "told", "calls"), [(600, "broke off", 2), (1, "took longer than the contract allows", 3)])
def test_a_server_that_stops_in_the_middle_of_an_answer_is_left(server, tmp_path, monkeypatch, limit, told, calls):
    """Asked again at once it would hold the place of others for as long again; the schedule asks it later."""
    monkeypatch.setattr("connectors.apis.calls._ANSWER_SECONDS", 0.4)
    monkeypatch.setattr("connectors.apis.calls._SILENT_ATTEMPTS", 2 if limit > 1 else 9)
    server.silence = 1.5
    contract = make_contract({"kind": "http", "connection": "tax_api", "path": "x"}, ["号"], reading={"statement_timeout_seconds": limit})
    try:
        with pytest.raises(SourceError, match=told) as error:
            consume(extract(contract, Connections({"HUB_CONNECTION_TAX_API": server.url}, tmp_path / "connections.yml")))
    finally:
        server.silence = 0.0
    assert error.value.transient
    assert len(server.calls) == calls


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

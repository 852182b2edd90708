"""What an API gives is all that it has, or the batch ends with a word: totals, pages, encodings, answers that break off."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.connectors.apis import OF_PAGES, RECORDS, Call, listening, paged, pauses, read, refusal, server

__all__ = ["listening", "server"]


def stuck(call: Call) -> tuple[int, Any, dict[str, str]]:
    return paged(call, 3 * len(call.query), next="x")


def by_twos(call: Call) -> tuple[int, Any, dict[str, str]]:
    return paged(call, (int(call.query["page"]) - 1) * 2, 2)


def per_page(call: Call) -> tuple[int, Any, dict[str, str]]:
    """What it gives as the number of records is how many stand on the page."""
    items = RECORDS[(int(call.query["page"]) - 1) * 2 :][:2]
    return 200, {"data": {"total": len(items), "items": items}}, {}


def page_again(call: Call) -> tuple[int, Any, dict[str, str]]:
    """Whichever page is asked for, it gives the first, and says when; twice that are as many records as it has."""
    at = int(call.query["page"])
    return 200, {"time": at, "data": {"total": 20, "items": RECORDS[:10]}}, {}


def page_again_with_times(call: Call) -> tuple[int, Any, dict[str, str]]:
    """The same, and every record says when it was asked for."""
    status, answer, headers = page_again(call)
    items = [{**record, "asked at": answer["time"]} for record in RECORDS[:10]]
    return status, {"data": {"total": 20, "items": items}}, headers


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
    delivery = read(server, tmp_path)
    assert delivery.values("号") == ["陈\ufffd"]
    assert delivery.notes["undecodable"].endswith(" place is not utf-8")


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
        (page_again, {**OF_PAGES, "paging": {"by": "page"}}, "page 2 is the same as the one before", False),
        (page_again_with_times, {**OF_PAGES, "paging": {"by": "page"}}, "page 2 is the same as the one before", False),
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
        "short", "same page", "same page, another time", "same page, records with another time",
        "same cursor", "many pages", "changing", "no records", "no total", "long total",
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

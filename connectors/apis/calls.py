"""Calls of an HTTP API: who the hub is to it, how often it may be asked, and what is tried again."""

import codecs
import json
import logging
import re
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx

from connectors.apis.links import next_link
from connectors.extraction import ASK_DEPARTMENT, TRY_LATER
from connectors.files.text import REPLACEMENT, is_cut
from connectors.json_records import JsonReader
from contracts.model import Reading
from contracts.sources import HttpSource
from core.connections import Connections, options
from core.errors import RequestError, SourceError

_CONNECT_SECONDS, _ANSWER_SECONDS = 15.0, 60.0
# A page is held in memory; no API for tables gives larger ones.
_LARGEST_ANSWER = 64 << 20
_ATTEMPTS, _FIRST_PAUSE, _LONGEST_PAUSE = 5, 1.0, 120.0
# Who falls silent for a minute does so again: more attempts of that kind are the schedule's, which gives the place to others meanwhile.
_SILENT_ATTEMPTS = 2
_LEAST_SECONDS = 0.1  # of a limit, below which it is used up
_BUSY, _SERVER_FAULT = 429, 500
_WORTH_A_RETRY = (0, 408, 425, _BUSY)
_REFUSALS = {
    401: "the API refuses the hub's token, user or password",
    403: "the hub may not call this API",
    404: "the API has nothing under this path",
}
_BEGUN = re.compile(r"[\\A-Za-z0-9.+-]*\s*")  # what an answer that breaks off may end with: a word, a number, an escape
# Encodings in which not everything is text, so that one who declares them means it.
_DECLARED = ("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "cp950", "utf-16", "utf-16-le", "utf-16-be")
sleep = time.sleep
# They would write whole addresses, with what is secret in them.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)
# Parameters of a call, or the whole address of one.
Call = dict[str, Any] | str


@dataclass(frozen=True)
class Answer:
    """One answer: a JSON document, and the address of the next page where a Link header names one."""

    document: str
    next_url: str | None


class Api:
    """An API under the terms of a contract. Use it as a context manager."""

    def __init__(self, contract_id: str, source: HttpSource, connections: Connections, reading: Reading | None = None) -> None:
        self._contract_id, self._source = contract_id, source
        self._longest = (reading or Reading()).statement_timeout_seconds
        url = connections.url(source.connection, "https", "http")
        self._client, self._base, self._always = _client(source.connection, url)
        self.reader = JsonReader()
        self.encodings = set[str]()  # of the answers so far
        self.damaged = 0  # places in them that are no characters
        self._last_call: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.reader.close()

    def call(self, call: Call, *, attempts: int = _ATTEMPTS) -> Answer:
        """One answer, asked for again where the API is busy or broken for a moment, within the time that the contract allows. Raises SourceError
        where it stays so, or refuses.
        """
        left, silent = float(self._longest), 0
        for attempt in range(1, attempts + 1):
            self._wait_for_turn()
            began = time.monotonic()
            try:
                status, headers, body = self._send(call, left)
            except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
                status, headers, body = 0, httpx.Headers(), b""
                silent += isinstance(error, httpx.ReadTimeout)
            left -= time.monotonic() - began
            if status == httpx.codes.OK:
                return self._answer(headers, body)
            if status not in _WORTH_A_RETRY and status < _SERVER_FAULT:
                reason = _REFUSALS.get(status, "the API sends the hub elsewhere" if 300 <= status < 400 else "the API refuses the call")
                raise self.refusal(f"{reason} (connection {self._source.connection}, status {status})", ASK_DEPARTMENT)
            pause = _asked_pause(headers) if status == _BUSY or "retry-after" in headers else None
            pause = _FIRST_PAUSE * 2 ** (attempt - 1) if pause is None else pause
            if left < _LEAST_SECONDS:
                raise self._too_long()
            if attempt == attempts or silent == _SILENT_ATTEMPTS or pause > _LONGEST_PAUSE:
                break
            sleep(pause)
        reason = "the API is busy" if status == _BUSY else "the API cannot be reached or broke off"
        about = f", status {status}" if status else ""
        raise self._trouble(f"{reason} (connection {self._source.connection}{about})")

    def _send(self, call: Call, seconds: float) -> tuple[int, httpx.Headers, bytes]:
        until = time.monotonic() + seconds
        limits = httpx.Timeout(min(_ANSWER_SECONDS, seconds), connect=min(_CONNECT_SECONDS, seconds))
        with self._client.stream(**self._request(call), timeout=limits) as response:
            body = bytearray()
            for block in response.iter_bytes(1 << 16):
                body += block
                if len(body) > _LARGEST_ANSWER:
                    raise self.refusal(
                        f"an answer of the API has more than {_LARGEST_ANSWER >> 20} MB", "ask for fewer records in one answer: paging.size"
                    )
                if time.monotonic() > until:  # however little comes at a time, something always does
                    raise self._too_long()
            return response.status_code, response.headers, bytes(body)

    def _request(self, call: Call) -> dict[str, Any]:
        if isinstance(call, str):
            return {"method": "GET", "url": call}
        sized = self._source.paging.size_parameter if self._source.paging else None
        size = {sized: self._source.paging.size} if sized and self._source.paging else {}
        parameters = {**self._source.parameters, **size, **call}
        how = {"json": parameters, "params": self._always} if self._source.method == "POST" else {"params": {**self._always, **parameters}}
        return {"method": self._source.method, "url": f"{self._base}/{self._source.path}".rstrip("/"), **how}

    def _answer(self, headers: httpx.Headers, body: bytes) -> Answer:
        document, encoding, damaged = _decoded(body, _charset(headers))
        if not self.reader.is_json(document):
            if document.lstrip()[:1] not in ("{", "["):
                raise self.refusal("the API answers with something else than JSON", "compare path in the contract with the API")
            fault = _fault(document)
            if fault is None:
                raise self._trouble("an answer of the API breaks off within its JSON")
            raise self.refusal(f"the JSON of the API's answer cannot be read: {fault}", ASK_DEPARTMENT)
        self.encodings.add(encoding)
        self.damaged += damaged
        return Answer(document, self._next_url(headers))

    def _next_url(self, headers: httpx.Headers) -> str | None:
        try:
            url = next_link(", ".join(headers.get_list("link")))
            if url is None:
                return None
            absolute = httpx.URL(f"{self._base}/{self._source.path}").join(url)
        except (httpx.InvalidURL, ValueError):
            if self._source.paging is None or self._source.paging.by != "link":
                return None
            raise self.refusal("the API names a next page by something that is no address", ASK_DEPARTMENT) from None
        own = httpx.URL(self._base)
        # Whoever is called gets the token.
        if (absolute.scheme, absolute.host, absolute.port) != (own.scheme, own.host, own.port):
            raise self.refusal("the API names another server for its next page", "ask the department; nothing was asked of that server")
        return str(absolute.copy_merge_params(self._always))

    def _wait_for_turn(self) -> None:
        if self._source.requests_per_minute and self._last_call is not None:
            sleep(max(0.0, self._last_call + 60 / self._source.requests_per_minute - time.monotonic()))
        self._last_call = time.monotonic()

    def refusal(self, reason: str, hint: str) -> SourceError:
        """The error for an API that is not what the contract says."""
        return SourceError(f"{self._contract_id}: {reason}", hint=hint)

    def _too_long(self) -> SourceError:
        return self._trouble(f"an answer of the API took longer than the contract allows ({self._longest} s)")

    def _trouble(self, reason: str) -> SourceError:
        """The error for what may pass by itself."""
        return SourceError(f"{self._contract_id}: {reason}", hint=TRY_LATER, transient=True)


def _client(connection: str, url: str) -> tuple[httpx.Client, str, dict[str, str]]:
    """A client with what the API asks of its callers, the API's address without it, and the parameters of every call."""
    parts, given = urlsplit(url), options(url, "token", "ca", "header.", "parameter.")
    if not parts.hostname:
        raise RequestError(f'connection "{connection}" names no server', hint="as in https://host/base?token=…")
    headers = {name.removeprefix("header."): value for name, value in given.items() if name.startswith("header.")}
    if "token" in given:
        headers["Authorization"] = f"Bearer {given['token']}"
    try:
        client = httpx.Client(
            headers={"Accept": "application/json", **headers},
            auth=(unquote(parts.username), unquote(parts.password or "")) if parts.username else None,
            verify=ssl.create_default_context(cafile=given["ca"]) if "ca" in given else True,
            # Neither passwords out of a home folder nor a way around that nobody declared.
            trust_env=False,
        )
    except (OSError, ssl.SSLError, UnicodeEncodeError):
        raise RequestError(
            f'the options of connection "{connection}" cannot be used', hint="ca= is a file of certificates, headers are ASCII"
        ) from None
    place = parts.netloc.rpartition("@")[2]
    always = {name.removeprefix("parameter."): value for name, value in given.items() if name.startswith("parameter.")}
    return client, f"{parts.scheme}://{place}{parts.path.rstrip('/')}", always


def _charset(headers: httpx.Headers) -> str:
    """The encoding that an API declares, by the name that it has here; empty where it is none that tells anything."""
    try:
        found = codecs.lookup(httpx.Response(200, headers=headers).charset_encoding or "").name
    except LookupError:
        return ""
    # Servers that know nothing about their content say Latin-1, in which anything is text.
    return found if found in _DECLARED else ""


def _decoded(body: bytes, declared: str) -> tuple[str, str, int]:
    """An answer as text, with its encoding, and in how many places it is none. JSON between systems is UTF-8 (RFC 8259, 8.1), damaged in places
    perhaps; what is not, is what the API declares or GB18030.
    """
    marked = "utf-16" if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
    for encoding in (marked, "utf-8-sig", declared):
        with suppress(LookupError, ValueError):
            return body.decode(encoding), encoding.removesuffix("-sig"), 0
    encoding = "utf-8" if is_cut([body]) else "gb18030"
    text = body.decode(encoding, "replace")
    return text, encoding, text.count(REPLACEMENT)


def _fault(document: str) -> str | None:
    """Why a document is no JSON, without a word out of it; None where it is only that it ends too early."""
    try:
        json.loads(document)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return "there is something behind its end, as where each line is a document of its own"
        if error.msg.startswith("Unterminated string") or _BEGUN.fullmatch(document, error.pos):
            return None
        return f"it is wrong at character {error.pos + 1}, by the rules of RFC 8259"
    except (RecursionError, ValueError):
        return "it is nested too deeply, or has a number of thousands of digits"
    return "a text in it has half a character, written as \\u"


def _asked_pause(headers: httpx.Headers) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3): a number, or a time."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None

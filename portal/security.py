"""The edge of the portal: who may come in, by which name, and what a browser may do with an answer.

The portal listens on the loopback interface and asks for a token until sign-in exists: that of the installation, which is its owner's, or the
one that an officer was given (`catalog.officers`). A page of another origin must be able neither to
read it (no CORS, the cookie is SameSite=Strict) nor to reach it under a name of its own (DNS rebinding: the Host header is checked).
"""

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.settings import Settings

COOKIE = "hub_session"
OPEN_PATHS = ("/static/", "/sign-in")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LONGEST_BODY = 64 * 1024
LONGEST_LENGTH = 18  # digits

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
log = logging.getLogger("portal")


def load_token(settings: Settings) -> str:
    """The installation's token, made at the first call; readable by its owner only."""
    path = settings.home / "portal.token"
    if not path.exists():
        draft = path.with_name(f".portal.token.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process was first; its token holds
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def session_value(token: str) -> str:
    """What the cookie holds: proof of the token, not the token."""
    return hashlib.sha256(f"hub-session:{token}".encode()).hexdigest()


def is_session(given: str, token: str) -> bool:
    """Whether a cookie is that of this token, compared in constant time."""
    return hmac.compare_digest(given.encode(), session_value(token).encode())


def proof_of(session: str) -> str:
    """What the hub keeps of an officer's token: neither token nor cookie can be had from it."""
    return hashlib.sha256(f"hub-officer:{session}".encode()).hexdigest()


def owner(settings: Settings) -> str:
    """The actor as which the log knows whoever comes with the installation's own token: who runs the hub."""
    return f"portal:{settings.actor.rsplit(':', 1)[-1]}"


def style_policy(style: str) -> str:
    """A content security policy for a report file, which carries its style sheet inside: that one text and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Heads:
    """ASGI middleware: whoever asks with HEAD gets what GET would say, without its body (RFC 9110, 9.3.2); the routes know GET alone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as one with GET."""

        async def bodiless(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        if scope["type"] == "http" and scope["method"] == "HEAD":
            await self.app({**scope, "method": "GET"}, receive, bodiless)
        else:
            await self.app(scope, receive, send)


class Guard:
    """ASGI middleware: host, origin and token are checked before the application sees a request; headers are put on every answer.

    `actor_of` tells whose session it is, by its value, or nobody's; the request goes on with that as `hub.actor`.

    It is also the outer edge for errors nobody expected: their place is logged, their text, which could quote a record, is not.
    """

    def __init__(
        self, app: ASGIApp, actor_of: Callable[[str], str | None], hosts: Sequence[str], failed: Callable[[Scope, Exception], ASGIApp]
    ) -> None:
        self.app, self.actor_of, self.hosts, self.failed = app, actor_of, tuple(hosts), failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, pass it on, and see to the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope["hub.refused"], scope["hub.actor"] = self._refusal(scope, headers), ""
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    if name not in answer:
                        answer[name] = value
            await send(message)

        try:
            if not (scope["hub.refused"] or scope["path"].startswith(OPEN_PATHS)):
                scope["hub.actor"] = await run_in_threadpool(self._signed_in, headers)
                scope["hub.refused"] = "" if scope["hub.actor"] else "token"
            await self.app(scope, receive, guarded)
        except Exception as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "unknown"
            log.error("%s at %s", type(error).__name__, where)
            if not started:
                await self.failed(scope, error)(scope, receive, guarded)

    def _signed_in(self, headers: Headers) -> str:
        return next((actor for session in _sessions(headers) if (actor := self.actor_of(session))), "")

    def _refusal(self, scope: Scope, headers: Headers) -> str:
        """Why a request may not go on, whoever it comes from: `host`, `origin`, `length`, `size`, or nothing."""
        if _host(headers.get("host", "")) not in self.hosts:
            return "host"
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(headers):
            return "origin"
        length = headers.get("content-length") or "0"
        if not (length.isascii() and length.isdigit()):
            return "length"
        # A body in pieces does not say how long it is. Python reads no number of thousands of digits.
        if len(length) > LONGEST_LENGTH or int(length) > LONGEST_BODY or "transfer-encoding" in headers:
            return "size"
        return ""


def _sessions(headers: Headers) -> Iterator[str]:
    """The sessions that a request comes with: its token's, and its cookie's."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        yield session_value(given.strip())
    if cookie := _cookies(headers.get("cookie", "")).get(COOKIE):
        yield cookie


def _host(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _same_origin(headers: Headers) -> bool:
    """Whether a writing request comes from a page of the portal, or from no page at all."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host")
    except ValueError:  # a bracket without its other half
        return False


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def session_file(settings: Settings) -> Path:
    """Where a running portal writes its port and process."""
    return settings.home / "portal.port"

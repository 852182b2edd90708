"""Channels by which people are told: a webhook or a mailbox behind a named connection. No answer is waited for longer than SECONDS.

`https://…` receives one JSON document per notice; `smtp://user:password@host:port/?from=…&to=…,…` (with `tls=starttls`, or `smtps://`) sends
mail. Addresses hold secrets, so neither they nor a receiver's words stand in an error.
"""

import base64
import http.client
import json
import logging
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from core.connections import Connections, options
from core.errors import RequestError, StoreError

log = logging.getLogger("watch")
SECONDS = 5.0  # longest wait for a receiver
# What a receiver answers to a document that it will not take, however often it is sent: bad request, too large, of another kind, unprocessable.
_OF_THE_DOCUMENT = (400, 413, 415, 422)


class NotTaken(StoreError):
    """A receiver is there, and will not take this one document."""


def post(connections: Connections, name: str, document: Mapping[str, Any]) -> None:
    """Hand one JSON document to a URL. Raises StoreError where it is not taken (NotTaken where that is for the document), RequestError where the
    connection is not one.
    """
    url = connections.url(name, "http", "https")
    parts = urlsplit(url)
    plain = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if parts.username:
        headers["Authorization"] = _basic(unquote(parts.username), unquote(parts.password or ""))
    request = Request(plain, json.dumps(document, ensure_ascii=False).encode(), headers, method="POST")  # noqa: S310 — checked above
    try:
        with _direct().open(request, timeout=SECONDS):
            pass
    except HTTPError as error:
        kind = NotTaken if error.code in _OF_THE_DOCUMENT else StoreError
        raise kind(f"connection {name} answered with status {error.code}", transient=True) from None
    except (URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise StoreError(f"connection {name} could not be reached ({type(reason).__name__})", transient=True) from None


class _NoRedirects(HTTPRedirectHandler):
    """A receiver that sends elsewhere has not taken what it was given."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing."""


def _direct() -> OpenerDirector:
    """Without a proxy: a notice goes where the connection leads and nowhere else."""
    return build_opener(ProxyHandler({}), _NoRedirects())


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def mail(connections: Connections, name: str, subject: str, text: str) -> None:
    """Send one mail. Raises StoreError where the server does not take it, RequestError where the connection lacks a sender or receivers."""
    url = connections.url(name, "smtp", "smtps")
    parts, query = urlsplit(url), options(url, "from", "to", "tls")
    if query.get("tls", "starttls") != "starttls":
        # Passed over, the password would travel in clear.
        raise RequestError(
            f'connection "{name}" has an option tls that is not starttls', hint="write tls=starttls, or smtps:// for TLS at once"
        )
    if not parts.hostname or not query.get("from") or not query.get("to"):
        raise RequestError(f'connection "{name}" needs a host, from and to', hint="as in smtp://host:25/?from=hub@city&to=ops@city")
    try:
        message = _message(subject, query["from"], query["to"], text)
        with _server(parts.scheme, parts.hostname, parts.port, "tls" in query) as server:
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            refused = server.send_message(message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise StoreError(f"connection {name} would not take a mail ({type(error).__name__})", transient=True) from None
    if refused:  # sent again, it would come twice to all others
        log.warning("connection %s took a mail for some of its receivers only; it refused %d", name, len(refused))


def _message(subject: str, sender: str, receivers: str, text: str) -> EmailMessage:
    """A mail with all that RFC 5322 (3.6) asks for: a server adds no date or id to what comes from elsewhere, and filters mistrust what has none."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, sender, receivers
    # By the sender's domain: asking for this machine's name may take as long as no receiver is waited for.
    domain = message["From"].addresses[0].domain if message["From"].addresses else ""
    message["Date"], message["Message-ID"] = localtime(), make_msgid(domain=domain or "govhub")
    message.set_content(text)
    return message


def _server(scheme: str, host: str, port: int | None, starttls: bool) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port or 25, timeout=SECONDS)
    if starttls:
        server.starttls(context=ssl.create_default_context())
    return server

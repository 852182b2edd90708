"""Who may come in, and what a browser may do with an answer."""

import logging
import os
import stat
from pathlib import Path

import pytest

from core.holder import me
from core.settings import load_settings
from portal.security import COOKIE, load_token, session_file, session_value
from portal.serve import portal_address
from tests.portal.conftest import TOKEN, Portal


@pytest.mark.parametrize(
    "path", ["/", "/datasets", "/audit", "/registries/population", "/api/v1/datasets", "/api/v1/openapi.json", "/docs"]
)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}={TOKEN}"}], ids=["none", "wrong", "token as cookie"]
)
def test_nobody_comes_in_without_the_token(empty: Portal, path: str, headers: dict[str, str]) -> None:
    response = empty.stranger.get(path, headers=headers)
    assert response.status_code == 401
    if path.startswith("/api/"):
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"] == "Bearer"
    else:
        assert 'name="token"' in response.text


def test_the_address_with_the_token_signs_in_and_cleans_itself(empty: Portal) -> None:
    response = empty.stranger.get(f"/datasets?sort=title&token={TOKEN}")
    assert (response.status_code, response.headers["location"]) == (303, "/datasets?sort=title")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    empty.stranger.cookies.clear()
    session = {"Cookie": f"{COOKIE}={session_value(TOKEN)}"}
    assert empty.stranger.get("/", headers=session).status_code == 200


def test_a_wrong_token_gets_the_calm_page(empty: Portal) -> None:
    assert "口令不对" in empty.stranger.get("/?token=wrong").text
    assert "口令不对" in empty.stranger.post("/sign-in", data={"token": "wrong"}).text
    assert empty.stranger.get(f"http://127.0.0.1//elsewhere.example/?token={TOKEN}").headers["location"] == "/elsewhere.example/"
    empty.stranger.cookies.clear()


@pytest.mark.parametrize("given", [TOKEN, f"http://127.0.0.1:18090/?token={TOKEN}"])
def test_the_form_takes_the_token_or_the_whole_address(empty: Portal, given: str) -> None:
    assert empty.stranger.post("/sign-in", data={"token": given}).status_code == 303
    empty.stranger.cookies.clear()


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.rebound.example", "", "[::1"])
def test_another_host_name_is_refused(empty: Portal, host: str) -> None:
    assert empty.client.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:18090", "127.0.0.1", "[::1]:18090"])
def test_loopback_names_are_taken(empty: Portal, host: str) -> None:
    assert empty.client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_writing_requests_of_other_sites_are_refused(filled: Portal, headers: dict[str, str]) -> None:
    response = filled.client.post("/registries/population/search", data={"resident_id": "1"}, headers=headers)
    assert response.status_code == 403


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Origin", "http://[", 403),
        ("Origin", "http://[::1", 403),
        ("Origin", "http://\u2100", 403),
        ("Content-Length", "abc", 400),
        ("Content-Length", "-5", 400),
        ("Content-Length", "\xb2", 400),
        ("Content-Length", "9" * 30, 413),
        ("Content-Length", "9" * 5_000, 413),
    ],
)
def test_a_header_that_cannot_be_read_is_refused_like_a_wrong_one(empty: Portal, name: str, value: str, status: int) -> None:
    """The guard's own page with its headers, not an error that it has fallen over."""
    for address in ("/sign-in", "/api/v1/registries/population/lookup"):
        response = empty.stranger.post(address, headers={name: value.encode("utf-8" if ord(max(value)) > 255 else "latin-1")})
        assert response.status_code == status
        assert "Error" not in response.text
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["content-type"].split(";")[0] == ("text/html" if address == "/sign-in" else "application/problem+json")


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/datasets", "/sign-in"])
def test_every_answer_has_its_headers(empty: Portal, path: str) -> None:
    for client in (empty.client, empty.stranger):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["x-frame-options"], headers["cache-control"], headers["x-content-type-options"]) == ("DENY", "no-store", "nosniff")
        assert "access-control-allow-origin" not in headers


def test_an_unexpected_error_tells_no_value(empty: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def breaks(*_: object) -> None:
        raise ValueError("110101199003078888")

    monkeypatch.setattr("portal.routes.overview.dataset_states", breaks)
    with caplog.at_level(logging.DEBUG):
        response = empty.client.get("/")
    assert response.status_code == 500
    assert "110101199003078888" not in response.text + caplog.text
    assert "ValueError at" in caplog.text
    assert response.headers["x-frame-options"] == "DENY"


def test_the_token_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = load_settings({"HUB_HOME": str(tmp_path)})
    token = load_token(settings)
    assert token == load_token(settings)
    assert len(token) > 40
    assert stat.S_IMODE((tmp_path / "portal.token").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["portal.token"]
    assert portal_address(settings) == f"http://127.0.0.1:18090/?token={token}"


def test_the_address_is_that_of_the_portal_that_lives(tmp_path: Path) -> None:
    settings = load_settings({"HUB_HOME": str(tmp_path)})
    # A process id may belong to another by now: it is the same process only if it also started at the same time.
    for process, port in ((me(), 18093), (f"{me()}0", 18090), (str(os.getpid()), 18090)):
        session_file(settings).write_text(f"18093 {process}\n")
        assert portal_address(settings).startswith(f"http://127.0.0.1:{port}/?token=")

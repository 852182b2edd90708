"""The pages in a real browser: they render in both languages, and the browser refuses nothing of them and fetches nothing from elsewhere."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.portal.browser import Browser, opened
from tests.portal.conftest import TOKEN, Portal
from tests.portal.test_pages import FILLED_PAGES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.long, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium fonts-noto-cjk")]

PAGES = {
    "/": ("基础库", "Base registries"),
    "/datasets": ("数据集", "Datasets"),
    "/registries": ("基础库", "registries"),
    "/standards": ("数据标准", "tandards"),
    "/audit": ("审计日志", "udit"),
}
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
)


@pytest.fixture(scope="module")
def address(filled: Portal) -> Iterator[str]:
    """The portal over a filled hub, really listening."""
    from portal.app import create_app

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(filled.hub.home, TOKEN), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def _browse(profile: Path, url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *options, url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_renders_and_nothing_of_it_is_refused(address: str, page: str, lang: str, tmp_path: Path) -> None:
    shown = _browse(tmp_path, f"{address}{page}?token={TOKEN}&lang={lang}", "--dump-dom")
    assert PAGES[page][lang == "en"] in shown.stdout
    complaints = [line for line in shown.stderr.splitlines() if "CONSOLE" in line]
    assert complaints == []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all pages."""
    flags = tuple(flag for flag in FLAGS if "virtual-time" not in flag and "logging" not in flag)
    with opened(str(CHROMIUM), flags, tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("page", FILLED_PAGES)
def test_no_page_is_wider_than_a_phone(browser: Browser, address: str, page: str, lang: str) -> None:
    entered = f"{address}{page}{'&' if '?' in page else '?'}lang={lang}&token={TOKEN}"
    assert {width: browser.too_wide(entered, width) for width in (320, 390)} == {320: [], 390: []}


@pytest.mark.parametrize("size", ["1280,900", "390,844"])
def test_a_page_can_be_photographed_on_desk_and_phone(address: str, size: str, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    _browse(tmp_path / "profile", f"{address}/datasets?token={TOKEN}", f"--window-size={size}", f"--screenshot={picture}")
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size > 10_000

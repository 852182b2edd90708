"""A browser that lays pages out on a screen of a given width and says what does not fit, over the DevTools protocol."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

# What reaches beyond the screen, or would have to be scrolled sideways.
TOO_WIDE = """(() => {
  const width = document.documentElement.clientWidth;
  const apart = ".scroll, .skip, .defs";
  const beyond = [...document.querySelectorAll("body *")].filter(
    (one) => one.getBoundingClientRect().right > width + 1 && !one.closest(apart));
  const scrolled = [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1);
  return JSON.stringify([...beyond, ...scrolled].map((one) => `${one.tagName}: ${one.textContent.trim().slice(0, 60)}`));
})()"""


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, page: ClientConnection) -> None:
        self._page = page
        self._calls = 0

    def too_wide(self, address: str, width: int) -> list[str]:
        """What of a page does not fit onto a screen of this width."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 700)
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + 30
        while self._evaluate("document.readyState") != "complete":
            assert time.monotonic() < deadline, address
            time.sleep(0.02)
        return list(json.loads(self._evaluate(TOO_WIDE)))

    def _evaluate(self, expression: str) -> str:
        return str(self.call("Runtime.evaluate", expression=expression)["result"]["value"])

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol and return its result."""
        self._calls += 1
        self._page.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._page.recv(30))
            if answer.get("id") == self._calls:
                return answer["result"]


@contextmanager
def opened(program: str, flags: tuple[str, ...], profile: Path) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    command = [program, *flags, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        port = next(found[1] for line in process.stderr if (found := re.search(r":(\d+)/devtools", line)))
        with urlopen(f"http://127.0.0.1:{port}/json", timeout=30) as answer:
            targets = json.load(answer)
        with connect(next(one["webSocketDebuggerUrl"] for one in targets if one["type"] == "page"), max_size=None) as page:
            browser = Browser(page)
            try:
                yield browser
            finally:
                browser.call("Browser.close")

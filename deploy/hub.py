"""Airflow and the portal together, on what is registered, until interrupted."""

import signal
import sys
from contextlib import suppress

from core.errors import StoreError
from core.settings import load_settings
from deploy import local
from deploy.environment import logs_folder
from pipeline.home import open_home
from portal.serve import serve


def run_hub() -> None:
    """Start Airflow, serve the portal in this process, and end Airflow with it.

    Raises StoreError where Airflow ends by itself: a portal that goes on alone would look as if all were well.
    """
    _end_by_signals()
    settings = load_settings()
    open_home(settings)
    running = local.start(settings, _say)
    _say(f"Airflow:    {running.url}  (user {running.user}, password in {settings.home}/airflow/passwords.json)")
    try:
        serve(
            settings,
            on_ready=lambda address: _say(f"the portal: {address}  (Ctrl-C ends both)"),
            is_wanted=lambda: local.running(settings) is not None,
        )
        if local.running(settings) is None:
            raise StoreError(
                "Airflow has ended by itself: nothing is collected or published any more",
                hint=f"read {logs_folder(settings)}/launcher.log, then ./hub up again",
            )
    finally:
        # A terminal that is closed says so more than once, and nothing is to be left half-way.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        local.stop(settings, _say)


def _end_by_signals() -> None:
    """A service manager ends with TERM, and a terminal that is closed with HUP, unless nohup has it ignored; the components, which are sessions
    of their own, must be ended then as well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone, which is no reason to leave Airflow running
        print(text, flush=True)

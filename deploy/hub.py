"""Airflow and the portal together, on what is registered, until interrupted."""

import signal
import sys

from core.settings import load_settings
from deploy import local
from pipeline.home import open_home
from portal.serve import portal_address, serve


def run_hub() -> None:
    """Start Airflow, serve the portal in this process, and end Airflow with it."""
    # A service manager ends with TERM; the components must be ended then as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = load_settings()
    open_home(settings)
    running = local.start(settings, print)
    print(f"Airflow:    {running.url}  (user {running.user}, password in {settings.home}/airflow)")
    print(f"the portal: {portal_address(settings)}  (Ctrl-C ends both)")
    try:
        serve(settings)
    finally:
        local.stop(settings, print)

"""Airflow and the portal together, on what is registered, until interrupted."""

import signal
import sys

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
    # A service manager ends with TERM; the components must be ended then as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = load_settings()
    open_home(settings)
    running = local.start(settings, print)
    print(f"Airflow:    {running.url}  (user {running.user}, password in {settings.home}/airflow/passwords.json)")
    try:
        serve(
            settings,
            on_ready=lambda address: print(f"the portal: {address}  (Ctrl-C ends both)", flush=True),
            is_wanted=lambda: local.running(settings) is not None,
        )
        if local.running(settings) is None:
            raise StoreError(
                "Airflow has ended by itself: nothing is collected or published any more",
                hint=f"read {logs_folder(settings)}/launcher.log, then ./hub up again",
            )
    finally:
        local.stop(settings, print)

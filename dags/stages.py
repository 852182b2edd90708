"""Running one stage inside a task: the hub's errors become "retry" or "do not retry", and nothing of a record gets into a log.

A stage is imported when its task runs, never when a DAG file is parsed.
"""

import importlib
import logging
import traceback
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from core.errors import HubError
from core.settings import REPOSITORY

log = logging.getLogger(__name__)


def run_stage(module: str, *arguments: str) -> Any:
    """Call `pipeline.<module>.<module>(*arguments)` and return what it returns.

    Raises `AirflowException` if a retry can help (the error is transient) and `AirflowFailException` if not. Both carry the hub's own
    text only; they are raised outside the handler, so that no log follows the chain to an error which quotes a value.
    """
    try:
        return getattr(importlib.import_module(f"pipeline.{module}"), module)(*arguments)
    except HubError as error:
        message, transient = str(error), error.transient
    except Exception as error:
        message, transient = f"{type(error).__name__} in {_place(error)}: a fault of the hub, not of the data", False
    log.error("%s %s: %s", module, " ".join(arguments), message)
    if transient:
        raise AirflowException(message)
    raise AirflowFailException(message)


def _place(error: Exception) -> str:
    """Return file and line of the innermost frame that is the hub's own code; never the error's text, which may quote a record."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(REPOSITORY))]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f"{own[-1].filename.removeprefix(f'{REPOSITORY}/')}:{own[-1].lineno}" if own else "an unknown place"

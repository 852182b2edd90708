"""Running one stage inside a task: the hub's errors become "retry" or "do not retry", and nothing of a record gets into a log.

A stage is imported when its task runs, never when a DAG file is parsed.
"""

import importlib
import logging
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowRescheduleException

from core.faults import described

log = logging.getLogger(__name__)


def run_stage(module: str, *arguments: str) -> Any:
    """Call the function of `pipeline.<module>` that has its name, and return what it returns.

    Raises `AirflowException` if a retry can help (the error is transient) and `AirflowFailException` if not; and where it is too early,
    `AirflowRescheduleException`: the task gives its place back until then, and no attempt is used up. The first two carry the hub's own
    text only; they are raised outside the handler, so that no log follows the chain to an error which quotes a value.
    """
    try:
        return getattr(importlib.import_module(f"pipeline.{module}"), module.rpartition(".")[2])(*arguments)
    except Exception as error:
        fault = described(error)
    message, transient, not_before = str(fault), fault.transient, getattr(fault, "not_before", None)
    log.error("%s %s: %s", module, " ".join(arguments), message)
    if not_before is not None:
        raise AirflowRescheduleException(not_before)  # type: ignore[no-untyped-call]
    if transient:
        raise AirflowException(message)
    raise AirflowFailException(message)

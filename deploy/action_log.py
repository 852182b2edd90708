"""Airflow's log of actions, written by a thread of the API server.

Airflow 3 commits each entry on the server's event loop. On SQLite that waits for whoever writes, often a task that has just reported to the
same server; and its transaction ends only when the event loop gets to it. So neither goes on until the driver gives up, a minute later, and
until then the server answers nobody. In a thread the entry waits alone.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

Dependency = Callable[..., Coroutine[Any, Any, None]]


def write_in_threads() -> None:
    """Let routes that are made from now on write their entries so; call it before the API server's modules are loaded."""
    from airflow.api_fastapi.logging import decorators

    decorators.action_logging = _in_a_thread(decorators.action_logging)


def _in_a_thread(action_logging: Callable[..., Dependency]) -> Callable[..., Dependency]:
    @wraps(action_logging)
    def made(*arguments: Any, **named: Any) -> Dependency:
        log_action = action_logging(*arguments, **named)

        @wraps(log_action)
        async def log(request: Request, **others: Any) -> None:
            await request.body()  # kept by the request: nothing that follows has to wait for the network
            await run_in_threadpool(_finish, log_action(request=request, **others))

        return log

    return made


def _finish(entry: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        entry.send(None)
    except StopIteration:
        return
    entry.close()
    raise RuntimeError("an entry of the log of actions waits for something")

"""The API server goes on answering while an entry of its log of actions waits for the database."""

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from core.settings import REPOSITORY
from deploy.action_log import _in_a_thread
from deploy.environment import airflow_environment
from tests.deploy.helpers import settings_at


def test_an_entry_that_waits_holds_nobody_up() -> None:
    freed, told = threading.Event(), []

    def action_logging(event: str):  # type: ignore[no-untyped-def]
        async def log_action(request: Request) -> None:
            told.append((event, await request.json(), freed.wait(20)))

        return log_action

    app = FastAPI()

    @app.post("/act", dependencies=[Depends(_in_a_thread(action_logging)("acted"))])
    def act() -> str:
        return "done"

    @app.get("/free")
    async def free() -> str:
        freed.set()
        return "free"

    async def both() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            acting = asyncio.create_task(client.post("/act", json={"number": 1}))
            await asyncio.sleep(0.1)
            return [(await client.get("/free")).json(), (await acting).json()]

    assert asyncio.run(both()) == ["free", "done"]
    assert told == [("acted", {"number": 1}, True)]


def test_an_entry_that_fails_is_told() -> None:
    def action_logging():  # type: ignore[no-untyped-def]
        async def log_action(request: Request) -> None:
            raise ValueError("no")

        return log_action

    app = FastAPI(dependencies=[Depends(_in_a_thread(action_logging)())])
    app.get("/")(lambda: "done")

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            await client.get("/")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(ask())


PROGRAM = """
import json
from deploy.action_log import write_in_threads
write_in_threads()
from airflow.api_fastapi.main import app

def calls(routes):
    for route in routes:
        if hasattr(route, "dependant"):
            yield from (item.call for item in route.dependant.dependencies)
        yield from calls(getattr(route, "routes", None) or getattr(getattr(route, "app", None), "routes", ()))

print(json.dumps([call.__code__.co_filename for call in calls(app.routes) if getattr(call, "__name__", "") == "log_action"]))
"""


@pytest.mark.long
def test_every_route_of_airflow_that_writes_an_entry_does_so(tmp_path: Path) -> None:
    environment = airflow_environment(settings_at(tmp_path / "home"), 18_999)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    files = {Path(name).name for name in json.loads(done.stdout.splitlines()[-1])}
    assert files == {"action_log.py"}

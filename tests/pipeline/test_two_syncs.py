"""Two syncs of one dataset at once: one works, the other says who does, and loses nothing by it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from catalog.tables import lease
from core.settings import REPOSITORY
from tests.factories import Hub
from tests.leases import held_by
from tests.pipeline.sources import People, connect, phones, sync, tracked


def started(hub: Hub, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "HUB_HOME": str(hub.settings.home), "HUB_THREADS": "1", "HUB_MEMORY_MB": "512", "HUB_ACTOR": "cli:mei"}
    command = [sys.executable, "-m", "cli", *arguments, "--json"]
    return subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def synced_here(hub: Hub, contract_id: str, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """The same command in this process, which has everything loaded."""
    from cli.__main__ import main

    patch.setenv("HUB_HOME", str(hub.settings.home))
    patch.setattr(sys, "argv", ["hub", "sync", contract_id, "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    (only,) = json.loads(capsys.readouterr().out)
    return int(left.value.code or 0), only


@pytest.mark.slow
@pytest.mark.usefixtures("without_suite")
def test_the_second_declines_and_names_the_first(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = People(tmp_path)
    connect(hub, patients=people.url)
    document = tracked("sqlite", "snapshot", reading={"rows_per_second": 2})
    hub.register(document)
    for number in range(6):
        people.put(number, 1)
    first = started(hub, "sync", document["id"])
    while held_by(hub.home.catalog, lease, f"dataset/{document['id']}") is None:
        assert first.poll() is None
        time.sleep(0.05)
    status, second = synced_here(hub, document["id"], monkeypatch, capsys)
    assert (status, second["outcome"], second["transient"]) == (3, "declined", True)
    assert "is being written by cli:mei (process" in second["message"]
    (done,) = json.loads(first.communicate(timeout=120)[0])
    assert (first.returncode, done["outcome"], done["records"]) == (0, "accepted", 6)
    assert done["batch_id"] == f"{document['id']}@1"
    assert len(phones(hub, document)) == 6
    people.put(40, 1)
    hub.register({**document, "reading": {}})
    assert sync(hub, document).records == 7

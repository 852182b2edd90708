"""The whole demo through Airflow: twice in a row, and killed with -9 again and again, it ends in the same tables."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.digests import digest_sums, row_digest
from core.engine import Engine, quote
from core.settings import REPOSITORY, load_settings
from core.sums import combine
from pipeline.home import Home, open_home
from pipeline.ledger import check_ledger
from pipeline.publication.base import base_columns, base_state
from pipeline.state import log_columns, standardized_table, state
from registries.publications import latest
from standards.loader import load_standards

pytestmark = pytest.mark.long

PEOPLE, SEED = "400", "7"
KILLS = int(os.environ.get("HUB_TEST_KILLS") or 20)
# Numbers of batches and publications, and what they make of a record (inserted, updated), depend on how often the story was told.
HISTORY = {"_batch_seq", "_publication", "_op", "_row_digest"}


def _start(home: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "HUB_HOME": str(home), "HUB_AIRFLOW_PORT": "18480"}
    command = [sys.executable, "-m", "cli", "demo", "--people", PEOPLE, "--seed", SEED, "--no-serve", "--json"]
    with (home / "demo.out").open("ab") as out, (home / "demo.err").open("ab") as err:
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=out, stderr=err, start_new_session=True)


def _run(home: Path) -> float:
    begun = time.monotonic()
    status = _start(home).wait(timeout=900)
    assert status == 0, (home / "demo.err").read_text()[-3000:]
    return time.monotonic() - begun


def _kill_all(home: Path) -> None:
    """Kill every process that works for this home, wherever it has moved: tasks, Airflow's components, the database server."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("HUB_HOME") == str(home) and process.pid != os.getpid():
                process.kill()
        except psutil.Error:
            continue


def _fingerprints(home: Home) -> dict[str, tuple[int, int]]:
    """Rows and digest of every standardized and base table as it stands."""
    from catalog.datasets import contracts_in_force

    standards = load_standards()
    found: dict[str, tuple[int, int]] = {}
    with Engine(home.settings) as engine:
        for name, (_, contract) in contracts_in_force(home.catalog).items():
            columns = log_columns(contract, standards)
            found[name] = _fingerprint(engine, state(home, standardized_table(name), columns), columns)
        for schema in standards.schemas.values():
            number, columns = latest(home.serving, schema.id).number, base_columns(schema)
            if number:
                found[schema.id] = _fingerprint(engine, base_state(home, schema, number), columns)
    return found


def _fingerprint(engine: Engine, rows: str, columns: dict[str, str]) -> tuple[int, int]:
    texts = [f"{quote(name)}::varchar" for name in columns if name not in HISTORY]
    count, high, low = engine.row(f"SELECT count(*), {digest_sums('digest')} FROM (SELECT {row_digest(texts)} AS digest FROM {rows})")
    return count, combine(high, low)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, float]]:
    """A home in which the demo has run once, and how long that took."""
    home = tmp_path_factory.mktemp("undisturbed")
    seconds = _run(home)
    yield home, seconds
    _kill_all(home)


def _opened(home: Path) -> Home:
    return open_home(load_settings({"HUB_HOME": str(home)}))


def test_the_account_is_complete_and_the_ledger_holds(undisturbed: tuple[Path, float]) -> None:
    home, _ = undisturbed
    told = json.loads((home / "demo.out").read_text())
    days = told["days"]
    assert (told["equations"]["recomputed"] > 100, told["equations"]["broken"]) == (True, [])
    assert [day["unexpected"] for day in days] == [[], []]
    assert [bool(day["failed"]) for day in days] == [False, True]
    assert [day["day"] for day in days] == [1, 2]
    for day in days:
        homes, names = day["beside"]["population"]["residence_address"], day["beside"]["legal_entity"]["organization_name"]
        assert all(homes[role] > 0 for role in ("property", "former"))
        # So few companies need not have changed their names.
        assert sum(names.values()) > 0
    for day in days:
        for registry in day["registries"]:
            assert registry["found_share"] > 0.97
            assert registry["right_share"] >= registry["best_source_right_share"]
    equations = check_ledger(_opened(home))
    assert len(equations) > 100
    assert [equation for equation in equations if not equation.holds] == []


def test_twice_in_a_row_ends_in_the_same_tables(undisturbed: tuple[Path, float]) -> None:
    home, _ = undisturbed
    before = _fingerprints(_opened(home))
    assert all(rows for rows, _ in before.values())
    _run(home)
    assert _fingerprints(_opened(home)) == before


def test_killed_again_and_again_it_ends_in_the_same_tables(undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    first, seconds = undisturbed
    # Ids are digests under the installation's keys: only with the same keys can they be the same.
    shutil.copytree(first / "keys", tmp_path / "keys")
    moments = random.Random(20)
    for number in range(KILLS):
        process = _start(tmp_path)
        time.sleep(moments.uniform(1, seconds))
        if number % 2:
            os.killpg(process.pid, signal.SIGKILL)  # only the command: what it has started goes on, and is found by the next
        else:
            _kill_all(tmp_path)
        process.wait()
    _run(tmp_path)
    home = _opened(tmp_path)
    assert _fingerprints(home) == _fingerprints(_opened(first))
    assert [equation for equation in check_ledger(home) if not equation.holds] == []
    _kill_all(tmp_path)

"""The one process from which Airflow's components are forked: `python -m deploy.launcher`.

Importing Airflow costs every component some seconds, and Great Expectations costs every task more. Here both are imported once: API
server and DAG processor are forked as soon as Airflow is loaded and the metadata database is there, then the libraries of the stages
are loaded, then the scheduler is forked. Its LocalExecutor forks workers, and each worker forks its tasks (no exec), so a task starts
with everything in place. The price: code and standards are those of the start; an upgrade needs a restart.

Nothing here may start a thread of its own or open a database before a fork: a child would inherit a locked lock or a shared connection.
"""

import gc
import importlib
import json
import logging
import math
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import FrameType

from core.clock import today
from core.settings import Settings, load_settings
from dags.defaults import pool_slots
from deploy.action_log import write_in_threads
from deploy.environment import logs_folder
from deploy.metadata import end_former_schedulers, use_wal
from deploy.processes import Recorded, end, record
from deploy.record import add_process

COMPONENTS = {
    "api-server": ["api-server"],
    "dag-processor": ["dag-processor"],
    # LocalExecutor's logs lie on the disk that the API server reads; a log server would listen on every interface.
    "scheduler": ["scheduler", "--skip-serve-logs"],
}
AIRFLOW = [
    "airflow.cli.commands.scheduler_command",
    "airflow.cli.commands.dag_processor_command",
    "airflow.api_fastapi.core_api.app",
    "airflow.sdk.execution_time.task_runner",
    "dags.wiring",
]
LIBRARIES = ["pyarrow.parquet", "pandas", "duckdb", "ibis", "ibis.backends.duckdb", "pyiceberg.catalog.sql", "great_expectations"]
STAGES = ["pipeline.land", "pipeline.accept", "pipeline.publish", "quality.duckdb_dialect", "quality.suites"]
# A component that dies is started again, but not for ever: what dies five times within some minutes needs a human. One that dies now and
# then, over months, does not.
MOST_RESTARTS = 5
RESTART_SECONDS = 600.0
POOLS_AGAIN_SECONDS = 30.0  # after pools could not be made
# A scheduler waits for its running tasks. Stages may be cut off anywhere, so they are.
STOP_SECONDS = 4.0


def main() -> int:
    """Start the components, keep them running, and end them when asked to. Returns the exit status."""
    settings = load_settings()
    # Importing makes a million objects that stay; looking through them for garbage again and again costs a quarter of the time.
    gc.disable()
    # Airflow is imported before anything else is forked, so that all components share it.
    for module in AIRFLOW:
        importlib.import_module(module)
    _log("airflow is loaded")
    if wait_for(fork("database", prepare_database, settings)) != 0:
        _log("the metadata database could not be prepared; see database.log")
        return 3
    running = {name: start(name, settings) for name in ("api-server", "dag-processor")}
    preload()
    gc.freeze()
    running["scheduler"] = start("scheduler", settings)
    return supervise(running, settings)


def preload() -> None:
    """Import what tasks need. A module that does not load is left to the task, whose failure is then seen where it belongs."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for module in (*LIBRARIES, *STAGES):
        try:
            importlib.import_module(module)
        except Exception as error:
            _log(f"{module} was not loaded ahead: {type(error).__name__}")
    try:
        standards = importlib.import_module("standards.loader").load_standards()
        # Building these statements and expectations would cost every task a second or two again.
        importlib.import_module("pipeline.statements").prepare_statements(standards, today().isoformat())
        importlib.import_module("pipeline.validate").prepare_suites(standards)
    except Exception as error:
        _log(f"the standards were not prepared ahead: {type(error).__name__}")
    _log("libraries and stages are loaded")


def start(name: str, settings: Settings) -> Recorded:
    """Fork one component of Airflow and record it."""
    arguments = COMPONENTS[name]
    recorded = record(name, fork(name, lambda _: run_airflow(arguments), settings))
    add_process(settings, recorded)
    _log(f"{name} has started")
    return recorded


def run_airflow(arguments: list[str]) -> None:
    """Run an Airflow command in this process, as its own command line would."""
    from airflow.cli import cli_parser

    if arguments[0] == "api-server":
        write_in_threads()
        importlib.import_module("airflow.api_fastapi.main")
    if arguments[0] == "scheduler" and (file := metadata_file()):
        end_former_schedulers(file)
    gc.freeze()
    gc.enable()
    sys.argv = ["airflow", *arguments]
    parsed = cli_parser.get_parser().parse_args(arguments)
    parsed.func(parsed)


def prepare_database(settings: Settings) -> None:
    """Bring the metadata database to this Airflow's schema, unless it is there, and make the pools."""
    if not is_at_head():
        from airflow.utils.db import initdb

        initdb()
    if file := metadata_file():
        use_wal(file)
    make_pools(settings)


def make_pools(settings: Settings) -> None:
    """Write the pools of all registered datasets: a task whose pool is missing would wait for ever."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        for name, slots in pool_slots(settings).items():
            Pool.create_or_update_pool(name, slots, "Made by Govhub from the registered datasets", False, session=session)


def metadata_file() -> Path | None:
    """The file of Airflow's metadata database, or None where the operator has put it on a server."""
    from airflow.configuration import conf

    url = conf.get_mandatory_value("database", "sql_alchemy_conn")
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def is_at_head() -> bool:
    """True if the schema has the revision this Airflow wants. Asks SQLite directly; any other database is left to Alembic."""
    from airflow.utils.db import _REVISION_HEADS_MAP

    file = metadata_file()
    if file is None or not file.exists():
        return False
    with closing(sqlite3.connect(file)) as connection:
        try:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        except sqlite3.OperationalError:
            return False
    return found == [(list(_REVISION_HEADS_MAP.values())[-1],)]


def supervise(running: dict[str, Recorded], settings: Settings) -> int:
    """Start again what dies, and make pools for what is registered meanwhile, until a signal asks to stop."""
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    gc.enable()
    # What was registered while the components started has no pool yet: nothing counts as seen.
    restarts: list[float] = []
    seen, pools, again = "", 0, math.inf
    while not asked and not needs_a_human(restarts, time.monotonic()):
        time.sleep(0.5)
        ended = _reap()
        for name, recorded in list(running.items()):
            if recorded.pid in ended:
                restarts.append(time.monotonic())
                _log(f"{name} ended by itself; starting it again")
                end([recorded], grace_seconds=0)
                running[name] = start(name, settings)
        if ended.get(pools):
            again = time.monotonic() + POOLS_AGAIN_SECONDS
        if (now := _registered_state(settings)) != seen or time.monotonic() > again:
            seen, again = now, math.inf
            pools = fork("database", make_pools, settings)
    end(running.values(), grace_seconds=STOP_SECONDS)
    _log("stopped" if asked else f"gave up: components died more than {MOST_RESTARTS} times within {RESTART_SECONDS / 60:.0f} minutes")
    return 0 if asked else 3


def needs_a_human(restarts: Sequence[float], now: float) -> bool:
    """Whether components died so often within a short time that starting them again does not help."""
    return len([moment for moment in restarts if now - moment < RESTART_SECONDS]) > MOST_RESTARTS


def fork(name: str, work: Callable[[Settings], None], settings: Settings) -> int:
    """Run `work` in a forked process that leads a session of its own and writes to its own log file. Returns its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        log = os.open(logs_folder(settings) / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        work(settings)
        status = 0
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    except BaseException as error:
        _log(f"{name} failed: {type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait_for(pid: int) -> int:
    """Return the exit status of a forked process."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _reap() -> dict[int, int]:
    """Collect every ended child, so that none stays as a zombie, and return their pids with how they ended (0: well)."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = status


def _registered_state(settings: Settings) -> str:
    files = sorted(settings.registered.glob("*.json")) if settings.registered.is_dir() else []
    return json.dumps([(file.name, file.stat().st_mtime_ns) for file in files])


def _log(message: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

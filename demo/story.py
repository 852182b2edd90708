"""The demo from end to end: a city on two days, its departments collected through Airflow, and the account against the known truth.

The second day brings changes and deletes, and one department is down. Running it again, or after it was killed, ends in the same tables.
"""

import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from catalog.batches import Batch, batches_of, latest_accepted
from catalog.datasets import contract_at, register
from cli.output import print_json
from contracts.loader import load_contracts
from contracts.model import Contract
from core.engine import Engine
from core.errors import HubError
from core.settings import Settings
from dags.defaults import collect_id
from demo import postgres
from demo.beside import Beside, beside
from demo.beside import render as render_beside
from demo.city import City, Truth, make_city, truth_at
from demo.departments import supply
from demo.fairness import fairness
from demo.sources import DOWN, write_sources
from demo.truth import Account, RegistryAccount, account, render
from deploy import local
from deploy.processes import alone
from deploy.runs import Run, trigger, wait
from pipeline.home import Home, open_home
from pipeline.ledger import Equation, check_ledger
from pipeline.publication.accuracy import read_accuracy, write_accuracy
from pipeline.publication.base import base_state
from pipeline.report import write_report
from pipeline.resolve import schema_elements
from pipeline.state import log_columns, standardized_table, state
from registries.publications import Publication, history, inputs_of, latest, shown
from standards.loader import load_standards
from standards.model import Title

CONTRACTS = Path(__file__).parent / "contracts"
DAYS = (1, 2)
LEDGER_HEADINGS = (
    "数据集\nDataset",
    "读取\nRead",
    "无法读取\nUnreadable",
    "接收\nAccepted",
    "未变化\nUnchanged",
    "重复\nRepeated",
    "隔离\nQuarantined",
    "记录\nRecords",
    "新增\nInserted",
    "更新\nUpdated",
    "删除\nDeleted",
)
PUBLICATION_HEADINGS = (
    "库\nRegistry",
    "期号\nPublication",
    "记录\nRecords",
    "已关联\nLinked",
    "待匹配\nWaiting",
    "不予发布\nWithheld",
    "主体\nEntities",
)


@dataclass(frozen=True)
class Day:
    """What one day came to: the account against the truth, the last batch of every dataset, the publications, the runs that failed, and by
    registry what stands beside the chosen values.
    """

    account: Account
    batches: dict[str, Batch | None]
    publications: tuple[Publication, ...]
    failed: tuple[str, ...]
    unexpected: tuple[str, ...]
    beside: Mapping[str, Beside]


class Clock:
    """What happened when, for a person who watches and for the line that says where the time went."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.begun = time.monotonic()
        self.phases: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Print one line of progress with the seconds since the start."""
        self.console.print(f"[dim]{time.monotonic() - self.begun:6.1f} s[/dim]  {text}")

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of the block to a phase."""
        begun = time.monotonic()
        yield
        self.phases[name] = self.phases.get(name, 0.0) + time.monotonic() - begun

    def summary(self) -> str:
        """Where the time went."""
        total = time.monotonic() - self.begun
        return f"{total:.0f} s in all: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.phases.items())


def tell(people: int, seed: int, *, serve: bool, as_json: bool) -> int:
    """Run the demo and return the exit status: 0 if every figure adds up and only the department that is down failed."""
    # Into a file or a pipe, Rich would cut every table to 80 columns.
    console = Console(stderr=as_json, highlight=False, width=None if sys.stdout.isatty() else 150)
    clock = Clock(console)
    home = open_home()
    with _alone(home.settings):
        try:
            days, equations = _run(home, clock, people, seed)
        finally:
            local.stop(home.settings, clock.say)
            postgres.stop(home.settings.home)
    broken = [item for item in equations if not item.holds]
    clock.say(f"the ledger: {len(equations)} equations recomputed, {len(broken)} do not hold")
    for equation in broken:
        clock.say(f"  {equation.subject}: {equation.words}: {equation.left} against {equation.right}")
    clock.say("the demo's PostgreSQL, which two departments use, has stopped; ./hub up starts it again beside the hub")
    clock.say(clock.summary())
    if as_json:
        print_json(document(days, equations, clock.phases))
    if serve:
        _serve(home, clock)
    return 1 if broken or any(day.unexpected for day in days) else 0


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let one demo at a time be told in a state folder, and none beside a hub that runs there. Raises `RequestError`."""
    refusal = f"Another demo is being told in {settings.home} at this moment."
    with alone(settings.home / "demo.lock", refusal, "wait for it, end it, or take another state folder (HUB_HOME)"):
        local.check_free(settings)
        yield


def _run(home: Home, clock: Clock, people: int, seed: int) -> tuple[list[Day], list[Equation]]:
    with clock.phase("city and sources"), _starting_airflow(home.settings, clock) as airflow:
        clock.say(f"building a city of {people:,} people from seed {seed}")
        city = make_city(people, seed)
        contracts = load_contracts(sorted(CONTRACTS.glob("*.yml")), load_standards())
        server = postgres.start(home.settings.home)
        _supply(home, city, 1, server)
        for contract in contracts:
            register(home.catalog, contract, home.settings.actor, home.settings.registered)
        departments = len({contract.department.id for contract in contracts})
        clock.say(f"{departments} departments hold {len(contracts)} datasets; their contracts are registered")
        with clock.phase("waiting for Airflow"):
            airflow.join()
    days = []
    for day in DAYS:
        if day > 1:
            with clock.phase("city and sources"):
                clock.say(f"day {day}: people move, marry, die; companies change; {', '.join(DOWN.get(day, ()))} is down")
                city = city.next()
                _supply(home, city, day, server)
        with clock.phase(f"day {day}"):
            failed, unexpected = _collect(home, clock, contracts, day)
        with clock.phase("accounts"):
            batches = {contract.id: next(iter(batches_of(home.catalog, contract.id, 1)), None) for contract in contracts}
            publications = tuple(latest(home.serving, registry) for registry in _fed(contracts))
            _show_ledger(clock, batches, day)
            _show_publications(clock, publications, day)
            found = {registry: beside(home, registry) for registry in _fed(contracts)}
            days.append(Day(_account(home, clock, city, contracts, day), batches, publications, failed, unexpected, found))
            clock.console.print(render_beside(found))
    with clock.phase("accounts"):
        for registry in _fed(contracts):
            clock.say(f"quality report of {registry}: {write_report(home, registry)}")
        return days, check_ledger(home)


class _Airflow(threading.Thread):
    """Airflow starts while the city is built."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__(daemon=True)
        self.settings, self.clock = settings, clock
        self.error: HubError | None = None

    def run(self) -> None:
        try:
            local.start(self.settings, self.clock.say)
        except HubError as error:
            self.error = error

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is healthy. Raises what went wrong."""
        super().join(timeout)
        if self.error is not None:
            raise self.error


@contextmanager
def _starting_airflow(settings: Settings, clock: Clock) -> Iterator[_Airflow]:
    airflow = _Airflow(settings, clock)
    airflow.start()
    try:
        yield airflow
    finally:
        threading.Thread.join(airflow)


def _supply(home: Home, city: City, day: int, server: str) -> None:
    """Write what the departments hold on a day, and set up the connections to it beside those that are there already."""
    addresses = write_sources(supply(city, day), home.settings.home / "demo", server, day)
    file = home.settings.home / "connections.yml"
    known = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}) if file.exists() else {}
    draft = file.with_suffix(".draft")
    draft.write_text(yaml.safe_dump({**known, **addresses}, allow_unicode=True), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(file)


def _collect(home: Home, clock: Clock, contracts: Sequence[Contract], day: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Run every collect DAG and what follows from it. Returns the runs that failed, and those of them that should not have."""
    running = local.running(home.settings)
    assert running is not None
    prefix = f"demo-day-{day}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    clock.say(f"day {day}: Airflow collects {len(contracts)} datasets")
    triggered = trigger(running.api, [collect_id(contract.id) for contract in contracts], prefix)
    runs = wait(running.api, triggered, lambda now: clock.say(_progress(day, now)))
    down = {collect_id(contract.id) for contract in contracts if contract.department.id in DOWN.get(day, ())}
    failed = sorted(run.dag_id for run in runs if run.state == "failed")
    for name in failed:
        clock.say(f"  {name} failed" + (", as its department is down" if name in down else ""))
    return tuple(failed), tuple(name for name in failed if name not in down)


def _progress(day: int, runs: Sequence[Run]) -> str:
    collected = [run for run in runs if run.dag_id.startswith("collect__")]
    published = [run for run in runs if run not in collected]
    ended = sum(run.has_ended for run in collected)
    waiting = sum(not run.has_ended for run in published)
    return f"day {day}: {ended} of {len(collected)} datasets done; {len(published) - waiting} publications done, {waiting} under way"


def _fed(contracts: Sequence[Contract]) -> list[str]:
    """The registries that the city's departments feed, in the order in which people speak of them."""
    return [schema.id for schema in load_standards().registries if any(schema.id in contract.feeds for contract in contracts)]


def _account(home: Home, clock: Clock, city: City, contracts: Sequence[Contract], day: int) -> Account:
    """Hold the base tables against the truth."""
    standards = load_standards()
    published: dict[str, pa.Table] = {}
    sources: dict[str, dict[str, pa.Table]] = {name: {} for name in _fed(contracts)}
    with Engine(home.settings) as engine:
        for name in sources:
            schema = standards.schemas[name]
            number = latest(home.serving, name).number
            published[name] = engine.arrow(f"SELECT * FROM {base_state(home, schema, number, [e.id for e in schema.elements])}")
        for contract in contracts:
            good = latest_accepted(home.catalog, contract.id)
            if good is None:
                continue
            accepted = contract_at(home.catalog, contract.id, good.contract_version)
            for feed in accepted.feeds:
                columns = log_columns(accepted, standards)
                wanted = {e: columns[e] for e in schema_elements(accepted, standards.schemas[feed], standards)}
                sources[feed][contract.id] = engine.arrow(f"SELECT * FROM {state(home, standardized_table(contract.id), wanted)}")
    truth = truth_at(city, day)
    found = account(truth, published, sources)
    clock.console.print(render(found))
    for name, tables in sources.items():
        _write_accuracies(home, name, truth, tables, {contract.id: contract.title for contract in contracts})
    return found


def _write_accuracies(home: Home, registry: str, truth: Truth, sources: Mapping[str, pa.Table], titles: Mapping[str, Title]) -> None:
    """Keep the account of each of the day's publications by source and group, for its quality report."""
    standards = load_standards()
    schema = standards.schemas[registry]
    for item in history(home.serving, registry):
        if read_accuracy(home, registry, item.number) is None:
            with Engine(home.settings) as engine:
                table = engine.arrow(f"SELECT * FROM {base_state(home, schema, item.number, [e.id for e in schema.elements])}")
            used = {name: sources[name] for name in inputs_of(home.serving, registry, item.number) if name in sources}
            told = fairness(registry, truth.day, truth.table(registry), table, used, titles, standards)
            write_accuracy(home, registry, item.number, told)


def _show_ledger(clock: Clock, batches: Mapping[str, Batch | None], day: int) -> None:
    """One line per dataset that adds up; below it, in words, what did not arrive."""
    table = _table(
        f"账目 Ledger · 第 {day} 天 day {day}", "read = landed + unreadable; landed = accepted + unchanged + repeated + quarantined"
    )
    for heading in LEDGER_HEADINGS:
        table.add_column(heading, justify="left" if "Dataset" in heading else "right", no_wrap=True)
    trouble = []
    for name, newest in batches.items():
        if newest is None or newest.status != "accepted":
            trouble.append(f"{name} {newest.status if newest else 'did not run'}: {(newest.error if newest else '') or ''}")
        table.add_row(name, *_ledger_cells(newest))
    clock.console.print(table)
    for line in trouble:
        clock.console.print(f"  [bold]![/bold] {line}")


def _ledger_cells(batch: Batch | None) -> list[str]:
    if batch is None:
        return []
    counts = (batch.read, batch.unreadable, batch.accepted, batch.unchanged, batch.repeated, batch.quarantined, batch.records)
    return ["–" if count is None else f"{count:,}" for count in (*counts, batch.inserted, batch.updated, batch.deleted)]


def _show_publications(clock: Clock, publications: Sequence[Publication], day: int) -> None:
    table = _table(f"发布 Publications · 第 {day} 天 day {day}", "records = linked + waiting for matching + withheld")
    for heading in PUBLICATION_HEADINGS:
        table.add_column(heading, justify="left" if "Registry" in heading else "right", no_wrap=True)
    for now in publications:
        counts = (now.number, now.records, now.linked, now.unlinked, now.withheld, now.entities)
        table.add_row(now.registry, *(f"{count:,}" for count in counts))
    clock.console.print(table)


def _table(title: str, caption: str) -> RichTable:
    return RichTable(title=title, title_justify="left", caption=caption, caption_justify="left", box=SIMPLE_HEAD)


def document(days: Sequence[Day], equations: Sequence[Equation], seconds: Mapping[str, float]) -> dict[str, Any]:
    """Everything that the demo tells, for a program."""
    return {
        "days": [
            {
                "day": day.account.day,
                "ledger": [{"dataset": name, **(asdict(batch) if batch else {"status": None})} for name, batch in day.batches.items()],
                "publications": [shown(item) for item in day.publications],
                "registries": [_figures(entry) for entry in day.account.registries],
                "failed": list(day.failed),
                "unexpected": list(day.unexpected),
                "beside": day.beside,
            }
            for day in days
        ],
        "equations": {"recomputed": len(equations), "broken": [asdict(item) for item in equations if not item.holds]},
        "seconds": dict(seconds),
    }


def _figures(entry: RegistryAccount) -> dict[str, Any]:
    return {
        "registry": entry.registry,
        "entities": entry.published.entities,
        "found_share": entry.published.found_share,
        "right_share": entry.published.right_share,
        "wrong_share": entry.published.wrong_share,
        "best_source": entry.best_source.name if entry.best_source else None,
        "best_source_right_share": entry.best_source.right_share if entry.best_source else None,
        "published": asdict(entry.published),
        "best_source_account": asdict(entry.best_source) if entry.best_source else None,
    }


def _serve(home: Home, clock: Clock) -> None:
    from portal.serve import serve

    serve(home.settings, on_ready=lambda address: clock.say(f"the portal: {address}  (Ctrl-C ends it)"))

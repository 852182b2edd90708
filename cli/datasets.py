"""Commands about datasets: register, check, sync, end."""

import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.days import day
from cli.output import Json, answer, print_json
from cli.reasons import reason_given
from cli.receipts import print_batch
from core.errors import GateFailed, HubError, LeaseHeld, RequestError
from core.faults import described
from core.nouns import noun

if TYPE_CHECKING:
    from catalog.batches import Batch
    from pipeline.delivery.check import SourceCheck
    from pipeline.delivery.tracking import Order
    from pipeline.home import Home

DECLINED = (RequestError, LeaseHeld)  # what turns a request away before anything is begun

Files = Annotated[list[Path], typer.Argument(exists=True, help="Contract files (YAML).")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (register, check, sync, end):
        app.command()(command)


def register(files: Files, as_json: Json = False) -> None:
    """Register contracts: they become datasets with a DAG each. Registering the same content again changes nothing."""
    from catalog.datasets import other_source
    from catalog.datasets import register as register_contract
    from contracts.loader import load_contracts
    from pipeline.home import open_home
    from pipeline.operation.ending import release
    from standards.loader import load_standards

    contracts = load_contracts(_contract_files(files), load_standards())
    home = open_home()
    moved = {c.id: told for c in contracts if (told := other_source(home.catalog, c))}
    versions = {c.id: register_contract(home.catalog, c, home.settings.actor, home.settings.registered) for c in contracts}
    rows = [(contract.id, versions[contract.id], contract.title.en, ", ".join(contract.feeds)) for contract in contracts]
    document = [{"id": c.id, "version": versions[c.id], **({"note": moved[c.id]} if c.id in moved else {})} for c in contracts]
    answer(as_json, document, ("dataset", "version", "title", "feeds"), rows)
    for told in moved.values():
        print(f"hub: {told}", file=sys.stderr)
    for contract in contracts:
        if contract.ended:
            release(home, contract)


def _contract_files(paths: list[Path]) -> list[Path]:
    """Files as given; a folder stands for the contracts in it. Raises RequestError for a folder without any."""
    listed = {path: sorted(path.glob("*.yml")) if path.is_dir() else [path] for path in paths}
    for path, files in listed.items():
        if not files:
            raise RequestError(f"there is no contract in {path}", hint="contracts are files whose names end in .yml")
    return [file for files in listed.values() for file in files]


def check(files: Files, as_json: Json = False) -> None:
    """Hold contracts against their schema and the standards, and against the live source; nothing is stored."""
    from contracts.loader import load_contracts
    from pipeline.delivery.check import check_source
    from pipeline.home import open_home
    from standards.loader import load_standards

    contracts = load_contracts(_contract_files(files), load_standards())
    home = open_home()
    found = [check_source(home, contract) for contract in contracts]
    rows = [
        (item.contract_id, "ok" if item.error is None else "fault", _looked_at(item), item.error or "; ".join(item.notes)) for item in found
    ]
    answer(as_json, [asdict(item) for item in found], ("dataset", "source", "rows looked at", "what was found"), rows)
    if any(item.error for item in found):
        raise typer.Exit(max(item.exit_status for item in found))


def _looked_at(item: "SourceCheck") -> str | None:
    """How many rows a look at the source saw, and whether these are all it has; nothing of one that could not be read."""
    if item.error is not None:
        return None
    return f"{item.rows_seen:,}" if item.is_all else f"the first {item.rows_seen:,}"


def sync(
    contracts: Annotated[list[str], typer.Argument(help="Ids of registered datasets.")],
    full: Annotated[
        bool,
        typer.Option("--full", help="Read all of the source and standardize every row again; the state before stays until it is done."),
    ] = False,
    first: Annotated[
        date | None, typer.Option("--from", parser=day, metavar="DAY", help="Read the rows of a period again, by cursor or as-of column.")
    ] = None,
    last: Annotated[date | None, typer.Option("--to", parser=day, metavar="DAY", help="Last day of the period.")] = None,
    outside_window: Annotated[
        bool, typer.Option("--now", help="Read also outside the hours agreed with the department; your name is kept with the batch.")
    ] = False,
    accept_shrink: Annotated[
        str | None,
        typer.Option("--accept-shrink", metavar="WHY", help="Let as many records disappear as the stopped batch has shown; why is kept."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Collect datasets now, without Airflow: for each one batch, landed and accepted. One that fails does not keep the others."""
    from pipeline.delivery.tracking import Order
    from pipeline.home import open_home

    why = reason_given(accept_shrink)
    order = Order(full=full, period=_period(first, last, full=full), outside_window=outside_window, accept_shrink=why)
    home = open_home()
    outcomes: list[dict[str, Any]] = []
    statuses = [0]
    for contract in dict.fromkeys(contracts):
        batch, error = _collect(home, contract, order)
        outcomes.append(_outcome(contract, batch, error))
        if error is not None:
            statuses.append(described(error).exit_status)
            print(f"hub: {_about(contract, described(error))}", file=sys.stderr)
        elif not as_json:
            print_batch(batch)
    if as_json:
        print_json(outcomes)
    if max(statuses):
        raise typer.Exit(max(statuses))


def _period(first: date | None, last: date | None, *, full: bool) -> tuple[date, date] | None:
    """The days that are meant. Raises RequestError where they are no period."""
    if first is None and last is None:
        return None
    if first and last and first > last:
        raise RequestError(
            f"the period ends on {last}, before it begins on {first}", hint="the first day stands at --from, the last at --to"
        )
    if first is None or last is None or full:
        raise RequestError(
            "a period has a first and a last day, and is not the whole source",
            hint="as in --from 2024-01-01 --to 2024-01-31, without --full",
        )
    return first, last


def _collect(home: "Home", contract: str, order: "Order") -> "tuple[Batch | None, Exception | None]":
    """The batch of one dataset, as far as it came, and what ended it; whatever that is, the others have their turn."""
    from catalog.batches import get_batch, latest_batch
    from pipeline.accept import accept
    from pipeline.land import land

    batch_id = None
    before = latest_batch(home.catalog, contract)
    try:
        batch_id = land(contract, home, order=order)
        return accept(batch_id, home, full=order.full, accept_shrink=order.accept_shrink), None
    except Exception as error:
        # A run that was turned away has opened no batch: the newest may be that of whoever is at it.
        if batch_id is not None:
            return get_batch(home.catalog, batch_id), error
        newest = None if isinstance(error, DECLINED) else latest_batch(home.catalog, contract)
        is_mine = newest is not None and (before is None or newest.batch_id != before.batch_id)
        return (newest if is_mine else None), error


def _outcome(contract: str, batch: "Batch | None", error: Exception | None) -> dict[str, Any]:
    """What became of one dataset: its batch, if it has one, and what was said."""
    known = {"contract_id": contract, **(asdict(batch) if batch else {})}
    if error is None:
        return known | {"outcome": known["status"]}
    fault = described(error)
    outcome = "declined" if isinstance(error, DECLINED) else "stopped" if isinstance(error, GateFailed) else "failed"
    said = {"error": type(error).__name__, "message": fault.message, "hint": fault.hint, "transient": fault.transient}
    return known | {"outcome": outcome} | said


def end(
    contract: Annotated[str, typer.Argument(help="Id of a registered dataset.")],
    why: Annotated[str, typer.Option("--why", help="Why it ends; kept with its contract.")],
    records: Annotated[
        Literal["kept", "withdrawn"],
        typer.Option("--records", help="kept: its records stay in the base tables as they were read last; withdrawn: they leave them."),
    ],
    as_json: Json = False,
) -> None:
    """Collect a dataset no more: no schedule, no alerts, no log kept at its source. Registering its contract again takes it back."""
    from pipeline.home import open_home
    from pipeline.operation.ending import end as end_dataset

    done = end_dataset(open_home(), contract, reason_given(why, "--why"), records)
    if as_json:
        print_json(asdict(done) | {"ended": done.ended.model_dump()})
        return
    print(f"{done.contract_id} has ended with version {done.version} of its contract: {done.ended.reason}")
    if done.left:
        print(f"  {done.left} had landed and is not accepted any more: its rows are in landing until they are purged")
    if records == "kept":
        stay = noun(done.records, "record stays as it was", "records stay as they were")
        print(f"  its {done.records:,} {stay} read last in: {', '.join(done.feeds)}")
    else:
        leave = noun(done.records, "record leaves", "records leave")
        print(f"  its {done.records:,} {leave} with the next publication: {'; '.join(f'./hub publish {feed}' for feed in done.feeds)}")


def _about(contract: str, error: HubError) -> str:
    """An error with the dataset that it is about, unless its own words name it."""
    return str(error) if contract in error.message else f"{contract}: {error}"

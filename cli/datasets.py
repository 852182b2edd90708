"""Commands about datasets: register, check, sync, end, receipt, report."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.output import Json, answer, print_json
from core.errors import GateFailed, HubError, LeaseHeld, RequestError
from core.faults import described

if TYPE_CHECKING:
    from catalog.batches import Batch
    from pipeline.home import Home
    from pipeline.tracking import Order

DECLINED = (RequestError, LeaseHeld)  # what turns a request away before anything is begun

Files = Annotated[list[Path], typer.Argument(exists=True, help="Contract files (YAML).")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (register, check, sync, end, receipt, report):
        app.command()(command)


def register(files: Files, as_json: Json = False) -> None:
    """Register contracts: they become datasets with a DAG each. Registering the same content again changes nothing."""
    from catalog.datasets import register as register_contract
    from contracts.loader import load_contracts
    from pipeline.ending import release
    from pipeline.home import open_home
    from standards.loader import load_standards

    contracts = load_contracts(_contract_files(files), load_standards())
    home = open_home()
    versions = {c.id: register_contract(home.catalog, c, home.settings.actor, home.settings.registered) for c in contracts}
    rows = [(contract.id, versions[contract.id], contract.title.en, ", ".join(contract.feeds)) for contract in contracts]
    answer(as_json, [{"id": c.id, "version": versions[c.id]} for c in contracts], ("dataset", "version", "title", "feeds"), rows)
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
    from pipeline.check import check_source
    from pipeline.home import open_home
    from standards.loader import load_standards

    contracts = load_contracts(_contract_files(files), load_standards())
    home = open_home()
    found = [check_source(home, contract) for contract in contracts]
    rows = [
        (item.contract_id, "ok" if item.error is None else "fault", item.rows_seen, item.error or "; ".join(item.notes)) for item in found
    ]
    answer(as_json, [asdict(item) for item in found], ("dataset", "source", "rows looked at", "what was found"), rows)
    if any(item.error for item in found):
        raise typer.Exit(max(item.exit_status for item in found))


def sync(
    contracts: Annotated[list[str], typer.Argument(help="Ids of registered datasets.")],
    full: Annotated[
        bool,
        typer.Option("--full", help="Read all of the source and standardize every row again; the state before stays until it is done."),
    ] = False,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Read the rows of a period again, by cursor or as-of column.")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of the period.")] = None,
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
    from pipeline.home import open_home
    from pipeline.tracking import Order

    why = reason_given(accept_shrink)
    order = Order(full=full, period=_period(first, last, full=full), outside_window=outside_window, accept_shrink=why)
    home = open_home()
    outcomes: list[dict[str, Any]] = []
    statuses = [0]
    for contract in contracts:
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


def _period(first: datetime | None, last: datetime | None, *, full: bool) -> tuple[date, date] | None:
    """The days that are meant. Raises RequestError where they are no period."""
    if first is None and last is None:
        return None
    if first is None or last is None or first > last or full:
        raise RequestError(
            "a period has a first and a last day, and is not the whole source",
            hint="as in --from 2024-01-01 --to 2024-01-31, without --full",
        )
    return first.date(), last.date()


def _collect(home: "Home", contract: str, order: "Order") -> "tuple[Batch | None, Exception | None]":
    """The batch of one dataset, as far as it came, and what ended it; whatever that is, the others have their turn."""
    from catalog.batches import batches_of, get_batch
    from pipeline.accept import accept
    from pipeline.land import land

    batch_id = None
    before = [item.batch_id for item in batches_of(home.catalog, contract, 1)]
    try:
        batch_id = land(contract, home, order=order)
        return accept(batch_id, home, full=order.full, accept_shrink=order.accept_shrink), None
    except Exception as error:
        # A run that was turned away has opened no batch: the newest may be that of whoever is at it.
        newest = [] if isinstance(error, DECLINED) else [item.batch_id for item in batches_of(home.catalog, contract, 1)]
        mine = [batch_id] if batch_id else [item for item in newest if item not in before]
        return (get_batch(home.catalog, mine[0]) if mine else None), error


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
    from pipeline.ending import end as end_dataset
    from pipeline.home import open_home

    done = end_dataset(open_home(), contract, reason_given(why, "--why"), records)
    if as_json:
        print_json(asdict(done) | {"ended": done.ended.model_dump()})
        return
    print(f"{done.contract_id} has ended with version {done.version} of its contract: {done.ended.reason}")
    if records == "kept":
        print(f"  its {done.records:,} records stay as they were read last in: {', '.join(done.feeds)}")
    else:
        print(
            f"  its {done.records:,} records leave with the next publication: {'; '.join(f'./hub publish {feed}' for feed in done.feeds)}"
        )


def reason_given(reason: str | None, option: str = "--accept-shrink") -> str:
    """Why something may pass, empty where nobody says that it may. Raises RequestError for a decision without a reason."""
    if reason is not None and not reason.strip():
        raise RequestError(f"{option} needs a reason", hint=f'for example {option} "district moved to another city"')
    return (reason or "").strip()


def _about(contract: str, error: HubError) -> str:
    """An error with the dataset that it is about, unless its own words name it."""
    return str(error) if contract in error.message else f"{contract}: {error}"


def receipt(
    batch: Annotated[str, typer.Argument(help="Batch id, as in dataset@number.")],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compute everything again from the landed rows, and ask the source whether it still says the same."),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the signed receipt to this file.")] = None,
    as_json: Json = False,
) -> None:
    """The account of a batch: what was read, what became of it, what the source says of it, and under which versions; signed."""
    from catalog.batches import OPEN, get_batch
    from core.files import check_new_file
    from pipeline.home import open_home
    from pipeline.landing import shown_manifest
    from pipeline.receipts import compare_source, receipt_of, verify_receipt

    if out:
        check_new_file(out)
    home = open_home()
    found = get_batch(home.catalog, batch)
    document = receipt_of(home, batch) if out or found.status not in OPEN else None
    differences = verify_receipt(home, found, document) if verify else []
    source, is_other = compare_source(home, found) if verify and found.landed is not None else (None, False)
    if out:
        out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if as_json:
        answers = {"differences": differences, "source_now": source, "source_differs": is_other, "written": str(out) if out else None}
        print_json({"batch": asdict(found), "manifest": shown_manifest(home.settings, found), "signed": document, **answers})
    else:
        print_batch(found)
        _print_receipt(document)
        if verify:
            _print_verified(differences, source, is_other)
        if out:
            print(f"written to {out}; exchange/verify_receipt.py checks it with the key that ./hub keys --export gives")
    if differences:
        raise typer.Exit(1)


def _print_receipt(document: Mapping[str, Any] | None) -> None:
    """What landing and source add up to, and who has signed it."""
    if document is None:
        print("  receipt  none yet: it is signed when the batch has ended")
        return
    signed = document["receipt"]
    landing, source = signed["landing"], signed["source"]
    if landing:
        parts = f"in {len(landing['partitions'])} partitions" if landing["partitions"] else "not shown, there are fewer than 100 rows"
        print(f"  landing  {landing['rows']:,} rows, digest {landing['digest'] or ''}{' ' if landing['digest'] else ''}{parts}")
    if source:
        rows = "" if source["rows"] is None else f"{source['rows']:,} rows by {source['engine']}, "
        reason = f" ({source['reason']})" if source["reason"] else ""
        print(f"  source   {rows}{source['verdict']}{reason}")
        for item in source["not_comparable"]:
            print(f"           not comparable: {item['column']} ({item['reason']})")
        for file in source.get("files", []):
            print(f"  file     {file['name']}, {file['bytes']:,} bytes, sha256 {file['sha256']}")
    print(f"  signed   {signed['algorithm']}, key {signed['key_id']}, {signed['issued_at']}")


def _print_verified(differences: Sequence[str], source: str | None, is_other: bool) -> None:
    print("  verified " + ("signature, equations, catalog and landing hold" if not differences else "; ".join(differences)))
    if source is not None:
        print(f"  source now: {source}")
    if is_other:
        print(
            "           a source that has changed since the batch was read is no fault of the batch: ask the department what changed; the next "
            "batch will bring it"
        )


def print_batch(batch: Any) -> None:
    """The ledger of a batch for a person."""
    print(
        f"{batch.batch_id}: {batch.status} (contract version {batch.contract_version}, standard {batch.standard_version}, by {batch.actor})"
    )
    if batch.landed is not None:
        print(f"  rows     read {batch.read:,} = landed {batch.landed:,} + unreadable {batch.unreadable:,}")
    if batch.accepted is not None:
        print(
            f"           landed {batch.landed:,} = accepted {batch.accepted:,} + unchanged {batch.unchanged:,} "
            f"+ repeated {batch.repeated:,} + quarantined {batch.quarantined:,}"
        )
        print(f"  records  {batch.records:,} = previous {batch.previous:,} + inserted {batch.inserted:,} - deleted {batch.deleted:,}")
        print(f"           updated {batch.updated:,}")
    for note in batch.notes:
        print(f"  note     {note['kind']}: {note['message']}")
    if batch.error:
        print(f"  error    {batch.error}\n  to do    {batch.hint}")


def report(
    subject: Annotated[str, typer.Argument(help="A batch id, a dataset (its last batch) or a registry.")],
    html: Annotated[Path | None, typer.Option("--html", help="Where to write the report; by default into HUB_HOME/reports.")] = None,
    lang: Annotated[str, typer.Option("--lang", help="zh or en.")] = "zh",
    as_json: Json = False,
) -> None:
    """The quality report of a batch, a dataset or a base registry, as one self-contained HTML file."""
    from pipeline.home import open_home
    from pipeline.report import write_report

    path = write_report(open_home(), subject, html, lang)
    print_json({"report": str(path)}) if as_json else print(path)

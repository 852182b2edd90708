"""Commands about where things stand and what is kept: status, watch, purge."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Json, answer, print_json
from core.clock import beijing_text, now
from core.nouns import noun

if TYPE_CHECKING:
    from pipeline.operation.datasets import DatasetState

COLUMNS = (
    *("dataset", "last batch", "started (Beijing)", "age", "allowed", "lag", "receipt"),
    *("next run (Beijing)", "records", "quarantined", "oldest"),
)
MOST_RULES = 20  # of those that rows wait by


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(status)
    app.command()(watch)
    app.command()(purge)


def status(
    check: Annotated[bool, typer.Option("--check", help="Recompute every equation of the ledger.")] = False,
    as_json: Json = False,
) -> None:
    """Where every dataset and every base registry stands."""
    from pipeline.home import open_home

    home = open_home()
    if check:
        _check_ledger(home, as_json)
        return
    from catalog.alerts import alerts
    from catalog.batches import waiting_of
    from pipeline.operation.datasets import dataset_states
    from pipeline.publication.pins import lagging
    from registries.attempts import standing_attempt
    from registries.definition import load_definitions
    from registries.publications import latest, shown

    states = list(dataset_states(home.catalog).values())
    fed = {name for item in states for name in item.contract.feeds}
    current = {name: latest(home.serving, name) for name in load_definitions()}
    registries = [found for name, found in current.items() if found.number or name in fed or not fed]
    attempts = {item.registry: attempt for item in registries if (attempt := standing_attempt(home.serving, item))}
    lag = lagging(home)
    collected = {item.id for item in states if not item.contract.ended}
    waiting = [row for row in waiting_of(home.catalog) if row["contract_id"] in collected]
    if as_json:
        stands = [shown(item) | {"attempt": attempts.get(item.registry) and asdict(attempts[item.registry])} for item in registries]
        datasets = [
            {"dataset": s.id, "newest": s.last and asdict(s.last), "accepted": s.accepted and asdict(s.accepted), **s.row()}
            | {"unpublished_since": lag.get(s.id)}
            for s in states
        ]
        standing = [asdict(item) for item in alerts(home.catalog)]
        print_json({"datasets": datasets, "quarantine": waiting, "registries": stands, "alerts": standing})
    else:
        _print_datasets(states, lag)
        _print_waiting(waiting)
        _print_registries(registries, attempts)
        for item in alerts(home.catalog):
            print(f"\n! {item.message_en} (since {beijing_text(item.opened_at)}, Beijing)")
    if attempts:
        raise typer.Exit(1)


def _said(batch: Any) -> str:
    """Why a batch did not make it, without the names that stand before it on the line."""
    text: str = batch.error
    return text.removeprefix(f"{batch.contract_id}: ").removeprefix(f"batch {batch.batch_id} {batch.status}: ")


def _print_datasets(states: "Sequence[DatasetState]", lag: Mapping[str, datetime]) -> None:
    answer(False, None, COLUMNS, [_line(item, lag.get(item.id)) for item in states])
    trouble = [
        f"! {item.last.batch_id} {item.last.status}: {_said(item.last)}\n    what to do: {item.last.hint or 'see the message'}"
        for item in states
        if item.last and item.last.error and not item.contract.ended
    ]
    trouble += [
        f"! {item.last.batch_id} abandoned: its process has ended half-way\n    what to do: ./hub sync {item.id}"
        for item in states
        if item.last and item.state == "abandoned"
    ]
    trouble += [
        f"~ {item.id}: {note['message']}"
        for item in states
        for note in (item.last.notes if item.last and not item.contract.ended else [])
        if str(note["kind"]).startswith("drift-")
    ]
    print("\n".join(["", *trouble, ""]) if trouble else "")


def _print_waiting(rules: Sequence[Mapping[str, Any]]) -> None:
    """What waits in quarantine by rule, most rows first."""
    if not rules:
        return
    columns = ("waits in quarantine", "element", "issue", "rows", "oldest")
    lines = [(row["contract_id"], row["element"], row["issue_type"], row["rows"], duration(now() - row["since"])) for row in rules]
    answer(False, None, columns, lines[:MOST_RULES])
    if len(lines) > MOST_RULES:
        print(f"{len(lines) - MOST_RULES} more {noun(len(lines) - MOST_RULES, 'rule')} with fewer rows: ./hub quarantine DATASET")
    print()


def _print_registries(registries: Sequence[Any], attempts: Mapping[str, Any]) -> None:
    entries = [
        (i.registry, i.number, i.entities, i.records, i.linked, i.unlinked, i.withheld, beijing_text(i.published_at) if i.number else "")
        for i in registries
    ]
    answer(
        False, None, ("registry", "publication", "entities", "records", "linked", "unlinked", "withheld", "published (Beijing)"), entries
    )
    for item in attempts.values():
        print(f"\n! publication {item.number} of {item.registry} {item.outcome} on {beijing_text(item.at)} (Beijing), by {item.actor}")
        print(f"    {item.reason}\n    what to do: {item.hint or 'see the message'}")


def _line(item: "DatasetState", lag: datetime | None) -> tuple[Any, ...]:
    last, since, receipt = item.last, item.waiting_since, item.accepted and f"#{item.accepted.seq}"
    status = f"#{last.seq} {item.last_status}" if last else "never collected"
    status = "ended" if item.contract.ended else status
    age = f"{duration(item.age)}{', late' if item.freshness == 'late' else ''}" if item.age is not None else None
    allowed = duration(item.allowed_age) if item.allowed_age else "any"
    never = "never" if item.contract.schedule.cron or item.contract.ended else "on demand"
    due, started = beijing_text(item.next_run)[:16] or never, beijing_text(last.started_at)[:16] if last else ""
    due = f"overdue since {beijing_text(item.overdue_since)[:16]}" if item.overdue_since else due
    waited, lagged = (duration(now() - moment) if moment else None for moment in (since, lag))
    return (item.id, status, started, age, allowed, lagged, receipt, due, item.records, item.quarantined, waited)


def duration(time: timedelta) -> str:
    """A length of time in its largest unit, as in 36 h or 5 d. What lies ahead was noted when the clock was ahead, or is now behind."""
    seconds = int(time.total_seconds())
    if seconds < 0:
        return "ahead of the clock"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _check_ledger(home: Any, as_json: bool) -> None:
    from pipeline.ledger import check_ledger

    equations = check_ledger(home)
    broken = [item for item in equations if not item.holds]
    if as_json:
        print_json({"equations": len(equations), "broken": [asdict(item) for item in broken]})
    else:
        answer(
            False, None, ("about", "equation", "left", "right"), [(e.subject, e.words, e.left, e.right) for e in broken]
        ) if broken else None
        print(f"{len(equations)} {noun(len(equations), 'equation')} recomputed, {len(broken)} {noun(len(broken), 'does', 'do')} not hold")
    if broken:
        raise typer.Exit(1)


def watch(as_json: Json = False) -> None:
    """Look for what somebody has to be told, tell it by webhook and mail (HUB_ALERTS), and send lineage events on."""
    from pipeline.home import open_home
    from pipeline.operation.watch import watch as look

    found = look(open_home())
    if as_json:
        print_json(asdict(found))
    else:
        rows = [(item.severity, item.rule, item.subject, item.message_en, beijing_text(item.opened_at)) for item in found.open]
        answer(False, None, ("severity", "rule", "about", "what", "since (Beijing)"), rows) if rows else print("nothing to tell")
        print(f"{found.sent} notices sent, {found.events} lineage events sent")
        for reason in found.unsent:
            print(f"! not sent, kept for the next time: {reason}")
    if found.unsent:
        raise typer.Exit(1)


def purge(
    number: Annotated[int | None, typer.Option("--receipt", help="Instead, the receipt of a purge that was.")] = None, as_json: Json = False
) -> None:
    """Remove what the retention of contracts has run out for and what nothing names any more; what was removed has a receipt."""
    from catalog.purges import get_purge
    from pipeline.home import open_home
    from pipeline.operation.purge import purge as run_purge

    home = open_home()
    done = get_purge(home.catalog, number) if number is not None else run_purge(home)
    if as_json:
        print_json(asdict(done))
        return
    files = f"{done.files:,} {noun(done.files, 'file')}"
    print(f"purge {done.number}: {files}, {done.bytes / 1e6:,.1f} MB, by {done.actor}, {beijing_text(done.started_at)} (Beijing)")
    if done.items:
        rows = [(item.layer, item.subject, item.reason, item.files, f"{item.bytes / 1e6:,.1f} MB", item.path) for item in done.items]
        answer(False, None, ("layer", "of", "why", "files", "size", "path"), rows)
    for note in done.notes:
        print(f"  note     {note['message']}")

"""Commands about rejected rows: quarantine (out to the department) and replay (back in)."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import Json, answer, print_json
from cli.receipts import print_batch
from core.nouns import noun


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(quarantine)
    app.command()(replay)


def quarantine(
    subject: Annotated[
        str, typer.Argument(metavar="DATASET", help="Id of a registered dataset; or one batch (dataset@number), also one that was stopped.")
    ],
    warnings: Annotated[bool, typer.Option("--warnings", help="Instead, the rows in force that are published with a warning.")] = False,
    rows: Annotated[int, typer.Option("--rows", min=0, max=10_000, help="List so many of the rows, their values masked.")] = 0,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the rows as received, the reasons in words beside each cell, to this file (.csv or .xlsx)."),
    ] = None,
    purpose: Annotated[str, typer.Option("--purpose", help="Why the rows are read; it is kept in the audit log.")] = "repair",
    as_json: Json = False,
) -> None:
    """Rows that wait in quarantine, or rows with warnings: how many by rule and since when, which, and out to a file for the department."""
    from exchange import audit
    from pipeline.home import open_home
    from pipeline.quarantine.listing import check_export, export_rows, listed_rows, rule_counts

    home, kind = open_home(), "warnings" if warnings else "quarantine"
    counts = rule_counts(home, subject, warnings=warnings)
    if export:
        check_export(home, subject, export, warnings=warnings)  # what cannot be written is not to stand in the audit log
    for action in [name for name, wanted in (("view", rows), ("export", export and counts)) if wanted]:
        audit.record(home.audit, actor=home.settings.actor, action=f"{action}-{kind}", subject=subject, purpose=purpose)
    listed = listed_rows(home, subject, rows, warnings=warnings) if rows else None
    written = export_rows(home, subject, export, warnings=warnings) if export and counts else None
    if as_json:
        told = {"exported": written.rows, "files": [str(path) for path in written.files]} if written else {"exported": None}
        print_json({"rules": [asdict(item) for item in counts], "rows": asdict(listed)["rows"] if listed else None, **told})
        return
    if not counts:
        print(f"no row of {subject} is {_what_is_asked(subject, warnings=warnings)}{': nothing was written' if export else ''}")
        return
    table = [(c.element, c.issue_type, c.rows, _days(c.since), c.message_en, c.fixer) for c in counts]
    answer(False, None, ("element", "issue", "rows", "oldest", "what to do", "who"), table)
    if listed:
        answer(False, None, ("batch", "row", "element", "issue", "column", "as received, masked"), _places(listed), "\nthe first rows")
    if written is not None:
        files = ", ".join(map(str, written.files))
        print(f"{written.rows:,} {noun(written.rows, 'row')} with personal data as received, written to {files}: for the department only")
        if not warnings:
            print(_what_comes_next(home, subject))


def _what_is_asked(subject: str, *, warnings: bool) -> str:
    if "@" in subject:
        return "marked with a warning" if warnings else "set aside"
    return "published with a warning" if warnings else "in quarantine"


def _what_comes_next(home: Any, subject: str) -> str:
    """After a file went out: of a batch that was stopped nothing waits that could be run again."""
    from catalog.batches import get_batch

    if "@" in subject and get_batch(home.catalog, subject).status != "accepted":
        return f"none of the batch was taken in: have them corrected in the source, then ./hub sync {subject.partition('@')[0]}"
    return f"when it comes back: ./hub replay {subject} --repaired FILE"


def _days(since: datetime | None) -> str:
    """How long a row has been waiting."""
    from core.clock import now

    if since is None:
        return ""
    days = (now() - since).days
    return "today" if not days else f"{days} day{'s' if days != 1 else ''}"


def _places(listed: Any) -> list[tuple[Any, ...]]:
    """One line per row, rule and column."""
    return [
        (row.batch_id, str(row.position), item.element, item.issue_type, column, raw)
        for row in listed.rows
        for item in row.broken
        for column, raw in item.values or ((None, None),)
    ]


def replay(
    subject: Annotated[str, typer.Argument(metavar="BATCH", help="A batch (dataset@number), or a dataset: then whatever waits.")],
    repaired: Annotated[
        Path | None,
        typer.Option("--repaired", exists=True, dir_okay=False, help="The file of rejected rows as the department hands it back."),
    ] = None,
    standard: Annotated[
        str, typer.Option("--standard", help="A version that batches have used, instead of today's; it judges as on the batch's day.")
    ] = "current",
    as_json: Json = False,
) -> None:
    """Run rows that wait in quarantine again: as the department has repaired them, or as they were. Each run is a batch with its receipt.

    Ends with 1 where a row was refused or set aside again.
    """
    from catalog.batches import contract_of
    from catalog.datasets import contract_in_force
    from exchange import audit
    from pipeline.home import open_home
    from pipeline.quarantine.replay import check_replay, refusals, refused_rows
    from pipeline.quarantine.replay import replay as run_again

    home = open_home()
    contract_in_force(home.catalog, contract_of(subject))  # what was typed in its place is not to stand in the audit log
    check_replay(home, subject, repaired=repaired is not None)
    audit.record(home.audit, actor=home.settings.actor, action="replay", subject=subject, purpose="repair" if repaired else "replay")
    batches = run_again(subject, home, repaired=repaired, standard=standard)
    refused = {batch.batch_id: refused_rows(home, batch) for batch in batches}
    if as_json:
        print_json([{**asdict(batch), "refused": refused[batch.batch_id]} for batch in batches])
    else:
        for batch in batches:
            print_batch(batch)
            rows = [(row["position"], row["reason"]) for row in refused[batch.batch_id]]
            lines = refusals(rows)
            for line in lines:
                print(f"  refused  of {_handed_back_in(batch)}: {line}")
            if len(rows) > len(lines):
                print(f"           each row with its reason: ./hub receipt {batch.batch_id} --json")
    if any(batch.quarantined or batch.unreadable for batch in batches):
        waiting = batches[-1].waiting
        if waiting and not as_json:
            wait = noun(waiting, "row of the dataset waits", "rows of the dataset wait")
            print(f"{waiting:,} {wait} now; out to the department with: ./hub quarantine {contract_of(subject)} --export FILE")
        raise typer.Exit(1)


def _handed_back_in(batch: Any) -> str:
    """The file that a batch of repaired rows is from: an earlier one where a run before has died."""
    return next(str(note["file"]) for note in batch.notes if note["kind"] == "repair")

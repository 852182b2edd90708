"""The command that drafts a contract from a table nobody has described: propose."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Json, print_json
from core.nouns import noun

if TYPE_CHECKING:
    from contracts.proposal.decide import Decision
    from pipeline.propose import Proposal


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(propose)


def propose(
    source: Annotated[
        str, typer.Argument(help="A file, connection:table, connection:file of a drop folder, or connection:path of an API.")
    ],
    department: Annotated[str, typer.Option("--department", help="Id of the supplying department, as in civil_affairs.")] = "",
    registry: Annotated[
        list[str] | None, typer.Option("--registry", help="Id of a base registry: population, …; left out, it follows from the columns.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Name of the table in words; it helps to tell what its columns are.")] = "",
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook; left out, the first.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the draft to this file; one that exists is not overwritten.")] = None,
    as_json: Json = False,
) -> None:
    """Draft a contract from a live table or file: what each column is, how sure that is and why, key, formats, terms. Edit it, then check it.

    Ends with 0 where the draft can be loaded as it is; with 1 where a person has to add something first, which its first lines say.
    """
    from core.files import check_new_file, requested
    from core.settings import load_settings, prepare_home
    from pipeline.propose import Request
    from pipeline.propose import propose as propose_contract
    from standards.loader import load_standards

    if out is not None:
        check_new_file(out)
    settings = load_settings()
    prepare_home(settings)
    request = Request(source, sheet, department or _department(source), tuple(registry or ()), title)
    proposal = propose_contract(request, load_standards(), settings)
    if out is not None:
        with requested(out):
            out.write_text(proposal.draft, encoding="utf-8")
    if as_json:
        print_json(_document(proposal))
    elif out is None:
        print(proposal.draft, end="")
    else:
        print(f"{out}: {_summary(proposal)}")
    if proposal.faults:
        print("hub: a draft, and not a contract yet; its first lines say what to do", file=sys.stderr)
        raise typer.Exit(1)


def _department(source: str) -> str:
    """A department's connections are mostly called after it."""
    name, colon, _ = source.partition(":")
    return name.removesuffix("_db").removesuffix("_drop") if colon and name.isidentifier() else "department"


def _summary(proposal: "Proposal") -> str:
    mapped = sum(bool(item.elements) for item in proposal.decisions.columns)
    rows = proposal.reading.profile.rows
    return f'{rows:,} {noun(rows, "row")}, {mapped} of {len(proposal.decisions.columns)} columns mapped; look at every "maybe" in it'


def _document(proposal: "Proposal") -> dict[str, Any]:
    """Everything that was found, without a value of the table."""
    decisions, reading = proposal.decisions, proposal.reading
    return {
        "id": proposal.dataset.id,
        "rows": reading.profile.rows,
        "unreadable": reading.profile.unreadable,
        "titles": reading.titles,
        "contexts": sorted(reading.matches.contexts),
        "feeds": decisions.feeds,
        "record_key": decisions.record_key,
        "keys": reading.profile.keys,
        "as_of": decisions.as_of,
        "constants": decisions.constants,
        "sharing_class": decisions.sharing_class,
        "personal_information": decisions.personal,
        "notes": [asdict(note) for note in reading.notes],
        "columns": [_column(item) for item in decisions.columns],
        "is_loadable": not proposal.faults,
        "still_missing": proposal.faults,
        "draft": proposal.draft,
    }


def _column(item: "Decision") -> dict[str, Any]:
    profile = item.match.column.profile
    assert profile is not None
    return {
        "column": item.match.column.names[-1],
        "fill": round(profile.fill, 4),
        "distinct": profile.distinct,
        "distinct_is_exact": profile.is_exact,
        "length": [profile.shortest, profile.longest],
        "shapes": profile.shapes,
        "is_key": profile.is_key,
        "element": item.match.element or None,
        "confident": item.is_confident,
        "candidates": [asdict(candidate) for candidate in item.match.candidates],
        "mapped": item.elements,
        "formats": item.formats,
        "lookup": item.lookup,
        "readings": [{"scheme": scheme.name, "lookup": scheme.lookup} for scheme in item.schemes],
        "unread": [asdict(guess) for guess in item.unread.guesses],
        "personal_information": item.personal,
        "reason": item.reason,
    }

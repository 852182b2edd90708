"""The command that writes a base table as a file for bulk reuse."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Json, print_json
from cli.records import KnownAt, Registry
from core.nouns import noun


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(export)


def export(
    registry: Registry,
    to: Annotated[Path, typer.Option("--to", help="A folder that is not there yet; it will be yours alone.")],
    form: Annotated[str, typer.Option("--format", help="parquet or csv.")] = "parquet",
    known_at: KnownAt = None,
    purpose: Annotated[str, typer.Option("--purpose", help="Why you need values of persons in full; left out, they are masked.")] = "",
    as_json: Json = False,
) -> None:
    """A base table as a file with a manifest: publication, standard, columns, digests, and the number the change feed goes on from."""
    from pipeline.home import open_home
    from pipeline.publication.export import MANIFEST
    from pipeline.publication.export import export as write

    done = write(open_home(), registry, to, form=form, known_at=known_at, purpose=purpose)
    if as_json:
        print_json(asdict(done))
        return
    print(
        f"{done.rows:,} {noun(done.rows, 'row')} of {registry}, publication {done.publication}, standard {done.standard_version}: {to / done.file}"
    )
    hidden = sum(column.masked for column in done.columns)
    if hidden:
        masked = noun(hidden, "column about persons is", "columns about persons are")
        print(f'{hidden} {masked} masked; --purpose "…" gives all in full and goes into the audit log')
    print(f"what it is stands in {to / MANIFEST}; follow it: ./hub changes {registry} --after {done.resume_after}")

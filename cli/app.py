"""The commands of `./hub`. Each imports what it needs when it runs, so that help, status and show answer at once."""

from typing import Annotated

import typer

from cli import (
    backup,
    bundles,
    changes,
    datasets,
    development,
    exporting,
    judging,
    keys,
    linkage,
    normalizing,
    officers,
    proposing,
    publications,
    quarantine,
    receipts,
    records,
    reports,
    running,
    standard,
    status,
)

app = typer.Typer(
    name="hub",
    help="Govhub: department silos in, base tables out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print("govhub 0.1.0")
        raise typer.Exit


@app.callback()
def root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False) -> None:
    """Govhub: department silos in, base tables out. State lives under HUB_HOME (default: var/)."""


for commands in (
    running,
    datasets,
    receipts,
    reports,
    publications,
    bundles,
    status,
    keys,
    officers,
    quarantine,
    proposing,
    records,
    changes,
    judging,
    linkage,
    exporting,
    normalizing,
    standard,
    backup,
    development,
):
    commands.add_to(app)

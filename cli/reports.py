"""The command for quality reports."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.output import Json, print_json


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    subject: Annotated[str, typer.Argument(help="A batch id, a dataset (its last batch) or a registry.")],
    html: Annotated[Path | None, typer.Option("--html", help="Where to write the report; by default into HUB_HOME/reports.")] = None,
    lang: Annotated[Literal["zh", "en"], typer.Option("--lang", help="The language that it is written in.")] = "zh",
    as_json: Json = False,
) -> None:
    """The quality report of a batch, a dataset or a base registry, as one self-contained HTML file."""
    from pipeline.home import open_home
    from pipeline.report import write_report

    path = write_report(open_home(), subject, html, lang)
    print_json({"report": str(path)}) if as_json else print(path)

"""Commands for those who build the hub: tests and benchmarks."""

from typing import Annotated

import typer

from cli.output import Json


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(test)
    app.command()(bench)


def test(
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute: format, types, imports and the fast tests.")] = False,
    long: Annotated[bool, typer.Option("--long", help="Also kills, a million rows, browser and every database.")] = False,
) -> None:
    """Run the checks and tests of this repository."""
    from cli.checks import run_all

    raise typer.Exit(run_all(quick=quick, long=long))


def bench(
    name: Annotated[str, typer.Argument(help="A benchmark of benchmarks/: build, standardize or propose.")],
    people: Annotated[int, typer.Option("--people", help="Inhabitants of the generated city; of `standardize`, its rows.")] = 1_000_000,
    as_json: Json = False,
) -> None:
    """Run a benchmark beside its limit and beside what a user would pick instead."""
    from importlib import import_module
    from importlib.util import find_spec

    from core.errors import RequestError

    if find_spec(f"benchmarks.{name}") is None:
        raise RequestError(f"there is no benchmark {name}", hint="see the folder benchmarks/")
    import_module(f"benchmarks.{name}").run(people=people, as_json=as_json)

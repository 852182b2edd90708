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
    as_json: Json = False,
) -> None:
    """Run the checks and tests of this repository."""
    from cli.checks import run_all
    from core.errors import RequestError

    if quick and long:
        raise RequestError("tests are quick or long, not both", hint="leave one of --quick and --long out, or both")
    raise typer.Exit(run_all(quick=quick, long=long, as_json=as_json))


def bench(
    name: Annotated[
        str, typer.Argument(help="A benchmark of benchmarks/: build, messy, increment, standardize, extract, memory, propose or linkage.")
    ],
    people: Annotated[
        int, typer.Option("--people", min=400, help="Inhabitants of the generated city; of `standardize`, `extract` and `memory`, rows.")
    ] = 1_000_000,
    as_json: Json = False,
) -> None:
    """Run a benchmark beside its limit and beside what a user would pick instead."""
    from importlib import import_module

    from core.errors import RequestError

    known = _benchmarks()
    if name not in known:
        raise RequestError(f"there is no benchmark {name}", hint=f"benchmarks are: {', '.join(known)}")
    import_module(f"benchmarks.{name}").run(people=people, as_json=as_json)


def _benchmarks() -> list[str]:
    """Modules of benchmarks/ that measure by themselves; the others are parts of one."""
    from core.settings import REPOSITORY

    files = sorted((REPOSITORY / "benchmarks").glob("*.py"))
    return [file.stem for file in files if "\ndef run(people: int, as_json: bool)" in file.read_text(encoding="utf-8")]

"""Commands that run the hub: the demo, and Airflow with the portal."""

from typing import Annotated

import typer

from cli.output import Json


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(demo)
    app.command()(up)


def demo(
    people: Annotated[int, typer.Option("--people", min=400, max=2_000_000, help="Inhabitants of the city.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", help="The city follows from it.")] = 1,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Leave the portal running at the end.")] = True,
    as_json: Json = False,
) -> None:
    """Build a city, collect its departments through Airflow, publish the base tables, and hold them against the known truth."""
    from demo.story import tell

    raise typer.Exit(tell(people, seed, serve=serve, as_json=as_json))


def up() -> None:
    """Run Airflow and the portal on what is registered, until interrupted."""
    from core.settings import load_settings
    from demo.postgres import beside
    from deploy.hub import run_hub

    with beside(load_settings().home, print):
        run_hub()

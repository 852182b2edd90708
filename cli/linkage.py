"""Commands about records without an identifier: what the models have learned, and training them on the hub's own records."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import Json, answer

if TYPE_CHECKING:
    from registries.linkage.model import Trained

Model = Annotated[str, typer.Argument(metavar="REGISTRY", help="A registry that has a linkage model: population or legal_entity.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Records without an identifier: the models by which they are linked.", no_args_is_help=True)
    group.command()(show)
    group.command()(train)
    app.add_typer(group, name="linkage")


def show(registry: Model, as_json: Json = False) -> None:
    """What a model compares, and how many bits each level adds to a score or takes away."""
    from core.settings import load_settings
    from registries.linkage.model import load_trained

    _print(load_trained(registry, load_settings().home), as_json)


def train(registry: Model, as_json: Json = False) -> None:
    """Teach a model by the hub's records that have an identifier; writes parameters and a chart under HUB_HOME/linkage."""
    from pipeline.home import open_home
    from pipeline.publication.linkage import train_linkage

    done = train_linkage(open_home(), registry)
    _print(done.trained, as_json)
    if not as_json:
        print(f"\n{done.parameters}\n{done.chart}")


def _print(trained: "Trained", as_json: bool) -> None:
    rows = [
        (comparison.id, level.title.en, learned.m, learned.u, round(learned.weight, 1))
        for comparison in trained.model.comparisons
        for level, learned in zip(comparison.levels, trained.parameters.comparisons[comparison.id], strict=True)
    ]
    columns = ("comparison", "level", "share of pairs of one entity", "share of other pairs", "bits")
    answer(as_json, trained.model_dump(mode="json"), columns, rows, f"{trained.model.id}, version {trained.model.version}")

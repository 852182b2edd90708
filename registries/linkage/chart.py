"""What a model has learned, as a page that needs nothing else: the bits of every level. Splink's own charts load scripts from a public network."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from registries.linkage.model import Trained


def weights_page(trained: Trained) -> str:
    """The page, in both languages."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    weights = [abs(level.weight) for levels in trained.parameters.comparisons.values() for level in levels]
    return environment.get_template("weights.html").render(model=trained.model, parameters=trained.parameters, largest=max([*weights, 1.0]))

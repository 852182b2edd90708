"""Records that keep and that break each cross-field rule, from `cross_rules.yml`."""

from pathlib import Path

import yaml

Examples = dict[str, dict[str, list[list[str]]]]


def cross_examples() -> Examples:
    """By rule, under `keep` and `break`, the values of its `needs`; an empty text is a missing value."""
    found: Examples = yaml.safe_load(Path(__file__).with_name("cross_rules.yml").read_text(encoding="utf-8"))
    return found

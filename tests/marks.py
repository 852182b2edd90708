"""Which cases of a test are left for `./hub test --long`: those of a kind of which others run every day."""

from collections.abc import Collection, Sequence
from typing import Any

import pytest


def rest_long(cases: Sequence[Any], kept: Collection[int] = (0,)) -> list[Any]:
    """Cases of a parameter, of which those that are not kept, by their place, are long."""
    return [
        case if place in kept else pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long)
        for place, case in enumerate(cases)
    ]

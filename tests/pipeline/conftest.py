"""Stages need Great Expectations, loaded once for all of them, and hubs, in an ordinary run mostly on SQLite."""

from pathlib import Path

import pytest

from tests.conftest import hub_on
from tests.factories import Hub


@pytest.fixture(autouse=True, scope="session")
def _loaded(great_expectations: None) -> None:
    """Have it loaded."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def any_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    """An empty hub, once on each kind of database: stages use them by the functions of catalog, registries and exchange, whose own tests
    run on both each time, as do those that ask for `both_databases`.
    """
    return hub_on(request.param, request, tmp_path)

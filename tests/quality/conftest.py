"""Suites need Great Expectations: loaded once for all of them."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _loaded(great_expectations: None) -> None:
    """Have it loaded."""

"""What the surroundings say about Airflow must not reach these tests."""

import os

import pytest


@pytest.fixture(autouse=True)
def no_airflow_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every variable of Airflow from the environment."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        monkeypatch.delenv(name)

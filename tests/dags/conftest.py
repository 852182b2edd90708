"""Airflow looks for its home when it is imported, and would make one in the home folder of whoever runs the tests."""

from pathlib import Path

import pytest

from core.settings import REPOSITORY


@pytest.fixture(autouse=True)
def airflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point Airflow at the repository's configuration and at folders that go away."""
    monkeypatch.setenv("AIRFLOW_HOME", str(REPOSITORY))
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path / "logs"))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path / 'airflow.db'}")

"""Airflow looks for its home on import, and would make one in the home folder of whoever runs the tests."""

import os
import tempfile

from core.settings import REPOSITORY

os.environ.setdefault("AIRFLOW_HOME", str(REPOSITORY))
os.environ.setdefault("AIRFLOW__LOGGING__BASE_LOG_FOLDER", tempfile.gettempdir())
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tempfile.gettempdir()}/never-made.db")

"""A Spark of one process, where pyspark and Java are installed; without them the suite is skipped and says what to install."""

import os
import shutil
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

MISSING = [
    word
    for word, found in (
        ("pyspark (the dependency group `spark` of pyproject.toml)", find_spec("pyspark")),
        ("Java 17 or later (JAVA_HOME, or `java` on the path)", os.environ.get("JAVA_HOME") or shutil.which("java")),
    )
    if not found
]
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    # Java's regular expressions go one call deeper for every repetition of a group: long texts need a deep stack.
    "spark.driver.extraJavaOptions": "-Xss64m",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.log.level": "ERROR",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session on two threads of this machine."""
    if MISSING:
        pytest.skip(f"no Spark: install {' and '.join(MISSING)}")
    from pyspark.sql import SparkSession

    # The workers of Spark run the Python of the tests.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    folder: Path = tmp_path_factory.mktemp("spark")
    builder = SparkSession.builder.master("local[2]").config("spark.local.dir", str(folder))
    for name, value in {**SETTINGS, "spark.sql.warehouse.dir": str(folder / "warehouse")}.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = builder.getOrCreate()
    yield session
    session.stop()

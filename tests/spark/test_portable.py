"""Each portable operation means on Spark what it means on DuckDB (tests/core/test_portable.py)."""

from typing import Any

import pytest

from core.portable import to_sql
from tests.core.portable_cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_an_operation_means_on_spark_what_the_list_says(spark: Any, case: Case) -> None:
    spark.createDataFrame(case.given).createOrReplaceTempView("cases")
    assert [result for _, result in spark.sql(to_sql(case.query, "spark")).collect()] == case.expected

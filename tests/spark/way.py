"""The standard's answer on Spark: the expressions of a batch, with the driver restoring texts and looking up divisions as the batch does."""

from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa

from core.portable import to_sql
from standards.model import DataElement
from standards.restoring import restored
from standards.spellings import SPELLED, readings, rewritten
from standards.standardize import issues_of, spelling_key_of, sure_of, value_of
from tests.standards.ways import TODAY, Answer

Column = list[Any]


def spark_answers(spark: Any, element: DataElement, texts: Sequence[str]) -> list[Answer]:
    """Values in one statement, issues over the values in the next."""
    given = ibis.table({"n": "int64", "text": "string"}, name="given")
    _view(spark, "given", [restored(text) for text in texts])
    value = value_of(given.text, element)
    found = _run(spark, given.select("n", value=value, key=spelling_key_of(value, given.text, element)))
    known = readings(element, sorted({key for key in found["key"] if key})) if element.type in SPELLED else {}
    values = [rewritten(element, *pair, known) for pair in zip(found["value"], found["key"], strict=True)]
    read = ibis.table({"n": "int64", "text": "string"}, name="read")
    _view(spark, "read", values)
    found = _run(spark, read.select("n", **issues_of(read.text, element, TODAY)))
    flags = {name: column for name, column in found.items() if name != "n"}
    return [(value, tuple(name for name, column in flags.items() if column[row])) for row, value in enumerate(values)]


def sure_on_spark(spark: Any, element: DataElement, texts: Sequence[str]) -> list[bool | None]:
    """Which raw texts the cheap test passes."""
    raw = ibis.table({"n": "int64", "text": "string"}, name="raw")
    _view(spark, "raw", texts)
    return _run(spark, raw.select("n", sure=sure_of(raw.text, element, today=TODAY)))["sure"]


def _view(spark: Any, name: str, texts: Sequence[str | None]) -> None:
    table = pa.table({"n": pa.array(range(len(texts)), pa.int64()), "text": pa.array(texts, pa.string())})
    spark.createDataFrame(table).createOrReplaceTempView(name)


def _run(spark: Any, table: ibis.Table) -> dict[str, Column]:
    found: pa.Table = spark.sql(to_sql(table, "spark")).toArrow().sort_by("n")
    return {name: found[name].to_pylist() for name in found.column_names}

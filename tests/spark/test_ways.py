"""Spark gives the answers that DuckDB gives: on messy, naughty and generated texts, for every behavior of an element."""

from typing import Any

import pytest

from standards.model import DataElement
from tests.spark.way import spark_answers, sure_on_spark
from tests.standards.ways import ELEMENTS, FEW, MANY, differing, tried

few_and_many = pytest.mark.parametrize("count", [pytest.param(FEW, id="few"), pytest.param(MANY, marks=pytest.mark.long, id="many")])
every_element = pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: element.id)


@few_and_many
@every_element
def test_spark_gives_what_single_values_give(spark: Any, element: DataElement, count: int) -> None:
    texts, answers = tried(element.id, count)
    assert differing(texts, answers, spark_answers(spark, element, texts)) == []


@few_and_many
@every_element
def test_what_is_sure_on_spark_is_valid_as_it_stands(spark: Any, element: DataElement, count: int) -> None:
    texts, answers = tried(element.id, count)
    sure = sure_on_spark(spark, element, texts)
    assert [text for text, is_sure, answer in zip(texts, sure, answers, strict=True) if is_sure and answer != (text, ())] == []

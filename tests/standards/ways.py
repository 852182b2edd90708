"""The ways to the standard's answer: the batch's own statements over a table, and calls with single values. They have to agree.

The third way, on Spark, is in tests/spark.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa

from contracts.model import Contract
from core.engine import Engine
from pipeline.changes import CANDIDATES
from pipeline.plan import make_plan
from pipeline.standardize import STANDARDIZED, standardize
from standards.loader import load_standards
from standards.model import DataElement
from standards.single import Normalized, normalize_values
from tests.factories import hub_in
from tests.standards.behavior import one_per_behavior
from tests.standards.generated import texts_of

STANDARDS = load_standards()
ELEMENTS = one_per_behavior(STANDARDS.elements.values())
# How many texts are generated for each element: an ordinary run, and one in which they are a hundred thousand together.
FEW, MANY = 200, 100_000 // len(ELEMENTS) + 1
TODAY = "2026-01-01"

# The value as it was read, null where it is missing, and what was found.
Answer = tuple[str | None, tuple[str, ...]]


@cache
def tried(element_id: str, count: int) -> tuple[list[str], list[Answer]]:
    """The texts that an element is tried on, that many of them generated, and the answers of single values."""
    element = STANDARDS.elements[element_id]
    texts = texts_of(element, count)
    return texts, single_answers(element, texts)


def single_answers(element: DataElement, texts: Sequence[str | None]) -> list[Answer]:
    """By `standards.single`, all in one call."""
    return [_answer(found) for found in normalize_values(STANDARDS, element.id, texts, today=TODAY)]


def answers_one_by_one(element: DataElement, texts: Sequence[str]) -> list[Answer]:
    """By `standards.single`, a call for each."""
    return [_answer(normalize_values(STANDARDS, element.id, [text], today=TODAY)[0]) for text in texts]


def _answer(found: Normalized) -> Answer:
    return found.read, tuple(name for name in found.issues if name not in ("missing", "repaired"))


def batch_answers(folder: Path, texts: Mapping[str, Sequence[str]]) -> dict[str, list[Answer]]:
    """By the statements of a batch, over a table with a column of texts for each element (by id); columns are of one length per registry."""
    found: dict[str, list[Answer]] = {}
    for schema in STANDARDS.schemas.values():
        own = {element.id: texts[element.id] for element in schema.elements if element.id in texts and element.id not in found}
        if own:
            found |= _standardized(folder / schema.id, schema.id, own)
    return found


def _standardized(folder: Path, schema_id: str, texts: Mapping[str, Sequence[str]]) -> dict[str, list[Answer]]:
    plan = make_plan(_contract(schema_id, list(texts)), STANDARDS)
    rows = max(map(len, texts.values()))
    columns = {name: pa.array([*given, *[None] * (rows - len(given))], pa.string()) for name, given in texts.items()}
    with Engine(hub_in(folder).settings, threads=2, memory_limit_mb=4096) as engine:
        engine.register("delivery", pa.table(columns | {"_position": pa.array(range(rows))}))
        engine.run(
            f"CREATE TABLE {CANDIDATES} AS SELECT *, md5(_position::varchar)::uuid AS _record_id, md5(_position::varchar)::uuid AS _row_digest, "
            "false AS _known, false AS _conflict FROM delivery"
        )
        standardize(engine, plan, TODAY)
        answers = {}
        for item in plan.elements:
            name, column = item.element.id, item.column
            given = engine.rows(f'SELECT "{name}", "{column}" FROM {STANDARDIZED} ORDER BY _position')[: len(texts[name])]
            answers[name] = [
                (value, tuple(n for bit, n in enumerate(item.issues) if issues >> bit & 1 and n not in ("missing", "repaired")))
                for value, issues in given
            ]
    return answers


def _contract(schema_id: str, names: Sequence[str]) -> Contract:
    return Contract.model_validate(
        {
            "id": f"test__{schema_id}",
            "title": {"zh": "各种写法", "en": "Texts"},
            "department": {"id": "test", "title": {"zh": "测试", "en": "Test"}},
            "feeds": [schema_id],
            "source": {"kind": "csv", "connection": "drop", "path": "texts.csv"},
            "record_key": "*",
            "columns": {name: name for name in names},
        }
    )


def differing(texts: Sequence[str], one: Sequence[Answer], other: Sequence[Answer]) -> list[tuple[str, Answer, Answer]]:
    """The texts on which two ways do not agree, with both answers."""
    return [(text, a, b) for text, a, b in zip(texts, one, other, strict=True) if a != b]


def accepted(answers: Sequence[Answer]) -> list[str | None]:
    """The standard values; nothing where a text was refused."""
    return [None if issues else value for value, issues in answers]

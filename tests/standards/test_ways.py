"""A batch and single values give the same answers, and reading a standard value again gives itself: on messy, naughty and generated texts."""

from pathlib import Path

import pytest

from standards.model import DataElement
from tests.standards.generated import NAUGHTY, generated, messy, naughty, texts_of
from tests.standards.ways import (
    ELEMENTS,
    FEW,
    MANY,
    STANDARDS,
    Answer,
    accepted,
    answers_one_by_one,
    batch_answers,
    differing,
    single_answers,
    tried,
)

IN_BATCHES = [element for element in ELEMENTS if any(schema.use(element.id) for schema in STANDARDS.schemas.values())]
ONE_PER_TYPE = list({element.type: element for element in reversed(IN_BATCHES)}.values())
every_element = pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: element.id)
few_and_many = pytest.mark.parametrize(
    "count", [pytest.param(FEW, marks=pytest.mark.slow, id="few"), pytest.param(MANY, marks=pytest.mark.long, id="many")]
)


@pytest.mark.parametrize(
    ("elements", "count"),
    [
        pytest.param(ONE_PER_TYPE, FEW, marks=pytest.mark.slow, id="few"),
        pytest.param(IN_BATCHES, MANY, marks=pytest.mark.long, id="many"),
    ],
)
def test_a_batch_gives_what_single_values_give(
    tmp_path: Path, elements: list[DataElement], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a large batch is read: sure forms first, variables as columns. Few single values have them as functions."""
    for module in ("standardize", "statements"):
        monkeypatch.setattr(f"pipeline.{module}.FEW_ROWS", 0)
    found = batch_answers(tmp_path, {element.id: tried(element.id, count)[0] for element in elements})
    wrong = {name: differing(*tried(name, count), answers) for name, answers in found.items()}
    assert {name: rows for name, rows in wrong.items() if rows} == {}
    assert set(found) == {element.id for element in elements}


@few_and_many
@every_element
def test_a_value_alone_is_read_as_among_others(element: DataElement, count: int) -> None:
    texts, answers = tried(element.id, count)
    step = max(1, len(texts) // (count // 100))
    assert differing(texts[::step], answers[::step], answers_one_by_one(element, texts[::step])) == []


@few_and_many
@every_element
def test_reading_a_standard_value_again_gives_itself(element: DataElement, count: int) -> None:
    once = accepted(tried(element.id, count)[1])
    assert accepted(single_answers(element, once)) == once


def test_naughty_strings_are_among_the_texts() -> None:
    if not NAUGHTY.exists():
        pytest.skip("the list of naughty strings is not here (GOVHUB_REAL_DATA)")
    assert len(naughty()) > 500
    assert set(naughty()) <= set(texts_of(ELEMENTS[0], FEW))


def test_generated_texts_are_the_same_for_a_seed_and_many() -> None:
    element = STANDARDS.elements["resident_id"]
    assert generated(element, 50) == generated(element, 50)
    assert generated(element, 50) != generated(element, 50, seed=1)
    assert MANY * len(ELEMENTS) >= 100_000


TELLING: list[tuple[str, str, Answer]] = [
    ("resident_id", "9e18", ("9E18", ("wrong-form", "wrong-length"))),
    ("resident_id", "110101199003079980\u2028", ("110101199003079980", ())),
    ("certificate_number", "1 000.00", ("1000", ())),
    ("postal_code", "000 000\r", (None, ())),
    ("organization_name", "北京春风有限公司”。".replace("”", '"'), ("北京春风有限公司", ())),
    ("person_name", "\ufeffÕÅÑùÀý\r", ("张样例", ())),
    ("person_name", "姓名：ÕÅÑùÀý", ("张样例", ())),
    ("person_name", "&amp;#24352;&amp;#26679;&amp;#20363;", ("张样例", ())),
    ("organization_english_name", "Exam&#112;le", ("Example", ())),
    ("business_address", "浙江省杭州市西湖区西湖区文三路1号", ("浙江省杭州市西湖区文三路1号", ())),
    ("business_address", "浙江省杭州市西湖区浙江杭州西湖区文三路1号", ("浙江省杭州市西湖区文三路1号", ())),
    ("business_address", "浙江省杭州市西湖区三墩镇新市路1号", ("浙江省杭州市西湖区三墩镇新市路1号", ())),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text", "answer"), TELLING, ids=lambda part: part if isinstance(part, str) else "")
def test_what_the_ways_once_told_apart(tmp_path: Path, name: str, text: str, answer: Answer) -> None:
    """Texts on which they differed, that no batch survived, or that were not the same when read again."""
    assert single_answers(STANDARDS.elements[name], [text]) == [answer]
    assert batch_answers(tmp_path, {name: [text]})[name] == [answer]


def test_the_conformance_set_is_among_the_texts() -> None:
    if not messy():
        pytest.skip("the conformance set is not here (GOVHUB_REAL_DATA)")
    assert sum(map(len, messy().values())) >= 470
    assert {"resident_id", "uscc", "date", "address", "person_name", "money"} <= set(messy()) <= {element.type for element in ELEMENTS}

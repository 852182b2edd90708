"""Labels in front of a value: every element knows its own names, and no value is taken for a label."""

import re

import pytest

from standards.labels import label_key, label_kind, labels_of, own_labels
from standards.loader import load_standards
from standards.model import DataElement
from standards.single import normalize_values
from standards.spellings import lookup_table
from tests.marks import rest_long
from tests.quality.faulty import good

pytestmark = pytest.mark.slow

STANDARDS = load_standards()
# A free text may begin with whatever it likes (许可项目：…).
ELEMENTS = [element for element in STANDARDS.elements.values() if element.type != "text"]


@pytest.mark.parametrize("element", rest_long(ELEMENTS, range(0, len(ELEMENTS), 8)), ids=lambda element: element.id)
def test_the_names_of_an_element_are_cut(element: DataElement) -> None:
    value = good(element)
    names = [element.title.zh, element.title.en, *element.aliases]
    texts = [f"{name}{separator}{value}" for name in names for separator in ("：", ": ", "＝")]
    answers = normalize_values(STANDARDS, element.id, texts, today="2025-06-30")
    assert [(text, answer.read) for text, answer in zip(texts, answers, strict=True) if answer.read != value] == []


def test_no_spelling_of_a_code_begins_with_a_label() -> None:
    for element in ELEMENTS:
        if element.type == "code":
            labels = labels_of(element)
            assert labels is not None
            bare = re.compile(f"^{labels.bare}.")
            assert [key for key in lookup_table(element) if bare.match(key)] == [], element.id


def test_elements_of_one_kind_share_their_labels_but_for_those_of_somebody_else() -> None:
    father, person = STANDARDS.elements["father_resident_id"], STANDARDS.elements["resident_id"]
    assert label_kind(father) == label_kind(person)
    assert "父亲身份证号" in own_labels(father)
    fathers, everybodys = labels_of(father), labels_of(person)
    assert fathers is not None
    assert everybodys is not None
    assert re.search(fathers.whole, label_key("父亲身份证号"))
    assert re.search(fathers.whole, label_key("身份证号"))
    assert not re.search(everybodys.whole, label_key("父亲身份证号"))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("person_name", "父亲姓名：张样例", None),
        ("person_name", "申请人姓名：张样例", "张样例"),
        ("person_name", "姓　名：张样例", "张样例"),
        ("organization_name", "中国 样例集团", "中国样例集团"),
        ("mobile_number", "聯繫電話：13800138000", "13800138000"),
        ("source_updated_datetime", "2024-05-06 07:08:09", "2024-05-06 07:08:09"),
        ("business_scope", "技术开发：软件。", "技术开发：软件。"),
    ],
)
def test_what_is_a_label_and_what_is_not(name: str, text: str, value: str | None) -> None:
    (answer,) = normalize_values(STANDARDS, name, [text])
    assert answer.value == value

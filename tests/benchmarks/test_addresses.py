"""Reading addresses by example, and what is compared of them; on invented ones, and on those that others labeled where they are there."""

import json

import pytest

from benchmarks.address_reader import Element, Reader, read_labeled
from benchmarks.address_texts import one_form, rarity, told
from tests.connectors.helpers import REAL_DATA

ADDRESSES = [
    [("district", f"{district}区"), ("road", f"{road}路"), ("roadno", f"{number}号")]
    for district in "东西南北"
    for road in "松柏梅兰竹菊"
    for number in ("7", "18")
]


def _labeled(elements: list[tuple[str, str]]) -> list[tuple[str, str]]:
    signs = [(sign, kind, place) for kind, text in elements for place, sign in enumerate([text[:-1], text[-1]])]
    return [(sign, f"{'i' if place else 'b'}-{kind}") for sign, kind, place in signs]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader([_labeled(address) for address in ADDRESSES])


def test_a_reader_cuts_what_it_has_not_seen_as_it_was_taught(reader: Reader) -> None:
    assert reader.read("中区 桂路305号") == [Element("district", "中区"), Element("road", "桂路"), Element("roadno", "305号")]


def test_elements_together_are_the_text(reader: Reader) -> None:
    for address in ("桂路305号A座", "***", ""):
        assert "".join(found.text for found in reader.read(address)) == address


@pytest.mark.parametrize(
    ("written", "one"),
    [("二十一号楼", "21栋"), ("１５＃Ｂ座", "15栋B栋"), ("十里 铺,138****0000", "10里铺"), ("福苑·三期", "福园3期"), ("", "")],
)
def test_one_form(written: str, one: str) -> None:
    assert one_form(written) == one


def test_a_rare_pair_is_worth_more_than_a_common_one() -> None:
    bits = rarity(["松云小区", "柏雨小区", "梅风小区"])
    assert bits["小区"] == 1.0
    assert bits["松云"] == 2.0


def test_the_target_is_what_a_room_lies_in() -> None:
    elements = [Element("city", "甲市"), Element("poi", "松云小区"), Element("houseno", "3幢"), Element("roomno", "101")]
    found = json.loads(told("甲市松云小区3幢101(东门)", elements, {"松云": 9.0}))
    assert (found["kind"], found["target"]) == ("building", [{"part": "3栋", "bits": 1.0}])
    assert found["core"][0] == {"part": "松云", "bits": 9.0}
    assert [part["part"] for part in found["division"]] == ["甲市"]
    assert [part["part"] for part in found["bracketed"]] == ["东门"]


def test_an_address_of_nothing_known_has_no_target() -> None:
    found = json.loads(told("甲市", [Element("city", "甲市")], {}))
    assert (found["kind"], found["target"], found["core"]) == ("", [], [])


@pytest.mark.long
def test_labeled_addresses_are_read() -> None:
    folder = REAL_DATA / "cn_address"
    if not folder.is_dir():
        pytest.skip(f"no published addresses in {REAL_DATA}: set GOVHUB_REAL_DATA")
    reader = Reader(read_labeled(folder / "address_ner_train.txt.gz"))
    right = there = 0
    for address in read_labeled(folder / "address_ner_dev.txt.gz"):
        kinds = [label.partition("-")[2] or label for _, label in address]
        found = [element.kind for element in reader.read("".join(sign for sign, _ in address)) for _ in range(len(element.text))]
        truth = [kind for kind, (sign, _) in zip(kinds, address, strict=True) for _ in range(len(sign))]
        right += sum(one == other for one, other in zip(found, truth, strict=False))
        there += len(truth)
    assert right / there > 0.85

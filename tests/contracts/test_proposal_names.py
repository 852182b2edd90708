"""Reading a column's name: the vocabulary is sound, and every element is found under the names its standard gives it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.proposal.names import read_name, read_names
from contracts.proposal.pinyin import spellings, syllables_of
from contracts.proposal.templates import expand
from contracts.proposal.vocabulary import OTHER, load_vocabulary, rows
from standards.loader import load_standards
from standards.model import DataElement

STANDARDS = load_standards()
VOCABULARY = load_vocabulary(STANDARDS)
USED = {element.id: element for schema in STANDARDS.schemas.values() if schema.context for element in schema.elements}
GROUPS = {row["group"]: row["names"] for row in rows("groups")}
NAMES = rows("names")
CHINESE = [row for row in (*NAMES, *rows("others")) if row["language"] == "zh"]
SYLLABLES = syllables_of({row["syllable"]: row["characters"] for row in rows("pinyin")})


def first_choices(name: str) -> list[str]:
    """The elements a name is read as, with equal sureness."""
    found = [reading for reading in read_name(name, VOCABULARY) if reading.element in USED or reading.element == OTHER]
    return [reading.element for reading in found if reading.score == found[0].score]


@pytest.mark.parametrize("element", USED.values(), ids=lambda element: element.id)
def test_every_element_is_found_under_its_titles_and_id(element: DataElement) -> None:
    assert element.id in first_choices(element.title.zh)
    assert element.id in first_choices(element.id)
    readings = {reading.element: reading.score for reading in read_name(element.title.en, VOCABULARY)}
    assert readings[element.id] > 0.5


@pytest.mark.parametrize(
    ("abbreviation", "element"),
    [(alias, element.id) for element in USED.values() for alias in element.aliases if alias.isupper() and len(alias) > 3],
)
def test_the_abbreviations_that_standards_print_are_read(abbreviation: str, element: str) -> None:
    """GB/T 36903 names its fields by the initials of their Chinese titles: ZZBFJG, CZZTDM."""
    assert element in first_choices(abbreviation)


def test_every_row_names_an_element_that_a_registry_has() -> None:
    assert {row["element"] for row in NAMES} - USED.keys() == set()


def test_contexts_of_names_are_declared() -> None:
    declared = {row["context"] for row in rows("contexts")}
    assert {name.removeprefix("-") for row in NAMES for name in row["contexts"].split()} <= declared


def test_every_group_is_used_and_every_template_is_well_formed() -> None:
    text = " ".join(row["names"] for row in CHINESE)
    assert [group for group in GROUPS if f"{{{group}}}" not in text] == []
    for row in CHINESE:
        for template in row["names"].split():
            assert all(not set(name) & set("()[]{}|?") for name in expand(template, GROUPS)), template


def test_an_abbreviation_stands_for_one_word() -> None:
    counts = Counter(word for row in rows("tokens") for word in row["tokens"].split())
    assert [word for word, count in counts.items() if count > 1] == []


def test_syllables_follow_the_order_of_gb_2312() -> None:
    """The first level of GB 2312 is in the order of pinyin (ü behind u), and so must be the table."""
    level = [character for character in SYLLABLES if b"\xb0\xa1" <= character.encode("gb2312") <= b"\xd7\xf9"]
    assert len(level) > 500
    last = ""
    for character in sorted(level, key=lambda item: item.encode("gb2312")):
        possible = [way for syllable in SYLLABLES[character] if (way := syllable.replace("v", "u!")) >= last]
        assert possible, character
        last = min(possible)


def test_every_name_can_be_spelled() -> None:
    names = {name for row in NAMES if row["language"] == "zh" for template in row["names"].split() for name in expand(template, GROUPS)}
    han = {name for name in names if all("\u4e00" <= character <= "\u9fff" for character in name)}
    assert [name for name in sorted(han) if not spellings(name, SYLLABLES)[0]] == []


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("注册资本（万元）", "registered_capital"),
        ("\u200b企业统一社会信用代码_1", "unified_social_credit_code"),
        ("经营(营业)截止日期", "business_term_to_date"),
        ("ＸＭ", "person_name"),
        ("fddbrxm", "legal_representative_name"),
        ("xingbie", "sex_code"),
        ("gongmin_shenfen_haoma", "resident_id"),
        ("tyshxydm", "unified_social_credit_code"),
        ("UniSocialCreditCode", "unified_social_credit_code"),
        ("date of birth", "birth_date"),
        ("t_legal_repre", "legal_representative_name"),
    ],
)
def test_ways_of_writing(name: str, element: str) -> None:
    assert first_choices(name)[0] == element


@pytest.mark.parametrize(
    "name", ["处罚机关统一社会信用代码", "监护人姓名", "处罚日期", "序号", "项目名称", "father_name", "是否为小微企业", "punish_date"]
)
def test_what_belongs_to_somebody_else_is_not_taken(name: str) -> None:
    found = read_names((name,), VOCABULARY)
    assert max((reading.score for reading in found.values() if reading.element != OTHER), default=0.0) < 0.5


@given(st.text(max_size=40))
def test_any_text_is_read_alike_and_without_a_crash(text: str) -> None:
    found = read_name(text, VOCABULARY)
    assert found == read_name(text, VOCABULARY)
    assert all(0 <= reading.score <= 1 for reading in found)

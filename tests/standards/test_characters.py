"""Tables of characters: each pair is what it says, and what the standard itself writes is left alone."""

import re

import pytest

from standards.characters import OTHER_FORMS, lookup_characters, simplified, unified
from standards.loader import load_standards
from standards.patterns import DASHES, DOTS, HAN

HAN_CHARACTER = re.compile(f"[{HAN}]")


def test_a_traditional_character_is_simplified_once() -> None:
    old, new = lookup_characters()
    assert len(old) == len(new) == len(simplified())
    assert not set(old) & set(new)
    assert all(HAN_CHARACTER.fullmatch(character) for character in (*old, *new))


def test_no_code_list_writes_a_traditional_character() -> None:
    """Otherwise its spelling would be simplified on one side only."""
    written = {
        character
        for code_list in load_standards().code_lists.values()
        for code in code_list.codes
        for text in (code.title.zh, *code.aliases)
        for character in text
    }
    assert written & set(simplified()) == set()


@pytest.mark.parametrize(
    "name", ["维吾尔族", "乌孜别克族", "往来港澳通行证", "农业集体户口", "孙女", "注销", "辽宁省沈阳市", "内蒙古自治区", "新台币"]
)
def test_the_traditional_form_of_a_name_is_known(name: str) -> None:
    back = {new: old for old, new in simplified().items()}
    traditional = "".join(back.get(character, character) for character in name)
    assert traditional != name
    assert traditional.translate(str.maketrans(simplified())) == name


def test_other_forms_of_ideographs_become_ideographs() -> None:
    forms, ideographs = unified()
    assert len(forms) == len(ideographs)
    assert all(re.fullmatch(f"[{OTHER_FORMS}]", form) for form in forms)
    assert not set(forms) & set(ideographs)
    assert not any(HAN_CHARACTER.fullmatch(form) for form in forms)


def test_dots_and_dashes_are_not_the_same() -> None:
    points = range(0x10000)
    dots = {point for point in points if re.fullmatch(f"[{DOTS}]", chr(point))}
    assert dots & {point for point in points if re.fullmatch(f"[{DASHES}]", chr(point))} == set()

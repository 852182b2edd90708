"""Texts that were spoiled on the way are turned back, and nothing else is touched."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.restoring import restored, restored_texts

# Two to eight of the most used characters: level 1 of GB 2312.
names = st.text(st.characters(codec="gb2312", min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=2, max_size=8)


@settings(max_examples=300)
@given(names)
def test_whatever_was_read_in_a_wrong_encoding_without_loss_comes_back(text: str) -> None:
    assert restored(text.encode("utf-8").decode("latin-1")) == text
    # 亮亮 is four times the same byte, and such a text is taken for a mark, as ××××.
    assert restored(text.encode("gb2312").decode("latin-1")) == text or len(set(text.encode("gb2312"))) == 1
    try:
        wrong = text.encode("utf-8").decode("gbk")
    except UnicodeError:
        return  # a byte was lost on the way, so nothing brings it back
    assert restored(wrong) == text


@settings(max_examples=300)
@given(names)
def test_characters_written_as_references_or_escapes_come_back(text: str) -> None:
    assert restored("".join(f"&#{ord(character)};" for character in text)) == text
    assert restored("".join(f"&#x{ord(character):x};" for character in text)) == text
    assert restored(text.encode("unicode_escape").decode("ascii")) == text
    assert restored(html.escape(f"{text}<>&\"'")) == f"{text}<>&\"'"


@settings(max_examples=300)
@given(st.text())
def test_restoring_is_idempotent_and_takes_anything(text: str) -> None:
    once = restored(text)
    if "&" not in text and "\\" not in text:
        assert restored(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "José Müller",
        "Åse",
        "Zoë",
        "北京市朝阳区",
        "A&B公司",
        "C&A;",
        r"\\server\share",
        "锟斤拷",
        "瀛欐祴璇�",
        "欧阳娜娜",
        "30°",
        "±5",
        "××××",
        r"\ud83d x",
        "",
    ],
)
def test_what_was_not_spoiled_or_has_lost_something_stays(text: str) -> None:
    assert restored(text) == text


def test_only_texts_that_change_are_named() -> None:
    assert restored_texts(["ÍõÑùÀý", "王样例", "&#24352;三"]) == {"ÍõÑùÀý": "王样例", "&#24352;三": "张三"}

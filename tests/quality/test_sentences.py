"""The hub's messages arise in English; a Chinese page has none of them left in it."""

import re

import pytest

from pipeline.publication.renewing import GONE, OTHER_CODE, OTHERWISE
from quality.texts import sentence
from tests.quality.raised import messages

COMMAND = re.compile(r"\./hub [a-z]+( [a-z]+)*( \d+)?")
SMALL_WORDS = re.compile(r"\b(a|an|and|are|at|be|but|by|cannot|for|from|has|have|in|is|it|may|not|of|on|or|that|the|to|was|with)\b")


@pytest.fixture(scope="module")
def found() -> dict[str, str]:
    return {text: file for text, file in messages().items() if not text.startswith("./hub")}


def test_the_messages_are_found(found: dict[str, str]) -> None:
    """Of each way in which one arises."""
    assert len(found) > 120
    samples = ("there is no such schema", "the row is blank", "an Excel workbook (xls)", "7 rows arrived, the contract asks for at least 7")
    assert set(samples) <= found.keys()


def test_every_message_is_told_in_chinese(found: dict[str, str]) -> None:
    """What is left in Latin letters are names; the words between them are gone."""
    told = {message: sentence(message, "zh") for message in found}
    untold = {text for text, said in told.items() if SMALL_WORDS.search(COMMAND.sub("", said)) or not re.search(r"[一-鿿]", said)}
    assert [(found[text], told[text]) for text in untold] == []


@pytest.mark.parametrize("reason", ["the line is no JSON object", "the line is no JSON", "a name stands twice in the object"])
def test_what_the_engine_says_of_a_line_is_told_too(reason: str) -> None:
    assert not SMALL_WORDS.findall(sentence(f"3 rows: {reason}", "zh"))


@pytest.mark.parametrize("why", [GONE, OTHERWISE, OTHER_CODE])
def test_why_the_hub_takes_a_judgement_back_is_told_too(why: str) -> None:
    assert not SMALL_WORDS.findall(sentence(why, "zh"))
    assert sentence(f"in place of judgement 7: {why}", "zh").startswith("代替判定 7：")


def test_a_message_keeps_its_names() -> None:
    told = sentence("tax__payer: pay.csv is not text but an Excel workbook (xlsx)", "zh")
    assert told == "tax__payer：pay.csv 不是文本文件，而是 Excel 工作簿 (xlsx)"
    told = sentence("tax__payer: the table is gone (connection tax_db, SQLSTATE 42P01)", "zh")
    assert told == "tax__payer：表已不存在（连接 tax_db，SQLSTATE 42P01）"
    assert sentence("XM may now be XINGMING; DH may now be DIANHUA", "zh") == "XM 可能已改为 XINGMING; DH 可能已改为 DIANHUA"


@pytest.mark.parametrize("endless", ["7", "x", "a7", "，"])
def test_a_word_without_end_is_cut_before_phrases_are_looked_for(endless: str) -> None:
    told = sentence(f"there is no dataset {endless * 4_000} here", "zh")
    assert len(told) < 200
    assert "…" in told

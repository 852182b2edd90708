"""Purposes as they are told: the hub's own in the reader's language, anybody else's as they were stated."""

import pytest

from exchange.purposes import TEXTS, UNASKED, purpose_words
from standards.texts import load_texts


@pytest.mark.parametrize(
    ("purpose", "zh", "en"),
    [
        ("masked view, rows 1-20", "脱敏查看，第 1-20 行", "masked view, rows 1-20"),
        ("masked view, no rows", "脱敏查看，没有数据行", "masked view, no rows"),
        ("standards diff 1.0.0 1.1.0", "比较标准 1.0.0 与 1.1.0", "comparing standards 1.0.0 and 1.1.0"),
        ("not stated", "未说明", "not stated"),
        ("search of a file", "search of a file", "search of a file"),
        ("核对申请", "核对申请", "核对申请"),
    ],
)
def test_only_the_hubs_own_are_put_into_words(purpose: str, zh: str, en: str) -> None:
    assert (purpose_words("zh")(purpose), purpose_words("en")(purpose)) == (zh, en)


def test_each_text_is_used() -> None:
    assert set(UNASKED.values()) == set(load_texts(TEXTS))

"""Patterns that a standard may use: what every engine reads alike passes, all else is refused with a word that says why."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standards.loader import load_standards
from standards.portable_patterns import not_portable

ENGINE = duckdb.connect()


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("^[0-9]{17}[0-9X]$", None),
        ("^(?:甲|乙)\\.[一-鿿]{1,30}?$", None),
        ("(?:a{10}){100}", None),
        ("a{1001}", "repeats"),
        ("(?:a{20}b){60}", "repeats"),
        ("(?<!a)b", "look-around"),
        ("a(?=b)", "look-around"),
        ("(?P<year>[0-9]{4})", "look-around"),
        ("(?i)a", "look-around"),
        ("(a)\\1", "read alike"),
        ("a\\Z", "read alike"),
        ("\\u4e00", "read alike"),
        ("[[:digit:]]", "brackets"),
        ("[a&&b]", "doubled"),
        ("[]a]", "brackets"),
        ("[\\b]", "inside a class"),
        ("a++", "behind another"),
        ("a{,3}", "brace"),
        ("a{", "brace"),
        ("[a", "not a regular expression"),
        ("*", "not a regular expression"),
    ],
)
def test_a_pattern_is_one_for_every_engine(pattern: str, word: str | None) -> None:
    found = not_portable(pattern)
    assert found is None if word is None else word in (found or "")


PARTS = [
    "a",
    "1",
    "中",
    "(",
    ")",
    "(?:",
    "(?",
    "[",
    "[^",
    "]",
    "{",
    "{2}",
    "{1,20}",
    "}",
    "|",
    "?",
    "*",
    "+",
    "\\",
    "^",
    "$",
    "-",
    "&",
    ":",
    ".",
    "_",
]


@given(st.lists(st.sampled_from(PARTS), max_size=9).map("".join))
@settings(max_examples=500)
def test_a_pattern_that_is_let_pass_is_read_by_the_engine(pattern: str) -> None:
    if not_portable(pattern) is None:
        ENGINE.execute("SELECT regexp_matches('a1中', ?)", [pattern]).fetchall()


def test_every_pattern_of_the_standard_passes() -> None:
    standards = load_standards()
    words = [code.attributes["issuer_words"] for code in standards.code_lists["certificate_kind"].codes]
    assert [
        found for item in (*(e.pattern for e in standards.elements.values() if e.pattern), *words) if (found := not_portable(item))
    ] == []

"""Codes that say nothing: what the code list of an element has for "unknown" and "not stated" (`CodeList.says_nothing`).

Who writes one has no word on the element. It is published where nobody knows more, and stands back behind every value otherwise.
"""

from collections.abc import Mapping
from typing import Any

from core.engine import literal
from standards.model import Standards

Silent = Mapping[str, tuple[str, ...]]  # element → the codes of its list that say nothing; elements without such codes are not in it


def silent_codes(standards: Standards) -> Silent:
    """The codes that say nothing, of each element whose list has some."""
    found = {}
    for element in standards.elements.values():
        code_list = standards.code_lists.get(element.code_list or "")
        if code_list is not None and code_list.says_nothing is not None:
            found[element.id] = code_list.says_nothing.codes
    return found


def telling(word: str, codes: tuple[str, ...]) -> str:
    """SQL for a word, null where it says nothing."""
    return f"CASE WHEN {tells(word, codes)} THEN {word} END" if codes else word


def tells(word: str, codes: tuple[str, ...]) -> str:
    """SQL for whether a word says something."""
    return f"{word} NOT IN ({', '.join(map(literal, codes))})" if codes else f"{word} IS NOT NULL"


def filled(words: Mapping[str, str], silent: Silent) -> str:
    """SQL for how many of the words, by their elements, say something."""
    return " + ".join(
        f"coalesce({tells(word, codes)}, false)::integer" if (codes := silent.get(name)) else f"({word} IS NOT NULL)::integer"
        for name, word in words.items()
    )


def says_something(value: Any, codes: tuple[str, ...]) -> bool:
    """Whether a value is one, and none of the codes that say nothing."""
    return value is not None and value not in codes

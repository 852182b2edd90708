"""Purposes that the hub itself writes into the audit log, where nobody is asked for one, in words of a reader's language."""

import re
from collections.abc import Callable
from pathlib import Path

from standards.texts import Language, load_texts, make_translate

TEXTS = Path(__file__).with_name("purposes.yml")
# What is written, and the text that tells it.
UNASKED = {
    r"masked(?: view)?": "purpose.masked",
    r"masked view, rows (?P<rows>\d+-\d+)": "purpose.rows",
    r"masked view, no rows": "purpose.no_rows",
    r"masked, page (?P<page>\d+)": "purpose.page",
    r"search": "purpose.search",
    r"not stated": "purpose.none",
    r"repair": "purpose.repair",
    r"replay": "purpose.replay",
    r"backup": "purpose.backup",
    r"standards diff (?P<old>\S+) (?P<new>\S+)": "purpose.diff",
}


def purpose_words(language: Language) -> Callable[[str], str]:
    """What tells a purpose as it was stated; one of the hub's own in words of the language."""
    t = make_translate(load_texts(TEXTS), language)

    def told(purpose: str) -> str:
        for pattern, key in UNASKED.items():
            if found := re.fullmatch(pattern, purpose):
                return t(key, **found.groupdict())
        return purpose

    return told

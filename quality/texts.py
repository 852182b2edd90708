"""Texts of pages and reports: where they stand, and the hub's own messages in the reader's language."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from standards.texts import Language

REPORT_TEXTS = Path(__file__).parent / "templates" / "texts.yml"
SENTENCES = Path(__file__).parent / "templates" / "sentences.yml"

_LONGEST_WORD = 120
_ENDLESS = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")


@cache
def _sentences() -> Sequence[tuple[re.Pattern[str], str]]:
    listed = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
    return [(re.compile(item["en"]), item["zh"]) for item in listed]


def sentence(text: str, language: Language) -> str:
    """A message of the hub in the reader's language, phrase by phrase. Messages are written in English where they arise; one that is not
    listed stays English."""
    if language == "zh":
        # Phrases are looked for at every place of the text, which takes long where a word has no end: no message needs such a one.
        text = _ENDLESS.sub(lambda found: f"{found[0][:_LONGEST_WORD]}…", text)
        for pattern, chinese in _sentences():
            text = pattern.sub(chinese, text)
    return text

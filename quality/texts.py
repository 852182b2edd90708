"""Texts of pages and reports: where they stand, and the hub's own messages in the reader's language."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from standards.texts import Language

REPORT_TEXTS = Path(__file__).parent / "templates" / "texts.yml"
SENTENCES = Path(__file__).parent / "templates" / "sentences.yml"


@cache
def _sentences() -> Sequence[tuple[re.Pattern[str], str]]:
    listed = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
    return [(re.compile(item["en"]), item["zh"]) for item in listed]


def sentence(text: str, language: Language) -> str:
    """A message of the hub in the reader's language, phrase by phrase. Messages are written in English where they arise; one that is not
    listed stays English."""
    if language == "zh":
        for pattern, chinese in _sentences():
            text = pattern.sub(chinese, text)
    return text

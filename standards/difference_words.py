"""Differences between versions as sentences, in Chinese or English."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from standards.differences import Difference, attributes
from standards.model import CodeTitle, Title
from standards.texts import STANDARD_TEXTS, Language, Translate, load_texts, make_translate

TEXTS = Path(__file__).with_name("differences_texts.yml")
LONGEST = 120  # patterns and lists beyond it are cut; --json has them whole
SHOWN = 8  # changes of one kind that are listed, where a list has many


def words(language: Language) -> Translate:
    """Translate keys of these sentences and of the standard's own vocabulary."""
    return make_translate(load_texts(STANDARD_TEXTS, TEXTS), language)


def sentence(difference: Difference, language: Language) -> str:
    """What changed, without the name of the definition."""
    t = words(language)
    part = attributes().get(difference.path, {}).get(language, difference.part)
    if not difference.part:
        return t(f"whole.{difference.change}")
    own = f"{difference.path}.{difference.change}"
    general = "item.changed" if difference.item and difference.change == "changed" else f"part.{difference.change}"
    key = own if own in load_texts(STANDARD_TEXTS, TEXTS) else general
    old, new = (_value(value, language, difference.part) for value in (difference.old, difference.new))
    if old == new:  # a title that changed in the other language only
        other: Language = "en" if language == "zh" else "zh"
        old, new = (_value(value, other, difference.part) for value in (difference.old, difference.new))
    return t(key, part=part, item=difference.item, old=old, new=new)


def subject(difference: Difference, language: Language) -> str:
    """The definition that changed: kind, id and title."""
    kind = attributes()[difference.kind][language]
    title = getattr(difference.title, language) if difference.title else ""
    if language == "zh":
        return f"{kind}{f'“{title}”' if title else ''}（{difference.id}）"
    return f"{kind} {difference.id}{f' ({title})' if title else ''}"


def lines(found: Iterable[Difference], language: Language) -> Iterator[tuple[str, str, str]]:
    """Effect, definition and sentence of each difference; of many of one kind in one definition only the first, and how many follow."""
    t = words(language)
    for _, group in groupby(found, key=lambda item: (item.effect, item.kind, item.id, item.part, item.change)):
        items = list(group)
        shown = items if len(items) <= SHOWN + 1 else items[:SHOWN]
        yield from ((item.effect, subject(item, language), sentence(item, language)) for item in shown)
        if len(shown) < len(items):
            yield items[0].effect, subject(items[0], language), t("and_more", count=len(items) - len(shown))


def _value(value: Any, language: Language, part: str = "") -> str:
    t = words(language)
    if f"{part}.{value}" in load_texts(STANDARD_TEXTS, TEXTS):
        return t(f"{part}.{value}")
    if value is None or value in ("", (), {}):
        return t("value.nothing")
    if isinstance(value, bool):
        return t(f"value.{str(value).lower()}")
    if isinstance(value, Title | CodeTitle):
        return getattr(value, language) or value.zh
    if isinstance(value, BaseModel):
        parts = (_value(getattr(value, name), language) for name in type(value).model_fields if getattr(value, name))
        return _cut(" ".join(parts))
    if isinstance(value, tuple | list):
        return _cut("、".join(_value(item, language) for item in value))
    return _cut(value.isoformat() if isinstance(value, date) else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"

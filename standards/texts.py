"""Texts in Chinese and English side by side: one YAML file per package, `key: {zh, en}`; here the words of the standard itself."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import TypeAdapter

from standards.model import Standards, Title

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
STANDARD_TEXTS = Path(__file__).with_name("texts.yml")

Translate = Callable[..., str]
_TEXTS = TypeAdapter(dict[str, Title])


@cache
def load_texts(*paths: Path) -> dict[str, Title]:
    """Read and join files of texts; a text without one of the languages is refused by the model, a key in two files here."""
    joined: dict[str, Title] = {}
    for path in paths:
        texts = _TEXTS.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
        if twice := joined.keys() & texts.keys():
            raise ValueError(f"{path.name} repeats {', '.join(sorted(twice))}")
        joined |= texts
    return joined


def registry_texts(standards: Standards) -> dict[str, Title]:
    """What the registries are called: `registry.short.<id>`, `record.title.<id>`, and `entities.<id>`, which a `count` goes before."""
    found: dict[str, Title] = {}
    for schema in standards.registries:
        counted = schema.counted or schema.title
        found |= {
            f"registry.short.{schema.id}": schema.short or schema.title,
            f"record.title.{schema.id}": schema.one or schema.title,
            f"entities.{schema.id}": Title(zh=counted.zh, en=f"{{count:{counted.en}}}" if "|" in counted.en else counted.en),
        }
    return found


def make_translate(texts: Mapping[str, Title], language: Language) -> Translate:
    """Return `t(key, **values)`: the text in one language with its values filled in. An unknown key raises KeyError.

    A number may choose a word: `{rows} {rows:row|rows}`.
    """

    def translate(key: str, **values: object) -> str:
        text: str = getattr(texts[key], language)
        return text.format(**{name: _Value(value) for name, value in values.items()}) if values else text

    return translate


class _Value:
    """A value of a text; with two words in place of a format it is the first for one, else the second."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __format__(self, form: str) -> str:
        if "|" not in form:
            return format(self.value, form)
        one, many = form.split("|")
        return one if str(self.value) == "1" else many

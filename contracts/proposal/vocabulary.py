"""How departments name their columns: data beside the standards, in `standards/vocabulary/`.

`names.csv` gives the names of a data element and how sure a name is, alone or in a table of some context; `others.csv` the names of what is
no data element; `words.csv` the words that may stand before a name without changing it, and those that make it somebody else's.
Titles and aliases of the standard's own elements are names as well, so an element added there is found without a line here.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from contracts.proposal.pinyin import spellings, syllables_of
from contracts.proposal.templates import expand
from standards.model import Standards

FOLDER = Path(__file__).resolve().parents[2] / "standards" / "vocabulary"
OTHER = ""  # the "element" of a name that is known to be none
Tokens = tuple[str, ...]
UNSAID = ("of", "the", "and", "a", "an")


@dataclass(frozen=True, slots=True)
class Name:
    """One name of an element: how sure it is, and the contexts in which it is (`-context`: in which it is not)."""

    element: str
    strength: float
    contexts: Tokens = ()


@dataclass(frozen=True)
class Context:
    """What a table is about: words of its title that say so, or elements of a registry among its columns."""

    id: str
    where: str
    words: Tokens


@dataclass(frozen=True)
class Vocabulary:
    """Names by how they are written.

    `neutral` and `foreign` are words before a name, `tails` words behind it that add nothing, and with a word of `elsewhere` in it a name is
    another's; `words` are all English ones, `shuffled` the English names with their words in alphabetical order.
    """

    chinese: dict[str, tuple[Name, ...]]
    english: dict[Tokens, tuple[Name, ...]]
    pinyin: dict[str, tuple[Name, ...]]
    initials: dict[str, tuple[Name, ...]]
    tokens: dict[str, str]
    neutral: frozenset[str]
    foreign: frozenset[str]
    tails: Tokens
    elsewhere: Tokens
    words: frozenset[str]
    shuffled: dict[Tokens, tuple[Name, ...]]
    contexts: tuple[Context, ...]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one file of the vocabulary."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@lru_cache(maxsize=2)
def _files() -> dict[str, list[dict[str, str]]]:
    return {name: rows(name) for name in ("groups", "names", "others", "words", "tokens", "contexts")}


@lru_cache(maxsize=1)
def load_syllables() -> dict[str, tuple[str, ...]]:
    """How characters are spelled: those that names of columns and tables are made of."""
    return syllables_of({row["syllable"]: row["characters"] for row in rows("pinyin")})


_LOADED: dict[str, Vocabulary] = {}


def load_vocabulary(standards: Standards) -> Vocabulary:
    """The vocabulary for one version of the standards; made once."""
    key = f"{standards.version}:{len(standards.elements)}"
    if key not in _LOADED:
        _LOADED[key] = _build(standards)
    return _LOADED[key]


def _build(standards: Standards) -> Vocabulary:
    files = _files()
    tokens = {word: row["canonical"] for row in files["tokens"] for word in row["tokens"].split()}
    chinese: dict[str, dict[str, Name]] = defaultdict(dict)
    english: dict[Tokens, dict[str, Name]] = defaultdict(dict)
    for text, name in _listed("zh", files):
        _keep(chinese[text], name)
    for text, name in _titles(standards):
        chinese[text].setdefault(name.element, name)
    for text, name in _listed("en", files):
        _keep(english[_canonical(text, tokens)], name)
    for text, name in _english_titles(standards):
        english[_canonical(text, tokens)].setdefault(name.element, name)
    syllables = load_syllables()
    whole, initial = _spelled(chinese, syllables)
    words = {(row["kind"], row["language"]): row["words"] for row in files["words"]}
    foreign_zh, neutral_zh = words["foreign", "zh"].split(), words["neutral", "zh"].split()
    return Vocabulary(
        chinese={text: tuple(names.values()) for text, names in chinese.items()},
        english={text: tuple(names.values()) for text, names in english.items()},
        pinyin=whole,
        initials=initial,
        tokens=tokens,
        neutral=frozenset((*neutral_zh, *_spellings_of(neutral_zh, syllables), *_canonical(words["neutral", "en"], tokens))),
        foreign=frozenset((*foreign_zh, *_spellings_of(foreign_zh, syllables), *_canonical(words["foreign", "en"], tokens))),
        tails=tuple(words["tail", "zh"].split()),
        elsewhere=tuple(words["elsewhere", "zh"].split()),
        words=frozenset((*(word for text in english for word in text), *tokens)),
        shuffled=_shuffled(english),
        contexts=tuple(Context(row["context"], row["where"], tuple(row["words"].split())) for row in files["contexts"]),
    )


def _listed(language: str, files: dict[str, list[dict[str, str]]]) -> Iterator[tuple[str, Name]]:
    groups = {row["group"]: row["names"] for row in files["groups"]}
    for row in (*files["names"], *files["others"]):
        if row["language"] != language:
            continue
        name = Name(row.get("element", OTHER), float(row["strength"]), tuple(row.get("contexts", "").split()))
        written = row["names"].split(";") if language == "en" else [text for word in row["names"].split() for text in expand(word, groups)]
        yield from ((text.lower(), name) for text in written)


def _titles(standards: Standards) -> Iterator[tuple[str, Name]]:
    """Titles and aliases are names, apart from Latin aliases, which are other systems' ids."""
    for element in standards.proposed:
        for text in (element.title.zh, *element.aliases):
            if not text.isascii():
                yield text.lower(), Name(element.id, 0.95)


def _english_titles(standards: Standards) -> Iterator[tuple[str, Name]]:
    """Ids and English titles; a code is often named without the word."""
    for element in standards.proposed:
        for text in (element.id.replace("_", " "), element.title.en.lower()):
            yield text, Name(element.id, 0.95)
            if text.endswith(" code") and text.count(" ") > 1:
                yield text.removesuffix(" code"), Name(element.id, 0.9)


def _keep(names: dict[str, Name], name: Name) -> None:
    """The surer of two lines for one element; of equal ones that which holds in more tables."""
    known = names.get(name.element)
    if known is None or (name.strength, -len(name.contexts)) > (known.strength, -len(known.contexts)):
        names[name.element] = name


def _shuffled(english: dict[Tokens, dict[str, Name]]) -> dict[Tokens, tuple[Name, ...]]:
    found: dict[Tokens, dict[str, Name]] = defaultdict(dict)
    for text, names in english.items():
        for name in names.values() if len(text) > 1 else ():
            _keep(found[tuple(sorted(text))], name)
    return {text: tuple(names.values()) for text, names in found.items()}


def _spelled(chinese: dict[str, dict[str, Name]], syllables: dict[str, tuple[str, ...]]) -> tuple[dict[str, tuple[Name, ...]], ...]:
    found: tuple[dict[str, dict[str, Name]], ...] = (defaultdict(dict), defaultdict(dict))
    for text, names in chinese.items():
        for table, ways in zip(found, spellings(text, syllables), strict=True):
            for way in ways:
                for name in names.values():
                    _keep(table[way], name)
    return tuple({way: tuple(names.values()) for way, names in table.items()} for table in found)


def _spellings_of(words: Iterable[str], syllables: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """Whole spellings only: two letters stand for too much."""
    for word in words:
        yield from (way for way in spellings(word, syllables)[0] if len(way) > 2)


def _canonical(text: str, tokens: dict[str, str]) -> Tokens:
    """The words of an English name, each in the form that stands for all its abbreviations."""
    return tuple(tokens.get(word, word) for word in re.findall("[a-z]+", text) if word not in UNSAID)

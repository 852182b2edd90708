"""What a column's name says: Chinese by its end (the head of a Chinese name stands last), English by its words, pinyin by syllables or initials.

What stands before the recognized end decides what it is worth: nothing or a word that changes nothing (企业, base_), a word that makes it
somebody else's (处罚机关, father_), or something unknown.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from contracts.proposal.vocabulary import OTHER, UNSAID, Name, Tokens, Vocabulary
from standards.characters import simplified

_HAN = re.compile("[\u3400-\u9fff]")
_BRACKETS = re.compile(r"[(\[{<【〔《]([^()\[\]{}<>【】〔〕《》]*)[)\]}>】〕》]")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_JOINTS = re.compile(r"[/、|或]|以及")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# How far a name is believed by what stands before it.
_NEUTRAL, _FOREIGN, _UNKNOWN, _UNKNOWN_SHORT = 0.95, 0.12, 0.55, 0.35
# Few letters stand for many names.
_INITIALS = {2: 0.6, 3: 0.78, 4: 0.9}
_LONG_INITIALS, _SHORTEST_PINYIN = 0.95, 5
_BRACKETED, _ONE_OF_SEVERAL, _SHUFFLED = 0.88, 0.92, 0.88


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing a name can mean: the element (empty: known to be none), how sure, in which contexts, and why."""

    element: str
    score: float
    contexts: Tokens
    reason: str


def read_names(names: Iterable[str], vocabulary: Vocabulary) -> dict[str, Reading]:
    """The best reading per element of a column that has several names (a comment or title, then the column's own)."""
    found: dict[str, Reading] = {}
    weight = 1.0
    for name in names:
        readings = read_name(name, vocabulary)
        for reading in readings:
            _keep(found, replace(reading, score=reading.score * weight))
        weight = 0.75 if found else weight
    return found


def read_name(name: str, vocabulary: Vocabulary) -> list[Reading]:
    """Everything one name can mean, the surest first."""
    text = unicodedata.normalize("NFKC", name).strip()
    if _HAN.search(text):
        found = _chinese(text, vocabulary)
    else:
        found = {}
        words = tuple(word.lower() for word in re.findall("[A-Za-z]+", _CAMEL.sub(" ", text)))
        for reading in (*_english(words, vocabulary), *_latin(words, vocabulary)):
            _keep(found, reading)
    return sorted(found.values(), key=lambda reading: (-reading.score, reading.element))


def _keep(found: dict[str, Reading], reading: Reading) -> None:
    known = found.get(reading.element)
    if known is None or reading.score > known.score:
        found[reading.element] = reading


def _chinese(text: str, vocabulary: Vocabulary) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for part, weight in _parts(text.translate(_simple()).lower()):
        for reading in _by_end(part, vocabulary):
            _keep(found, replace(reading, score=reading.score * weight))
    word = next((word for word in vocabulary.elsewhere if word in text), None)
    if word is not None and not any(reading.score == 1.0 and reading.reason.endswith("names it") for reading in found.values()):
        return {OTHER: Reading(OTHER, 1.0, (), f'"{word}" asks about something')}
    return found


@lru_cache(maxsize=1)
def _simple() -> dict[int, str]:
    return str.maketrans(simplified())


def _parts(text: str) -> Iterator[tuple[str, float]]:
    """The name without its brackets, with their content as part of it, each bracket alone, and each of several names joined by a stroke."""
    plain = _tidy(_BRACKETS.sub("", text))
    yield plain, 1.0
    inside = [_tidy(part) for part in _BRACKETS.findall(text)]
    if any(inside):
        yield _tidy(re.sub(r"[^\w/、|]", "", text)), 0.97
        yield from ((part, _BRACKETED) for part in inside if len(part) > 2)
    for part in _JOINTS.split(plain):
        if part != plain and len(part) > 1:
            yield _tidy(part), _ONE_OF_SEVERAL


def _tidy(text: str) -> str:
    """Without blanks, edges and the number behind it."""
    return re.sub(r"[\W_]*[0-9]+$", "", _EDGES.sub("", re.sub(r"\s+", "", text)))


def _by_end(text: str, vocabulary: Vocabulary) -> Iterator[Reading]:
    written = [text, *(text.removesuffix(tail) for tail in vocabulary.tails if text.endswith(tail) and len(text) > len(tail) + 1)]
    for whole in written:
        for start in range(len(whole)):
            end = whole[start:]
            for name in vocabulary.chinese.get(end, ()):
                yield _weighed(name, end, _before(whole[:start], len(end) >= 4 and name.strength >= 0.9, vocabulary), whole)


def _before(text: str, specific: bool, vocabulary: Vocabulary) -> float:
    """What a name is worth behind this beginning."""
    if not text:
        return 1.0
    kinds = _kinds(text, vocabulary.neutral, vocabulary.foreign)
    if "foreign" in kinds:
        return _FOREIGN
    return _NEUTRAL if kinds == {"neutral"} else _UNKNOWN if specific else _UNKNOWN_SHORT


@lru_cache(maxsize=4096)
def _kinds(text: str, neutral: frozenset[str], foreign: frozenset[str]) -> frozenset[str]:
    """The kinds of words a text is made of, longest first from the left."""
    kinds: set[str] = set()
    start = 0
    while start < len(text):
        length = next((size for size in range(min(8, len(text) - start), 0, -1) if text[start : start + size] in neutral | foreign), 0)
        word = text[start : start + length]
        kinds.add("foreign" if word in foreign else "neutral" if word in neutral else "unknown")
        start += max(length, 1)
    return frozenset(kinds)


def _weighed(name: Name, end: str, worth: float, whole: str) -> Reading:
    reason = f'"{whole}" names it' if worth == 1.0 else f'"{whole}" ends in "{end}"'
    return Reading(name.element, name.strength * worth, name.contexts, reason)


def _english(words: Tokens, vocabulary: Vocabulary) -> Iterator[Reading]:
    said = [part for word in words for part in _cut(word, vocabulary.words) if part not in UNSAID]
    tokens = tuple(vocabulary.tokens.get(part, part) for part in said)
    for start in range(len(tokens)):
        for name in vocabulary.english.get(tokens[start:], ()):
            worth = _tokens_before(tokens[:start], len(tokens) - start, vocabulary)
            yield _weighed(name, " ".join(tokens[start:]), worth, " ".join(tokens))
    for name in vocabulary.shuffled.get(tuple(sorted(tokens)), ()):
        yield Reading(name.element, name.strength * _SHUFFLED, name.contexts, f'"{" ".join(tokens)}" has the words of its name')


def _tokens_before(tokens: Tokens, length: int, vocabulary: Vocabulary) -> float:
    if not tokens:
        return 1.0
    if any(token in vocabulary.foreign for token in tokens):
        return _FOREIGN
    return _NEUTRAL if all(token in vocabulary.neutral for token in tokens) else _UNKNOWN if length > 1 else _UNKNOWN_SHORT


def _cut(word: str, known: frozenset[str]) -> Tokens:
    """A word run together from known ones (personid, postalcode), cut; any other as it is."""
    if word in known:
        return (word,)
    for size in range(len(word) - 2, 2, -1):
        if word[:size] in known and word[size:] in known:
            return word[:size], word[size:]
    return (word,)


def _latin(words: Tokens, vocabulary: Vocabulary) -> Iterator[Reading]:
    """Pinyin: whole, or from any word on."""
    for start in range(len(words)):
        text = "".join(words[start:])
        worth = _tokens_before(words[:start], 2, vocabulary)
        if len(text) >= _SHORTEST_PINYIN:
            for name in vocabulary.pinyin.get(text, ()):
                yield Reading(name.element, name.strength * worth * 0.98, name.contexts, f'"{text}" is the pinyin of its name')
        belief = _INITIALS.get(len(text), _LONG_INITIALS if len(text) > 4 else 0.0)
        for name in vocabulary.initials.get(text, ()) if belief else ():
            # A name of something else is one of many more: as initials it says less.
            worth_here = worth * belief * (0.8 if name.element == OTHER else 1.0)
            yield Reading(name.element, name.strength * worth_here, name.contexts, f'"{text}" are the initials of its name')

"""What is the same in two spellings of a name or address, character by character: the keys by which they are compared. Light: no engine.

Names are kept as they are written (民委发〔2016〕33号, GB 18030), so 張樣例 and 张样例 are two values; to find that they may be one, both are
compared under a key. A key is never stored as a value and never shown. It says "may be the same", not "is the same".
"""

import re
import string
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from standards.characters import characters_of, unified
from standards.patterns import BLANK, INVISIBLE

Kind = Literal["person", "organization", "address"]

_DOTS = "·•‧・･．.∙⋅●﹒˙▪◦⸱∘․‣⦁。｡"
_BRACKETS = "()（）﹙﹚❨❩[]［］【】〔〕﹝﹞{}｛｝《》〈〉<>＜＞「」『』"
_QUOTES = "'\"‘’“”＇＂`´"
_STOPS = ",，､、;；:：!！?？…"
_DASHES = "-‐‑‒–—―−－﹣_＿~～"
# What says nothing in a name of each kind. In an address a dash parts two numbers, and all dashes are one.
_DROPPED: dict[Kind, str] = {
    "person": _DOTS + _BRACKETS + _QUOTES + _STOPS + _DASHES,
    "organization": _DOTS + _BRACKETS + _QUOTES + _STOPS + _DASHES,
    "address": _DOTS + _BRACKETS + _QUOTES + _STOPS,
}


def marks(kind: Kind) -> str:
    """Those of the characters that do not count which stand in texts every day: blanks, and what parts or encloses."""
    return " \t　" + _DROPPED[kind]


@lru_cache(maxsize=3)
def dropped(kind: Kind) -> str:
    """The class of characters that do not count."""
    return f"[{BLANK}{INVISIBLE}{''.join(map(_escaped, _DROPPED[kind]))}]"


@lru_cache(maxsize=3)
def compared_as(kind: Kind) -> tuple[str, str]:
    """Characters that count as another one, and that one, as two strings of equal length: forms, scripts, widths and cases of the same."""
    pairs = dict(zip(*unified(), strict=True)) | characters_of("comparable", "character", "compared_as")
    pairs |= {chr(ord(letter) + 0xFEE0): letter for letter in string.ascii_uppercase + string.digits}
    pairs |= {form: letter.upper() for letter in string.ascii_lowercase for form in (letter, chr(ord(letter) + 0xFEE0))}
    if kind == "address":
        pairs |= dict.fromkeys(_DASHES.replace("-", ""), "-")
    ended = {one: end for one in pairs if (end := _end(one, pairs)) != one}
    ordered = sorted(ended)
    return "".join(ordered), "".join(ended[one] for one in ordered)


def changing(characters: Iterable[str]) -> str:
    """A class of some characters, as ranges."""
    return f"[{''.join(_ranges(characters))}]"


def comparison_key(text: str, kind: Kind) -> str:
    """The key of a text; empty where nothing in it counts."""
    return re.sub(dropped(kind), "", text.translate(_table(kind)))


@lru_cache(maxsize=3)
def _table(kind: Kind) -> dict[int, int]:
    return str.maketrans(*compared_as(kind))


def _end(character: str, pairs: dict[str, str]) -> str:
    """A radical stands for an ideograph, which may be traditional in turn."""
    seen = {character}
    while (following := pairs.get(character, character)) not in seen:
        seen.add(following)
        character = following
    return character


def _ranges(characters: Iterable[str]) -> Iterable[str]:
    points = sorted(map(ord, characters))
    start = last = points[0]
    for point in [*points[1:], points[-1] + 2]:
        if point != last + 1:
            yield _escaped(chr(start)) if start == last else f"{_escaped(chr(start))}-{_escaped(chr(last))}"
            start = point
        last = point


def _escaped(character: str) -> str:
    return "\\" + character if character in "\\^]-[" else character

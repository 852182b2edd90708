"""Every accepted spelling of a code, for look-ups: the code, its name, aliases and known fixes; of divisions former codes and paths of names.

The key of a spelling (capitals, half width, simplified characters, no blanks) is only looked up, never stored.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from standards.characters import lookup_characters
from standards.division_paths import divisions, read_division, read_head
from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import CodeList, DataElement
from standards.patterns import BLANK, one_of

# Half-width and full-width forms of one mark, and marks that stand for each other in a list of words or around a remark.
_MARKS = {"（": "(", "［": "(", "[": "(", "【": "(", "〔": "(", "）": ")", "］": ")", "]": ")", "】": ")", "〕": ")"}
_MARKS |= {"，": ",", "、": ",", "､": ",", "｡": ".", "。": ".", "．": ".", "；": ";", "：": ":", "！": "!", "？": "?", "·": "-", "•": "-"}
_MARKS |= dict.fromkeys("‐‑‒–—―−－", "-") | {
    "’": "'",
    "‘": "'",
    "＇": "'",
    "／": "/",
    "＿": "_",
    "＋": "+",
    "＃": "#",
    "％": "%",
    "＆": "&",
}
_LETTERS = {chr(point + 0xFEE0): chr(point) for point in (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B))}
WIDE, NARROW = "".join(_MARKS | _LETTERS), "".join((_MARKS | _LETTERS).values())
_WIDTH = {ord(wide): narrow for wide, narrow in zip(WIDE, NARROW, strict=True)}
_BLANKS = re.compile(f"[{BLANK}]+")

# Types whose spellings are too many for an expression: those that occur are collected first.
SPELLED = ("division", "historic_division", "long_code", "address")


def spelling_key(text: str) -> str:
    """What two spellings have in common that stand for the same code."""
    return _BLANKS.sub("", text.translate(_WIDTH)).upper().translate(_simple())


@lru_cache(maxsize=1)
def _simple() -> dict[int, int]:
    return str.maketrans(*lookup_characters())


@while_in_force
def lookup_table(element: DataElement) -> dict[str, str]:
    """Key of every accepted spelling → code. An ambiguous spelling is not in it."""
    code_list = load_standards().code_lists[element.code_list or ""]
    pairs = _division_codes() if element.type in ("division", "historic_division") else _spellings(code_list)
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for spelling, code in pairs:
        key = spelling_key(spelling)
        if found.setdefault(key, code) != code:
            ambiguous.add(key)
    own = {code.code for code in code_list.codes} if element.type == "historic_division" else set(code_list.current)
    return {key: code for key, code in found.items() if code and (key not in ambiguous or key in own)} | {code: code for code in own}


@while_in_force
def ending_patterns(element: DataElement) -> tuple[str, str]:
    """What a key may have behind a name, and the keys that end so themselves; empty where nothing may stand there."""
    endings = load_standards().code_lists[element.code_list or ""].endings
    spelled = [key for key in lookup_table(element) if key.endswith(endings)] if endings else []
    return (f"{one_of(endings)}$", f"^{one_of(spelled or ('-',))}$") if endings else ("", "")


def readings(element: DataElement, keys: Iterable[str | None]) -> dict[str, str]:
    """Of the keys (`spelling_key` of the element's type) that occur, those that stand for something else, with what they stand for."""
    if element.type == "address":
        return {key: head for key in keys if key and (head := read_head(key.translate(_simple()))) and head != key}
    return {key: code for key in keys if key and (code := reading(element, key))}


def rewritten(element: DataElement, value: str | None, key: str | None, known: Mapping[str, str]) -> str | None:
    """A value with its spelling replaced by what `readings` say it stands for: the whole of a division, the head of an address."""
    if value is None or key is None or key not in known:
        return value
    return known[key] + value[len(key) :] if element.type == "address" else known[key]


def reading(element: DataElement, key: str) -> str:
    """The code that a key (`spelling_key`) stands for, empty where it stands for none."""
    table = lookup_table(element)
    pattern, _ = ending_patterns(element)
    code = table.get(key) or table.get(re.sub(pattern, "", key) if pattern else "", "")
    return code or (read_division(key) if element.type in ("division", "historic_division") else "")


def _spellings(code_list: CodeList) -> Iterator[tuple[str, str]]:
    for code in code_list.codes:
        if code.is_current:
            yield from ((spelling, code.code) for spelling in (code.code, code.title.zh, code.title.en, *code.aliases) if spelling)
            if code_list.prefix and code.code != (front := code.attributes.get(code_list.prefix, "")):
                yield front + code.code, code.code
    yield from code_list.fixes.items()


def _division_codes() -> Iterator[tuple[str, str]]:
    """Codes of two, four and six digits; former ones lead to their one successor. A code without a safe reading is paired with nothing."""
    known = divisions()
    for code in known.latest.values():
        target = known.target(code)
        yield code.code, target
        if code.code.endswith("00") and code.code in known.current:
            yield re.sub("(?:00)+$", "", code.code), target

"""Regular expressions shared by value types, written so that RE2, Java and Python read them alike: no look-around, no `\\p{…}`."""

import re
from collections.abc import Iterable
from itertools import groupby

# Unified ideographs with 〇 and the twelve that stand among the compatibility ideographs; the others of these and radicals are repaired first.
HAN = "〇㐀-䶿一-鿿﨎﨏﨑﨓﨔﨟﨡﨣﨤﨧-﨩𠀀-𮹝𰀀-𳑿"
# Every blank and line end of Unicode, one by one: what `\s` stands for is another set in RE2, Java and Python. A Hangul filler and an empty
# Braille cell look blank too.
BLANK = "\\t-\\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u3164\uffa0"
# Zero-width characters, marks of direction, variation selectors, tags, control characters.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e01ef\\x00-\\x08\\x0e-\\x1f\\x7f"
)
# Dots that stand between the parts of a name; hyphens and dashes of every length (the last one closes a class).
DOTS = (
    "·\u02d9\u0387\u05c5\u0701\u0f0b\u0f0c\u1427\u16eb\u2022-\u2024\u2027\u2218\u2219\u22c5\u25aa\u25cf\u25e6\u26ab\u2981\u2b24"
    "\u2e30\u2e31\u2e33\u30fb\u318d\ua78f\ufe52\uff65"
)
DASHES = "\u02d7\u2010-\u2015\u2043\u2212\u2500\u2501\ufe58\ufe63\uff0d-"

# Each of these begins or ends a text of two and more Han characters that a wrong decoding leaves (锟斤拷, 烫烫烫, 屯屯屯).
DECODED_WRONG = "锟烫屯"

# As what GBK reads the first two bytes of a Han character in UTF-8, of the marks that may stand before one, and of the mark at the start of a
# file. Hardly a name begins with one of these rare characters, and a text that was read so always does.
MISREAD_START = (
    "".join(sorted(bytes((lead, trail)).decode("gbk") for lead in range(0xE4, 0xEA) for trail in range(0x80, 0xC0))) + "鈥銆锛锘聽"
)

# Anything that is not seventeen digits and a digit or X: an alternative of it lets one pattern say "of this form and …".
NOT_A_NUMBER_OF_18 = "^.{0,17}$|^.{19}|[^0-9X]|X."
NOT_A_CODE_OF_18 = "^.{0,17}$|^.{19}|[^0-9A-HJ-NPQRTUWXY]"

_LEAP = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"


def han_except(characters: str) -> str:
    """The class of Han characters without some of them."""
    points, parts = sorted(map(ord, characters)), []
    for first, last in re.findall("(.)(?:-(.))?", HAN):
        start, end = ord(first), ord(last or first)
        for point in (point for point in points if start <= point <= end):
            parts += _span(start, point - 1)
            start = point + 1
        parts += _span(start, end)
    return "".join(parts)


def _span(start: int, end: int) -> list[str]:
    return [chr(start) if start == end else f"{chr(start)}-{chr(end)}"] if start <= end else []


def real_date(separator: str = "") -> str:
    """A day of the Gregorian calendar as year, month, day. One pass of a regular expression costs a third of a parse."""
    s = separator
    long_month = f"[0-9]{{4}}{s}(?:0[13578]|1[02]){s}(?:0[1-9]|[12][0-9]|3[01])"
    short_month = f"[0-9]{{4}}{s}(?:0[469]|11){s}(?:0[1-9]|[12][0-9]|30)"
    february = f"[0-9]{{4}}{s}02{s}(?:0[1-9]|1[0-9]|2[0-8])"
    return f"(?:{long_month}|{short_month}|{february}|{_LEAP}{s}02{s}29)"


def real_short_date() -> str:
    """A day of a year written with two digits, in this century or the last: only 1900 was no leap year, and 2000 was one."""
    long_month = "[0-9]{2}(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])"
    short_month = "[0-9]{2}(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)"
    february = "[0-9]{2}02(?:0[1-9]|1[0-9]|2[0-8])"
    return f"(?:{long_month}|{short_month}|{february}|(?:[02468][048]|[13579][26])0229)"


def one_of(words: Iterable[str]) -> str:
    """A pattern for exactly these words, as a tree of prefixes: as quick for thousands of words as for one."""
    return _tree(sorted(set(words)))


def _tree(words: list[str]) -> str:
    if words == [""]:
        return ""
    ends = words[0] == ""
    groups = [(head, [word[1:] for word in tail]) for head, tail in groupby(words[1:] if ends else words, key=lambda word: word[0])]
    by_rest: dict[str, list[str]] = {}
    for head, tail in groups:
        by_rest.setdefault(_tree(tail), []).append(head)
    branches = [_set(heads) + rest for rest, heads in by_rest.items()]
    body = branches[0] if len(branches) == 1 and not ends else f"(?:{'|'.join(branches)})"
    return f"{body}?" if ends else body


def _set(characters: list[str]) -> str:
    escaped = ["\\" + c if c in "\\^]-[.*+?{}()|$" else c for c in characters]
    return escaped[0] if len(escaped) == 1 else f"[{''.join(escaped)}]"

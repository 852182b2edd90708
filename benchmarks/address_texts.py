"""What is compared of an address that a reader has cut into elements: pairs of neighboring characters, each with how rare it is, in bits.

A common pair (大厦, 街道) says little about a place, a rare one much; how rare, all addresses of both sides say, whatever their labels.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2

from benchmarks.address_reader import Element

DIVISIONS = ("prov", "city", "district", "country", "redundant")
# What an address is of: the last element of one of these kinds; units, floors, rooms and "beside" lie within or around it.
_TARGETS = {
    "road": "road",
    "subroad": "road",
    "roadno": "number",
    "subroadno": "number",
    "poi": "place",
    "subpoi": "within",
    "person": "within",
}
_TARGETS |= {"houseno": "building", "town": "town", "devzone": "town", "community": "town"}
_FINE = ("town", "cellno", "floorno", "roomno", "assist")

_SMALL = str.maketrans("一二三四五六七八九〇零两苑", "123456789002园")
_TENS = re.compile("([一二三四五六七八九]?)十([一二三四五六七八九]?)")
_TELEPHONE = re.compile(r"[0-9]*\*{2,}[0-9]*|[0-9]{7,}")
_BUILDING = re.compile("([0-9A-Z]+)#?(?:号楼|栋楼|[栋幢座#])")
_MARKS = re.compile(r"[\s,·.]")


def one_form(text: str) -> str:
    """The text with one form of numerals, letters and words for a building, without telephone numbers and marks between names."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKC", text)).upper()
    small = _TENS.sub(lambda found: f"{found[1] or '1'}{found[2] or '0'}", _TELEPHONE.sub("", plain)).translate(_SMALL)
    return _BUILDING.sub(r"\1栋", small)


def rarity(texts: Iterable[str]) -> dict[str, float]:
    """Bits that a character or a pair of neighbors is worth: the binary logarithm of how many texts there are for one that has it."""
    counted = Counter(part for text in texts for part in {*text, *couples(text)})
    most = max(counted.values(), default=1)
    return {part: round(log2(1 + most / count), 2) for part, count in counted.items()}


def couples(text: str) -> list[str]:
    """The different pairs of neighboring characters, in their order; a single character is its own."""
    return list(dict.fromkeys(text[place : place + 2] for place in range(len(text) - 1))) if len(text) > 1 else [text] if text else []


COMMON = 1.0  # what a pair is worth that only cutting brought together


def told(address: str, elements: Sequence[Element], bits: dict[str, float]) -> str:
    """What a model compares, as JSON: `text`, `kind` of the target, and lists of parts with their bits."""
    last = next((found for found in reversed(elements) if found.kind in _TARGETS), Element("", ""))
    core = "".join(one_form(found.text) for found in elements if found.kind not in DIVISIONS)
    near = "".join(one_form(found.text) for found in elements if found.kind not in (*DIVISIONS, *_FINE))
    lists = {
        "target": couples(one_form(last.text)),
        "core": couples(core),
        "signs": list(dict.fromkeys(near)),
        "division": couples("".join(found.text for found in elements if found.kind in DIVISIONS)),
        "bracketed": couples("".join(re.findall(r"\(([^()]*)\)", one_form(address)))),
    }
    weighed = {name: [{"part": part, "bits": bits.get(part, COMMON)} for part in parts] for name, parts in lists.items()}
    return json.dumps({"text": one_form(address), "kind": _TARGETS.get(last.kind, ""), **weighed}, ensure_ascii=False)

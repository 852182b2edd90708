"""Labels in front of a value (身份证号：…): the names of the elements of its kind, and what `labels.yml` adds.

Kinds are value types, for coded elements the code list. Elements of one kind share their labels, so that they share their expressions too;
a label that speaks of somebody else (父亲身份证号) serves only the element it belongs to.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from standards.characters import simplified
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import one_of

_FOLDER = Path(__file__).parent
# Their values may begin like a label, so behind a blank only the name of a name is one.
_WORDS = ("person_name", "organization_name", "latin_name")
_NAMED = ("名", "名字", "名称", "全称")
# Their values may begin with a Han character or with anything, so a label needs more than a digit behind it.
_FREE = (*_WORDS, "address", "certificate_number", "identifier")


@dataclass(frozen=True)
class Labels:
    """The labels of a kind, as patterns: `whole` and `ends` of a key (`label_key`), and `others` that an end does not go with.

    Only a blank may part a label from the value if `spaced` allows it; `english` are labels of several words. A label `touches` if the first
    digit of a value may stand right behind it; those under `bare`, in a code list, may have anything behind them, since it is looked up.
    `simple` are traditional characters of the labels with their simplified forms.
    """

    whole: str
    ends: str
    others: str
    spaced: str
    english: str
    bare: str
    touches: bool
    simple: tuple[str, str]


def label_kind(element: DataElement) -> str:
    """What an element shares its labels with."""
    return element.code_list or element.type if element.type == "code" else element.type


def own_labels(element: DataElement) -> tuple[str, ...]:
    """The labels of an element that no other element of its kind has, since they speak of somebody else."""
    return tuple(sorted(label for label in _names(element) if _is_others(label)))


def labels_of(element: DataElement) -> Labels | None:
    """The labels of an element; none where a colon may be part of the value."""
    return None if element.type == "text" else _labels(label_kind(element), element.type, own_labels(element))


@lru_cache(maxsize=128)
def _labels(kind: str, value_type: str, own: tuple[str, ...]) -> Labels:
    names = {*own, *_shared(kind)}
    given = _given().get(kind, {})
    ends, starts = tuple(given.get("ends", ())), tuple(given.get("starts", ()))
    english = [name.upper() for name in names if name.isascii() and (value_type not in _WORDS or name.upper().endswith("NAME"))]
    joined = "".join((*names, *ends, *starts))
    pairs = [(old, new) for old, new in simplified().items() if new in joined]
    return Labels(
        whole=f"^{one_of(label_key(name) for name in names)}$",
        ends="|".join([*([f"{one_of(ends)}$"] if ends else ()), *([f"^{one_of(starts)}"] if starts else ())]),
        others=one_of(_data()["others"]),
        spaced=f"{one_of(_NAMED)}$" if value_type in _WORDS else "",
        english=one_of(english),
        bare=one_of(name for name in names if not name.isascii()) if value_type == "code" else "",
        touches=value_type not in _FREE,
        simple=("".join(old for old, _ in pairs), "".join(new for _, new in pairs)),
    )


def label_key(text: str) -> str:
    """A label without blanks, brackets and marks, in capitals."""
    return re.sub(r"[\s._-]+", "", re.sub(r"[(（].*?[)）]", "", text)).upper()


def _shared(kind: str) -> Iterator[str]:
    elements = load_standards().elements.values()
    for element in elements:
        if label_kind(element) == kind:
            yield from (name for name in _names(element) if not _is_others(name))
    given = _given().get(kind, {})
    yield from (*given.get("names", ()), *given.get("ends", ()))
    for other in given.get("also", ()):
        yield from _shared(other)


def _names(element: DataElement) -> Iterator[str]:
    yield from (name for name in (element.title.zh, element.title.en, *element.aliases) if name)
    yield from _english().get(element.id, ())


@lru_cache(maxsize=1)
def _english() -> dict[str, tuple[str, ...]]:
    """The English names that the vocabulary of column names knows."""
    found: dict[str, tuple[str, ...]] = {}
    with (_FOLDER / "vocabulary" / "names.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["language"] == "en":
                found[row["element"]] = (*found.get(row["element"], ()), *row["names"].split(";"))
    return found


def _is_others(label: str) -> bool:
    return any(word in label for word in _data()["others"])


def _given() -> dict[str, dict[str, Iterable[str]]]:
    kinds: dict[str, dict[str, Iterable[str]]] = _data()["kinds"]
    return kinds


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_FOLDER.joinpath("labels.yml").read_text(encoding="utf-8"))
    return found

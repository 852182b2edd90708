"""What a contract may declare about how a column is written: in another code list, or without the unit of its numbers.

Another list uses the same digits for something else, so nothing of it is read without being declared, and once it is declared no digits are
read by the element's own list. What the other list does not lead from to one code is refused, as `list:code`. Light: no engine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import CodeList, DataElement, Standards
from standards.spellings import spelling_key


@dataclass(frozen=True)
class Declared:
    """What is declared for a column: date formats, lookup (text to code), another code list, the unit of bare numbers. Hashable."""

    formats: tuple[str, ...] = ()
    lookup: tuple[tuple[str, str], ...] = ()
    written_in: str = ""
    unit: str = ""


def writing_fault(standards: Standards, element: DataElement, written_in: str) -> str:
    """Why a column of an element cannot be written in a list; empty where it can."""
    other = standards.code_lists.get(written_in)
    possible = [item.id for item in standards.code_lists.values() if element.code_list in item.leads_to]
    if other is not None and other.id in possible:
        return ""
    known = f"; there is {', '.join(possible)}" if possible else ""
    return f'no code list "{written_in}" leads to the codes of {element.id}{known}'


def unit_fault(element: DataElement, unit: str) -> str:
    """Why the bare numbers of an element cannot count something; empty where they can."""
    known = units().get(element.type, ())
    if unit in known:
        return ""
    return f'"{element.id}" is not counted in {unit}{f"; there is {chr(32).join(known)}" if known else ", nor in anything else"}'


@lru_cache(maxsize=1)
def units() -> dict[str, tuple[str, ...]]:
    """The units that a contract may declare, by value type."""
    found: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("units.yml").read_text(encoding="utf-8"))
    return {kind: tuple(names) for kind, names in found.items()}


@while_in_force
def translations(code_list: str, written_in: str) -> dict[str, str]:
    """Key of every spelling of another list that leads to one code of a list, with that code."""
    found: dict[str, str] = {}
    ambiguous = set()
    for spelling, target in _pairs(load_standards().code_lists[written_in], code_list):
        key = spelling_key(spelling)
        if found.setdefault(key, target) != target:
            ambiguous.add(key)
    return {key: target for key, target in found.items() if key not in ambiguous}


def texts_of(code_list: str, written_in: str) -> list[str]:
    """What stands in a column that is written in another list, as that list has it: its codes and names."""
    return [text for text, _ in _pairs(load_standards().code_lists[written_in], code_list)]


def _pairs(other: CodeList, code_list: str) -> Iterator[tuple[str, str]]:
    targets = {entry.code: entry.attributes.get(other.leads_to[code_list], "") for entry in other.codes}
    sure = {code: target for code, target in targets.items() if target and "|" not in target}
    for entry in other.codes:
        if entry.code in sure:
            yield from ((spelling, sure[entry.code]) for spelling in (entry.code, entry.title.zh, *entry.aliases))
    yield from ((wrong, sure[right]) for wrong, right in other.fixes.items() if right in sure)

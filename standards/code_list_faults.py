"""What can be wrong with a code list: spellings that stand for two codes, dates out of order, parents and successors that lead nowhere."""

import re
from collections.abc import Container, Iterator, Mapping
from itertools import pairwise
from typing import TypeVar

from core.errors import Fault
from standards.documents import Finding
from standards.model import Code, CodeList
from standards.portable_patterns import not_portable
from standards.value_types import NEEDED_LISTS, NUMBER_FORMS

Entry = tuple[str, str]
N = TypeVar("N", str, Entry)

_DAY = re.compile(r"^[0-9]{4}(?:-[0-9]{2}-[0-9]{2})?$")
# Attributes of codes that rules search with, as regular expressions.
_PATTERNS = {"certificate_kind": ("issuer_words",)}


def code_list_faults(code_lists: Mapping[str, CodeList], tables: Container[str]) -> Iterator[Fault]:
    """Every fault of every list, under the file of the list, or under its table where it has one and the fault is that of a code."""
    for name, code_list in code_lists.items():
        codes = code_list.codes
        found = (
            *_spellings(code_list),
            *_validity(codes),
            *_relations(codes),
            *_forms(codes),
            *_patterns(code_list),
            *_says_nothing(code_list),
            *_translations(code_list, code_lists),
        )
        for key, message in found:
            ending = "csv" if key.startswith("codes") and name in tables else "yml"
            yield Fault(f"standards/code_lists/{name}.{ending}", key, message)


def needed_list_faults(known: Container[str]) -> Iterator[Fault]:
    """Lists that value types and rules look things up in, and that have no file."""
    for name in NEEDED_LISTS:
        if name not in known:
            yield Fault(f"standards/code_lists/{name}.yml", "", "the file is missing: value types and rules look things up in this list")


def _patterns(code_list: CodeList) -> Iterator[Finding]:
    for name in _PATTERNS.get(code_list.id, ()):
        for code in code_list.codes:
            pattern = code.attributes.get(name)
            if pattern is None:
                yield f"codes.{code.code}.{name}", "is missing: rules search with it"
            elif (fault := not_portable(pattern)) is not None:
                yield f"codes.{code.code}.{name}", fault


def _says_nothing(code_list: CodeList) -> Iterator[Finding]:
    """Each is a code of the list, named once, and there are others: a list in which nothing says anything has no values."""
    if code_list.says_nothing is None:
        return
    named, known = code_list.says_nothing.codes, {code.code for code in code_list.codes}
    for code in sorted(set(named)):
        if code not in known:
            yield f"says_nothing.codes.{code}", "no such code"
        elif named.count(code) > 1:
            yield f"says_nothing.codes.{code}", "is named twice"
    if known and known <= set(named):
        yield "says_nothing.codes", "no code is left that says something"


def _spellings(code_list: CodeList) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    current = set(code_list.current)
    for code in code_list.codes:
        for spelling in (code.code, *code.aliases):
            if seen.setdefault(spelling, code.code) != code.code:
                yield f"codes.{code.code}", f"{spelling} already stands for {seen[spelling]}"
    for wrong, right in code_list.fixes.items():
        if wrong in seen:
            yield f"fixes.{wrong}", "already a code or alias"
        if right not in current:
            yield f"fixes.{wrong}", f"{right} is not a current code"
    for junk in code_list.junk:
        if junk in seen or junk in code_list.fixes:
            yield f"junk.{junk}", "also a code, alias or fix"
    if not current:
        yield "codes", "no current code"


def _validity(codes: tuple[Code, ...]) -> Iterator[Finding]:
    """Years or ISO dates, in order; entries of one code follow one another."""
    entries: dict[str, list[Code]] = {}
    for code in codes:
        entries.setdefault(code.code, []).append(code)
        for key, day in (("valid_from", code.valid_from), ("valid_to", code.valid_to)):
            if day and not _DAY.match(day):
                yield f"codes.{code.code}.{key}", f"{day} is neither a year nor an ISO date"
        if code.valid_from and code.valid_to and code.valid_to <= code.valid_from:
            yield f"codes.{code.code}.valid_to", f"{code.valid_to} is not after valid_from {code.valid_from}"
    for name, ordered in entries.items():
        ordered.sort(key=lambda code: code.valid_from)
        if any(not earlier.valid_to or earlier.valid_to > later.valid_from for earlier, later in pairwise(ordered)):
            yield f"codes.{name}", "has two entries for one time"


def _relations(codes: tuple[Code, ...]) -> Iterator[Finding]:
    """Parents and successors are codes of the list, and whoever follows the successors of a withdrawn code arrives."""
    entries: dict[str, list[Code]] = {}
    for code in codes:
        entries.setdefault(code.code, []).append(code)
    ways: dict[Entry, set[Entry]] = {}
    parents: dict[str, set[str]] = {}
    for code in codes:
        if code.parent and code.parent not in entries:
            yield f"codes.{code.code}.parent", f"no such code: {code.parent}"
        elif code.parent:
            parents.setdefault(code.code, set()).add(code.parent)
        for successor in code.successors:
            heir, _, year = successor.partition("@")
            if heir not in entries:
                yield f"codes.{code.code}.successors", f"no such code: {heir}"
            elif not year:
                ways.setdefault(_entry(code), set()).add(_entry(_outliving(code, entries[heir])))
    for circle in _circles(parents):
        yield f"codes.{circle[0]}.parent", f"leads in a circle: {', '.join(circle)}"
    for around in _circles(ways):
        names = sorted({code for code, _ in around})
        yield f"codes.{names[0]}.successors", f"lead in a circle: {', '.join(names)}"


def _translations(code_list: CodeList, code_lists: Mapping[str, CodeList]) -> Iterator[Finding]:
    """Where a list leads: to codes of another list, by attributes that it has."""
    if code_list.prefix and code_list.prefix not in code_list.attributes:
        yield "prefix", f"not among the attributes: {code_list.prefix}"
    for other, attribute in code_list.leads_to.items():
        if attribute not in code_list.attributes:
            yield f"leads_to.{other}", f"not among the attributes: {attribute}"
        if other not in code_lists:
            yield f"leads_to.{other}", "no such code list"
            continue
        known = {code.code for code in code_lists[other].codes}
        for code in code_list.codes:
            if wrong := [target for target in code.attributes.get(attribute, "").split("|") if target and target not in known]:
                yield f"codes.{code.code}.{attribute}", f"no code of {other}: {', '.join(wrong)}"


def _forms(codes: tuple[Code, ...]) -> Iterator[Finding]:
    for code in codes:
        form = code.attributes.get("number_form")
        if form and form not in NUMBER_FORMS:
            yield f"codes.{code.code}.number_form", f"no such form: {form}; there are {', '.join(NUMBER_FORMS)}"


def _entry(code: Code) -> Entry:
    return code.code, code.valid_from


def _outliving(code: Code, heirs: list[Code]) -> Code:
    """The first entry of the heir that outlives the code, which may be the code's own next one; else the heir's last."""
    ordered = sorted(heirs, key=lambda heir: heir.valid_from)
    return next((heir for heir in ordered if not heir.valid_to or heir.valid_to > code.valid_to), ordered[-1])


def _circles(ways: Mapping[N, set[N]]) -> list[list[N]]:
    """The groups of nodes each of which leads to all of its group, in order."""
    left = _in_circles(ways)
    reached = {node: _reached(node, left) for node in left}
    groups = {tuple(sorted(other for other in reached[node] if node in reached[other])) for node in left}
    return [list(group) for group in sorted(groups) if group]


def _in_circles(ways: Mapping[N, set[N]]) -> dict[N, set[N]]:
    """What is left of a graph when whatever leads nowhere, and whatever nothing leads to, is taken away again and again."""
    left = dict(ways)
    while True:
        targets = set[N]().union(*left.values())
        kept = {node: {heir for heir in heirs if heir in left} for node, heirs in left.items() if node in targets}
        kept = {node: heirs for node, heirs in kept.items() if heirs}
        if kept == left:
            return left
        left = kept


def _reached(start: N, ways: Mapping[N, set[N]]) -> set[N]:
    """Where the ways lead from a node, in any number of steps."""
    seen: set[N] = set()
    ahead = set(ways[start])
    while ahead:
        seen |= ahead
        ahead = set[N]().union(*(ways[node] for node in ahead)) - seen
    return seen

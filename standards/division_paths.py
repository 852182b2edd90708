"""Divisions at the head of an address (GB/T 2260): how they may be written there, and their full current names from the province down.

A head is read only if there is one safe reading. Its last name carries its unit; the names in front are those it belongs or belonged to,
also repeated, also without their units. A county alone is read if no other county has ever had its name.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from standards.loader import load_standards
from standards.model import Code
from standards.patterns import one_of

SEPARATORS = "-/,，、·.|>_;；"
# Statistical group behind a city, and what stands in front of a province: neither is a unit.
_GROUP = "市辖区"
_BETWEEN = re.compile(f"(?:[{SEPARATORS}]|{_GROUP})*")
_COUNTRY = "(?:中华人民共和国|中国)?"
# A county of one character and its unit (城区, 郊区) is no name without what it belongs to.
LEAST_ALONE = 3
# The longest path has some thirty characters and may be written twice; what is longer only repeats itself, and is not looked through.
LONGEST = 120
# With such a character behind it, the unit is part of another word (市场, 省道, 县道).
_WORDS = ("市场", "省道", "县道")
_UNIT = re.compile("(?:特别行政区|自治[区州县旗]|[地林新矿特]区|[省市区县旗盟州])$")
_UNITS = re.compile("(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|自治州|地区|省|市|盟)$")


@dataclass(frozen=True)
class _Unit:
    """One name of a division: the codes it belonged to (with those that took over), and the code that is current now, or nothing."""

    name: str
    code: str
    level: str
    above: frozenset[str]
    target: str
    is_current: bool


class Divisions:
    """The code list by names."""

    def __init__(self, codes: tuple[Code, ...]) -> None:
        self.current = {code.code: code for code in codes if not code.valid_to}
        self.latest = {code.code: code for code in codes} | self.current
        self.rows: dict[str, list[Code]] = {}
        for code in codes:
            self.rows.setdefault(code.code, []).append(code)
        self._lineages: dict[str, frozenset[str]] = {}

    def target(self, code: Code, depth: int = 0) -> str:
        """The current code that took over, if there is exactly one; parts that left earlier (`code@year`) do not count."""
        if not code.valid_to:
            return code.code
        heirs = {heir for heir in code.successors if "@" not in heir}
        if len(heirs) != 1 or depth > 8:
            return ""
        heir = heirs.pop()
        if heir != code.code:
            return self.target(self.latest[heir], depth + 1) if heir in self.latest else ""
        later = [row for row in self.rows[heir] if row.valid_from >= code.valid_to]
        return self.target(min(later, key=lambda row: row.valid_from), depth + 1) if later else ""

    def path(self, code: str) -> str:
        """The full current names from the province down."""
        row = self.current[code]
        return (self.path(row.parent) if row.parent else "") + row.title.zh

    def _lineage(self, code: Code) -> frozenset[str]:
        own = {code.code, self.target(code)} - {""}
        if code.parent not in self.latest:
            return frozenset(own)
        if code.parent not in self._lineages:
            self._lineages[code.parent] = self._lineage(self.latest[code.parent])
        return self._lineages[code.parent] | own

    @cached_property
    def by_name(self) -> dict[str, list[_Unit]]:
        """The divisions that have or had a full name."""
        found: dict[str, list[_Unit]] = {}
        for row in chain.from_iterable(self.rows.values()):
            unit = _Unit(row.title.zh, row.code, row.level, self._lineage(row), self.target(row), not row.valid_to)
            found.setdefault(row.title.zh, []).append(unit)
        return found

    @cached_property
    def by_short_name(self) -> dict[str, list[_Unit]]:
        """Provinces and prefectures by their names without the unit: only they are written so in front of another division."""
        found: dict[str, list[_Unit]] = {}
        for name, units in self.by_name.items():
            high = [unit for unit in units if unit.level != "county"]
            for short in _short_names(name) if high else ():
                found.setdefault(short, []).extend(high)
        return found

    @cached_property
    def paths(self) -> dict[str, str]:
        """Full current names of every division → its code."""
        return {self.path(code): code for code in self.current}

    @cached_property
    def children(self) -> dict[str, list[Code]]:
        """The current divisions directly under each; the provinces under the empty code."""
        found: dict[str, list[Code]] = {}
        for row in self.current.values():
            found.setdefault(row.parent, []).append(row)
        return found

    def tree(self, code: str, *, whole: bool) -> str:
        """A pattern for the names below a division: down to the last (`whole`), or as far as they are written."""
        below = self.children.get(code, [])
        inner = [row.title.zh + self.tree(row.code, whole=whole) for row in below if row.code in self.children]
        last = by_unit(row.title.zh for row in below if row.code not in self.children)
        branches = [*inner, last] if last else inner
        return f"(?:{'|'.join(branches)}){'' if whole or not code else '?'}" if branches else ""

    @cached_property
    def lost_paths(self) -> list[str]:
        """Names of counties that were split, behind the current names of what they belonged to."""
        lost = {
            front + row.title.zh
            for row in chain.from_iterable(self.rows.values())
            if row.valid_to and not self.target(row) and row.parent in self.current
            for front in self._fronts(row.parent)
        }
        known = sorted(self.paths)
        return sorted(path for path in lost if not read_head(path) and not _begins_one(path, known))

    def _fronts(self, code: str) -> set[str]:
        """The full current names down to a division, and the province alone."""
        row = self.current[code]
        return {self.path(code), self.current[row.parent].title.zh if row.parent else row.title.zh}


def _begins_one(path: str, ordered: list[str]) -> bool:
    place = bisect_left(ordered, path)
    return place < len(ordered) and ordered[place].startswith(path)


def _short_names(name: str) -> set[str]:
    """A name without its unit, and without the peoples of an autonomous prefecture (延边朝鲜族自治州: 延边, 延边州)."""
    bare = _UNITS.sub("", name)
    place = re.sub(f"(?:{'|'.join(_peoples())})+$", "", bare) if name.endswith("自治州") else bare
    found = {bare, place} | ({place + "州"} if name.endswith("自治州") else set())
    return {short for short in found if len(short) >= 2 and short != name}


@lru_cache(maxsize=1)
def _peoples() -> list[str]:
    names = [code.title.zh for code in load_standards().code_lists["ethnic_group"].codes]
    return names + [name.removesuffix("族") for name in names if len(name) > 2]


@lru_cache(maxsize=1)
def divisions() -> Divisions:
    """The divisions of the standard in force."""
    return Divisions(load_standards().code_lists["division"].codes)


# Patterns are kept small and, where they are large, open at the end: beyond some ten thousand characters (half of it with `$`) an engine
# of regular expressions gives up its automaton, and takes twenty times as long.
LARGEST = 6_000


@lru_cache(maxsize=1)
def head_pattern() -> str:
    """What may be the head of an address: names of divisions, the last with some unit, and what separates them. `read_head` knows better."""
    known, between = divisions(), _BETWEEN.pattern
    short = one_of(known.by_short_name)
    # The stem of the former 市区 would take the first character of 市辖区.
    stems = {stem for name in known.by_name if (stem := _UNIT.sub("", name) or name[:-1]) != "市"}
    name = f"{between}(?:{short}{between})*{one_of(stems | set(known.by_short_name))}{_UNIT.pattern.strip('$')}"
    return f"^{_COUNTRY}(?:{name})+{between}[{''.join(word[-1] for word in _WORDS)}]?"


@lru_cache(maxsize=1)
def name_characters() -> frozenset[str]:
    """Every character of a name that a division has or had."""
    return frozenset("".join((*divisions().by_name, *divisions().by_short_name)))


@lru_cache(maxsize=1)
def full_path_patterns() -> tuple[str, ...]:
    """The full current names of a county, or of a city without counties, in several patterns."""
    known = divisions()
    groups: list[list[str]] = [[]]
    for row in known.children[""]:
        branch = row.title.zh + known.tree(row.code, whole=True)
        if len(branch) + sum(map(len, groups[-1])) > LARGEST:
            groups.append([])
        groups[-1].append(branch)
    return tuple(f"^(?:{'|'.join(group)})" for group in groups)


@lru_cache(maxsize=1)
def path_pattern() -> str:
    """The full current names of any division, as far as they go."""
    return f"^{divisions().tree('', whole=False)}"


@lru_cache(maxsize=1)
def province_pattern() -> str:
    """The full name of a province."""
    return f"^{one_of(row.title.zh for row in divisions().children[''])}"


@lru_cache(maxsize=1)
def lost_pattern() -> str:
    """A county that exists no more and has several successors."""
    return f"^{one_of(divisions().lost_paths)}"


def by_unit(names: Iterable[str]) -> str:
    """A pattern for exactly these names, that has each unit at their end once."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name[-1], []).append(name[:-1])
    return "|".join(one_of(stems) + unit for unit, stems in sorted(found.items()))


def read_head(head: str) -> str:
    """A head with its divisions by their full current names, and behind them what is no part of them. Empty if it has no safe reading."""
    if len(head) > LONGEST:
        return ""
    known = divisions()
    start = re.match(_COUNTRY, head)
    readings = list(_readings(head, start.end() if start else 0, ()))
    if not readings:
        return ""
    end = max(place for place, _, _ in readings)
    target = _one([(unit, is_alone) for place, unit, is_alone in readings if place == end])
    return known.path(target) + _without_separators(head[end:]) if target else ""


def _readings(head: str, start: int, before: tuple[str, ...]) -> Iterator[tuple[int, _Unit, bool]]:
    """Every division the head can be read as: where its name ends, the division, and whether it stands there without what it belongs to."""
    known = divisions()
    start = _skip(head, start)
    for end in range(start + 2, len(head) + 1):
        name = head[start:end]
        if name not in known.by_name and name not in known.by_short_name:
            continue
        for unit in known.by_name.get(name, []) if head[end - 1 : end + 1] not in _WORDS else []:
            if all(_can_hold(front, unit) for front in before):
                is_alone = unit.level == "county" and not any(front for front in before if front != name)
                yield end, unit, is_alone
        yield from _readings(head, end, (*before, name))


def _skip(head: str, start: int) -> int:
    found = _BETWEEN.match(head, start)
    return found.end() if found else start


def _can_hold(front: str, unit: _Unit) -> bool:
    known = divisions()
    return any(
        candidate.code in unit.above or candidate.target in unit.above
        for candidate in (*known.by_name.get(front, ()), *known.by_short_name.get(front, ()))
    )


def _one(readings: list[tuple[_Unit, bool]]) -> str:
    """The current code that all readings lead to. What exists now comes first, but a county alone must never have had a namesake."""
    units = [unit for unit, is_alone in readings if not is_alone]
    if units:
        units = [unit for unit in units if unit.is_current] or units
    else:
        units = [unit for unit, _ in readings]
        if len(units[0].name) < LEAST_ALONE:
            return ""
    targets = {unit.target for unit in units}
    return targets.pop() if len(targets) == 1 else ""


def _without_separators(rest: str) -> str:
    return rest[_skip(rest, 0) :]

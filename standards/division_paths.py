"""Divisions by their names (GB/T 2260): how they may be written, alone or at the head of an address, and their full current names.

A text is read only if there is one safe reading. The names in front of the last are those it belongs or belonged to, also repeated, also
without their units; the last one may lack its unit where nothing follows it. A county without its prefecture is read if no other county that it
could be has ever had its name.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import Code
from standards.patterns import one_of

SEPARATORS = r"-/\\,，、·.|>_;；:：()（）～~→＞／—–－"
# Statistical groups behind a city or province, and what stands in front of a province: none of them is a unit.
_GROUP = "市?辖区|(?:省|自治区)?直辖(?:县级)?(?:行政区划|行政单位)|(?:省|自治区)?直辖县(?:级市)?|县级市"
_COUNTIES = "县"  # the group of the counties of a city that is a province
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
_COUNTY_UNITS = re.compile("(?:自治县|自治旗|新区|林区|特区|左旗|[市区县旗])$")
# What everybody calls a region beside its name without the unit.
_CALLED = {"内蒙古自治区": ("内蒙",)}


@dataclass(frozen=True)
class _Unit:
    """One name of a division: the codes it belonged to (with those that took over), the one right above it among them, and the code that is
    current now, or nothing.
    """

    name: str
    code: str
    level: str
    above: frozenset[str]
    parent: frozenset[str]
    target: str
    is_current: bool


@dataclass(frozen=True)
class _Reading:
    """A division that a text can be read as, the name it has there, and whether what it directly belongs to is not named in front of it."""

    unit: _Unit
    name: str
    is_alone: bool


class Divisions:
    """The code list by names."""

    def __init__(self, codes: tuple[Code, ...]) -> None:
        self.current = {code.code: code for code in codes if code.is_current}
        self.latest = {code.code: code for code in codes} | self.current
        self.rows: dict[str, list[Code]] = {}
        for code in codes:
            self.rows.setdefault(code.code, []).append(code)
        self._lineages: dict[str, frozenset[str]] = {}

    def target(self, code: Code, depth: int = 0) -> str:
        """The current code that took over, if there is exactly one; parts that left earlier (`code@year`) do not count."""
        if code.is_current:
            return code.code
        # A prefecture that was renamed has no successor in the list but the later row of its code.
        heirs = {heir for heir in code.successors if "@" not in heir} or {code.code}
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

    def _parent(self, code: Code) -> frozenset[str]:
        above = self.latest.get(code.parent)
        return frozenset({above.code, self.target(above)} - {""}) if above else frozenset()

    @cached_property
    def by_name(self) -> dict[str, list[_Unit]]:
        """The divisions that have or had a full name."""
        found: dict[str, list[_Unit]] = {}
        for row in chain.from_iterable(self.rows.values()):
            unit = _Unit(row.title.zh, row.code, row.level, self._lineage(row), self._parent(row), self.target(row), row.is_current)
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
    def by_county_name(self) -> dict[str, list[_Unit]]:
        """Counties by their names without the unit: they are written so where nothing follows."""
        found: dict[str, list[_Unit]] = {}
        for name, units in self.by_name.items():
            counties = [unit for unit in units if unit.level == "county"]
            for short in _county_names(name) if counties else ():
                found.setdefault(short, []).extend(counties)
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
            if row.valid_to and not row.is_current and not self.target(row) and row.parent in self.current
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
    """A name without its unit, and without the peoples of an autonomous prefecture or region (延边朝鲜族自治州: 延边, 延边州)."""
    bare = _UNITS.sub("", name)
    found = {bare, name.removesuffix("自治区"), *_CALLED.get(name, ())}
    if name.endswith(("自治州", "自治区")):
        place = _without_peoples(bare)
        found |= {place, place + ("州" if name.endswith("州") else "自治区")}
    return {short for short in found if len(short) >= 2 and short != name}


def _county_names(name: str) -> set[str]:
    """A county without its unit, and without the peoples of an autonomous one (长阳土家族自治县: 长阳, 长阳县)."""
    bare = _COUNTY_UNITS.sub("", name)
    found = {bare}
    if name.endswith(("自治县", "自治旗")):
        place = _without_peoples(bare)
        found |= {place, place + name[-1], place + name[-3:]}
    return {short for short in found if len(short) >= 2 and short != name}


def _without_peoples(name: str) -> str:
    return re.sub(f"(?:{'|'.join(_peoples())})+$", "", name)


@lru_cache(maxsize=1)
def _peoples() -> list[str]:
    names = [code.title.zh for code in load_standards().code_lists["ethnic_group"].codes]
    return names + [name.removesuffix("族") for name in names if len(name) > 2]


@while_in_force
def divisions() -> Divisions:
    """The divisions of the standard in force."""
    return Divisions(load_standards().code_lists["division"].codes)


# Patterns are kept small and, where they are large, open at the end: beyond some ten thousand characters (half of it with `$`) an engine
# of regular expressions gives up its automaton, and takes twenty times as long.
LARGEST = 6_000


@while_in_force
def head_pattern() -> str:
    """What may be the head of an address: names of divisions, the last with some unit, and what separates them. `read_head` knows better."""
    known, between = divisions(), _BETWEEN.pattern
    short = one_of(known.by_short_name)
    # The stem of the former 市区 would take the first character of 市辖区.
    stems = {stem for name in known.by_name if (stem := _UNIT.sub("", name) or name[:-1]) != "市"}
    name = f"{between}(?:{short}{between})*{one_of(stems | set(known.by_short_name))}{_UNIT.pattern.strip('$')}"
    return f"^{_COUNTRY}(?:{name})+{between}[{''.join(word[-1] for word in _WORDS)}]?"


@while_in_force
def name_characters() -> frozenset[str]:
    """Every character of a name that a division has or had."""
    return frozenset("".join((*divisions().by_name, *divisions().by_short_name)))


@while_in_force
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


@while_in_force
def path_pattern() -> str:
    """The full current names of any division, as far as they go."""
    return f"^{divisions().tree('', whole=False)}"


@while_in_force
def province_pattern() -> str:
    """The full name of a province."""
    return f"^{one_of(row.title.zh for row in divisions().children[''])}"


@while_in_force
def second_pattern() -> str:
    """The full name of a province in the middle: another address begins there."""
    return f"[、，,；;/|]{province_pattern().removeprefix('^')}"


@while_in_force
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


def read_division(text: str) -> str:
    """The current code of a division that a text names, alone or behind what it belongs to. Empty if there is no safe reading."""
    start = re.match(_COUNTRY, text)
    targets = {unit.target for unit in _meant(list(_whole_readings(text, start.end() if start else 0, ())), text)}
    return targets.pop() if len(targets) == 1 else ""


def _meant(readings: list[_Reading], text: str) -> list[_Unit]:
    """The divisions that a text may mean. What exists now and is named in full behind what it belongs to is meant, whatever else was called so."""
    full = [found for found in readings if found.unit.name == found.name]
    if clear := [found.unit for found in full if found.unit.is_current and not found.is_alone]:
        return clear
    if any(found.name == text for found in readings):
        return _namesakes([found.unit for found in readings], text)
    units = [found.unit for found in full or readings]
    return units if full else [unit for unit in units if unit.is_current] or units


def _namesakes(units: list[_Unit], text: str) -> list[_Unit]:
    """Of the divisions that a name alone may mean: the province or prefecture called so now, unless a county is called so too; else all."""
    named = [unit for unit in units if unit.name == text] or [unit for unit in units if _without_unit(unit) == text] or units
    current = [unit for unit in named if unit.is_current]
    return current if current and all(unit.level != "county" for unit in current) else named


def _without_unit(unit: _Unit) -> str:
    return (_COUNTY_UNITS if unit.level == "county" else _UNITS).sub("", unit.name)


def _whole_readings(text: str, start: int, before: tuple[str, ...]) -> Iterator[_Reading]:
    """Every division the whole text can be read as."""
    known = divisions()
    start = _skip(text, start)
    if before and text.startswith(_COUNTIES, start):
        yield from _whole_readings(text, start + len(_COUNTIES), before)
    for end in range(start + 2, len(text) + 1):
        name = text[start:end]
        if _skip(text, end) == len(text):
            last = (*known.by_name.get(name, ()), *known.by_short_name.get(name, ()), *known.by_county_name.get(name, ()))
            fronts = [front for front in before if front != name]
            yield from (_Reading(unit, name, _is_alone(fronts, unit)) for unit in last if all(_can_hold(front, unit) for front in fronts))
        elif name in known.by_name or name in known.by_short_name:
            yield from _whole_readings(text, end, (*before, name))


def _readings(head: str, start: int, before: tuple[str, ...]) -> Iterator[tuple[int, _Unit, bool]]:
    """Every division the head can be read as: where its name ends, the division, and whether it stands there without what it directly belongs to."""
    known = divisions()
    start = _skip(head, start)
    for end in range(start + 2, len(head) + 1):
        name = head[start:end]
        if name not in known.by_name and name not in known.by_short_name:
            continue
        for unit in known.by_name.get(name, []) if head[end - 1 : end + 1] not in _WORDS else []:
            fronts = [front for front in before if front != name]
            if all(_can_hold(front, unit) for front in before) and (fronts or unit.level != "county" or len(name) >= LEAST_ALONE):
                yield end, unit, unit.level == "county" and _is_alone(fronts, unit)
        yield from _readings(head, end, (*before, name))


def _skip(head: str, start: int) -> int:
    found = _BETWEEN.match(head, start)
    return found.end() if found else start


def _can_hold(front: str, unit: _Unit) -> bool:
    return _names_one(front, unit.above)


def _is_alone(fronts: list[str], unit: _Unit) -> bool:
    """Whether what a division directly belongs to is not named: a province alone may have had several counties of one name."""
    return not any(_names_one(front, unit.parent) for front in fronts)


def _names_one(front: str, codes: frozenset[str]) -> bool:
    """Whether one of the codes has or had this name."""
    known = divisions()
    named = (*known.by_name.get(front, ()), *known.by_short_name.get(front, ()))
    return any(unit.code in codes or unit.target in codes for unit in named)


def _one(readings: list[tuple[_Unit, bool]]) -> str:
    """The current code that all readings lead to. What exists now comes first, but a county alone must never have had a namesake."""
    units = [unit for unit, is_alone in readings if not is_alone and unit.is_current] or [unit for unit, _ in readings]
    targets = {unit.target for unit in units}
    return targets.pop() if len(targets) == 1 else ""


def _without_separators(rest: str) -> str:
    return rest[_skip(rest, 0) :]

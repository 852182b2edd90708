"""How the parts of an address are written behind its division: locality, road, number, building, unit, floor, room. Light: no engine.

An address is read from the left. What stands in front of the road (towns, villages, zones, places) ends with the word for what it is, and
the road with the word for a road; the number follows it, and a building, unit, floor and room are found behind that by their own words.
The same patterns serve the expressions of `standards.address_parts` and single values here. Nothing is lost: what is no part is `rest`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from standards.division_paths import divisions, path_pattern
from standards.in_force import while_in_force
from standards.patterns import HAN, han_except, one_of

# 街道 ends the name of a town and begins like a road: it is one character while the parts are told apart.
STREET_OFFICE, OFFICE_MARK = "街道", "\ue001"
_BETWEEN = "[-_,，、.。;；:： （()）—#&~]*"
_NUMERALS = "一二三四五六七八九十"
# Too little to be a name: behind a village, 东路 goes with the name of the village.
_NO_NAME = "东西南北中大上下前后新老内外横" + _NUMERALS
_ROADS = "道路|大道|大街|直街|胡同|公路|国道|省道|县道|高速|[路街道巷]"
_PLAIN = han_except("路街道巷弄")
_ZONES = (
    "经济技术开发区|经济开发区|开发区|工业园区|科技园区|产业园区|园区|工业区|工业园|高新区|新区|示范区|保税区|度假区|经济区|集聚区|功能区"
    "|产业园|科技园|科创园|创业园|软件园|新城|片区|城区"
)
_PLACES = (
    "社区|居委会|村委会|行政村|自然村|管委会|农场|林场|新村|小区|家园|花园|公寓|大厦|广场|中心|市场|工业城|商贸城|大学|学院|学校|公司"
    "|宾馆|酒店|车站"
)
_UNIT = (
    f"[{HAN}]{{1,6}}?{OFFICE_MARK}(?:办事处|办)?|[{HAN}]{{1,4}}?[路街巷弄]?[镇乡]{{1,2}}"
    f"|[{_PLAIN}]{{1,7}}?(?:{_ZONES}|{_PLACES}|自治[区州县]|地区|[省市县区旗镇乡村盟]{{1,3}})"
)
_LOCALITY = f"(?:(?:{_UNIT}){_BETWEEN})*"
_LANE = f"(?:[{_NUMERALS}0-9]{{1,3}}巷)?"
_ROAD = f"(?:[{HAN}]{{2,8}}?|[{han_except(_NO_NAME)}]|[{HAN}]{{0,3}}[0-9]{{1,3}}号?|[A-Z][0-9]?)(?:{_ROADS}){_LANE}"
_ROAD_AT_ONCE = f"(?:[{HAN}]{{1,8}}?|[{HAN}]{{0,3}}[0-9]{{1,3}}号?)(?:{_ROADS}){_LANE}"
_ALLEY = f"[{HAN}]{{1,5}}?(?:弄|里|桥|线)"
_GROUP = f"[0-9{_NUMERALS}]{{1,3}}(?:组|社|队)"

_COUNTED = f"[{_NUMERALS}百零甲]{{1,6}}"
_NOT_A_NUMBER = "0-9幢栋座楼层单室户米期号弄"
_LED = f"{_BETWEEN}(?:[{_PLAIN}]{{1,6}}?(?:{_ROADS}|村|社区))?[东南西北]?侧?{_BETWEEN}"
NUMBERS = (
    f"^({_LED})((?:甲|附)?(?:[0-9]{{1,5}}(?:[-—~、,，][0-9]{{1,5}})?|{_COUNTED})(?:号|弄|巷)(?:附[0-9]{{1,4}}号?)?)((?:[^楼幢栋].*)?)$",
    f"^({_LED})([0-9]{{1,5}}-[0-9]{{1,5}})((?:[^-{_NOT_A_NUMBER}].*)?)$",
    f"^({_LED})([0-9]{{1,5}})((?:[^{_NOT_A_NUMBER}].*)?)$",
)
# Without a road, the first number that says that it is one.
NUMBER_ALONE = f"^([^0-9]*?[{HAN}])([0-9]{{1,5}}(?:-[0-9]{{1,5}})?号)((?:[^楼].*)?)$"

_SHORT = f"(?:[0-9A-Za-z]{{1,4}}|[{_NUMERALS}]{{1,3}})"
BUILDING = f"^(.*?)({_SHORT}(?:号楼|号院|幢|栋|座))(.*)$"
UNIT = f"^(.*?)({_SHORT}单元)(.*)$"
FLOOR = f"^(.*?)((?:负?(?:[0-9]{{1,3}}|[{_NUMERALS}]{{1,3}})|B[0-9])(?:楼|层))(.*)$"
ROOM = "^(.*?)((?:[A-Z]?[0-9]{1,5})(?:-[0-9]{1,4})?(?:室|号房|房|户|号铺|铺))(.*)$"
ROOM_AT_THE_END = "^(.*?)([0-9]{3,5})()$"
# Building, unit and room, or building and room, as numbers joined by hyphens at the end.
JOINED = (
    f"^(.*?[{HAN}])([0-9]{{1,3}})-([0-9]{{1,2}})-([0-9]{{2,5}}室?)$",
    f"^(.*?[{HAN}])([0-9]{{1,3}})()-([0-9]{{3,5}}室?)$",
)


@dataclass(frozen=True)
class AddressParts:
    """The parts of one address, each as it is written; empty where it has none. `division_code` is that of `division`."""

    division: str
    division_code: str
    locality: str
    road: str
    number: str
    building: str
    unit: str
    floor: str
    room: str
    rest: str


@while_in_force
def road_patterns() -> tuple[str, ...]:
    """Patterns for locality, road and what follows, in the order in which they are tried. Cities may stand in front without their unit."""
    cities = one_of(name for name, units in divisions().by_short_name.items() if any(unit.is_current for unit in units))
    led = f"{_BETWEEN}(?:{cities}{_BETWEEN})*{_LOCALITY}"
    return (
        f"^({led})({_ROAD})(.*)$",
        f"^({_BETWEEN})({_ROAD_AT_ONCE})(.*)$",
        f"^({led})({_ALLEY})([东西南北]?[0-9].*)$",
        f"^({led})({_GROUP})(.*)$",
    )


def codes_of(names: Iterable[str]) -> dict[str, str]:
    """The codes of divisions by their full current names, of those that are names of one."""
    paths = divisions().paths
    return {name: paths[name] for name in names if name in paths}


def parts_of(address: str) -> AddressParts:
    """The parts of one standardized address."""
    head = re.match(path_pattern(), address)
    division = head.group() if head else ""
    locality, road, after = _first(road_patterns(), address[len(division) :].replace(STREET_OFFICE, OFFICE_MARK)) or ("", "", None)
    if after is None:
        after = address[len(division) :].replace(STREET_OFFICE, OFFICE_MARK)
        found = _first((NUMBER_ALONE,), after)
    else:
        found = _first(NUMBERS, after)
    before, number, tail = found or ("", "", after)
    building, unit, room, tail = _joined(tail)
    building, tail = (building, tail) if building else _taken(BUILDING, tail)
    unit, tail = (unit, tail) if unit else _taken(UNIT, tail)
    floor, tail = _taken(FLOOR, tail)
    room, tail = (room, tail) if room else _taken(ROOM, tail)
    if not room and (building or unit or floor):
        room, tail = _taken(ROOM_AT_THE_END, tail)
    texts = (part.replace(OFFICE_MARK, STREET_OFFICE) for part in (locality, road, number, building, unit, floor, room, before + tail))
    return AddressParts(division, codes_of([division]).get(division, ""), *texts)


def _first(patterns: Iterable[str], text: str) -> tuple[str, str, str] | None:
    for pattern in patterns:
        if found := re.match(pattern, text):
            return found[1], found[2], found[3]
    return None


def _taken(pattern: str, text: str) -> tuple[str, str]:
    """What a pattern finds, and the text without it."""
    found = re.match(pattern, text)
    return (found[2], found[1] + found[3]) if found else ("", text)


def _joined(text: str) -> tuple[str, str, str, str]:
    for pattern in JOINED:
        if found := re.match(pattern, text):
            return found[2], found[3], found[4], found[1]
    return "", "", "", text

"""Every accepted spelling of a code, for look-ups: the code, its name, aliases and known fixes; for divisions also former codes and paths of names.

The key of a spelling (capitals, half width, simplified characters, no blanks) is only looked up, never stored.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from standards.division_paths import read_head
from standards.loader import load_standards
from standards.model import Code, CodeList, DataElement
from standards.patterns import BLANK

# Traditional forms of the characters that occur in code lists and division names.
TRADITIONAL = "滿倫離廣東門龍獨納羅齊鄉縣鎮區灣貴陽寧滬蘇瀋陝遼慶連錫漢濱魯黃國華會證書號業養級學碩肄結畢彝僳傈畲珞賽歐亞聯愛聖衛屬處島嶺關張楊劉趙錢萬億術職專無婦喪銷別異開營車駕駛護軍動產權籍戶長醫殘疾執執許經賢達僅雲澤滄當陸魚鷄雞臺台灣烏薩爾賓綏倉樂維爾蔔圖"  # noqa: E501
SIMPLIFIED = "满伦离广东门龙独纳罗齐乡县镇区湾贵阳宁沪苏沈陕辽庆连锡汉滨鲁黄国华会证书号业养级学硕肄结毕彝僳傈畲珞赛欧亚联爱圣卫属处岛岭关张杨刘赵钱万亿术职专无妇丧销别异开营车驾驶护军动产权籍户长医残疾执执许经贤达仅云泽沧当陆鱼鸡鸡台台湾乌萨尔宾绥仓乐维尔卜图"  # noqa: E501
NARROW = "(),.;:!?-./_+#%& 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
WIDE = "（），。；：！？－．／＿＋＃％＆\u3000" + "".join(chr(ord(narrow) + 0xFEE0) for narrow in NARROW[17:])
_WIDTH = {ord(wide): narrow for wide, narrow in zip(WIDE, NARROW, strict=True)}
_SIMPLE = {ord(t): s for t, s in zip(TRADITIONAL, SIMPLIFIED, strict=True)}
_BLANKS = re.compile(f"[{BLANK}]+")

# Types whose spellings are too many for an expression: those that occur are collected first.
SPELLED = ("division", "historic_division", "long_code", "address")


def spelling_key(text: str) -> str:
    """What two spellings have in common that stand for the same code."""
    return _BLANKS.sub("", text.translate(_WIDTH)).upper().translate(_SIMPLE)


@lru_cache(maxsize=64)
def lookup_table(element: DataElement) -> dict[str, str]:
    """Key of every accepted spelling → code. An ambiguous spelling is not in it."""
    code_list = load_standards().code_lists[element.code_list or ""]
    pairs = division_spellings(code_list) if element.type in ("division", "historic_division") else _spellings(code_list)
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for spelling, code in pairs:
        key = spelling_key(spelling)
        if found.setdefault(key, code) != code:
            ambiguous.add(key)
    own = {code.code for code in code_list.codes} if element.type == "historic_division" else set(code_list.current)
    return {key: code for key, code in found.items() if code and (key not in ambiguous or key in own)} | {code: code for code in own}


def readings(element: DataElement, keys: Iterable[str | None]) -> dict[str, str]:
    """Of the keys (`spelling_key` of the element's type) that occur, those that stand for something else, with what they stand for."""
    if element.type == "address":
        return {key: head for key in keys if key and (head := read_head(key)) and head != key}
    table = lookup_table(element)
    return {key: table[key] for key in keys if key in table}


def _spellings(code_list: CodeList) -> Iterator[tuple[str, str]]:
    for code in code_list.codes:
        if not code.valid_to:
            yield from ((spelling, code.code) for spelling in (code.code, code.title.zh, code.title.en, *code.aliases) if spelling)
            if code_list.prefix and code.code != (front := code.attributes.get(code_list.prefix, "")):
                yield front + code.code, code.code
    yield from code_list.fixes.items()


_UNITS = re.compile("(?:特别行政区|壮族自治区|回族自治区|维吾尔自治区|自治区|自治州|自治县|自治旗|地区|省|市|盟|区|县|旗)$")


def division_spellings(code_list: CodeList) -> Iterator[tuple[str, str]]:
    """Codes of two, four, six and twelve digits (former ones lead to their one successor) and names with or without their parents.

    A spelling without a safe reading is paired with the empty string, so that it is ambiguous and never guessed.
    """
    current = {code.code: code for code in code_list.codes if not code.valid_to}
    latest = {code.code: code for code in code_list.codes} | current
    for code in latest.values():
        target = _successor(code, latest, current)
        yield code.code, target
        if code.code.endswith("00") and code.code in current:
            yield re.sub("(?:00)+$", "", code.code), target
    for code in code_list.codes:
        target = code.code if code.code in current else _successor(code, latest, current)
        yield from ((path, target) for path in _paths(code, latest))


def _successor(code: Code, latest: dict[str, Code], current: dict[str, Code], depth: int = 0) -> str:
    """The current code that took over, if there is exactly one; parts that left earlier (`code@year`) do not count."""
    if code.code in current:
        return code.code
    heirs = {heir for heir in code.successors if "@" not in heir and heir != code.code}
    if len(heirs) != 1 or depth > 8:
        return ""
    heir = latest.get(heirs.pop())
    return _successor(heir, latest, current, depth + 1) if heir else ""


def _paths(code: Code, latest: dict[str, Code]) -> Iterable[str]:
    """The name alone, and behind every choice of its parents, each with or without its unit; 市辖区 is no unit."""
    paths = _forms(code.title.zh)
    parent = latest.get(code.parent)
    while parent is not None:
        longer = [
            form + path
            for form in (*_forms(parent.title.zh), *((parent.title.zh + "市辖区",) if code.level == "county" else ()))
            for path in paths
        ]
        paths = (*paths, *longer)
        parent = latest.get(parent.parent)
    return paths


def _forms(name: str) -> tuple[str, ...]:
    short = _UNITS.sub("", name)
    return (name, short) if len(short) >= 2 and short != name else (name,)

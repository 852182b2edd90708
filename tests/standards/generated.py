"""Texts made from a seed: right and wrong values of an element, spoiled in the ways that departments, programs and people spoil them."""

import csv
import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random

from standards.loader import load_standards
from standards.model import DataElement
from standards.single import find_element
from standards.spellings import lookup_table
from tests.connectors.helpers import REAL_DATA
from tests.quality.faulty import faults, good

STANDARDS = load_standards()
MESSY = REAL_DATA.parent / "standards" / "messy_values.csv"
NAUGHTY = REAL_DATA / "torture" / "naughty_strings_list.json"

# Blanks and line ends that engines count differently, invisible characters, look-alikes, letters whose capitals are peculiar, characters of
# two code units, and the signs that patterns, replacements and SQL give a meaning.
PECULIAR = (
    *" \t\n\r\x0b\x0c\x1c\x85\xa0\u1680\u2003\u2028\u2029\u3000",
    *"\x00\x07\u200b\ufeff\u202e\xad",
    *"OoIlLZSVXx×ХΧχ０１Ａａ〇零○",
    *"ßŉǰﬁıİſÅéÿµ",
    *"𠀀𬭎\ue000⻢金㐀龥一￥�烫",
    *"$^.\\[]{}()*+?|&'\"`%_#:：;,，/-—–·•（）<>=~@!",
)
# Texts on which a regular expression may take for ever, or a recursion runs out of stack.
LONG = (
    "汉" * 40 + "!",
    "汉；" * 600 + "!",
    "北京市" * 500,
    "1 " * 700,
    "0" * 1500 + ".0",
    "·" * 1000,
    "身份证号：" * 300,
    "A-" * 800,
    "1,111" * 300,
)
LABELS = ("身份证号：", "统一社会信用代码:", "电话", "姓名：", "日期：", "'", '="', "=", "+", "共", "约")
MORE = {
    "date": (
        "2024年2月29日",
        "二〇二四年十二月廿一日",
        "1990/1/1 08:30",
        "32874",
        "631123200000",
        "1 Jan 1990",
        "1990-01-01T16:00:00Z",
        "长期",
    ),
    "timestamp": ("2024-02-29 08:30:00", "2024/2/9 8:30", "20240229083000", "631123200000", "1990-01-01T16:30:00Z"),
    "period": ("2020.01.01-2030.01.01", "自2020年1月1日至长期", "2020-01-01至2030-01-01"),
    "money": ("100万元人民币", "壹佰万元", "1,000.50(万元人民币)", "￥5000000元", "200万美元", "三千五百万", "1e3万", "0.00000001 CNY"),
    "phone": ("+86 138-0000-0001", "010-12345678转12", "(0571)87000001", "00861390000000"),
    "address": ("浙江省杭州市上城区望江路280号1幢2单元", "杭州上城区望江路 280 号", "北京市宣武区广安门内大街1号", "朝阳区建国路1号"),
    "person_name": ("欧阳娜娜", "阿卜杜拉•买买提", "张 三", "Zhang San"),
    "organization_name": ("北京春风(集团)有限公司", "ABC Trading Co., Ltd.", "北京春风有限公司。"),
    "resident_id": ("110101199003079980", "440305851212983", "9e18", "1.1E+17", "931840197907049984", "810000199001019988"),
    "uscc": ("91110108MAEXAMP141", "9111 0108-MAEXAMP141", "9I110108MAEXAMP141"),
    "division": ("110101", "浙江省杭州市上城区", "330102001000", "杭州", "510200"),
    "historic_division": ("110103", "北京市宣武区", "1101"),
    "latin_name": ("Zhang, San", "ÅSE", "straße"),
    "count": ("1,234人", "0012", "+5"),
}


@cache
def messy() -> dict[str, list[str]]:
    """The conformance set's raw values by value type; nothing where the set is not there."""
    found: dict[str, list[str]] = {}
    if MESSY.exists():
        with MESSY.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                found.setdefault(find_element(STANDARDS, row["element"]).type, []).append(row["raw"])
    return found


@cache
def naughty() -> list[str]:
    """Strings that are known for breaking programs; nothing where the list is not there."""
    return list(dict.fromkeys(json.loads(NAUGHTY.read_text(encoding="utf-8")))) if NAUGHTY.exists() else []


@cache
def vectors() -> dict[str, list[str]]:
    """The repository's own vectors by value type."""
    found: dict[str, list[str]] = {}
    with Path(__file__).with_name("vectors.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(find_element(STANDARDS, row["element"]).type, []).append(row["raw"])
    return found


def texts_of(element: DataElement, count: int) -> list[str]:
    """Whatever there is to try on an element: the messy values of its type, every naughty string, long ones, and generated ones."""
    return list(dict.fromkeys([*messy().get(element.type, ()), *naughty(), *LONG, *generated(element, count)]))


def generated(element: DataElement, count: int, seed: int = 0) -> list[str]:
    """That many texts of an element, the same for the same seed: as written by somebody, or changed in some places."""
    rng = Random(f"{element.id} {seed}")
    written = _written(element)
    return [_spoiled(rng, rng.choice(written), written) for _ in range(count)]


@cache
def _written(element: DataElement) -> Sequence[str]:
    spellings = sorted(lookup_table(element)) if element.code_list else []
    wrong = faults(element) if any(schema.use(element.id) for schema in STANDARDS.schemas.values()) else []
    return [good(element), *wrong, *vectors().get(element.type, ()), *MORE.get(element.type, ()), *spellings]


def _spoiled(rng: Random, text: str, others: Sequence[str]) -> str:
    """First somebody writes it, then a program may spoil it, then something is put around it on the way."""
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        text = rng.choice(WRITTEN)(rng, text)
    if rng.random() < 0.02:
        text += rng.choice(("", " ", ";", "\n")) + rng.choice(others)
    if rng.random() < 0.1:
        text = rng.choice(PROGRAMS)(rng, text)
    return rng.choice(WAY)(rng, text) if rng.random() < 0.2 else text


def _inserted(rng: Random, text: str) -> str:
    place = rng.randint(0, len(text))
    return text[:place] + rng.choice(PECULIAR) + text[place:]


def _replaced(rng: Random, text: str) -> str:
    place = rng.randrange(len(text)) if text else 0
    return text[:place] + rng.choice((*PECULIAR, *"0123456789X")) + text[place + 1 :]


def _dropped(rng: Random, text: str) -> str:
    place = rng.randrange(len(text)) if text else 0
    return text[:place] + text[place + 1 :]


def _doubled(rng: Random, text: str) -> str:
    place = rng.randrange(len(text)) if text else 0
    return text[:place] + text[place : place + 1] * rng.randint(2, 4) + text[place + 1 :]


def _other_digits(rng: Random, text: str) -> str:
    return "".join(rng.choice("0123456789") if c in "0123456789" and rng.random() < 0.5 else c for c in text)


def _around(rng: Random, text: str) -> str:
    return rng.choice(PECULIAR) + text + rng.choice(PECULIAR)


def _wide(rng: Random, text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _separated(rng: Random, text: str) -> str:
    separator = rng.choice("-/.,— 年")
    return "".join(separator if c in "-/.年月· " else c for c in text)


def _reread(rng: Random, text: str) -> str:
    wrong, right = rng.choice((("utf-8", "latin-1"), ("gb18030", "latin-1"), ("utf-8", "gb18030"), ("utf-8", "cp1252")))
    return text.encode(wrong, "replace").decode(right, "replace")


def _escaped(rng: Random, text: str) -> str:
    form = rng.choice(("&#{};", "&#x{:x};", "\\u{:04x}"))
    return "".join(form.format(ord(c)) if rng.random() < 0.5 else c for c in text)


def _labeled(rng: Random, text: str) -> str:
    return rng.choice(LABELS) + text


Change = Callable[[Random, str], str]
WRITTEN: tuple[Change, ...] = (
    _inserted,
    _replaced,
    _dropped,
    _doubled,
    _other_digits,
    _around,
    _wide,
    _separated,
    _labeled,
    lambda rng, text: text.lower(),
    lambda rng, text: text.upper(),
    lambda rng, text: text + rng.choice((".0", ".00", '"', "止", "元", "。", "-")),
    lambda rng, text: text[: rng.randint(0, len(text))],
)
PROGRAMS: tuple[Change, ...] = (_reread, _escaped, lambda rng, text: _escaped(rng, _escaped(rng, text)))
WAY: tuple[Change, ...] = (
    _labeled,
    lambda rng, text: "\ufeff" + text,
    lambda rng, text: text + rng.choice(("\r", "\n", " ", "\t", "\u3000", '"')),
    lambda rng, text: f'"{text}"',
)

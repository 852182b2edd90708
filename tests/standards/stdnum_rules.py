"""What python-stdnum says about an identifier, and what it would say under the rules of stdnum_differences.yml, in plain Python.

A rule either reads a text as another one, or adds to what python-stdnum accepts, or takes from it. The hub has to say what comes out, and
each difference has the rules that made it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from stdnum.cn import ric, uscc
from stdnum.exceptions import InvalidComponent, ValidationError

from standards.loader import load_standards
from tests.standards.identifiers import USCC, make_organization_code, make_resident_id
from tests.standards.ways import TODAY

DIFFERENCES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("stdnum_differences.yml").read_text(encoding="utf-8"))
MODULES: dict[str, ModuleType] = {"resident_id": ric, "unified_social_credit_code": uscc}
_LISTS = load_standards().code_lists
_REGIONS = {code.code for code in _LISTS["division"].codes}
_PROVINCES = {code[:2] for code in _REGIONS}
_COUNTRIES = set(_LISTS["country"].current)
_PAIRS = set(_LISTS["uscc_category"].current)

_WIDE = {0xFF01 + n: 0x21 + n for n in range(94)}
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200e\u200f"))
_LABEL = re.compile("^(?:身份证号|统一社会信用代码)[:：]")

Read = Callable[[str], str]


@dataclass(frozen=True)
class Verdict:
    """The identifier, None where it is refused, and the rules without which it would be another one."""

    value: str | None
    rules: tuple[str, ...]


def stdnum_says(name: str, text: str) -> str | None:
    """The identifier as python-stdnum gives it; None where it refuses or stumbles over it (it has no word for a county it does not know)."""
    try:
        return str(MODULES[name].validate(text))
    except (ValidationError, KeyError):
        return None


def rules_say(name: str, text: str) -> Verdict:
    """The identifier under python-stdnum's checks and the rules."""
    applied: list[str] = []
    for rule, read in READINGS[name].items():
        changed = read(text)
        if changed != text:
            applied.append(rule)
            text = changed
    value = stdnum_says(name, text)
    if value is None:
        widened = next((rule for rule, holds in WIDENED[name].items() if holds(text)), None)
        if widened is None:
            return Verdict(None, tuple(applied))
        applied.append(widened)
        value = str(MODULES[name].compact(text))
    narrowed = [rule for rule, holds in NARROWED[name].items() if holds(value)]
    return Verdict(None if narrowed else value, (*applied, *narrowed))


def _without_surroundings(text: str) -> str:
    bare = text.translate(_WIDE).translate(_INVISIBLE).strip()
    return _LABEL.sub("", bare.lstrip("'").strip()).strip()


def _without_separators(text: str) -> str:
    return re.sub(r"[\s-]", "", text)


def _with_x(text: str) -> str:
    return re.sub("[ХΧχ×х]$", "X", text)


def _resident_digits(text: str) -> str:
    read = re.sub("[Oo]", "0", re.sub("[IlLi]", "1", text))
    fits = re.fullmatch("[0-9OoIlLi]{17}[0-9OoIlLiXx]", text) and read[:-1].isdigit()
    return read if fits and make_resident_id(read[:17]) == read.upper() else text


def _upgraded(text: str) -> str:
    return make_resident_id(f"{text[:6]}19{text[6:]}") if re.fullmatch("[1-9][0-9]{14}", text) else text


def _credit_digits(text: str) -> str:
    if not re.search("[OoIiZzSsl]", text):
        return text
    read = [uscc.compact(form).translate(str.maketrans("OIZS", "0125")) for form in (text, text.replace("l", "1"))]
    return next((code for code in read if _has_right_checks(code)), text)


def _has_right_checks(code: str) -> bool:
    return _has_right_check(code) and not _has_wrong_inner_check(code)


def _has_right_check(code: str) -> bool:
    return re.fullmatch(f"[{USCC}]{{18}}", code) is not None and code[-1] == uscc.calc_check_digit(code[:17])


def _has_wrong_inner_check(code: str) -> bool:
    return code[8:17] != make_organization_code(code[8:16])


def _is_right_but_for_its_region(number: str) -> bool:
    """Whether python-stdnum finds nothing but the region wrong."""
    if not re.fullmatch("[0-9]{17}[0-9Xx]", number) or make_resident_id(number[:17]) != number.upper():
        return False
    try:
        ric.get_birth_date(number)
    except InvalidComponent:
        return False
    return True


READINGS: dict[str, dict[str, Read]] = {
    "resident_id": {
        "around-the-value": _without_surroundings,
        "separators": _without_separators,
        "look-alikes-of-x": _with_x,
        "letters-for-digits": _resident_digits,
        "fifteen-digits": _upgraded,
    },
    "unified_social_credit_code": {"around-the-value": _without_surroundings, "letters-for-digits": _credit_digits},
}
WIDENED: dict[str, dict[str, Callable[[str], bool]]] = {
    "resident_id": {
        "permits-of-residence": lambda number: number[:6] in {"810000", "820000", "830000"} and _is_right_but_for_its_region(number),
        "permanent-residents": lambda number: (
            number[0:1] == "9" and number[1:3] in _PROVINCES and number[3:6] in _COUNTRIES and _is_right_but_for_its_region(number)
        ),
        "counties-of-all-years": lambda number: number[:6] in _REGIONS and _is_right_but_for_its_region(number),
    },
    "unified_social_credit_code": {
        "authorities-by-letter": lambda code: (
            uscc.compact(code)[:1] in {"A", "N", "Y"} and uscc.compact(code)[1:8].isdigit() and _has_right_check(uscc.compact(code))
        ),
    },
}
NARROWED: dict[str, dict[str, Callable[[str], bool]]] = {
    "resident_id": {
        "born-in-the-future": lambda number: number[6:14] > TODAY.replace("-", ""),
        "regions-of-no-list": lambda number: (
            number[:6] not in _REGIONS and not any(holds(number) for holds in WIDENED["resident_id"].values())
        ),
    },
    "unified_social_credit_code": {
        "pairs-of-the-table": lambda code: code[:2] not in _PAIRS,
        "inner-check-character": _has_wrong_inner_check,
        "provinces": lambda code: code[2:4] not in {*_PROVINCES, "10"},
    },
}


def rules() -> list[tuple[str, str, dict[str, Any]]]:
    """Element, name and description of each rule."""
    return [(name, rule, described) for name in MODULES for rule, described in DIFFERENCES[name].items()]

"""How a careful pandas user reads one value: a plain function per kind that returns the standard value, or the name of what is wrong."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

from stdnum.cn import ric
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError

from standards.loader import load_standards
from standards.model import DataElement
from standards.spellings import lookup_table, reading

Read = tuple[str | None, str | None]  # value, issue: one of the two, or neither where nothing was said

_MISSING = {"", "无", "NULL", "null", "N/A", "-", "—", "/", "空", "暂无", "未知", "不详", "待补充", "未填写"}
_ISSUES = {InvalidLength: "wrong-length", InvalidFormat: "wrong-form", InvalidChecksum: "wrong-check-character"}
_MASKED = re.compile(r"[*＊×xX□?？某]")
_DOTS = re.compile("[•‧・･．.∙⋅●]")


def clean(text: str) -> str:
    """Half-width, without blanks anywhere."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=1)
def _counties() -> frozenset[str]:
    return frozenset(code.code for code in load_standards().code_lists["division"].codes)


def resident_id(text: str) -> Read:
    """An identity number of 15 or 18 characters, validated by python-stdnum."""
    number = clean(text).replace("-", "")
    if number in _MISSING:
        return None, None
    if len(number) == 15 and number.isdigit():
        body = number[:6] + "19" + number[6:]
        number = body + ric.calc_check_digit(body + "0")
    try:
        return str(ric.validate(number)), None
    except (InvalidComponent, KeyError):  # KeyError: a county that its table has without a name
        return _by_national_list(number.upper())
    except ValidationError as error:
        return None, _ISSUES[type(error)]


def _by_national_list(number: str) -> Read:
    # The library lacks counties, and without this every second number of the city would be refused.
    try:
        ric.get_birth_date(number)
    except InvalidComponent:
        return None, "no-such-date"
    return (number, None) if number[:6] in _counties() else (None, "unknown-division")


def person_name(text: str) -> Read:
    """A name without blanks, its separator as U+00B7."""
    name = _DOTS.sub("·", clean(text))
    if name in _MISSING:
        return None, None
    if len(name) < 2:
        return None, "wrong-length"
    return (None, "masked-value") if _MASKED.search(name) or re.search("[0-9]", name) else (name, None)


def phone(text: str) -> Read:
    """A mobile number of eleven digits, or area code and number."""
    digits = re.sub(r"^(\+?86|0086)?0?(?=1)", "", re.sub(r"[\s()（）-]", "", unicodedata.normalize("NFKC", text)))
    if digits in _MISSING:
        return None, None
    return (digits, None) if re.fullmatch("1[3-9][0-9]{9}|0[0-9]{9,11}", digits) else (None, "wrong-form")


def plain(text: str) -> Read:
    """Any other text."""
    value = clean(text)
    return (None, None) if value in _MISSING else (value, None)


def reader(element: DataElement, lookup: Mapping[str, str]) -> Callable[[str], Read]:
    """The function that reads an element which is no date; `lookup` is what the contract declares for its column."""
    if element.type in ("code", "division"):
        table = {**lookup_table(element), **lookup}

        def code_of(text: str) -> Read:
            value = clean(text)
            code = table.get(value) or reading(element, value)
            return (None, None) if value in _MISSING else (code, None) if code else (None, "unknown-code")

        return code_of
    return {"resident_id": resident_id, "person_name": person_name, "phone": phone}.get(element.type, plain)

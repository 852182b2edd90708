"""Name of a person (民委发〔2016〕33号): Han characters with `·` between the parts of a name, or Latin letters."""

import csv
import unicodedata
from functools import lru_cache
from pathlib import Path

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK, DECODED_WRONG, HAN, MISREAD_START, han_except
from standards.types.general import is_lossy, is_masked, let, where, without_blanks

_PRIVATE_USE = Path(__file__).resolve().parent / "private_use.csv"
# Dots that stand between the parts of a name; a dash or comma does not.
_DOTS = "·•‧・･．.∙⋅●﹒˙▪◦⸱。"
# CJK radicals that lack a compatibility decomposition (Unicode EquivalentUnifiedIdeograph), as far as seen in names.
_RADICALS = "⻢马⻋车⻅见⻉贝⻓长⻔门⻘青⻙韦⻚页⻛风⻜飞⻝食⻥鱼⻦鸟⻨麦⻩黄⻬齐⻰龙⻳龟⺁厂⺝月⺟母⺠民⻄西⻆角⻤鬼"
_TITLES = "先生|女士|小姐|同志|老师|某|[?？□〓*＊]|^(?:男|女|男性|女性|汉族|本人|户主|配偶|父亲|母亲|测试|身份证|居民身份证)$"

# One character of every Han text above, and of every marker of a missing value, chosen to be rare in names.
_DOUBTFUL = "先士姐同老某性族本偶亲户测证暂未不匿待办议没无" + DECODED_WRONG
_SURE, _SURE_FIRST = han_except(_DOUBTFUL), han_except(_DOUBTFUL + MISREAD_START)


def ready(element: DataElement) -> str:
    """The form of a name that needs no repair."""
    return f"^[{HAN}]{{2,}}(?:·[{HAN}]+)*$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Han names without any character that occurs in what is no name."""
    return raw.re_search(f"^[{_SURE_FIRST}][{_SURE}]+$")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Unified ideographs, one `·` between parts, no blanks in a Han name and single ones in a Latin name."""
    unified = where(text, "[\u2e80-\u2fdf\uf900-\ufaff\ue000-\uf8ff]", lambda part: part.translate(*_unified()))
    return let(unified, lambda name: ibis.cases((name.re_search(f"[{HAN}]"), _han(name)), else_=name.re_replace(f"[{BLANK}]+", " ")))


def _han(name: StringValue) -> StringValue:
    dotted = name.re_replace(f"[{BLANK}]*[{_DOTS}][{_DOTS}{BLANK}]*", "·")
    return without_blanks(dotted.re_replace("^·+|·+$", ""))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Texts that have the form of a name and are none, and names with lost or covered characters."""
    return {"not-a-name": value.re_search(_TITLES), "masked-value": is_masked(value), "lossy-encoding": is_lossy(value)}


@lru_cache(maxsize=1)
def _unified() -> tuple[str, str]:
    """Characters that are another form of a unified ideograph, and that ideograph, as two strings of equal length."""
    pairs = dict(zip(_RADICALS[::2], _RADICALS[1::2], strict=True))
    for point in (*range(0x2F00, 0x2FD6), *range(0xF900, 0xFADA)):
        unified = unicodedata.normalize("NFKC", chr(point))
        if len(unified) == 1 and unified != chr(point):
            pairs.setdefault(chr(point), unified)
    with _PRIVATE_USE.open(encoding="utf-8", newline="") as stream:
        pairs |= {chr(int(row["private_use"], 16)): row["character"] for row in csv.DictReader(stream)}
    return "".join(pairs), "".join(pairs.values())

"""Kinds of faults in department data, each a function of one written value; the rates stand in faults.yml.

A value a fault cannot apply to (no `X` to write small) stays as it is and is not counted.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo import lists
from demo.dice import Dice, Flags, Ints
from demo.text import Text

FULL_WIDTH = {ord(half): chr(ord(half) + 0xFEE0) for half in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
CHINESE_DIGITS = "〇一二三四五六七八九"
PLACEHOLDERS = ("无", "N/A", "-", "暂无", "未知", "NULL", "00000000")
WRONG_DOTS = ("•", "・", ".", "‧", " · ", "．")
OTHER_WORDS = {
    "未婚": ("单身",), "已婚": ("有配偶",), "离婚": ("离异",),
    "存续": ("在营", "开业", "在业", "存续（在营、开业、在册）"), "注销": ("已注销", "注销企业"), "吊销，未注销": ("吊销",),
    "有效": ("正常",), "失效": ("过期",),
}  # fmt: skip
OLD_ETHNIC_NAMES = {"毛南族": "毛难族", "毛南": "毛难"}
EDUCATION_NAMES = {
    "11": "博士研究生毕业", "14": "硕士研究生毕业", "21": "大学本科毕业", "31": "大学专科毕业",
    "41": "中等专科毕业", "61": "普通高中毕业", "71": "初中毕业", "81": "小学毕业",
}  # fmt: skip


def _wrong_check(value: str, roll: int) -> str:
    others = [digit for digit in "0123456789" if digit != value[-1]]
    return value[:-1] + others[roll % len(others)]


def _swapped_day_and_month(value: str, roll: int) -> str:
    found = re.fullmatch(r"(\d{4})([-/年]?)(\d\d?)([-/月]?)(\d\d?)(日?)", value)
    return f"{found[1]}{found[2]}{found[5]}{found[4]}{found[3]}{found[6]}" if found else value


def _fifteen_digits(value: str, roll: int) -> str:
    return value[:6] + value[8:17] if value[6:8] == "19" else value


def _digits_swapped(value: str, roll: int) -> str:
    place = 7 + roll % 9
    return value[:place] + value[place + 1] + value[place] + value[place + 2 :]


def _chinese_numerals(value: str, roll: int) -> str:
    year, month, day = (int(number) for number in re.findall(r"\d+", value))
    return f"{''.join(CHINESE_DIGITS[int(digit)] for digit in str(year))}年{_chinese_number(month)}月{_chinese_number(day)}日"


def _chinese_number(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else CHINESE_DIGITS[tens] + "十") + (CHINESE_DIGITS[ones] if ones else "")


def _withdrawn_code(value: str, roll: int) -> str:
    gone = lists.places().withdrawn
    return gone.old_code if value == gone.now_code else value


def _withdrawn_name(value: str, roll: int) -> str:
    gone = lists.places().withdrawn
    return value.replace(gone.now, gone.old, 1)


def _other_word(value: str, roll: int) -> str:
    words = OTHER_WORDS.get(value, (value,))
    return words[roll % len(words)]


# Faults of single values. `stale`, and those under `rows`, need to know more than the value: the views take care of them.
KINDS: dict[str, Callable[[str, int], str | None]] = {
    "blank_inside": lambda value, roll: f"{value[:1]}{'　 '[roll % 2]}{value[1:]}",
    "blanks_around": lambda value, roll: f" {value}  ",
    "chinese_numerals": _chinese_numerals,
    "digit_lost": lambda value, roll: value[:-1],
    "digits_lost": lambda value, roll: f"{float(value):.5E}" if value.isdecimal() else value,
    "digits_swapped": _digits_swapped,
    "ending_left_out": lambda value, roll: value.removesuffix("族"),
    "fifteen_digits": _fifteen_digits,
    "full_width": lambda value, roll: value.translate(FULL_WIDTH),
    "half_width_brackets": lambda value, roll: value.replace("（", "(").replace("）", ")"),
    "hyphen_left_out": lambda value, roll: value.replace("-", ""),
    "hyphens": lambda value, roll: f"{value[:3]}-{value[3:7]}-{value[7:]}",
    "lower_case": lambda value, roll: value.lower(),
    "lower_case_x": lambda value, roll: value[:-1] + "x" if value.endswith("X") else value,
    "missing": lambda value, roll: None,
    "name_for_code": lambda value, roll: EDUCATION_NAMES[value],
    "old_name": lambda value, roll: OLD_ETHNIC_NAMES.get(value, value),
    "other_word": _other_word,
    "placeholder": lambda value, roll: PLACEHOLDERS[roll % len(PLACEHOLDERS)],
    "plus_86": lambda value, roll: ("+86", "+86 ", "0086", "86-")[roll % 4] + value,
    "province_left_out": lambda value, roll: value.removeprefix(lists.places().province),
    "swapped_day_and_month": _swapped_day_and_month,
    "withdrawn_code": _withdrawn_code,
    "withdrawn_name": _withdrawn_name,
    "wrong_check": _wrong_check,
    "wrong_dot": lambda value, roll: value.replace("·", WRONG_DOTS[roll % len(WRONG_DOTS)]),
    "zeros": lambda value, roll: "00000000",
}
CONTEXT_KINDS = ("stale", "exact_duplicate", "twice_with_other_content", "deceased_still_insured", "reissued", "lost_in_encoding")
# The same person may have several of these at once: they are about how a system writes, not about one slip.
HABITS = (
    "ending_left_out",
    "old_name",
    "half_width_brackets",
    "name_for_code",
    "province_left_out",
    "withdrawn_code",
    "withdrawn_name",
    "wrong_dot",
)


@dataclass(frozen=True)
class Press:
    """Puts the faults of one dataset into its columns, and counts them by (dataset, column, fault)."""

    dice: Dice
    dataset: str
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def rate(self, column: str, fault: str) -> float:
        """Return the share of a fault, 0 where it does not occur."""
        return lists.fault_rates().get(self.dataset, {}).get(column, {}).get(fault, 0.0)

    def happens(self, column: str, fault: str, keys: Ints) -> Flags:
        """Tell to which keys a fault happens."""
        return self.dice.chance(f"{self.dataset}/{column}/{fault}", keys, self.rate(column, fault))

    def count(self, column: str, fault: str, times: int) -> None:
        """Note that a fault occurred."""
        if times:
            self.counts[self.dataset, column, fault] += times

    def spoil(self, column: str, values: Text, keys: Ints) -> Text:
        """Return the column with its faults: habits first, then at most one slip per value."""
        faults = {name: rate for name, rate in lists.fault_rates().get(self.dataset, {}).get(column, {}).items() if name in KINDS}
        for name in (name for name in HABITS if name in faults):
            values = self._apply(column, name, values, keys, self.happens(column, name, keys))
        slips = [name for name in faults if name not in HABITS]
        slip = self.dice.kind(f"{self.dataset}/{column}", keys, [faults[name] for name in slips]) if slips else keys
        for index, name in enumerate(slips):
            values = self._apply(column, name, values, keys, slip == index)
        return values

    def _apply(self, column: str, fault: str, values: Text, keys: Ints, chosen: Flags) -> Text:
        mask = pc.and_(pa.array(chosen), pc.is_valid(values))
        before = values.filter(mask).to_pylist()
        rolls = self.dice.roll(f"{self.dataset}/{column}/{fault}/form", keys[np.asarray(mask)]).tolist()
        after = [KINDS[fault](value, roll) for value, roll in zip(before, rolls, strict=True)]
        self.count(column, fault, sum(old != new for old, new in zip(before, after, strict=True)))
        return pc.replace_with_mask(values, mask, pa.array(after, pa.string()))

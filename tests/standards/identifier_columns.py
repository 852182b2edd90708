"""Columns of resident identity numbers and credit codes, right and wrong in many ways, made from a seed.

Bodies and check characters are computed by column, in numbers; then a part of the rows is written as people and programs write them.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from stdnum import numdb

from standards.loader import load_standards
from tests.standards.identifiers import ALPHANUMERIC, USCC

Digits = NDArray[np.int64]
LISTS = load_standards().code_lists
KNOWN = [code.code for code in LISTS["division"].codes]
PROVINCES = sorted({code[:2] for code in KNOWN})
COUNTRIES = list(LISTS["country"].current)
PAIRS = list(LISTS["uscc_category"].current)
PERMITS = ["810000", "820000", "830000"]
RESIDENT_WEIGHTS = np.array([2 ** (17 - place) % 11 for place in range(17)])
ORGANIZATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
USCC_WEIGHTS = np.array([3**place % 31 for place in range(17)])
# Of each letter or digit, its place in the alphabet of credit codes; those that are not in it count as nothing.
IN_USCC = np.array([max(USCC.find(character), 0) for character in ALPHANUMERIC])
# A credit code's own alphabet as places in the other one.
LETTERS_OF_USCC = np.array([ALPHANUMERIC.index(character) for character in USCC])


def resident_ids(count: int, seed: int) -> list[str]:
    """Numbers of all regions that ever were and of none, of all times and of days that are none."""
    rng = np.random.default_rng(seed)
    regions = _drawn(
        rng,
        count,
        (KNOWN, 0.6),
        (_counties_of_stdnum(), 0.15),
        (PERMITS, 0.04),
        ([f"9{province}{country}" for province in PROVINCES for country in COUNTRIES], 0.08),
        ([f"{number:06}" for number in range(100_000, 1_000_000, 37)], 0.13),
    )
    body = np.concatenate([_digits(regions), _days(rng, count), rng.integers(0, 10, (count, 3))], axis=1)
    check = (12 - body @ RESIDENT_WEIGHTS % 11) % 11
    check = np.where(rng.random(count) < 0.25, rng.integers(0, 11, count), check)
    return _written(rng, _texts(body, ALPHANUMERIC, np.array(list("0123456789X"))[check]), RESIDENT_WRITINGS)


def credit_codes(count: int, seed: int) -> list[str]:
    """Codes of known and unknown authorities and regions, with and without right check characters, inner and outer."""
    rng = np.random.default_rng(seed)
    letters = list(USCC)
    heads = _drawn(
        rng, count, (PAIRS, 0.8), ([a + b for a in "123456789ANY" for b in letters], 0.15), ([a + b for a in letters for b in "12"], 0.05)
    )
    regions = _drawn(
        rng,
        count,
        (KNOWN, 0.75),
        ([f"{province}{rest:04}" for province in PROVINCES for rest in range(0, 10_000, 171)], 0.15),
        (["100000"], 0.03),
        ([f"{number:06}" for number in range(0, 1_000_000, 41)], 0.07),
    )
    organization = np.where(
        rng.random((count, 1)) < 0.5, rng.integers(0, 10, (count, 8)), LETTERS_OF_USCC[rng.integers(0, len(USCC), (count, 8))]
    )
    inner = (11 - organization @ ORGANIZATION_WEIGHTS % 11) % 11
    inner = np.where(inner == 10, ALPHANUMERIC.index("X"), inner)
    inner = np.where(rng.random(count) < 0.15, LETTERS_OF_USCC[rng.integers(0, len(USCC), count)], inner)
    body = np.concatenate([_places(heads), _digits(regions), organization, inner[:, None]], axis=1)
    check = (31 - IN_USCC[body] @ USCC_WEIGHTS % 31) % 31
    check = np.where(rng.random(count) < 0.2, rng.integers(0, 31, count), check)
    return _written(rng, _texts(body, ALPHANUMERIC, np.array(letters)[check]), CREDIT_WRITINGS)


def _drawn(rng: np.random.Generator, count: int, *pools: tuple[Sequence[str], float]) -> NDArray[np.str_]:
    """Each row's text from one of the pools, which are drawn from in their shares."""
    pool = rng.choice(len(pools), count, p=[share for _, share in pools])
    place = rng.random(count)
    found = np.empty(count, dtype=f"U{max(len(pools[0][0][0]), 1)}")
    for number, (texts, _) in enumerate(pools):
        rows = pool == number
        found[rows] = np.array(texts)[(place[rows] * len(texts)).astype(int)]
    return found


def _counties_of_stdnum() -> list[str]:
    """The counties that python-stdnum knows."""
    return [province + county for _, province, _, _, counties in numdb.get("cn/loc").prefixes for _, county, _, _, _ in counties]


def _days(rng: np.random.Generator, count: int) -> Digits:
    """Days of 1900 to 2024; some earlier, some ahead, and some that no calendar has."""
    first, last = np.datetime64("1900-01-01"), np.datetime64("2025-01-01")
    days = first + rng.integers(0, (last - first).astype(int), count).astype("timedelta64[D]")
    other = rng.random(count)
    days = np.where(other < 0.02, np.datetime64("1750-01-01") + (days - first), days)
    days = np.where((other >= 0.02) & (other < 0.04), np.datetime64("2026-02-01") + (days - first), days)
    texts = np.datetime_as_string(days).astype("U10")
    digits = _digits(np.char.replace(texts, "-", ""))
    none = other > 0.95
    digits[none, 4:] = rng.integers(0, 10, (int(none.sum()), 4))
    return digits


def _digits(texts: NDArray[np.str_]) -> Digits:
    return texts.view("U1").reshape(len(texts), -1)[:, : len(texts[0])].astype(np.int64)


def _places(texts: NDArray[np.str_]) -> Digits:
    known = {character: place for place, character in enumerate(ALPHANUMERIC)}
    return np.vectorize(known.__getitem__)(texts.view("U1").reshape(len(texts), -1))


def _texts(body: Digits, alphabet: str, checks: NDArray[np.str_]) -> list[str]:
    characters = np.concatenate([np.array(list(alphabet))[body], checks[:, None]], axis=1)
    return np.ascontiguousarray(characters).view(f"U{characters.shape[1]}").ravel().tolist()


Writing = Callable[[str, int], str]


def _written(rng: np.random.Generator, texts: list[str], writings: Sequence[Writing]) -> list[str]:
    """Three rows of ten in another way than the standard's; the number that each writing is given is any."""
    rows = np.flatnonzero(rng.random(len(texts)) < 0.3)
    chosen, numbers = rng.integers(0, len(writings), len(rows)), rng.integers(0, 1_000_000, len(rows))
    for row, which, number in zip(rows.tolist(), chosen.tolist(), numbers.tolist(), strict=True):
        texts[row] = writings[which](texts[row], number)
    return texts


def _misread(letters: str, digits: str) -> Writing:
    """One of the digits that is taken for a letter, or several."""

    def written(text: str, number: int) -> str:
        place = number % len(letters)
        return text.replace(digits[place], letters[place], 1 + number % 3)

    return written


def _typed(text: str, number: int) -> str:
    """One character of another kind."""
    place = number % len(text)
    return text[:place] + "0123456789XABVSZIO*?-"[number % 21] + text[place + 1 :]


COMMON: tuple[Writing, ...] = (
    lambda text, number: text.lower(),
    lambda text, number: " ".join((text[:6], text[6:14], text[14:])),
    lambda text, number: f"{text[:2]}-{text[2:8]}-{text[8:]}",
    lambda text, number: ("\ufeff", "\u3000", " ", "\t", "'")[number % 5] + text + ("", " ", "\n")[number % 3],
    lambda text, number: "".join(chr(ord(character) + 0xFEE0) for character in text),
    lambda text, number: text[: number % 18],
    lambda text, number: text + "0123456789X"[number % 11],
    lambda text, number: text[:6] + "*" * 8 + text[14:],
    lambda text, number: text + " " + text,
    _typed,
)
RESIDENT_WRITINGS: tuple[Writing, ...] = (
    *COMMON,
    lambda text, number: text[:6] + text[8:17],
    lambda text, number: text[:-1] + "ХΧχ×"[number % 4],
    _misread("OIl", "011"),
    lambda text, number: "身份证号：" + text,
)
CREDIT_WRITINGS: tuple[Writing, ...] = (
    *COMMON,
    _misread("OIlZS", "01125"),
    lambda text, number: text[8:17],
    lambda text, number: "统一社会信用代码:" + text,
    lambda text, number: text[:2] + text[2:8].replace("1", "A") + text[8:],
)

"""The name of an organization in its parts: place, name in the narrow sense, trade, legal form, and the branch if it is one.

`北京同方健康科技（北京）股份有限公司朝阳分公司`: place 北京, core 同方, trade 健康科技, form 股份公司, branch 朝阳分公司. What a list puts around a
name, （白名单） in front or the name of a shop in brackets behind, is no part of it. The words are data (`organization_words.yml`); where none
of them is found, all of the name is its core. Parts are keys to compare by, never values.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from core.engine import literal
from standards.comparable_characters import dropped
from standards.division_paths import divisions
from standards.in_force import while_in_force
from standards.patterns import one_of

PARTS = ("bare", "place", "core", "trade", "form", "branch")
_OPENING, _CLOSING = "([{【〔﹙｛［（", ")]}】〕﹚｝］）"
_BRACKET = "（(?:[^（）]|（[^（）]*）)*）"
_LEAST = 4  # characters of a name: a remark is taken off only where so many remain


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("organization_words.yml").read_text(encoding="utf-8"))
    return found


@while_in_force
def _places() -> tuple[str, str]:
    """Patterns of a place in front of a name, and of any one place."""
    known = divisions()
    high, full = one_of(known.by_short_name), one_of(name for name in known.by_name if len(name) > 2)
    return f"^((?:中国)?(?:{full}|{high}[省市]?)*(?:中国)?)(.{{2,}})$", f"(?:中国|{high}[省市]?|{full})"


def steps(column: str) -> Iterable[tuple[str, str]]:
    """Columns in the order in which each is made of the ones before: name and SQL. `column` holds names with one form of each character."""
    words, (led, place) = _words(), _places()
    forms = one_of(spelling for spellings in words["forms"].values() for spelling in spellings)
    kept = one_of(words["kept_in_brackets"])
    groups = one_of(words["groups"])
    heads, branches, trades = one_of(words["heads"]), one_of(words["branches"]), one_of(words["trades"].split())
    brackets = f"translate({column}, {literal(_OPENING + _CLOSING)}, {literal('（' * len(_OPENING) + '）' * len(_CLOSING))})"
    yield "bracketed", brackets
    yield "led", f"regexp_replace(bracketed, '^{_BRACKET}(.{{{_LEAST},}})$', '\\1')"
    # Twice: a remark may stand behind another one.
    for before, after in (("led", "once"), ("once", "plain")):
        ends = f"regexp_matches({before}, {literal(f'（(?:{kept}|{place})）$')})"
        yield after, f"CASE WHEN {ends} THEN {before} ELSE regexp_replace({before}, '^(.{{{_LEAST},}}){_BRACKET}$', '\\1') END"
    yield "bracketed_place", f"regexp_extract(plain, {literal(f'（({place})）')}, 1)"
    open_ = f"regexp_replace(plain, {literal(f'（{place}）')}, '')"
    yield "bare", f"regexp_replace({open_}, {literal(dropped('organization'))}, '', 'g')"
    yield "branch", f"regexp_extract(bare, {literal(f'^.*?(?:{heads})(.+(?:{branches}))$')}, 1)"
    yield "head", "bare[:length(bare) - length(branch)]"
    yield "ending", f"regexp_extract(head, {literal(f'^.+?({groups}*{forms})$')}, 1)"
    classes = " ".join(
        f"WHEN regexp_matches(ending, {literal(f'{one_of(spellings)}$')}) THEN {literal(form)}"
        for form, spellings in words["forms"].items()
    )
    yield "form", f"CASE {classes} ELSE '' END"
    yield "named", "head[:length(head) - length(ending)]"
    yield "front", f"regexp_extract(named, {literal(led)}, 1)"
    yield "place", "regexp_replace(CASE WHEN front <> '' THEN front ELSE bracketed_place END, '(.{2})[省市]$', '\\1')"
    yield "rest", "named[length(front) + 1:]"
    yield "trade", f"regexp_extract(rest, {literal(f'^.{{2,}}?((?:{trades})+)$')}, 1)"
    yield "core", "rest[:length(rest) - length(trade)]"


def parts_sql(relation: str, column: str) -> str:
    """SQL for a relation with a column for each of `PARTS` beside its own, empty where a name has none."""
    source = relation
    for name, sql in steps(column):
        source = f"(SELECT *, {sql} AS {name} FROM {source})"
    return f"SELECT * FROM {source}"

"""Texts that have the form of a name and are none: titles, remarks, placeholders, values of other fields. The words are data (`not_names.yml`)."""

import csv
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from standards.loader import load_standards
from standards.patterns import HAN, one_of

_FOLDER = Path(__file__).parent
# What may part two names.
_PARTING = "[、，,；;/|&+ ]+"
# Signs in a name beside letters and digits.
_IN_ORGANIZATIONS = "A-Za-zÀ-ɏ0-9·（）《》“”\"'’&.,+@!/、，#?？*□〓�【】\\[\\]<> —–-"
_FEW = "[一二三四五六七八九十两几多0-9]"


@lru_cache(maxsize=1)
def no_person_pattern() -> str:
    """A text that is no name of a person."""
    words = _words("person")
    family = one_of(surnames())
    return "|".join(
        (
            one_of(words["parts"]),
            f"[{HAN}]{one_of(words['titles'])}$|[{HAN}]{{2}}{one_of(words['remarks'])}$",
            f"^{one_of(words['titles'])}[{HAN}]{{2,}}$",
            f"^{family}{one_of(words['short_titles'])}$",
            f"^{one_of(words['familiar'])}{family}$",
            f"[{HAN}]{{2}}等{_FEW}*[人户名位]?$",
            f"[{HAN}]{{2}}{one_of(words['places'])}$",
            f"[{HAN}]{{2}}{one_of(name for name in organization_ends() if len(name) > 1)}$",
            f"^{one_of((*words['whole'], *_values(tuple(words['lists']))))}$",
            f"(?i:^(?:{one_of(words['latin'])}|{one_of(words['latin_titles'])}[. ].*)$)",
        )
    )


@lru_cache(maxsize=1)
def no_organization_pattern() -> str:
    """A text that is no name of an organization: it says something about one, names two, or belongs into another field."""
    words = _words("organization")
    end = one_of(name for name in organization_ends() if len(name) > 1)
    said = f"[已被拟待]?{one_of(words['remarks'])}"
    openings = one_of(words["openings"])
    return "|".join(
        (
            one_of(words["parts"]),
            f"（{openings}[^）]{{2,}}）$|（{said}[^）]{{0,4}}）|（{one_of(words['bracketed'])}）|（[0-9]*）$|^（[^）]{{4,}}）",
            f"{end}[ —-]?{said}$|{end}等{_FEW}*[家个]?$|{end}[0-9]+$|{end}[ ，,]*{one_of(words['followed'])}",
            f"{end}(?:（[^）]*）)?{_PARTING}[{HAN}（）]+{end}(?:（[^）]*）)?$|有限公司[^（分]*有限(?:责任)?公司$",
            f"^[0-9一二三四五六七八九十]+[.、）][{HAN}]|^S?ST[{HAN}]|[：:]",
            f"^(?:{one_of(words['whole'])}|[0-9]+|[0-9]{{2}}[0-9A-Z]{{16}})$",
            f"[^{HAN}{_IN_ORGANIZATIONS}]",
            "《[^》]*$|^[^《]*》|《[^》]*》(?:[^杂报期周月编出刊社读电记新文]|$)",
        )
    )


@lru_cache(maxsize=1)
def two_organizations_pattern() -> str:
    """Two whole names with only a blank between them."""
    end = "(?:有限公司|有限责任公司|股份公司|委员会|合作社|研究所|事务所|学校|医院|银行|协会)"
    return f"^[{HAN}（）]{{2,}}{end} +[{HAN}（）]{{2,}}{end}$"


# Brackets in pairs, one pair within another at most.
BALANCED = "^(?:[^（）]|（(?:[^（）]|（[^（）]*）)*）)*$"


@lru_cache(maxsize=1)
def surnames() -> tuple[str, ...]:
    """The usual family names."""
    return _vocabulary("surname")


@lru_cache(maxsize=1)
def organization_ends() -> tuple[str, ...]:
    """How names of organizations end."""
    return _vocabulary("organization_end")


def _values(lists: tuple[str, ...]) -> set[str]:
    """The Han spellings of codes. Names of peoples and countries are left out where they may be the name of a person (高山, 马里)."""
    found: set[str] = set()
    for name in lists:
        for code in load_standards().code_lists[name].codes:
            words = {word for word in (code.title.zh, *code.aliases) if re.fullmatch(f"[{HAN}]{{2,}}", word)}
            if name in ("ethnic_group", "nationality"):
                words = {word for word in words if word[-1] in "族国籍" or len(word) > 3 or not word.startswith(surnames())}
            found |= words
    return found


def _words(kind: str) -> dict[str, list[str]]:
    """The words of a kind by their group."""
    return {group: [word for line in lines for word in _line(line)] for group, lines in _data()[kind].items()}


def _line(line: str | list[str]) -> list[str]:
    return [line] if isinstance(line, str) else line


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_FOLDER.joinpath("not_names.yml").read_text(encoding="utf-8"))
    return found


@lru_cache(maxsize=8)
def _vocabulary(kind: str) -> tuple[str, ...]:
    with (_FOLDER / "vocabulary" / "content.csv").open(encoding="utf-8", newline="") as stream:
        return next(tuple(row["words"].split()) for row in csv.DictReader(stream) if row["kind"] == kind)

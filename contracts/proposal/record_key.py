"""Which column makes a record the same record next time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.model import WHOLE_ROW
from contracts.proposal.content import Content
from contracts.proposal.forms import is_dated_text, is_number
from contracts.proposal.match import Match, Matches
from contracts.proposal.profile import ColumnProfile, TableProfile
from core.nouns import noun
from standards.model import Standards

_LONGEST = 64
# A reference with a number in it (京税罚〔2020〕934号), as long as one gets.
_REFERENCE, _LONGEST_REFERENCE = re.compile(r"[0-9]{4}.*[号0-9A-Z]$|[〔\[［][0-9]{4}[〕\]］].*[0-9]"), 32
# In fewer rows many a column has a value of its own in each.
FEW_ROWS = 20
# What a column of identifiers is called, by the end of its name: 火化编号, 主体标识, card_no, danwei_bianhao, LSH.
_NUMBERED = re.compile(
    "(?:[号码]|编[号码]|代码|标识符?|标志码?|主键|序列|流水|账户|单号|id|key|uuid|guid|code|cd|no|num|nbr|number|pk|sn"
    "|bianhao|bianma|haoma|daima|biaoshi|liushuihao|xuhao|bh|bm|hm|dm|bs|lsh|xh|zj|hao)$",
    re.IGNORECASE,
)
# What is measured or counted, by the end of its name.
_MEASURED = re.compile(
    "(?:[率率比额数量值价款费积龄分度]|金额|次数|amt|amount|rate|ratio|pct|qty|count|cnt|area|price|score|fee|total)$", re.IGNORECASE
)
# Telephones and numbers of persons are somebody's, not the record's.
_TELEPHONE = re.compile(r"^(?:[+]?86[- ]?)?(?:1[3-9][0-9]{9}|0[1-9][0-9]{1,2}[- ]?[0-9]{7,8}(?:-[0-9]{1,6})?)$")
_MOSTLY = 0.6
_DAY = re.compile("^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{6})?$")
# The department's own numbers, identifiers of the table's subject, of others, and what looks like a number under another name. Of a whole
# table own numbers are the best key: they stay when a value is corrected. In a few rows nothing tells that they are numbers of records.
_OWN, _IDENTITY, _OTHER, _LIKELY = "own", "identity", "other", "likely"
_ORDER, _ORDER_OF_FEW = (_OWN, _IDENTITY, _OTHER, _LIKELY), (_IDENTITY, _OTHER, _OWN, _LIKELY)


@dataclass(frozen=True)
class _Table:
    """What of a table bears on its key; `numbered` is the count up to which numbers only count the rows of a file."""

    standards: Standards
    identity: frozenset[str]
    order: tuple[str, ...]
    numbered: int


def record_key(profile: TableProfile, matches: Matches, feeds: Sequence[str], standards: Standards, *, is_file: bool) -> tuple[str, str]:
    """The name of the column and why, "*" where there is none."""
    few = profile.rows < FEW_ROWS
    identity = frozenset(name for feed in feeds for name in standards.schemas[feed].identity)
    table = _Table(standards, identity, _ORDER_OF_FEW if few else _ORDER, profile.rows + 1 if is_file else 0)
    keys = [(match, match.column.profile) for match in matches.columns if match.column.profile and match.column.profile.is_nearly_key]
    ranked = sorted(
        (rank, place, column.name) for place, (match, column) in enumerate(keys) if (rank := _rank(match, column, table)) is not None
    )
    guess = f"; a guess, as many a column would seem a key in {profile.rows:,} {noun(profile.rows, 'row')}" if few else ""
    if not ranked:
        return WHOLE_ROW, f"no identifier has a value of its own in every row: a changed row will be another record{guess}"
    _, place, name = ranked[0]
    column = keys[place][1]
    others = ", ".join(other for _, _, other in ranked[1:])
    again = column.rows - column.distinct
    repeated = (
        f"{'' if column.is_exact else 'about '}{again:,} {noun(again, 'row repeats a value or has', 'rows repeat a value or have')} none"
    )
    why = "a value of its own in every row" if column.is_key else f"nearly a key: {repeated}"
    return name, f"{why}{guess}{f'; also possible: {others}' if others else ''}"


def _rank(match: Match, column: ColumnProfile, table: _Table) -> int | None:
    """How good a key a column is, the least the best; None for none: row numbers, dates, measures, texts, telephones."""
    if column.longest > _LONGEST or _numbers_rows(column.sample, table.numbered) or all(map(_is_dated, column.sample)):
        return None
    element = table.standards.elements.get(match.element)
    if element is None:
        kind = _own_number(match, column, table.standards)
    elif element.representation != "identifier" or element.type == "phone":
        kind = None
    else:
        kind = _IDENTITY if element.id in table.identity else _OTHER
    if kind is None:
        return None
    return table.order.index(kind) + (0 if column.is_key else len(table.order))


def _own_number(match: Match, column: ColumnProfile, standards: Standards) -> str | None:
    """Whether a column without an element holds numbers that the department has given."""
    name = match.column.names[-1].strip()
    if _MEASURED.search(name) or _is_of_somebody(match.content, standards) or not all(map(_is_given, column.sample)):
        return None
    if _NUMBERED.search(name) or any(_NUMBERED.search(title) for title in match.column.names):
        return _OWN
    of_one_form = column.shortest == column.longest >= 6 or not all(map(str.isdigit, column.sample))
    return _LIKELY if of_one_form else None


def _is_of_somebody(content: Content | None, standards: Standards) -> bool:
    number = standards.elements.get("resident_id")
    if content is None or number is None:
        return False
    return content.share("telephone", _TELEPHONE.match) >= _MOSTLY or (content.fit(number) or 0.0) >= _MOSTLY


def _is_dated(value: str) -> bool:
    return is_dated_text(value) or bool(_DAY.match(value))


def _is_given(value: str) -> bool:
    """Whether a value can be a number that was given: of one word, no measure; or a reference with a number in it."""
    if is_number(value) and not value.isdigit():
        return False
    return bool(value.isascii() and " " not in value) or bool(len(value) <= _LONGEST_REFERENCE and _REFERENCE.search(value))


def _numbers_rows(values: Sequence[str], most: int) -> bool:
    """Whether the values count the rows of a file."""
    return all(value.isdecimal() and len(value) < 10 and int(value) <= most for value in values)

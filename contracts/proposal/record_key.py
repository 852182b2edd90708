"""Which column makes a record the same record next time."""

import re
from collections.abc import Sequence

from contracts.model import WHOLE_ROW
from contracts.proposal.forms import is_dated_text
from contracts.proposal.match import Match, Matches
from contracts.proposal.profile import ColumnProfile, TableProfile
from standards.model import Standards

_LONGEST = 64
# A reference with a number in it (京税罚〔2020〕934号), as long as one gets.
_REFERENCE, _LONGEST_REFERENCE = re.compile("[0-9]{4}"), 32


def record_key(profile: TableProfile, matches: Matches, standards: Standards, *, is_file: bool) -> tuple[str, str]:
    """The name of the column and why, "*" where there is none."""
    keys = [(match, match.column.profile) for match in matches.columns if match.column.profile and match.column.profile.is_nearly_key]
    rows = profile.rows if is_file else 0
    ranked = sorted(
        (rank, place, column.name)
        for place, (match, column) in enumerate(keys)
        if (rank := _rank(match, column, rows, standards)) is not None
    )
    if not ranked:
        return WHOLE_ROW, "no column has a value of its own in every row: a changed row will be another record"
    _, place, name = ranked[0]
    column = keys[place][1]
    others = ", ".join(other for _, _, other in ranked[1:])
    why = (
        "a value of its own in every row"
        if column.is_key
        else f"nearly a key: {column.rows - column.distinct:,} rows repeat a value or have none"
    )
    return name, f"{why}; also possible: {others}" if others else why


def _rank(match: Match, column: ColumnProfile, rows: int, standards: Standards) -> int | None:
    """The department's own numbers come first, as they stay when a value is corrected; then identifiers. Row numbers and dates are none."""
    if column.longest > _LONGEST or _numbers_rows(column.sample, rows) or all(map(is_dated_text, column.sample)):
        return None
    element = standards.elements.get(match.element)
    if element is None:
        return (0 if column.is_key else 10) if all(map(_is_number, column.sample)) else None
    return (1 if column.is_key else 11) if element.representation == "identifier" and element.type != "phone" else None


def _is_number(value: str) -> bool:
    return bool(value.isascii() and " " not in value) or bool(len(value) <= _LONGEST_REFERENCE and _REFERENCE.search(value))


def _numbers_rows(values: Sequence[str], rows: int) -> bool:
    """Whether the values count the rows of a file."""
    return rows > 20 and all(value.isdecimal() and len(value) < 10 and int(value) <= rows + 1 for value in values)

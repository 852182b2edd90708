"""The statements of an element: from texts to standard values, and from these to issues.

They depend on how the element is read and on what a contract declares for it, not on the batch, and are built once for a process; those
of elements that need nothing from a contract before the tasks are forked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from core.portable import FEW_ROWS, to_sql
from standards.day import on_day
from standards.declared import Declared
from standards.in_force import last_turn
from standards.labels import own_labels
from standards.model import CrossRule, DataElement, Standards
from standards.spellings import SPELLED
from standards.value_types import issue_kinds

# For no more rows or values than that, the engine's optimizer takes longer than it saves: these statements join nothing large.
BRIEF_ROWS = 32_768
DOUBTFUL = -1  # stands in a column of issues until its value has been looked at


def prepare_statements(standards: Standards, today: str) -> None:
    """Build the statements of every element that needs nothing from a contract, for processes that are forked from this one."""
    with on_day(today):
        for use in (use for schema in standards.schemas.values() for use in schema.uses):
            issues = ("missing", "repaired", *issue_kinds(use.element))
            for values in _amounts(use.element):
                statements(use.element, Declared(), use.required, issues, today, values)


def _amounts(element: DataElement) -> tuple[int, ...]:
    """Amounts of values that each ask for statements of their own; a code list is never long."""
    if element.type in SPELLED:
        return (FEW_ROWS + 1,)
    return (FEW_ROWS,) if element.type == "code" else (FEW_ROWS, FEW_ROWS + 1)


@dataclass(frozen=True)
class Statements:
    """The two statements of an element: from the texts `given` to what is `read`, and from there to values and issues."""

    values: str
    issues: str


@dataclass(frozen=True)
class _Reading:
    """An element as a key: elements whose values are read alike, as most codes and dates are, share their statements."""

    element: DataElement = field(compare=False)
    behavior: tuple[object, ...] = field(init=False)

    def __post_init__(self) -> None:
        e = self.element
        form = (e.min_length, e.max_length, e.pattern, e.code_list, e.minimum, e.maximum)
        object.__setattr__(self, "behavior", (e.type, *form, own_labels(e)))


def statements(element: DataElement, declared: Declared, required: bool, issues: tuple[str, ...], today: str, values: int) -> Statements:
    """The statements of an element as a contract declares it, for that many values; kept, since building them takes longer than running them."""
    # The spelling that a value is looked up by is read from the value: as a column that is computed once.
    few = values <= FEW_ROWS and element.type not in SPELLED
    return _statements(_Reading(element), declared, required, issues, _day(issues, today), few)


def rows_statement(passed: tuple[str, ...], row_issues: str, judged: Sequence["Judged"], today: str) -> str:
    """The statement over the rows `joined` that passes columns through and says of others which texts surely are right; kept as well. What
    `_conflict` says becomes the first bit of the column `row_issues`.
    """
    return _rows_statement(passed, row_issues, tuple((item, _Reading(item.element)) for item in judged), today)


@dataclass(frozen=True)
class Judged:
    """A column of texts, the column for its issues, how it is read, and the issues of an absent value."""

    name: str
    issues: str
    element: DataElement = field(compare=False)
    declared: Declared
    absent: int


def plain_statement(element: DataElement, declared: Declared, issues: tuple[str, ...], today: str) -> str:
    """The statement of an element from the texts `given` to those that surely are standard or are declared, with their values; kept as well."""
    return _plain_statement(_Reading(element), declared, _day(issues, today))


def _day(issues: Sequence[str], today: str) -> str:
    """The day, where an element's statements depend on it: those of the others are kept until a code begins or ends."""
    return today if "future-date" in issues else last_turn()


@lru_cache(maxsize=512)
def _statements(reading: _Reading, declared: Declared, required: bool, issues: tuple[str, ...], today: str, few: bool) -> Statements:
    values, found = _queries(reading, declared, required, issues, today)
    return Statements(to_sql(values, few=few), to_sql(found, few=few))


@lru_cache(maxsize=64)
def _rows_statement(passed: tuple[str, ...], row_issues: str, judged: tuple[tuple[Judged, _Reading], ...], today: str) -> str:
    import ibis

    from standards.standardize import sure_of

    # Only texts are computed on; the type of what is passed through does not matter.
    texts = dict.fromkeys([*passed, *(item.name for item, _ in judged)], "string")
    table = ibis.table({**texts, "_conflict": "boolean"}, name="joined")
    columns = {name: table[name] for name in passed}
    for item, _ in judged:
        raw, declared = table[item.name], item.declared
        sure = sure_of(raw, item.element, declared.formats, dict(declared.lookup), today, written_in=declared.written_in)
        columns[item.name] = raw
        columns[item.issues] = ibis.cases((raw.isnull(), item.absent), (sure, 0), else_=DOUBTFUL).cast("int32")
    return to_sql(table.select(**columns, **{row_issues: table["_conflict"].cast("int32")}))


@lru_cache(maxsize=512)
def _plain_statement(reading: _Reading, declared: Declared, today: str) -> str:
    import ibis

    from standards.standardize import plain_of

    given = ibis.table({"raw": "string", "text": "string"}, name="given")
    value, is_sure = plain_of(given.raw, reading.element, declared, today)
    return to_sql(given.filter(is_sure).select("raw", value=value), few=True)


def rules_statement(table: str, elements: tuple[str, ...], rules: tuple[CrossRule, ...]) -> str:
    """The statement that finds the rows of a table that break rules over several elements: `_position`, and in `found` the bits of the rules
    from the second on; the first is for what no rule says. Kept until a code begins or ends.
    """
    return _rules_statement(table, elements, rules, last_turn())


@lru_cache(maxsize=64)
def _rules_statement(table: str, elements: tuple[str, ...], rules: tuple[CrossRule, ...], _turn: str) -> str:
    import ibis

    from standards.cross_rules import broken as breaks

    rows = ibis.table(dict.fromkeys(("_position", *elements), "string"), name=table)
    broken = [breaks(rule, rows) for rule in rules]
    return to_sql(rows.filter(ibis.or_(*broken)).select("_position", found=mask_of([ibis.literal(False), *broken])))


@lru_cache(maxsize=1)
def _queries(reading: _Reading, declared: Declared, required: bool, issues: tuple[str, ...], today: str) -> tuple[Any, Any]:
    """The queries of an element: values from texts, issues from values. Kept for whoever asks for both forms of them, one after the other."""
    import ibis

    from standards.standardize import issues_of, spelling_key_of, value_of

    element, lookup = reading.element, dict(declared.lookup)
    given = ibis.table({"raw": "string", "text": "string"}, name="given")
    read = ibis.table({"raw": "string", "value": "string"}, name="read")
    found = issues_of(read.value, element, today)
    found["missing"] = read.value.isnull() if required else ibis.literal(False)
    found["repaired"] = _is_repaired(read.raw, read.value, element, declared)
    value = value_of(given.text, element, declared.formats, lookup, written_in=declared.written_in, unit=declared.unit)
    values = given.select("raw", value=value, key=spelling_key_of(value, given.text, element, lookup))
    return values, read.select("raw", "value", issues=mask_of([found[name] for name in issues]))


def _is_repaired(raw: Any, value: Any, element: DataElement, declared: Declared) -> Any:
    """Whether the standard rewrote a value. What the contract declares (a date format, a lookup, a list) is a translation, not a repair."""
    from standards.date_formats import format_patterns
    from standards.declared import texts_of
    from standards.written import is_tidy_number

    changed = raw != value
    for pattern, _ in (pair for form in declared.formats for pair in format_patterns(form)):
        changed = changed & ~raw.re_search(pattern)
    translated = [text for text, _ in declared.lookup]
    if declared.written_in:
        translated += texts_of(element.code_list or "", declared.written_in)
    if declared.unit:
        changed = changed & ~is_tidy_number(raw)
    return changed & raw.notin(translated) if translated else changed


def mask_of(conditions: Sequence[Any]) -> Any:
    """The bits of several conditions, in their order, as one number; a condition that is null does not hold."""
    import ibis

    bits = (condition.fill_null(False).cast("int32") * (1 << bit) for bit, condition in enumerate(conditions))
    return sum(bits, start=ibis.literal(0, type="int32"))

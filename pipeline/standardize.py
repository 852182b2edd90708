"""Standardize: the department's columns become data elements; every change and every refusal is an issue.

The result has, for each element, its standard value as text and a column `<element>__issues` whose bits say which issues the row has
there, in the order of the plan; `_row_issues` does the same for the rules about the record as a whole. Nothing is dropped here.
"""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from contracts.model import AsOf, Contract, ElementSource
from core.engine import Engine, literal, quote
from core.portable import FEW_ROWS
from pipeline.changes import CANDIDATES
from pipeline.state import dataset_elements
from pipeline.statements import DOUBTFUL, Judged, plain_statement, rows_statement, rules_statement, statements
from standards.checks import severity_in
from standards.day import on_day
from standards.declared import Declared
from standards.model import CrossRule, DataElement, SchemaUse, Severity, Standards
from standards.value_types import issue_kinds

STANDARDIZED = "standardized"  # table
ROW = "_row"  # stands for the record as a whole, where an element's name is expected
ROW_ISSUES = "_row_issues"
# A column of codes, dates or divisions with at most this many different values is standardized once per value.
FEW_VALUES = 50_000
LISTED_TYPES = ("code", "date", "division")
# Rows that tell how many values a column has: twice as many as its values may be, so that more would show.
TELLING_ROWS = 2 * FEW_VALUES
# For no more rows or values than that, the engine's optimizer takes longer than it saves: these statements join nothing large.
BRIEF_ROWS = 32_768
# Whatever a standard thinks of it: with any other issue than these a date is none, and with this one a text is longer than its column.
_LEAVE_A_VALUE, _LEAVES_NO_TEXT = ("missing", "repaired", "out-of-range", "future-date"), "wrong-length"
SYSTEM = ("_record_id", "_position", "_row_digest", "_known")


@dataclass(frozen=True)
class ElementPlan:
    """One element of the dataset: where its values come from, and the issues it can have, in the order of their bits."""

    element: DataElement
    use: SchemaUse
    source: ElementSource | None
    constant: str | None
    issues: tuple[str, ...]
    severities: tuple[Severity, ...]
    # Bits of issues that make a value unusable although they do not stop its row: such a value is withheld.
    withholding: int

    @property
    def column(self) -> str:
        """Name of the column that holds the element's issues."""
        return f"{self.element.id}__issues"

    def mask(self, severity: Severity) -> int:
        """The bits of all issues of one severity."""
        return sum(1 << bit for bit, found in enumerate(self.severities) if found == severity)

    @property
    def withheld(self) -> list[str]:
        """The issues for which a value is withheld."""
        return [issue for bit, issue in enumerate(self.issues) if self.withholding & 1 << bit]

    @property
    def published(self) -> str:
        """SQL for the value that may be published: a refused value of an element that does not stop the row is withheld."""
        column = quote(self.element.id)
        return f"CASE WHEN ({quote(self.column)} & {self.withholding}) = 0 THEN {column} END" if self.withholding else column


@dataclass(frozen=True)
class Plan:
    """How one dataset is standardized under one version of the standard."""

    contract: Contract
    elements: tuple[ElementPlan, ...]
    rules: tuple[CrossRule, ...]

    @property
    def row_issues(self) -> tuple[tuple[str, Severity], ...]:
        """Issues of the record as a whole, in the order of their bits: first the key, then the rules over several elements."""
        return (("duplicate-key", "error"), *((rule.issue_type, rule.severity) for rule in self.rules))

    @property
    def stopping(self) -> str:
        """SQL for whether a standardized row may not be published."""
        masks = [(item.column, item.mask("error")) for item in self.elements]
        masks.append((ROW_ISSUES, sum(1 << bit for bit, (_, severity) in enumerate(self.row_issues) if severity == "error")))
        return " OR ".join(f"({quote(column)} & {mask}) <> 0" for column, mask in masks if mask or column == ROW_ISSUES)


def make_plan(contract: Contract, standards: Standards) -> Plan:
    """Work out what the contract and the standard together ask for."""
    names = dataset_elements(contract, standards)
    uses = {name: merged_use(contract, name, standards) for name in names}
    rules = tuple(rule for rule in standards.cross_rules if rule.schema_id in contract.feeds and set(rule.needs) <= set(names))
    return Plan(contract, tuple(_element_plan(contract, uses[name], standards) for name in names), rules)


def merged_use(contract: Contract, name: str, standards: Standards) -> SchemaUse:
    """How strictly an element is used: as strictly as the strictest of the registries that the dataset feeds."""
    uses = [use for feed in contract.feeds if (use := standards.schemas[feed].use(name)) is not None]
    return uses[0].model_copy(update={"required": any(use.required for use in uses), "critical": any(use.critical for use in uses)})


def _element_plan(contract: Contract, use: SchemaUse, standards: Standards) -> ElementPlan:
    element = use.element
    issues = ("missing", "repaired", *issue_kinds(element))
    severities = tuple(severity_in(use, standards.issue_types[name]) for name in issues)
    natural = [standards.issue_types[name].severity for name in issues]
    is_text = element.data_type == "string"
    lost = [name == _LEAVES_NO_TEXT if is_text else name not in _LEAVE_A_VALUE for name in issues]
    withholding = sum(
        1 << bit
        for bit, (own, effective) in enumerate(zip(natural, severities, strict=True))
        if effective != "error" and (lost[bit] or (own == "error" and issues[bit] != "missing"))
    )
    return ElementPlan(element, use, contract.elements.get(element.id), contract.constants.get(element.id), issues, severities, withholding)


def standardize(engine: Engine, plan: Plan, today: str, texts: str = CANDIDATES) -> None:
    """Standardize the candidates into the table `standardized`. `today` (ISO) decides what lies in the future and which codes are in force.
    `texts` is the relation that tells which texts occur.

    Columns of few values, as those of few rows are, are standardized once per value. Of the others, most rows are surely right by one cheap
    test; the values of the rest are standardized once each and put in their places.
    """
    with on_day(today):
        _standardize(engine, plan, today, texts)


def _standardize(engine: Engine, plan: Plan, today: str, texts: str) -> None:
    rows = engine.value(f"SELECT count(*) FROM {CANDIDATES}")
    few = _columns_with_few_values(engine, plan, rows, texts)
    for position, item in enumerate(plan.elements):
        if item.source is not None and item.source.column in few:
            _standardize_values(engine, position, item, today, texts)
    _write_standardized(engine, plan, few, today, rows)
    _standardize_doubtful(engine, plan, few, today)
    _judge_rows(engine, plan)


def _columns_with_few_values(engine: Engine, plan: Plan, rows: int, texts: str) -> set[str]:
    """Source columns worth standardizing once per distinct value: codes, dates and divisions, unless they hold something else. Where rows are
    few, all columns: the one test would cost more to plan than it saves.
    """
    sources = [(item.source.column, item.element.type) for item in plan.elements if item.source is not None]
    if rows <= FEW_ROWS:
        return {column for column, _ in sources}
    columns = sorted({column for column, kind in sources if kind in LISTED_TYPES})
    if not columns:
        return set()
    counted = ", ".join(f"approx_count_distinct({quote(column)})" for column in columns)
    counts = engine.row(f"SELECT {counted} FROM (SELECT {', '.join(map(quote, columns))} FROM {texts} LIMIT {TELLING_ROWS})")
    return {column for column, count in zip(columns, counts, strict=True) if count <= FEW_VALUES}


def _standardize_values(engine: Engine, position: int, item: ElementPlan, today: str, texts: str) -> None:
    """Table `value_<n>`: each distinct raw value with its standard value and issues."""
    assert item.source is not None
    column = quote(item.source.column)
    distinct = f"SELECT DISTINCT {column} AS raw FROM {texts} WHERE {column} IS NOT NULL"
    _value_table(engine, position, item, distinct, today)


def _standardize_doubtful(engine: Engine, plan: Plan, few: set[str], today: str) -> None:
    """Replace the raw texts that are not surely right by their standard values, in place: even of all rows that costs less than a new table."""
    direct = [(n, item) for n, item in enumerate(plan.elements) if item.source is not None and item.source.column not in few]
    if not direct:
        return
    counts = ", ".join(f"count(*) FILTER ({quote(item.column)} = {DOUBTFUL})" for _, item in direct)
    doubtful = engine.row(f"SELECT {counts} FROM {STANDARDIZED}")
    for position, item in (found for found, count in zip(direct, doubtful, strict=True) if count):
        name, issues = quote(item.element.id), quote(item.column)
        _value_table(engine, position, item, f"SELECT DISTINCT {name} AS raw FROM {STANDARDIZED} WHERE {issues} = {DOUBTFUL}", today)
        engine.run(
            f"UPDATE {STANDARDIZED} SET {name} = v.value, {issues} = v.issues FROM value_{position} v "
            f"WHERE {issues} = {DOUBTFUL} AND {name} = v.raw",
            doing="standardizing",
        )


def _value_table(engine: Engine, position: int, item: ElementPlan, distinct: str, today: str) -> None:
    """Table `value_<n>` of the texts that a query gives: values first, then issues on the values, so that no expression is written out twice."""
    values = engine.value(f"CREATE OR REPLACE TABLE given AS SELECT raw, raw AS text FROM ({distinct})", doing="listing values")
    engine.run(f"CREATE TABLE value_{position} (raw varchar, value varchar, issues integer)")
    if values and item.element.type in LISTED_TYPES:
        values = _take_plain(engine, position, item, today, values)
    if not values:
        return
    _restore(engine)
    sql = statements(item.element, _declared(item), item.use.required, item.issues, today, values)
    with engine.planned_briefly(values <= BRIEF_ROWS):
        engine.run(f"CREATE OR REPLACE TABLE read AS {sql.values}", doing="standardizing")
    _look_up(engine, item.element)
    with engine.planned_briefly(values <= BRIEF_ROWS):
        engine.run(f"INSERT INTO value_{position} {sql.issues}", doing="standardizing")


def _take_plain(engine: Engine, position: int, item: ElementPlan, today: str, values: int) -> int:
    """Move the texts that one cheap test settles from `given` to `value_<n>`, and return how many are left: of codes and dates often none, and
    what reads any text takes a hundred times as long to plan.
    """
    sql = plain_statement(item.element, _declared(item), item.issues, today)
    with engine.planned_briefly(values <= BRIEF_ROWS):
        engine.run(f"INSERT INTO value_{position} SELECT raw, value, 0 FROM ({sql})", doing="standardizing")
    engine.run(f"DELETE FROM given WHERE raw IN (SELECT raw FROM value_{position})")
    left: int = engine.value("SELECT count(*) FROM given")
    return left


def _restore(engine: Engine) -> None:
    """Turn back texts that were decoded wrongly or escaped: few, and beyond what an expression can do."""
    from standards.restoring import SUSPICIOUS, restored_texts

    suspects = engine.rows(f"SELECT raw FROM given WHERE regexp_matches(raw, {literal(SUSPICIOUS)})", doing="looking for wrong decodings")
    found = restored_texts(raw for (raw,) in suspects)
    if found:
        engine.register("restored", pa.table({"raw": pa.array(found), "text": pa.array(found.values())}))
        engine.run("UPDATE given SET text = r.text FROM restored r WHERE r.raw = given.raw", doing="standardizing")


def _declared(item: ElementPlan) -> Declared:
    """What the contract declares for an element; nothing for a constant."""
    if (source := item.source) is None:
        return Declared()
    return Declared(tuple(source.formats), tuple(source.lookup.items()), source.written_in or "", source.unit or "")


def _look_up(engine: Engine, element: DataElement) -> None:
    """Replace the spellings of divisions among the values `read`: an expression cannot hold them all, so those that occur are looked up."""
    from standards.spellings import SPELLED, readings

    if element.type not in SPELLED:
        return
    keys = engine.rows("SELECT DISTINCT key FROM read WHERE key <> '' ORDER BY key", doing="looking up divisions")
    if known := readings(element, (key for (key,) in keys)):
        engine.register("known", pa.table({"key": pa.array(known), "reading": pa.array(known.values())}))
        rest = "|| substring(read.value, length(read.key) + 1)" if element.type == "address" else ""
        engine.run(f"UPDATE read SET value = k.reading {rest} FROM known k WHERE k.key = read.key", doing="looking up divisions")


def _write_standardized(engine: Engine, plan: Plan, few: set[str], today: str, rows: int) -> None:
    """Table `standardized`: looked-up elements, constants, and as they came those still to be judged, whose issues are `DOUBTFUL` unless sure."""
    # Expressions over the output of joins cost four times as much; a copy of many rows would take memory.
    kind = "TABLE" if rows <= BRIEF_ROWS else "VIEW"
    engine.run(f"CREATE {kind} joined AS {_joined(plan, few, today)}", doing="standardizing")
    direct = [item for item in plan.elements if item.source is not None and item.source.column not in few]
    passed = [*SYSTEM, "_valid_from", *(name for item in plan.elements if item not in direct for name in (item.element.id, item.column))]
    judged = [Judged(item.element.id, item.column, item.element, _declared(item), _absent(item)) for item in direct]
    sql = rows_statement(tuple(passed), ROW_ISSUES, judged, today)
    with engine.planned_briefly(rows <= BRIEF_ROWS):
        engine.run(f"CREATE TABLE {STANDARDIZED} AS {sql}", doing=f"standardizing {plan.contract.id}")


def _absent(item: ElementPlan) -> int:
    """The issues of an absent value: `missing` is the first bit."""
    return 1 if item.use.required else 0


def _joined(plan: Plan, few: set[str], today: str) -> str:
    columns, joins = [f"d.{name}" for name in (*SYSTEM, "_conflict")], []
    for position, item in enumerate(plan.elements):
        name, issues = quote(item.element.id), quote(item.column)
        if item.source is None:
            columns += [f"{_literal(item.constant)}::varchar AS {name}", f"0::integer AS {issues}"]
        elif item.source.column in few:
            joins.append(f"LEFT JOIN value_{position} v{position} ON v{position}.raw = d.{quote(item.source.column)}")
            columns += [f"v{position}.value AS {name}", f"coalesce(v{position}.issues, {_absent(item)})::integer AS {issues}"]
        else:
            columns.append(f"d.{quote(item.source.column)} AS {name}")
    columns.append(f"{_valid_from(plan.contract.as_of, today)} AS _valid_from")
    return f"SELECT {', '.join(columns)} FROM {CANDIDATES} d {' '.join(joins)}"


def _judge_rows(engine: Engine, plan: Plan) -> None:
    """Add the issues of the row as a whole to its column."""
    if not plan.rules:
        return
    rows = rules_statement(STANDARDIZED, tuple(item.element.id for item in plan.elements), plan.rules)
    engine.run(
        f"UPDATE {STANDARDIZED} SET {ROW_ISSUES} = {ROW_ISSUES} | b.found FROM ({rows}) b WHERE b._position = {STANDARDIZED}._position",
        doing="judging rows",
    )


def _literal(text: str | None) -> str:
    return "NULL" if text is None else literal(text)


def _valid_from(as_of: AsOf | None, today: str) -> str:
    """SQL for the date from which the source says a record held; null where it says nothing readable, or a day that is still to come."""
    return "NULL::date" if as_of is None else _read_day(as_of, "d", f"(DATE {literal(today)} + 1)")


def _read_day(as_of: AsOf, rows: str, last: str = "DATE '9999-12-31'") -> str:
    """SQL for the day that a source gives; null where it gives none, or one that is not before the last.

    The declared formats first, then what has one reading only: ISO, year/month/day, and a spreadsheet's day number.
    """
    column = f"trim({rows}.{quote(as_of.column)})"
    formats = [reading for form in as_of.formats for reading in _as_declared(column, form)]
    slashes = f"try_cast(regexp_replace({column}, '^([0-9]{{4}})[/.]([0-9]{{1,2}})[/.]([0-9]{{1,2}}).*$', '\\1-\\2-\\3') AS date)"
    days = f"CASE WHEN regexp_full_match({column}, '[1-9][0-9]{{4}}') THEN DATE '1899-12-30' + try_cast({column} AS integer) END"
    read = f"coalesce({', '.join([*formats, f'try_cast({column} AS date)', days, slashes])})"
    # The ends of the calendar, and what the engine reads of "infinity", stand for no day: of nothing it can be said since when it holds.
    first = "DATE '0001-01-01'"
    return f"nullif(greatest(nullif(least({read}, {last}), {last}), {first}), {first})"


def _as_declared(column: str, form: str) -> list[str]:
    """SQL for a date in a declared format. The engine's own reading of two-digit years would guess the century."""
    from standards.date_formats import format_patterns

    if "%y" not in form:
        return [f"try_strptime({column}, {_literal(form)})::date"]
    return [
        f"CASE WHEN regexp_matches({column}, {_literal(pattern)}) "
        f"THEN try_cast(regexp_replace({column}, {_literal(pattern)}, {_literal(groups)}) AS date) END"
        for pattern, groups in format_patterns(form)
    ]


class UnreadDates(NamedTuple):
    """Rows that give a date from which they hold that cannot be read, and rows that give one that is still to come."""

    unread: int = 0
    ahead: int = 0


def unread_dates(engine: Engine, plan: Plan) -> UnreadDates:
    """How many standardized rows give a date from which they hold that says nothing."""
    as_of = plan.contract.as_of
    if as_of is None or not engine.value(f"SELECT count(*) FROM {STANDARDIZED} WHERE _valid_from IS NULL"):
        return UnreadDates()
    return UnreadDates(
        *engine.row(
            f"SELECT count(*) FILTER (WHERE day IS NULL), count(day) FROM (SELECT {_read_day(as_of, 'c')} AS day FROM {CANDIDATES} c "
            f"WHERE trim(c.{quote(as_of.column)}) <> '' AND c._position IN (SELECT _position FROM {STANDARDIZED} WHERE _valid_from IS NULL))",
            doing="counting dates",
        )
    )

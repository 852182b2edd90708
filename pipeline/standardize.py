"""Standardize: the department's columns become data elements; every change and every refusal is an issue.

The result has, for each element, its standard value as text and a column `<element>__issues` whose bits say which issues the row has
there, in the order of the plan; `_row_issues` does the same for the rules about the record as a whole. Nothing is dropped here.
"""

from typing import NamedTuple

from contracts.model import AsOf
from core.engine import Engine, literal, quote
from core.portable import FEW_ROWS
from pipeline.changes import CANDIDATES
from pipeline.plan import ROW_ISSUES, ElementPlan, Plan
from pipeline.statements import BRIEF_ROWS, DOUBTFUL, Judged, rows_statement, rules_statement
from pipeline.values import LISTED_TYPES, read_values
from standards.day import on_day

STANDARDIZED = "standardized"  # table
# A column of codes, dates or divisions with at most this many different values is standardized once per value.
FEW_VALUES = 50_000
# Rows that tell how many values a column has: twice as many as its values may be, so that more would show.
TELLING_ROWS = 2 * FEW_VALUES
SYSTEM = ("_record_id", "_position", "_row_digest", "_known")


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
    read_values(engine, f"value_{position}", item, distinct, today)


def _standardize_doubtful(engine: Engine, plan: Plan, few: set[str], today: str) -> None:
    """Replace the raw texts that are not surely right by their standard values, in place: even of all rows that costs less than a new table."""
    direct = [(n, item) for n, item in enumerate(plan.elements) if item.source is not None and item.source.column not in few]
    if not direct:
        return
    counts = ", ".join(f"count(*) FILTER ({quote(item.column)} = {DOUBTFUL})" for _, item in direct)
    doubtful = engine.row(f"SELECT {counts} FROM {STANDARDIZED}")
    for position, item in (found for found, count in zip(direct, doubtful, strict=True) if count):
        name, issues = quote(item.element.id), quote(item.column)
        texts = f"SELECT DISTINCT {name} AS raw FROM {STANDARDIZED} WHERE {issues} = {DOUBTFUL}"
        read_values(engine, f"value_{position}", item, texts, today)
        engine.run(
            f"UPDATE {STANDARDIZED} SET {name} = v.value, {issues} = v.issues FROM value_{position} v "
            f"WHERE {issues} = {DOUBTFUL} AND {name} = v.raw",
            doing="standardizing",
        )


def _write_standardized(engine: Engine, plan: Plan, few: set[str], today: str, rows: int) -> None:
    """Table `standardized`: looked-up elements, constants, and as they came those still to be judged, whose issues are `DOUBTFUL` unless sure."""
    # Expressions over the output of joins cost four times as much; a copy of many rows would take memory.
    kind = "TABLE" if rows <= BRIEF_ROWS else "VIEW"
    engine.run(f"CREATE {kind} joined AS {_joined(plan, few, today)}", doing="standardizing")
    direct = [item for item in plan.elements if item.source is not None and item.source.column not in few]
    passed = [*SYSTEM, "_valid_from", *(name for item in plan.elements if item not in direct for name in (item.element.id, item.column))]
    judged = [Judged(item.element.id, item.column, item.element, item.declared, item.absent) for item in direct]
    sql = rows_statement(tuple(passed), ROW_ISSUES, judged, today)
    with engine.planned_briefly(rows <= BRIEF_ROWS):
        engine.run(f"CREATE TABLE {STANDARDIZED} AS {sql}", doing=f"standardizing {plan.contract.id}")


def _joined(plan: Plan, few: set[str], today: str) -> str:
    columns, joins = [f"d.{name}" for name in (*SYSTEM, "_conflict")], []
    for position, item in enumerate(plan.elements):
        name, issues = quote(item.element.id), quote(item.column)
        if item.source is None:
            columns += [f"{_literal(item.constant)}::varchar AS {name}", f"0::integer AS {issues}"]
        elif item.source.column in few:
            joins.append(f"LEFT JOIN value_{position} v{position} ON v{position}.raw = d.{quote(item.source.column)}")
            columns += [f"v{position}.value AS {name}", f"coalesce(v{position}.issues, {item.absent})::integer AS {issues}"]
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

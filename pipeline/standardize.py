"""Standardize: the department's columns become data elements; every change and every refusal is an issue.

The result has, for each element, its standard value as text and a column `<element>__issues` whose bits say which issues the row has there, in
the order of the plan; `_row_issues` does the same for the rules about the record as a whole. Nothing is dropped here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.model import AsOf, Contract, ElementSource
from core.engine import Engine, literal, quote
from pipeline.changes import CANDIDATES
from pipeline.state import dataset_elements
from standards.checks import severity_in
from standards.model import CrossRule, DataElement, SchemaUse, Severity, Standards
from standards.value_types import issue_kinds

STANDARDIZED = "standardized"  # table
ROW = "_row"  # stands for the record as a whole, where an element's name is expected
ROW_ISSUES = "_row_issues"
# A column with at most this many different values, and ten times as many rows, is standardized once per value.
FEW_VALUES = 50_000
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
    withholding = sum(
        1 << bit
        for bit, (own, effective) in enumerate(zip(natural, severities, strict=True))
        if own == "error" and effective != "error" and issues[bit] != "missing"
    )
    return ElementPlan(element, use, contract.elements.get(element.id), contract.constants.get(element.id), issues, severities, withholding)


def standardize(engine: Engine, plan: Plan, today: str) -> None:
    """Standardize the candidates into the table `standardized`. `today` (ISO) decides what lies in the future."""
    rows = engine.value(f"SELECT count(*) FROM {CANDIDATES}")
    few = _columns_with_few_values(engine, plan, rows)
    for position, item in enumerate(plan.elements):
        if item.source is not None and item.source.column in few:
            _standardize_values(engine, position, item, today)
    _standardize_rows(engine, plan, few, today)
    _write_standardized(engine, plan, few)


def _columns_with_few_values(engine: Engine, plan: Plan, rows: int) -> set[str]:
    """Source columns worth standardizing once per distinct value: codes, dates, divisions."""
    columns = sorted({item.source.column for item in plan.elements if item.source is not None})
    if not columns or not rows:
        return set()
    counts = engine.row(f"SELECT {', '.join(f'approx_count_distinct({quote(column)})' for column in columns)} FROM {CANDIDATES}")
    return {column for column, count in zip(columns, counts, strict=True) if count <= min(FEW_VALUES, rows / 10)}


def _standardize_values(engine: Engine, position: int, item: ElementPlan, today: str) -> None:
    """Tables `value_<n>`: each distinct raw value with its standard value and issues."""
    assert item.source is not None
    column = quote(item.source.column)
    engine.run(
        f"CREATE TABLE raw_{position} AS SELECT DISTINCT {column} AS raw FROM {CANDIDATES} WHERE {column} IS NOT NULL",
        doing="listing values",
    )
    _two_steps(engine, f"raw_{position}", f"value_{position}", ["raw"], [(item, "raw", "value", "issues")], today)


def _standardize_rows(engine: Engine, plan: Plan, few: set[str], today: str) -> None:
    """View `direct`: the elements that are standardized row by row, beside the raw columns that are looked up."""
    looked_up = {item.source.column for item in plan.elements if item.source is not None and item.source.column in few}
    as_of = {plan.contract.as_of.column} if plan.contract.as_of else set()
    kept = sorted(looked_up | as_of)
    engine.run(
        f"CREATE VIEW renamed AS SELECT {', '.join(SYSTEM)}, _conflict"
        + "".join(f", {quote(column)} AS {quote('raw ' + column)}" for column in kept)
        + "".join(f", {quote(item.source.column)} AS {quote('in ' + item.element.id)}" for item in _direct(plan, few) if item.source)
        + f" FROM {CANDIDATES}",
        doing="opening the candidates",
    )
    targets = [(item, f"in {item.element.id}", item.element.id, item.column) for item in _direct(plan, few)]
    _two_steps(engine, "renamed", "direct", [*SYSTEM, "_conflict", *(f"raw {column}" for column in kept)], targets, today)


def _direct(plan: Plan, few: set[str]) -> Iterator[ElementPlan]:
    return (item for item in plan.elements if item.source is not None and item.source.column not in few)


Target = tuple[ElementPlan, str, str, str]  # element, raw column, value column, issues column


def _two_steps(engine: Engine, relation: str, result: str, kept: Sequence[str], targets: Sequence[Target], today: str) -> None:
    """Values first, then issues on the values: one view on top of the other, so that no expression is written out twice."""
    import ibis

    from standards.standardize import issues_of, value_of

    table = ibis.table(dict.fromkeys([*kept, *(raw for _, raw, _, _ in targets)], "string"), name=relation)
    columns: dict[str, Any] = {name: table[name] for name in kept}
    for item, raw, value, _ in targets:
        formats, lookup = _declared(item)
        columns[raw] = table[raw]
        columns[value] = value_of(table[raw], item.element, formats, lookup, _spellings(engine, table[raw], item))
    engine.run(f"CREATE VIEW {result}_values AS {_sql(table.select(**columns))}", doing="standardizing")
    table = ibis.table(dict.fromkeys(columns, "string"), name=f"{result}_values")
    columns = {name: table[name] for name in kept}
    for item, raw, value, issues in targets:
        found = issues_of(table[value], item.element, today)
        found["missing"] = table[value].isnull() if item.use.required else ibis.literal(False)
        found["repaired"] = _is_repaired(table[raw], table[value], item)
        columns[value] = table[value]
        columns[issues] = _mask([found[name] for name in item.issues])
    kind = "TABLE" if result.startswith("value_") else "VIEW"
    engine.run(f"CREATE {kind} {result} AS {_sql(table.select(**columns))}", doing="standardizing")


def _sql(expression: Any) -> str:
    """An expression as SQL of the engine, on one line: pretty printing costs more than compiling."""
    import ibis

    return str(ibis.to_sql(expression, dialect="duckdb", pretty=False))


def _declared(item: ElementPlan) -> tuple[tuple[str, ...], dict[str, str]]:
    """The date formats and the lookup that the contract declares for an element."""
    return (item.source.formats, item.source.lookup) if item.source is not None else ((), {})


def _spellings(engine: Engine, raw: Any, item: ElementPlan) -> dict[str, str] | None:
    """Of the many spellings of a division, those that occur: an expression cannot hold them all."""
    if item.element.type != "division":
        return None

    from standards.spellings import lookup_table
    from standards.standardize import value_of
    from standards.types.code import spelling_key

    formats, _ = _declared(item)
    keys = raw.as_table().select(key=spelling_key(value_of(raw, item.element, formats))).distinct()
    table = lookup_table(item.element)
    found = engine.rows(_sql(keys), doing="looking up divisions")
    return {key: table[key] for (key,) in sorted(found, key=str) if key in table}


def _is_repaired(raw: Any, value: Any, item: ElementPlan) -> Any:
    """Whether the standard rewrote a value. What the contract declares (a date format, a lookup) is a translation, not a repair."""
    from standards.date_formats import format_pattern

    formats, lookup = _declared(item)
    changed = raw != value
    for form in formats:
        pattern, _ = format_pattern(form)
        changed = changed & ~raw.re_search(pattern)
    return changed & raw.notin(list(lookup)) if lookup else changed


def _mask(conditions: Sequence[Any]) -> Any:
    """The bits of several conditions, in their order, as one number; a condition that is null does not hold."""
    import ibis

    bits = (condition.fill_null(False).cast("int32") * (1 << bit) for bit, condition in enumerate(conditions))
    return sum(bits, start=ibis.literal(0, type="int32"))


def _write_standardized(engine: Engine, plan: Plan, few: set[str]) -> None:
    """Table `standardized`: direct elements, looked-up ones and constants side by side, and the issues of the row as a whole."""
    import ibis

    from standards.cross_rules import RULES

    engine.run(f"CREATE VIEW joined AS {_joined(plan, few)}", doing="standardizing")
    passed = [*SYSTEM, "_valid_from", *(name for item in plan.elements for name in (item.element.id, item.column))]
    # Only texts are computed on; the type of what is passed through does not matter.
    table = ibis.table({**dict.fromkeys(passed, "string"), "_conflict": "boolean"}, name="joined")
    issues = _mask([table["_conflict"], *(RULES[rule.expression](table) for rule in plan.rules)])
    rows = table.select(*passed, **{ROW_ISSUES: issues})
    engine.run(f"CREATE TABLE {STANDARDIZED} AS {_sql(rows)}", doing=f"standardizing {plan.contract.id}")


def _joined(plan: Plan, few: set[str]) -> str:
    columns, joins = [f"d.{name}" for name in (*SYSTEM, "_conflict")], []
    for position, item in enumerate(plan.elements):
        name, issues = quote(item.element.id), quote(item.column)
        if item.source is None:
            columns += [f"{_literal(item.constant)}::varchar AS {name}", f"0::integer AS {issues}"]
        elif item.source.column in few:
            absent = 1 if item.use.required else 0
            joins.append(f"LEFT JOIN value_{position} v{position} ON v{position}.raw = d.{quote('raw ' + item.source.column)}")
            columns += [f"v{position}.value AS {name}", f"coalesce(v{position}.issues, {absent})::integer AS {issues}"]
        else:
            columns += [f"d.{name}", f"d.{issues}"]
    columns.append(f"{_valid_from(plan.contract.as_of)} AS _valid_from")
    return f"SELECT {', '.join(columns)} FROM direct d {' '.join(joins)}"


def _literal(text: str | None) -> str:
    return "NULL" if text is None else literal(text)


def _valid_from(as_of: AsOf | None) -> str:
    """SQL for the date from which the source says a record held; null where it says nothing readable."""
    if as_of is None:
        return "NULL::date"
    column = f"d.{quote('raw ' + as_of.column)}"
    formats = [f"try_strptime({column}, {_literal(form)})::date" for form in as_of.formats]
    return f"coalesce({', '.join([*formats, f'try_cast({column} AS date)'])})"

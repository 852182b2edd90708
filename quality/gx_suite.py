"""A schema's suite in Great Expectations' own JSON, whole: it runs on a table of standard values without the hub.

Check characters and cross-field rules are queries; their SQL is rendered from the expressions of the value types, in DuckDB's dialect.
"""

from typing import Any

from core.portable import to_sql
from quality.suites import expectation
from standards.checks import Check, checks
from standards.model import Schema, Standards

# Stands for the day on which the suite runs while the SQL is rendered, and has the form of a day.
_TODAY = "9876-54-32"


def to_gx(schema: Schema, standards: Standards) -> dict[str, Any]:
    """The suite: one expectation per check of the schema, each with its rule in `meta`."""
    rules = tuple(rule for rule in standards.cross_rules if rule.schema_id == schema.id)
    found = checks(schema, rules, standards)
    return {
        "name": schema.table,
        "expectations": [_expectation(check, schema) for check in found],
        "meta": {"schema": schema.id, "standard": standards.version},
    }


def _expectation(check: Check, schema: Schema) -> dict[str, Any]:
    condition = _condition(check, schema) if check.kind == "shared" else None
    document: dict[str, Any] = expectation(check, condition).configuration.to_json_dict()
    return document


def _condition(check: Check, schema: Schema) -> str:
    """SQL over the columns of the table that is true for a row that breaks the check.

    GX fills in the table's name by braces and SQLAlchemy values by colons, so the query's own are escaped.
    """
    import ibis

    from standards.cross_rules import verdict
    from standards.standardize import issues_of

    table = ibis.table(dict.fromkeys((element.id for element in schema.elements), "string"), name="batch")
    if check.needs:
        broken = verdict(str(check.argument), check.needs, table)
    else:
        use = schema.use(check.element)
        assert use is not None
        broken = issues_of(table[check.element], use.element, _TODAY)[str(check.argument)]
    sql = to_sql(broken.fill_null(False).name("broken"))
    head, tail = "SELECT ", ' AS "broken" FROM "batch" AS "t0"'
    assert sql.startswith(head)
    assert sql.endswith(tail)
    condition = sql[len(head) : -len(tail)].replace('"t0".', "").replace(f"'{_TODAY}'", "CAST(CURRENT_DATE AS TEXT)")
    condition = condition.replace(f"'{_TODAY.replace('-', '')}'", "STRFTIME(CURRENT_DATE, '%Y%m%d')")
    return condition.replace("{", "{{").replace("}", "}}").replace(":", r"\:")

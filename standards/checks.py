"""Checks without an engine in them: what the quality suites render and what the report counts.

Each check stands for one issue type of one element (or one cross-field rule). A value that is missing fails `not_null` only.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from standards.loader import load_standards
from standards.model import OPEN_END, CrossRule, DataElement, IssueType, Schema, SchemaUse, Severity, Standards
from standards.value_types import Kind, issue_kinds

Argument = str | tuple[str, ...] | tuple[int | None, int | None] | tuple[str | None, str | None] | None


@dataclass(frozen=True)
class Check:
    """One rule. `argument` is the pattern, the codes, the two bounds, or for `shared` the name of the expression."""

    id: str
    element: str
    kind: Kind
    issue_type: str
    dimension: str
    severity: Severity
    argument: Argument = None
    needs: tuple[str, ...] = ()


def checks(
    uses: Schema | Iterable[SchemaUse], cross_rules: Iterable[CrossRule] = (), standards: Standards | None = None
) -> tuple[Check, ...]:
    """Every check of the elements in use, then the cross-field rules whose elements are all among them."""
    standards = standards or load_standards()
    used = uses.uses if isinstance(uses, Schema) else tuple(uses)
    present = {use.element.id for use in used}
    own = (check for use in used for check in _element_checks(use, standards))
    return (*own, *(_cross_check(rule) for rule in cross_rules if present.issuperset(rule.needs)))


def severity_in(use: SchemaUse, issue_type: IssueType) -> Severity:
    """How bad an issue is where the element is used: only a critical (or missing required) value stops its row."""
    if issue_type.id == "missing":
        return "error" if use.required else "warning"
    return "warning" if issue_type.severity == "error" and not use.critical else issue_type.severity


def _element_checks(use: SchemaUse, standards: Standards) -> Iterable[Check]:
    element = use.element
    kinds: dict[str, Kind] = {"missing": "not_null"} if use.required else {}
    kinds |= issue_kinds(element)
    for name, kind in kinds.items():
        issue_type = standards.issue_types[name]
        argument = _argument(element, name, kind, standards)
        yield Check(f"{element.id}.{name}", element.id, kind, name, issue_type.dimension, severity_in(use, issue_type), argument)


def _argument(element: DataElement, name: str, kind: Kind, standards: Standards) -> Argument:
    match kind:
        case "regex":
            return element.pattern
        case "in_set":
            return standards.code_lists[element.code_list or ""].current
        case "length":
            return (element.min_length, element.max_length)
        case "between":
            return (element.minimum, OPEN_END)
        case "shared":
            return name
        case _:
            return None


def _cross_check(rule: CrossRule) -> Check:
    return Check(rule.id, rule.needs[0], "shared", rule.issue_type, rule.dimension, rule.severity, rule.expression, rule.needs)

"""Plan: how the rows of one dataset are standardized, which issues each of its elements can have, and what an issue does to a row."""

from dataclasses import dataclass

from contracts.model import Contract, ElementSource
from core.engine import quote
from pipeline.state import dataset_elements
from standards.checks import severity_in
from standards.declared import Declared
from standards.model import CrossRule, DataElement, SchemaUse, Severity, Standards
from standards.value_types import issue_kinds

ROW = "_row"  # stands for the record as a whole, where an element's name is expected
ROW_ISSUES = "_row_issues"
# Whatever a standard thinks of it: with any other issue than these a date is none, and with this one a text is longer than its column.
_LEAVE_A_VALUE, _LEAVES_NO_TEXT = ("missing", "repaired", "out-of-range", "future-date"), "wrong-length"


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

    @property
    def declared(self) -> Declared:
        """What the contract declares for the element; nothing for a constant."""
        if (source := self.source) is None:
            return Declared()
        return Declared(tuple(source.formats), tuple(source.lookup.items()), source.written_in or "", source.unit or "")

    @property
    def absent(self) -> int:
        """The issues of an absent value: `missing` is the first bit."""
        return 1 if self.use.required else 0

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

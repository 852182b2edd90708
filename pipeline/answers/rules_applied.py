"""What was done to a raw value until it stood in the standardized table: every rule, with the version that was in force for the batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.model import Contract
from standards.model import DataElement


@dataclass(frozen=True)
class AppliedRule:
    """One rule: its kind, what it is called, and the version of the contract or standard that says it.

    Of the contract: `column`, `constant`, `formats`, `lookup`, `unit`. Of the standard: `code-list` (translated from another), `type`,
    `issue` (what was found wrong with the value and still stands).
    """

    kind: str
    name: str
    version: str


def rules_applied(
    contract: Contract, contract_version: int, standard_version: str, element: DataElement, raw: str | None, issues: Sequence[str]
) -> Iterator[AppliedRule]:
    """The rules on the way of one value, in their order."""
    source, terms = contract.elements.get(element.id), f"{contract.id}/{contract_version}"
    if source is None:
        yield AppliedRule("constant", element.id, terms)
    else:
        yield AppliedRule("column", source.column, terms)
        if source.formats:
            yield AppliedRule("formats", ", ".join(source.formats), terms)
        if raw is not None and raw.strip() in source.lookup:
            yield AppliedRule("lookup", source.column, terms)
        if source.unit:
            yield AppliedRule("unit", source.unit, terms)
        if source.written_in:
            yield AppliedRule("code-list", source.written_in, standard_version)
    yield AppliedRule("type", element.type, standard_version)
    for issue in issues:
        yield AppliedRule("issue", issue, standard_version)

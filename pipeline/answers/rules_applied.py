"""What was done to a raw value until it stood in the standardized table: every rule, with the version that was in force for the batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.model import Contract, ElementSource
from standards.model import DataElement


@dataclass(frozen=True)
class AppliedRule:
    """One rule: its kind, what it is called, and the version of the contract or standard that says it.

    Of the contract: `column`, `constant`, `formats`, `lookup` (`lookup-possible` where the row as received is gone and the value is one that it
    gives), `unit`. Of the standard: `code-list` (translated from another), `type`,
    `issue` (what was found wrong with the value and still stands).
    """

    kind: str
    name: str
    version: str


def rules_applied(
    contract: Contract,
    contract_version: int,
    standard_version: str,
    element: DataElement,
    raw: str | None,
    issues: Sequence[str],
    purged: Any = None,
) -> Iterator[AppliedRule]:
    """The rules on the way of one value, in their order; `purged` is the value itself where its raw form is kept no longer."""
    source, terms = contract.elements.get(element.id), f"{contract.id}/{contract_version}"
    if source is None:
        yield AppliedRule("constant", element.id, terms)
    else:
        yield AppliedRule("column", source.column, terms)
        if source.formats:
            yield AppliedRule("formats", ", ".join(source.formats), terms)
        if raw is not None and raw.strip() in source.lookup:
            yield AppliedRule("lookup", source.column, terms)
        if purged is not None and _gives(source, element, purged):
            yield AppliedRule("lookup-possible", source.column, terms)
        if source.unit:
            yield AppliedRule("unit", source.unit, terms)
        if source.written_in:
            yield AppliedRule("code-list", source.written_in, standard_version)
    yield AppliedRule("type", element.type, standard_version)
    for issue in issues:
        yield AppliedRule("issue", issue, standard_version)


def _gives(source: ElementSource, element: DataElement, value: Any) -> bool:
    """Whether a lookup can have given a value: it gives codes as they stand; what is no code was read by its type as well."""
    return bool(source.lookup) and (element.code_list is None or value in source.lookup.values())

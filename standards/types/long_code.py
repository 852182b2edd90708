"""A code of a list that is too long for an expression (GB/T 4754 has two thousand): its spellings are collected first, then looked up."""

from ibis.expr.types import BooleanValue, StringValue

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import one_of
from standards.types.general import without_blanks


def ready(element: DataElement) -> str:
    """Exactly the current codes."""
    return current_pattern(element.code_list or "")


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Current codes."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The text without blanks; what its name stands for is looked up afterwards."""
    return without_blanks(text).upper()


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Whatever is no current code."""
    return {"unknown-code": ~value.re_search(current_pattern(element.code_list or ""))}


@while_in_force
def current_pattern(code_list: str) -> str:
    """The codes of a list that are in force, as one pattern."""
    return f"^{one_of(load_standards().code_lists[code_list].current)}$"

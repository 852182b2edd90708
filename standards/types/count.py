"""A number of things: digits without leading zeros, marks of thousands and the word for what is counted."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.types.general import without_blanks

_COUNT = "^[+]?0*([0-9]+)(?:[人名个户家])?$"


def ready(element: DataElement) -> str:
    """The form of a count that needs no repair."""
    return "^(?:0|[1-9][0-9]*)$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Counts in their form."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The plain number; what is none stays."""
    return without_blanks(text).re_replace("([0-9])[,，]([0-9]{3})", r"\1\2").re_replace(_COUNT, r"\1")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Nothing beyond the form."""
    return {}

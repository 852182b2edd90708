"""An identifier without a check character that is known: capitals and digits without blanks, in the form that its element states."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.types.general import is_masked, without_blanks

_ANY = "^[0-9A-Z]+$"


def ready(element: DataElement) -> str:
    """The form of an identifier that needs no repair."""
    return element.pattern or _ANY


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Identifiers in their form of which no part is covered."""
    return raw.re_search(ready(element)) & ~is_masked(raw)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without blanks."""
    return without_blanks(text).upper()


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Identifiers of which a part is covered."""
    return {"masked-value": is_masked(value)}

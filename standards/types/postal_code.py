"""Postal code: six digits."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.types.general import where, without_blanks

FORM = "^[0-9]{6}$"


def ready(element: DataElement) -> str:
    """The form of a code that needs no repair."""
    return FORM


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Codes in their form; one repeated digit stands for nothing (the general rules know which)."""
    return raw.re_search("^[0-9]{6}$")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Six digits without blanks; the letters O, I and L are read as digits."""
    return where(without_blanks(text), "^[0-9OoIlL]{6}$", lambda code: code.translate("OoIlL", "00111"))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Nothing beyond the form."""
    return {}

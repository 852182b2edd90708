"""Address in full, from province to door."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import HAN
from standards.types.general import is_lossy, is_masked, without_blanks


def ready(element: DataElement) -> str:
    """The form of an address that needs no repair."""
    return f"^[{HAN}]{{2}}[{HAN}0-9A-Za-z（）·、，#-]+$"


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Without blanks; the statistical group 市辖区 behind a city is no part of an address."""
    return without_blanks(text).replace("市市辖区", "市")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Addresses with lost or covered characters."""
    return {"masked-value": is_masked(value), "lossy-encoding": is_lossy(value)}

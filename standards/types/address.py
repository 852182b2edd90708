"""Address in full, from province to door."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import DECODED_WRONG, HAN, han_except
from standards.types.general import is_lossy, is_masked, without_blanks

_HAN = han_except(DECODED_WRONG)


def ready(element: DataElement) -> str:
    """The form of an address that needs no repair."""
    return f"^[{HAN}]{{2}}[{HAN}0-9A-Za-z（）·、，#-]+$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Addresses of ordinary characters; an X may cover something."""
    return raw.re_search(f"^[{_HAN}]{{2}}[{_HAN}0-9A-WYZa-wyz（）·、，#-]+$")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Without blanks; the statistical group 市辖区 behind a city is no part of an address."""
    return without_blanks(text).replace("市市辖区", "市")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Addresses with lost or covered characters."""
    return {"masked-value": is_masked(value), "lossy-encoding": is_lossy(value)}

"""Free text: kept as written, apart from what the general rules cut around it."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import DECODED_WRONG, HAN
from standards.restoring import MISREAD, SUSPICIOUS
from standards.types.general import is_lossy


def ready(element: DataElement) -> str:
    """The form of a text that needs no repair: the element's own, else Chinese."""
    return element.pattern or f"^[{HAN}][{HAN}0-9A-Za-z，。、；：（）()·%/-]*[{HAN}0-9A-Za-z。）)]$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Texts in their form without a character that a wrong decoding leaves; a form of the element's own may admit escapes as well."""
    spoiled = SUSPICIOUS if element.pattern else f"{MISREAD}|[\u0080-\u00b6\u00b8-\u00ff]{{2}}"
    return raw.re_search(ready(element)) & ~raw.re_search(f"[{DECODED_WRONG}]|{spoiled}")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The text."""
    return text


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Texts in which characters were lost."""
    return {"lossy-encoding": is_lossy(value)}

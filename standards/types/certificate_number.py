"""Number printed on a certificate (GB/T 36903-2018 ZZBH): any form the issuing body chose, without blanks, in capitals."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import DASHES, DECODED_WRONG, HAN, MISREAD_START
from standards.types.general import is_lossy, without_blanks


def ready(element: DataElement) -> str:
    """The form of a number that needs no repair."""
    return f"^(?:[1-9A-Z{HAN}]|0{{1,3}}[1-9A-Z{HAN}])[0-9A-Z{HAN}（）〔〕·-]*$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Numbers in their form without a character that a wrong decoding leaves."""
    return raw.re_search(ready(element)) & ~raw.re_search(f"[{DECODED_WRONG}]|[{MISREAD_START}]|[\u0080-\u00b6\u00b8-\u00ff]{{2}}")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without blanks; half-width brackets become full-width as on the certificate, dashes become hyphens."""
    compact = without_blanks(text).upper().re_replace(f"[{DASHES}]+", "-")
    return compact.replace("(", "（").replace(")", "）")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Numbers in which characters were lost."""
    return {"lossy-encoding": is_lossy(value)}

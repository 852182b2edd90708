"""A name in Latin letters (GB/T 28039-2011 for pinyin): capitals, with one blank between its parts."""

from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.patterns import BLANK
from standards.types.general import is_lossy, is_masked


def ready(element: DataElement) -> str:
    """The form of a name that needs no repair."""
    return "^[A-Z]+(?:[ '-][A-Z]+)*$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Names in their form; a row of X stands for covered letters."""
    return raw.re_search(ready(element)) & ~is_masked(raw) & ~raw.re_search("[\u0080-\u00ff]")


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals; the comma behind a family name and runs of blanks become one blank."""
    return text.re_replace(f"([A-Za-z])[,，][{BLANK}]*([A-Za-z])", r"\1 \2").re_replace(f"[{BLANK}]+", " ").upper()


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Names of which letters are covered or were lost."""
    return {"masked-value": is_masked(value), "lossy-encoding": is_lossy(value)}

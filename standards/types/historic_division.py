"""Administrative division of a day in the past (GB/T 2260): any code that was in force since 1981, kept as the code of its time.

Whether it was in force on the day of the record is a rule over several elements (`standards/cross_rules.yml`). Names are read as for a
current division.
"""

from functools import lru_cache

from ibis.expr.types import BooleanValue, StringValue

from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import one_of
from standards.types import division


def ready(element: DataElement) -> str:
    """Exactly the codes that are or were in force."""
    return known_pattern()


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Codes that are or were in force."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Six digits, as for a current division."""
    return division.normalize(text, element)


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Whatever never was a code."""
    return {"unknown-division": ~value.re_search(known_pattern())}


@lru_cache(maxsize=1)
def known_pattern() -> str:
    """The codes of all years, as one pattern."""
    return f"^{one_of(code.code for code in load_standards().code_lists['division'].codes)}$"

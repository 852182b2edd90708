"""Administrative division (GB/T 2260): six digits in force now, read from former codes and from names with their parents.

The spellings are too many for an expression: `value_of` takes those that occur (`lookup`), a large table joins `lookup_table`.
"""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import one_of
from standards.types.general import REPEATED, without_blanks


def ready(element: DataElement) -> str:
    """Exactly the current codes."""
    return current_pattern()


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Current codes."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Six digits from two, four or twelve (statistical codes); names and former codes stay."""
    compact = without_blanks(text)
    return ibis.cases(
        (compact.re_search("^[1-9][0-9]{11}$") & ~compact.substr(0, 6).re_search(REPEATED), compact.substr(0, 6)),
        (compact.re_search("^[1-9][0-9](?:[0-9]{2})?$"), compact.rpad(6, "0")),
        else_=compact,
    )


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Whatever is no current code."""
    return {"unknown-division": ~value.re_search(current_pattern())}


@while_in_force
def current_pattern() -> str:
    """The codes in force, as one pattern: a list of three thousand literals costs fifty times as much."""
    return f"^{one_of(load_standards().code_lists['division'].current)}$"

"""Number of an identity document: capitals and digits in any form its issuer chose, without blanks.

Only a number that has the whole inside of a resident identity number (region, day of birth, eighteen characters) is judged by itself, by its
check character: hardly any other number does. What else the kind of document asks for is a rule over both (`standards/cross_rules.yml`).
"""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.in_force import while_in_force
from standards.model import DataElement
from standards.patterns import real_date
from standards.types import resident_id
from standards.types.general import is_masked, without_blanks

_ANY = "^[0-9A-Z]+$"


def ready(element: DataElement) -> str:
    """The form of a number that needs no repair."""
    return element.pattern or _ANY


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Numbers in their form of which no part is covered, right where they can be judged."""
    return raw.re_search(ready(element)) & ~is_masked(raw) & ~_is_wrong(raw)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Capitals without blanks."""
    return without_blanks(text).upper()


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Identity numbers with a wrong check character, and numbers of which a part is covered."""
    return {"wrong-check-character": _is_wrong(value), "masked-value": is_masked(value)}


def _is_wrong(number: StringValue) -> BooleanValue:
    return ibis.cases((number.re_search(shape_pattern()), ~resident_id.has_right_check(number)), else_=False)


@while_in_force
def shape_pattern() -> str:
    """The inside of an identity number, permits and new foreign cards included: a region there has been, a day of the calendar."""
    return f"{resident_id.region_pattern()}{real_date()}[0-9]{{3}}[0-9X]$"

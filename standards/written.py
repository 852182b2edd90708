"""Values of a column that is written in another code list, or without the unit of its numbers, as expressions (`standards.declared`)."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.declared import translations
from standards.model import DataElement
from standards.types import code
from standards.types.general import let

_CODE = "^[A-Z]?[0-9]+$|^[A-Z]$"
_BARE = "^[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:[.][0-9]+)?$"
# Such a number is only translated; any other (1,234.50) is also brought to its standard form.
_TIDY = "^-?(?:0|[1-9][0-9]*)(?:[.][0-9]*[1-9])?$"


def translated(text: StringValue, element: DataElement, written_in: str) -> StringValue:
    """The element's code for a text of another list; null for names that it does not have, which the element's own list may know."""
    table = translations(element.code_list or "", written_in)

    def read(key: StringValue) -> StringValue:
        known = key.cases(*table.items(), else_=ibis.null("string"))
        foreign = ibis.cases((key.re_search(_CODE), ibis.literal(f"{written_in}:") + key), else_=ibis.null("string"))
        return known.coalesce(foreign)

    return let(code.spelling_key(text), read)


def with_unit(text: StringValue, unit: str) -> StringValue:
    """A bare number with the unit that the contract declares behind it; any other text as it stands."""
    return ibis.cases((text.re_search(_BARE), text + ibis.literal(unit)), else_=text)


def is_tidy_number(text: StringValue) -> BooleanValue:
    """Whether a text is a number that needs nothing but its unit."""
    return text.re_search(_TIDY)

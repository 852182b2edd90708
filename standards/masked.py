"""How values are shown: by the classification and mask of their data element."""

import re
from collections.abc import Mapping

from core.masking import mask, mask_sql
from standards.model import DataElement

# What looks like an identity or telephone number, also one written in groups, is masked wherever it turns up: a refused value may belong into
# another column.
LONG_NUMBER = re.compile(r"\d(?:[ \-‐–.\u3000]?\d){10,}[ \-]?[Xx]?")
LONGEST = 80


def is_personal(element: DataElement) -> bool:
    """Whether the element says something about a person."""
    return element.classification in ("personal", "sensitive")


def masked_value(value: str | None, element: DataElement) -> str | None:
    """A value of a record as anyone signed in may see it: personal ones masked, by their own mask or wholly."""
    if not is_personal(element):
        return value
    return mask(value, _mask_of(element))


def masked_named(value: str | None, name: str, elements: Mapping[str, DataElement]) -> str | None:
    """The same by the element's name. What the standard has no more does not say whom it is about: it is masked wholly."""
    return masked_value(value, elements[name]) if name in elements else mask(value, "full")


def masked_sql(text: str, element: DataElement) -> str:
    """SQL for the same of an expression that is the value as a text."""
    return mask_sql(text, _mask_of(element)) if is_personal(element) else text


def _mask_of(element: DataElement) -> str:
    return element.mask if element.mask != "none" else "full"


def masked_raw(value: str | None, element: DataElement | None) -> str | None:
    """A refused value as its department needs to see it: masked as its element says, and never a whole number of a person."""
    if value is None or element is None:
        return None if value is None else mask(value, "full")
    shown = mask(value, element.mask) or ""
    if element.mask == "none":
        shown = LONG_NUMBER.sub(lambda found: mask(found.group(), "identifier") or "", shown)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"

"""Keys by which names and addresses are compared, as expressions; `standards.comparable_characters` has the characters and the same for one text."""

from ibis.expr.types import StringValue

from standards.comparable_characters import Kind, changing, compared_as, dropped
from standards.types.general import where


def person_key(name: StringValue) -> StringValue:
    """The same for a name in traditional and simplified characters, with whatever dot between its parts, in capitals or not."""
    return _key(name, "person")


def organization_key(name: StringValue) -> StringValue:
    """The same for a name with whatever brackets, dots, quotation marks and widths."""
    return _key(name, "organization")


def address_key(address: StringValue) -> StringValue:
    """The same for an address with whatever marks between its parts; dashes still part two numbers."""
    return _key(address, "address")


def with_one_form(text: StringValue, kind: Kind) -> StringValue:
    """The same characters as in a key, with all marks where they were."""
    old, new = compared_as(kind)
    return where(text, changing(old), lambda part: _translated(part, old, new))


# An engine reads the two lists of characters anew for every text, so they are short, and only read for a text that has one of them.
_AT_ONCE = 128


def _key(text: StringValue, kind: Kind) -> StringValue:
    return with_one_form(text, kind).re_replace(f"{dropped(kind)}+", "")


def _translated(text: StringValue, old: str, new: str) -> StringValue:
    for start in range(0, len(old), _AT_ONCE):
        text = _some(text, old[start : start + _AT_ONCE], new[start : start + _AT_ONCE])
    return text


def _some(text: StringValue, old: str, new: str) -> StringValue:
    return where(text, changing(old), lambda part: part.translate(old, new))

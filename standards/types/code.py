"""A code of a list: the code itself, or any accepted spelling of its name."""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.characters import lookup_characters
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import one_of
from standards.spellings import NARROW, WIDE, ending_patterns, lookup_table
from standards.types.general import let, where, without_blanks

_WIDE = f"[{WIDE.replace('[', '').replace(']', '')}\\[\\]]"


def ready(element: DataElement) -> str:
    """Exactly the current codes."""
    return f"^{one_of(load_standards().code_lists[element.code_list or ''].current)}$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Current codes."""
    return raw.re_search(ready(element))


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The code of a spelling; a text that is none stays. Columns with few values are quicker by a join with `lookup_table`."""
    key = let(spelling_key(text), lambda spelled: _without_ending(spelled, element))
    return let(key, lambda given: given.cases(*lookup_table(element).items(), else_=ibis.null("string"))).coalesce(text)


def _without_ending(key: StringValue, element: DataElement) -> StringValue:
    """Without a word behind the name, unless the name is spelled with it."""
    pattern, spelled = ending_patterns(element)
    return ibis.cases((key.re_search(pattern) & ~key.re_search(spelled), key.re_replace(pattern, "")), else_=key) if pattern else key


def spelling_key(text: StringValue) -> StringValue:
    """As `standards.spellings.spelling_key`, in the engine."""
    narrow = where(text, _WIDE, lambda part: part.translate(WIDE, NARROW))
    traditional, simple = lookup_characters()
    return without_blanks(where(narrow, f"[{traditional}]", lambda part: part.translate(traditional, simple))).upper()


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Nothing beyond the list."""
    return {}

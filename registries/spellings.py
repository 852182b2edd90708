"""Keys by which spellings of a value are compared (`standards.comparable_characters`), as SQL over the texts of many rows.

The engine compiles a pattern for each expression that has one, and reads the two lists of characters of `translate` anew for every text. There are
five thousand pairs, a text has few of them, and most texts none. So the characters that count otherwise than they are written are taken out of all
texts of a row at once, and `translate` is told those alone.
"""

from collections.abc import Iterable
from functools import lru_cache

from core.engine import literal
from standards.comparable_characters import Kind, changing, compared_as, comparison_key, dropped, marks


def counted_otherwise(texts: Iterable[str], kind: Kind) -> str:
    """SQL for the list of those characters in some texts (SQL) that count as another one, or not at all, each once."""
    return f"list_distinct(regexp_extract_all(concat({', '.join(texts)}), {_pattern(kind)}))"


def told(characters: str, kind: Kind) -> tuple[str, str]:
    """SQL for the characters of such a list as a text, and for those that they count as. What does not count at all comes last, and has no other."""
    uncounted, old, new = _looked_up(kind)
    place = f"instr({literal(uncounted + old)}, c)"
    counting, others = (f"list_filter({characters}, lambda c: {place} {sign} {len(uncounted)})" for sign in (">", "<="))
    meant = f"list_transform({counting}, lambda c: substr({literal(new)}, {place} - {len(uncounted)}, 1))"
    return f"array_to_string(list_concat({counting}, {others}), '')", f"array_to_string({meant}, '')"


def key_sql(text: str, written: str, meant: str) -> str:
    """SQL for the key of a text, among whose characters those that are `told` count otherwise."""
    return f"CASE WHEN {written} <> '' THEN translate({text}, {written}, {meant}) ELSE {text} END"


@lru_cache(maxsize=3)
def _pattern(kind: Kind) -> str:
    return literal(f"{changing(compared_as(kind)[0])}|{dropped(kind)}")


@lru_cache(maxsize=3)
def _looked_up(kind: Kind) -> tuple[str, str, str]:
    """Marks that do not count, and the pairs of `compared_as` that count in the end. Marks, letters, digits and dashes stand in front: they are far
    the most, and so found first.
    """
    uncounted = "".join(one for one in dict.fromkeys(marks(kind)) if not comparison_key(one, kind))
    pairs = [pair for pair in zip(*compared_as(kind), strict=True) if comparison_key(pair[0], kind)]
    pairs.sort(key=lambda pair: (not pair[1].isascii(), pair[0]))
    return uncounted, "".join(one for one, _ in pairs), "".join(other for _, other in pairs)

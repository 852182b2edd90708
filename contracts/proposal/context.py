"""What a table is about: persons, organizations, certificates, cases. A name like 名称 or 地址 means nothing without it."""

import re
from collections.abc import Iterable, Mapping, Sequence

from contracts.proposal.names import Reading
from contracts.proposal.vocabulary import Vocabulary
from standards.model import Standards

# A word of the title weighs as much as three columns; two columns of a registry say that the table is about it.
_TITLE, _ENOUGH = 3.0, 2.0
_PLAIN = 0.85  # a reading that needs no context
_RIVALS = ("person", "organization")
# What a weak name is worth in a table of another kind, and in one where it is known to mean something else.
_OUTSIDE, _EXCLUDED = 0.45, 0.3


def contexts_of(
    titles: Iterable[str], columns: Sequence[Mapping[str, Reading]], standards: Standards, vocabulary: Vocabulary
) -> frozenset[str]:
    """The contexts of a table, from its titles (name, comment, file, sheet) and what its columns certainly are."""
    words = " ".join(titles).lower()
    tokens = set(re.findall("[a-z]+", words))
    classes = [_class(readings, standards) for readings in columns]
    weights: dict[str, float] = {}
    for context in vocabulary.contexts:
        if context.where == "title":
            found = any(word in tokens or (word in words and (not word.isascii() or len(word) > 4)) for word in context.words)
            weight = _TITLE if found else 0.0
        else:
            weight = float(sum(name in context.words for name in classes))
        weights[context.id] = weights.get(context.id, 0.0) + weight
    active = {name for name, weight in weights.items() if weight >= (1.0 if name in _RIVALS else _ENOUGH)}
    person, organization = (weights.get(name, 0.0) for name in _RIVALS)
    if person and organization:
        active.discard(_RIVALS[1] if person > organization else _RIVALS[0])
    return frozenset(active)


def _class(readings: Mapping[str, Reading], standards: Standards) -> str:
    """The registry of the element that a column certainly is, or nothing."""
    best = max(readings.values(), key=lambda reading: reading.score, default=None)
    if best is None or best.score < _PLAIN or best.contexts or best.element not in standards.elements:
        return ""
    return standards.elements[best.element].object_class


def in_context(reading: Reading, active: frozenset[str]) -> float:
    """The score of a reading in a table with these contexts."""
    wanted = [name for name in reading.contexts if not name.startswith("-")]
    if any(name[1:] in active for name in reading.contexts if name.startswith("-")):
        return reading.score * _EXCLUDED
    return reading.score if not wanted or active.intersection(wanted) else reading.score * _OUTSIDE

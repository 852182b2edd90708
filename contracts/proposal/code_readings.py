"""Codes that can be read in more than one way: the same digits stand in a standard's list and in another practice.

Which is meant the digits do not say. A person decides, unless the identity numbers beside them tell men from women.
"""

from collections.abc import Iterable, Iterator, Sequence

from contracts.proposal.content import CODED, Content
from contracts.proposal.schemes import Scheme, other_schemes
from standards.model import DataElement, Standards

# Less than this is a slip, not a code in use; a value called rare in a scheme is at most so frequent.
_LEAST_USED, _RARE = 0.005, 0.1
# Of the identity numbers, so many agree with the right reading and at most so many with a wrong one.
_AGREE, _DISAGREE = 0.97, 0.75
_SEXES = {"1": "13579", "2": "02468"}  # GB/T 2261.1 and the digit 17 of an identity number


def possible_schemes(content: Content, element: DataElement, standards: Standards) -> tuple[Scheme, ...]:
    """Every way to read the column's values, the list's own first; none where there is no more than one."""
    if element.type not in CODED or element.code_list is None or content.is_empty:
        return ()
    used = _used(content)
    if not all(value.isdigit() for value in used):
        return ()
    own = Scheme(standards.code_lists[element.code_list].source.standard, _own(used, element))
    possible = [own] if own.lookup.keys() >= used.keys() else []
    for scheme in other_schemes(element.code_list):
        lookup = {value: scheme.lookup[value] for value in used if value in scheme.lookup}
        if lookup.keys() >= used.keys() and lookup != own.lookup and all(used.get(value, 0.0) <= _RARE for value in scheme.rare):
            possible.append(Scheme(scheme.name, lookup))
    return tuple(possible) if len(possible) > 1 else ()


def _used(content: Content) -> dict[str, float]:
    """The codes in use with their shares, without blanks around them."""
    total = len(content.profile.sample)
    return {value: count / total for value, count in content.profile.counts.items() if count >= _LEAST_USED * total}


def _own(values: Iterable[str], element: DataElement) -> dict[str, str]:
    from standards.spellings import lookup_table, spelling_key

    table = lookup_table(element)
    return {value: table[key] for value in values if (key := spelling_key(value)) in table}


def told_by_numbers(possible: Sequence[Scheme], column: Content, numbers: Content | None) -> Scheme | None:
    """The reading of a column of sexes that goes with the identity numbers of the same rows, if one alone does."""
    if numbers is None or not possible:
        return None
    pairs = list(_pairs(column, numbers))
    agreeing = sorted(((_agreement(scheme, pairs), place) for place, scheme in enumerate(possible)), reverse=True)
    (best, place), (second, _) = agreeing[0], agreeing[1]
    return possible[place] if best >= _AGREE and second <= _DISAGREE else None


def _pairs(column: Content, numbers: Content) -> Iterator[tuple[str, str]]:
    """Codes and digits 17 of the same rows; only where both columns are filled throughout do the samples go row by row."""
    if column.profile.fill == numbers.profile.fill == 1.0:
        yield from (
            (code, number[16]) for code, number in zip(column.profile.sample, numbers.profile.sample, strict=True) if len(number) == 18
        )


def _agreement(scheme: Scheme, pairs: Sequence[tuple[str, str]]) -> float:
    agreeing = sum(digit in _SEXES.get(scheme.lookup.get(code, ""), "") for code, digit in pairs)
    return agreeing / len(pairs) if pairs else 0.0

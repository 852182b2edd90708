"""What a value that a code list does not know most likely means: for a person who writes a lookup, never for the hub.

A guess rests on the parts of the value (`01-汉族`), on digits that were padded or cut, on another practice with the same codes, and on how
much of a code's name stands in it; where two codes are as likely there is none, and both are named.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from contracts.proposal.content import CODED
from contracts.proposal.schemes import UNKNOWN, other_schemes
from standards.model import CodeList, DataElement, Standards

# Names that share less than this are not alike; names that are nearly as alike are both named.
_LEAST_ALIKE, _AS_ALIKE, _CONTAINED = 0.6, 0.05, 0.85
_MOST_NAMED = 3
_PARTS = re.compile("[\u3400-\u9fff]+|[A-Za-z]+|[0-9]+")


Words = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Guess:
    """A value, the code it most likely stands for (`?` where nobody can say), and in words why or what else."""

    value: str
    code: str
    why: str


def guesses(values: Sequence[str], element: DataElement, standards: Standards) -> tuple[Guess, ...]:
    """A guess for each value of one column."""
    if element.type not in CODED:  # there are thousands of divisions
        return tuple(Guess(value, UNKNOWN, "") for value in values)
    code_list = standards.code_lists[element.code_list or ""]
    names = {code.code: code.title.zh for code in code_list.codes if not code.valid_to}
    words = _words(code_list)
    digits = [value for value in values if value.isdigit()]
    scheme = next((item for item in other_schemes(code_list.id) if digits and item.lookup.keys() >= set(digits)), None)
    return tuple(
        Guess(value, scheme.lookup[value], scheme.name) if scheme and value in scheme.lookup else _guess(value, element, names, words)
        for value in values
    )


def _guess(value: str, element: DataElement, names: dict[str, str], words: Words) -> Guess:
    found = _by_parts(value, element) or _by_digits(value, names) or _by_name(value, words)
    if len(found) == 1:
        return Guess(value, found[0], names.get(found[0], ""))
    return Guess(value, UNKNOWN, " or ".join(f"{code} {names.get(code, '')}" for code in found[:_MOST_NAMED]))


def _by_parts(value: str, element: DataElement) -> list[str]:
    """Codes of the parts of a value, words before digits."""
    from standards.spellings import lookup_table, spelling_key

    table = lookup_table(element)
    parts = sorted(_PARTS.findall(value), key=str.isdigit)
    if len(parts) < 2:
        return []
    words = {table[key] for part in parts if not part.isdigit() and (key := spelling_key(part)) in table}
    return sorted(words or {table[part] for part in parts if part in table})


def _by_digits(value: str, names: Iterable[str]) -> list[str]:
    """Codes that are the digits with zeros added or taken away."""
    if not value.isdigit():
        return []
    known = set(names)
    lengths = {len(code) for code in known}
    written = {value.lstrip("0"), *(value.zfill(length) for length in lengths), *(value.ljust(length, "0") for length in lengths)}
    return sorted(written & known)


def _by_name(value: str, words: Words) -> list[str]:
    """The codes whose names are most like the value."""
    from standards.spellings import spelling_key

    key = spelling_key(value)
    scored: dict[str, float] = {}
    for word, code in words:
        scored[code] = max(scored.get(code, 0.0), _alike(key, word))
    best = max(scored.values(), default=0.0)
    return sorted(code for code, score in scored.items() if score >= max(_LEAST_ALIKE, best - _AS_ALIKE))


def _words(code_list: CodeList) -> Words:
    """Names of the codes in force; two codes may have one name."""
    from standards.spellings import spelling_key

    names = [
        (name, code.code) for code in code_list.codes if not code.valid_to for name in (code.title.zh, code.title.en, *code.aliases) if name
    ]
    return tuple((spelling_key(name), code) for name, code in names if not name.isdigit())


def _alike(one: str, other: str) -> float:
    """Share of the characters that two texts have in one order; a name that stands whole in the value counts the more the longer it is."""
    if len(other) > 1 and other in one:
        return _CONTAINED + 0.15 * len(other) / len(one)
    return 2 * _common(one, other) / (len(one) + len(other)) if one else 0.0


def _common(one: str, other: str) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for character in one:
        diagonal = 0
        for place, found in enumerate(other, start=1):
            diagonal, row[place] = row[place], diagonal + 1 if character == found else max(row[place], row[place - 1])
    return row[-1]


def entries(found: Sequence[Guess]) -> Iterator[str]:
    """The entries of a lookup, one a line."""
    for guess in found:
        note = f"  # {guess.why}" if guess.why else ""
        yield f"{json.dumps(guess.value, ensure_ascii=False)}: {json.dumps(guess.code)}{note}"

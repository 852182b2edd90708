"""Chinese names as Latin column names spell them: whole syllables (`xingming`) or their first letters (`xm`)."""

from collections.abc import Mapping
from itertools import islice, product

# A character with several readings multiplies the spellings of a name; what a person would write is among the first.
_MOST = 4


def syllables_of(rows: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Character to its readings, from a table of syllables and their characters."""
    found: dict[str, tuple[str, ...]] = {}
    for syllable, characters in rows.items():
        for character in characters:
            found[character] = (*found.get(character, ()), syllable)
    return found


def spellings(name: str, syllables: Mapping[str, tuple[str, ...]]) -> tuple[set[str], set[str]]:
    """Whole and initial spellings of a name; none where a character is neither in the table nor a Latin letter."""
    readings = [syllables.get(character, (character,) if character.isascii() and character.isalpha() else ()) for character in name]
    if not all(readings):
        return set(), set()
    ways = list(islice(product(*readings), _MOST))
    return {"".join(way).lower() for way in ways}, {"".join(part[0] for part in way).lower() for way in ways}

"""Characters that stand for another: traditional forms, radicals, compatibility forms, private-use code points of GBK, dots and dashes.

The tables are data (`character_tables/`), each row with its source. Traditional characters are simplified for look-ups only (names keep them);
the other forms are never meant, so they are replaced wherever a name is stored.
"""

import csv
import unicodedata
from functools import lru_cache
from pathlib import Path

_TABLES = Path(__file__).with_name("character_tables")
# Compatibility ideographs, whose unified ideograph Unicode's own normalization knows.
_COMPATIBILITY = ((0xF900, 0xFADA), (0x2F800, 0x2FA1E), (0x3038, 0x303B))

# A class of what `unified` may replace.
OTHER_FORMS = "\u2e80-\u2fdf\u3038-\u303a\u31c0-\u31ef\uf900-\ufaff\U0002f800-\U0002fa1f\ue000-\uf8ff"


@lru_cache(maxsize=1)
def simplified() -> dict[str, str]:
    """The traditional characters of whatever the standard writes in Chinese. One that a code list writes itself (乾安县) is not among them."""
    return {row["traditional"]: row["simplified"] for row in _rows("traditional")}


@lru_cache(maxsize=1)
def lookup_characters() -> tuple[str, str]:
    """The same as two strings of equal length."""
    return "".join(simplified()), "".join(simplified().values())


@lru_cache(maxsize=1)
def unified() -> tuple[str, str]:
    """Characters that are another form of a unified ideograph, and that ideograph, as two strings of equal length."""
    pairs = {chr(int(row["code_point"], 16)): row["character"] for row in _rows("equivalent")}
    for start, end in _COMPATIBILITY:
        for character in map(chr, range(start, end)):
            form = unicodedata.normalize("NFKC", character)
            if len(form) == 1 and form != character:
                pairs.setdefault(character, form)
    # A private-use code point may stand for a radical, which in turn stands for an ideograph.
    pairs |= {chr(int(row["private_use"], 16)): pairs.get(row["character"], row["character"]) for row in _rows("private_use")}
    return "".join(pairs), "".join(pairs.values())


def characters_of(table: str, key: str, value: str) -> dict[str, str]:
    """Two columns of a table of characters."""
    return {row[key]: row[value] for row in _rows(table)}


def _rows(name: str) -> list[dict[str, str]]:
    with (_TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))

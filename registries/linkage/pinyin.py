"""How Han characters are read, without tones: names that sound alike are written alike by who only heard them.

The readings are those of pypinyin; a character with several has its most usual one, the same on both sides of a comparison.
"""

import unicodedata
from functools import lru_cache

from core.engine import Engine, quote

# The marks of ü stand apart from the tones: lü and lu are two syllables.
_UMLAUT = "\u0308"


@lru_cache(maxsize=1)
def readings() -> dict[str, str]:
    """The usual reading of every Han character that has one, in plain letters."""
    from pypinyin.pinyin_dict import pinyin_dict

    return {chr(point): without_tone(found.split(",")[0]) for point, found in pinyin_dict.items()}


def without_tone(syllable: str) -> str:
    """`lǜ` → `lv`, as it is typed; `zhōng` → `zhong`."""
    plain = "".join(mark for mark in unicodedata.normalize("NFD", syllable) if mark == _UMLAUT or not unicodedata.combining(mark))
    return plain.replace(f"u{_UMLAUT}", "v").replace(_UMLAUT, "")


def syllables(engine: Engine, relation: str, column: str) -> str:
    """SQL for each different text of a column and its `syllables` in one, small letters; a name in Latin letters is its own reading."""
    import pyarrow as pa

    table = readings()
    engine.register("_readings", pa.table({"character": list(table), "syllable": list(table.values())}))
    texts = f"SELECT DISTINCT {quote(column)} AS text FROM {relation}"
    places = "SELECT text, unnest(string_split(text, '')) AS character, generate_subscripts(string_split(text, ''), 1) AS place"
    return (
        f"SELECT text AS {quote(column)}, string_agg(coalesce(syllable, lower(character)), '' ORDER BY place) AS syllables "
        f"FROM ({places} FROM ({texts})) LEFT JOIN _readings USING (character) GROUP BY text"
    )

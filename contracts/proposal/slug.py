"""What a table is called within the id of its dataset."""

import re
from hashlib import sha256

from contracts.proposal.pinyin import spelled
from contracts.proposal.vocabulary import load_syllables

_HAN, _DAY, _LONGEST = "[\u3400-\u9fff]", re.compile("(?:19|20)[0-9]{2}(?:[0-9]{2}){0,2}"), 60


def slug_of(name: str, *, is_file: bool) -> str:
    """A name that can be part of an id: Latin words, small, and Chinese ones as they are spelled; of a file without the day of its delivery."""
    words = [_latin(word) for word in re.findall(f"[a-z0-9]+|{_HAN}+", name.rpartition(".")[2].lower())]
    words = words[1:] if len(words) > 1 and words[0] in ("t", "tb", "tbl", "v", "dwd", "ods") else words
    words = words[:-1] if is_file and len(words) > 1 and _DAY.fullmatch(words[-1]) else words
    return "_".join(words).lstrip("0123456789_")[:_LONGEST].rstrip("_") or "table"


def _latin(word: str) -> str:
    """A word in Latin letters. Characters that nobody here can spell must not make two names one: then the word's digest tells them apart."""
    if word.isascii():
        return word
    text, is_whole = spelled(word, load_syllables())
    return text if is_whole else f"{text or 'table'}_{sha256(word.encode()).hexdigest()[:6]}"

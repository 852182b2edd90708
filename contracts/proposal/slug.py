"""What a table is called within the id of its dataset."""

import re
from hashlib import sha256

_HAN, _DAY, _LONGEST = "[\u3400-\u9fff]", re.compile("(?:19|20)[0-9]{2}(?:[0-9]{2}){0,2}"), 60


def slug_of(name: str, *, is_file: bool) -> str:
    """A name that can be part of an id: Latin words, small, and Chinese ones as they are spelled; of a file without the day of its delivery."""
    words = [_latin(word) for word in re.findall(f"[a-z0-9]+|{_HAN}+", name.rpartition(".")[2].lower())]
    words = words[1:] if len(words) > 1 and words[0] in ("t", "tb", "tbl", "v", "dwd", "ods") else words
    words = words[:-1] if is_file and len(words) > 1 and _DAY.fullmatch(words[-1]) else words
    slug = "_".join(words).lstrip("0123456789_")
    return _told_apart(slug[: _LONGEST - 7], slug) if len(slug) > _LONGEST else slug.rstrip("_") or "table"


def _latin(word: str) -> str:
    """A word in Latin letters; of characters that nobody can spell, its digest tells it apart."""
    if word.isascii():
        return word
    from pypinyin import lazy_pinyin

    spelled = "".join(lazy_pinyin(word))
    return spelled if spelled.isascii() else _told_apart(re.sub("[^a-z]", "", spelled) or "table", word)


def _told_apart(text: str, whole: str) -> str:
    """What is left of a name, with its digest: two names must not become one."""
    return f"{text.rstrip('_')}_{sha256(whole.encode()).hexdigest()[:6]}"

"""Texts that a program spoiled on the way and that can be turned back without loss: character references, escapes, wrong decodings.

None of this can be said as an expression of an engine, so it runs on the few distinct texts that look like it, before anything else reads them.
"""

import html
import re
from collections.abc import Iterable

from standards.patterns import BLANK, INVISIBLE, MISREAD_START

_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_HIGH = re.compile("[\u0080-\u00ff]")
_HAN = re.compile("[〇㐀-䶿一-鿿]")
# What may stand beside Han characters in a text of a Chinese register.
_PLAIN = re.compile("[ -~〇㐀-䶿一-鿿·、。，：；（）《》〔〕—－０-９Ａ-Ｚａ-ｚ\u3000]*")
# What is invisible and in no text, and the full-width forms of what is ASCII.
_FOREIGN = re.compile(f"[{INVISIBLE}]")
_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x3000: 0x20}
# Names of other countries, in the letters of their languages.
_LATIN = re.compile("[ -~\u00a0-\u024f]*")
# What stands around a value that was not spoiled with it: a mark of the byte order, quotes, labels, line ends.
_FRAME = re.compile(f'^([{INVISIBLE}{BLANK}\'"=]*(?:[㐀-䶿一-鿿]{{2,12}}[:：][{BLANK}\'"=]*)*)(.*?)([{INVISIBLE}{BLANK}"]*)\\Z', re.DOTALL)
# Whether a text may be one that can be turned back; portable, so that an engine can look for them.
MISREAD = f"(?:^|[:：'\"={BLANK}{INVISIBLE}])[{MISREAD_START}]"
SUSPICIOUS = f"{MISREAD}|[\u0080-\u00ff]|&[#a-zA-Z]|\\\\u[0-9a-fA-F]{{4}}"
_SUSPICIOUS = re.compile(SUSPICIOUS)


def restored(text: str) -> str:
    """The text as it was before it was spoiled, once or several times over; the text itself where nothing says that it was."""
    before = _restored_once(text)
    while before != text:  # every step makes the text shorter
        text, before = before, _restored_once(before)
    return text


def _restored_once(text: str) -> str:
    if not _SUSPICIOUS.search(text):
        return text
    plain = _without_escapes(html.unescape(text) if _REFERENCE.search(text) else text)
    if (whole := _decoded(plain)) is not None:
        return whole
    return _FRAME.sub(lambda found: found[1] + (_decoded(found[2]) or found[2]) + found[3], plain)


def restored_texts(texts: Iterable[str]) -> dict[str, str]:
    """Those of the texts that were spoiled, with what they were."""
    found = ((text, restored(text)) for text in texts)
    return {text: before for text, before in found if before != text}


def _without_escapes(text: str) -> str:
    r"""Decode `\uXXXX`, pairs of surrogates included; a half of a pair leaves the text as it is."""
    decoded = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    try:
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeError:
        return text


def _decoded(text: str) -> str | None:
    """The text in its own encoding, where it was read in another one and the result is Chinese beyond doubt."""
    if (before := _reread(text, "gbk", "utf-8")) and len(_HAN.findall(before)) > 1 and _PLAIN.fullmatch(before):
        return before
    if not _HIGH.search(text):
        return None
    # What else came between the bytes is tried without.
    return _from_bytes(text) or _from_bytes(_FOREIGN.sub("", text.translate(_WIDTH)))


def _from_bytes(text: str) -> str | None:
    given = _single_bytes(text)
    if given is None:
        return None
    if (before := _as(given, "utf-8")) and (_PLAIN.fullmatch(before) or _LATIN.fullmatch(before)):
        return before
    before = _as(given, "gb2312")
    return before if before and _PLAIN.fullmatch(before) and _is_chinese(text, before) else None


def _is_chinese(text: str, before: str) -> bool:
    # Two accented letters in a row occur in names of other languages; four do not, nor two without any plain letter around them.
    return len(_HAN.findall(before)) > 1 or (bool(_HAN.search(before)) and not re.search("[A-Za-z]", text))


def _single_bytes(text: str) -> bytes | None:
    """The bytes of a text that was read one byte a character, as Latin-1 or as Windows-1252, which fills the gap of the control characters."""
    found = bytearray()
    for character in text:
        if ord(character) < 0x100:
            found.append(ord(character))
            continue
        try:
            found += character.encode("cp1252")
        except UnicodeError:
            return None
    return bytes(found)


def _reread(text: str, wrong: str, right: str) -> str | None:
    try:
        return text.encode(wrong).decode(right)
    except UnicodeError:
        return None


def _as(given: bytes, encoding: str) -> str | None:
    try:
        return given.decode(encoding)
    except UnicodeError:
        return None

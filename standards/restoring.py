"""Texts that a program spoiled on the way and that can be turned back without loss: character references, escapes, wrong decodings.

None of this can be said as an expression of an engine, so it runs on the few distinct texts that look like it, before anything else reads them.
What was spoiled and has lost something comes out with U+FFFD in the place of it, and is refused wherever it is read.
"""

import html
import re
from collections.abc import Iterable

from standards.patterns import HAN, INVISIBLE, MISREAD_START

_REFERENCE = re.compile(r"&(?:#[0-9]{2,7};?|#[xX][0-9a-fA-F]{2,6};?|[a-zA-Z][a-zA-Z0-9]{1,30};)")
_ESCAPE = re.compile(r"\\{1,2}u([0-9a-fA-F]{4})")
_HIGH = re.compile("[\u0080-\u00ff]")
_HAN = re.compile(f"[{HAN}]")
# What may stand beside Han characters in a text of a Chinese register.
_BESIDE = "\\x00-~·•—–―－…、。，：；？！“”‘’（）《》【】〔〕￥０-９Ａ-Ｚａ-ｚ\u3000\u00a0\ufeff"
_PLAIN = re.compile(f"[{HAN}{_BESIDE}]*")
# Names of other countries, in the letters of their languages.
_LATIN = re.compile("[ -~\u00a0-\u024f]*")
# Characters that Windows-1252 has where Latin-1 has control characters: a text read so is a mixture of both.
_WINDOWS = {bytes((byte,)).decode("cp1252"): byte for byte in range(0x80, 0xA0) if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_SINGLE = re.compile(f"[\\x00-\u00ff{''.join(_WINDOWS)}]+")
_LOST, _BYTE_ORDER = "\ufffd", "\ufeff"
# Whether a text may be one that can be turned back; portable, so that an engine can look for them.
MISREAD = f"[{MISREAD_START}]"
SUSPICIOUS = f"{MISREAD}|[\u0080-\u00ff]|&[#a-zA-Z]|\\\\u[0-9a-fA-F]{{4}}"
_SUSPICIOUS = re.compile(SUSPICIOUS)
# Characters without width that may stand within; a soft hyphen may be half of a Han character.
_UNSEEN = re.compile(f"[{INVISIBLE}]".replace("\u00ad", ""))
_LABELED = re.compile("[:：=]")
_ROUNDS = 8


def restored(text: str) -> str:
    """The text as it was before it was spoiled, perhaps more than once; the text itself where nothing says that it was."""
    if not _SUSPICIOUS.search(text):
        return text
    text = _UNSEEN.sub("", text)
    for _ in range(_ROUNDS):
        if not _SUSPICIOUS.search(text):
            break
        before = _restored(text)
        if before == text:
            break
        text = before
    return text


def _restored(text: str) -> str:
    plain = _without_escapes(html.unescape(text) if _REFERENCE.search(text) else text)
    return _decoded(plain) or plain


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
    if before := _from_gbk(text):
        return before
    if not _HIGH.search(text):
        return None
    value = _LABELED.split(text)[-1]
    # Beside characters that were read rightly a mark (··, ××) is a mark, and beside plain letters two accented ones may belong to a name.
    least = 2 if _HAN.search(value) or re.search("[A-Za-z]", value) else 1
    return _SINGLE.sub(lambda part: _from_single_bytes(part[0], least), text)


def _from_gbk(text: str) -> str | None:
    """What UTF-8 that was read as GBK was: two Han characters at least, since one may come about by chance. What was lost is U+FFFD."""
    if _LOST in text:
        return None
    given = text.encode("gb18030", "replace")
    before = given.decode("utf-8", "replace")
    kept = before.replace(_LOST, "")
    is_enough = len(_HAN.findall(kept)) >= max(2, before.count(_LOST))
    # The dot reads as a usual character (路), so a text does not begin with it; nor does one that begins rightly go on wrongly.
    return before if is_enough and before[0] not in ("·", _LOST) and _is_plain(kept) else None


def _is_plain(text: str) -> bool:
    """Whether a text is Chinese, and its characters mostly the usual ones: rare ones come about by chance."""
    han = _HAN.findall(text)
    usual = sum(_as_bytes(character, "gb2312") is not None for character in han)
    return bool(han) and 2 * usual >= len(han) and bool(_PLAIN.fullmatch(text))


def _from_single_bytes(text: str, least: int) -> str:
    """What UTF-8 or GBK that was read one byte a character was (of GBK so many pairs at least); the text itself where it was neither."""
    if not _HIGH.search(text):
        return text
    given = bytes(_WINDOWS.get(character, ord(character) & 0xFF) for character in text)
    before, chinese = _utf8(given), _as(given, "gb18030")
    if before and (_is_plain(before) or before == _BYTE_ORDER):
        return before
    if before and _SINGLE.fullmatch(before) and (twice := _from_single_bytes(before, least)) != before and _is_plain(twice):
        return twice
    # A name of another country has plain letters as well; a Han character in GBK looks like one of its accented letters in UTF-8.
    if before and _LATIN.fullmatch(before) and re.search("[A-Za-z]", text):
        return before
    if chinese and _is_plain(chinese) and _is_chinese(given, least):
        return chinese
    return before if before and before.endswith(_LOST) and _is_plain(before.rstrip(_LOST)) else text


def _utf8(given: bytes) -> str | None:
    """UTF-8 as text; where the end of its last character was cut off, with U+FFFD there."""
    try:
        return given.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut = error.reason == "unexpected end of data" and error.start >= len(given) - 2
        return given[: error.start].decode("utf-8") + _LOST if is_cut else None


def _is_chinese(given: bytes, least: int) -> bool:
    """Whether there are enough pairs of bytes as GB 2312 has them, and not one mark over and over."""
    pairs = re.findall(rb"[\xa1-\xfe]{2}", given)
    return len(pairs) >= least and len(set(b"".join(pairs))) > least


def _as(given: bytes, encoding: str) -> str | None:
    try:
        return given.decode(encoding)
    except UnicodeError:
        return None


def _as_bytes(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeError:
        return None

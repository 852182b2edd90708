"""Text of unknown encoding as a stream of UTF-8.

Chinese departments deliver UTF-8 with or without a byte-order mark and GB18030 (GB 18030-2022), sometimes with bytes that belong to
neither. Text of two bytes a character (UTF-16) is known by its mark, or else by its zeros. A file is UTF-8 if it decodes; if it does not,
it is still UTF-8 when only few of its characters are damaged, else GB18030. Damaged bytes become U+FFFD, so that only their value is refused.
"""

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connectors.extraction import Note
from connectors.files.drop import DeliveredFile, open_bytes
from core.nouns import noun

_BLOCK = 1 << 20
# Of those that begin alike the longer first. That of GB18030 is U+FEFF as four bytes (GB 18030-2022, 5.2).
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"\x84\x31\x95\x33": "gb18030",
}
_UTF8 = ("utf-8", "utf-8-sig")
# Chinese in GB18030 read as UTF-8 is damaged nearly everywhere, and hardly ever a character of three bytes, as Chinese is in UTF-8; a UTF-8
# file cut by a careless export has a few such places, which may be many for a short one.
_LARGEST_DAMAGE, _LARGEST_DAMAGE_OF_WIDE = 0.1, 0.5
_ENOUGH = 100_000  # characters beyond ASCII that tell the two apart
_WIDE = re.compile("[\u0800-\U0010ffff]")
# Single zeros are damage, and several in a row fill something up; of two bytes a character every delimiter, digit and end of a line has one.
_LOOKED_AT, _FEWEST_ZEROS, _LEAST_ZEROS = 4096, 4, 0.02
REPLACEMENT = "\ufffd"
_HALF = re.compile("[\ud800-\udfff]")
STILL_WRITTEN = "it may be damaged or still being written; try again, then ask the department for the delivery again"


@dataclass(frozen=True)
class Encoding:
    """How a file is to be decoded; `clean` means that it is UTF-8 throughout and can be passed on as it is."""

    name: str
    mark: bytes = b""
    clean: bool = False


def find_encoding(path: DeliveredFile, declared: str | None) -> Encoding:
    """The encoding that a byte-order mark names, else the declared one, else the one that the bytes show; reads the file once."""
    with open_bytes(path) as file:
        start = file.read(_LOOKED_AT)
    mark = next((mark for mark in _MARKS if start.startswith(mark)), b"")
    # A mark is no text in any other encoding: who declared one is told by it that the department has changed its export.
    if _MARKS.get(mark, "utf-8") != "utf-8":
        return Encoding(_MARKS[mark], mark)
    if declared and not mark and codecs.lookup(declared).name not in _UTF8:
        return Encoding(declared)
    if not mark and (wide := _wide_encoding(start)) and decodes(path, wide):
        return Encoding(wide)
    if decodes(path, "utf-8"):
        return Encoding("utf-8", mark, clean=True)
    if mark and declared and codecs.lookup(declared).name not in _UTF8:
        return Encoding(declared, mark)  # some programs put the mark before whatever they write
    return Encoding("utf-8" if declared or mark or is_cut(_blocks(path)) else "gb18030", mark)


def _wide_encoding(start: bytes) -> str | None:
    """The encoding of two bytes a character that a file without a mark shows by the ends of its lines; no character is written as one turned."""
    if start.count(0) < max(_FEWEST_ZEROS, _LEAST_ZEROS * len(start)) or b"\0\0\0" in start:
        return None
    pairs = [start[place : place + 2] for place in range(0, len(start) - 1, 2)]
    found = [name for name, end in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")) if end in pairs]
    return found[0] if len(found) == 1 else None


class Utf8Stream(io.RawIOBase):
    """The file from behind its byte-order mark, as valid UTF-8; counts what it could not decode and the quotation marks it passed on."""

    def __init__(self, path: DeliveredFile, encoding: Encoding) -> None:
        self.damaged = 0
        self.quotes = 0
        self._file = open_bytes(path)
        self._file.read(len(encoding.mark))
        self._decoder = None if encoding.clean else codecs.getincrementaldecoder(encoding.name)("replace")
        self._buffer = b""
        self._ended = False

    def readable(self) -> bool:
        """Whether it can be read from, as io asks."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        parts, wanted = [], size if size >= 0 else _BLOCK
        while wanted > 0 and (self._buffer or not self._ended):
            if not self._buffer:
                self._buffer = self._next_block()
            part, self._buffer = self._buffer[:wanted], self._buffer[wanted:]
            parts.append(part)
            wanted -= len(part)
        data = b"".join(parts)
        self.quotes += data.count(b'"')
        return data

    def skip(self, size: int) -> None:
        """Pass over what stands before the data, without counting it."""
        self.read(size)
        self.quotes = 0

    def at_end(self) -> bool:
        """Whether nothing is left."""
        while not self._buffer and not self._ended:
            self._buffer = self._next_block()
        return not self._buffer

    def close(self) -> None:
        """Close the file below as well."""
        self._file.close()
        super().close()

    def _next_block(self) -> bytes:
        data = self._file.read(_BLOCK)
        self._ended = not data
        if self._decoder is None:
            return data
        text = self._decoder.decode(data, self._ended)
        self.damaged += text.count(REPLACEMENT)
        try:
            return text.encode()
        except UnicodeEncodeError:
            # UTF-7 and its like can hold halves of characters, which no text may have.
            text, halves = _HALF.subn(REPLACEMENT, text)
            self.damaged += halves
            return text.encode()


def damage(damaged: int, encoding: str, name: str) -> list[Note]:
    """What is told of a file in which so many places are no characters."""
    return [Note("undecodable", f"{damaged} {noun(damaged, 'place is', 'places are')} not {encoding}", damaged, name)] if damaged else []


def _blocks(path: DeliveredFile) -> Iterator[bytes]:
    with open_bytes(path) as file:
        while block := file.read(_BLOCK):
            yield block


def decodes(path: DeliveredFile, encoding: str) -> bool:
    """Whether all bytes of a file are text in an encoding; reads it once."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def is_cut(blocks: Iterable[bytes]) -> bool:
    """Whether bytes that are not all UTF-8 are UTF-8 damaged in places, by their first characters beyond ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    damaged = beyond = wide = 0
    for block in blocks:
        text = decoder.decode(block)
        damaged += text.count(REPLACEMENT)
        beyond += len(text) - len(text.encode("ascii", "ignore"))
        wide += len(_WIDE.findall(text))
        if beyond >= _ENOUGH:
            break
    damaged += len(decoder.decode(b"", True))  # a character that the end cuts in two
    return damaged <= _LARGEST_DAMAGE * beyond or damaged <= _LARGEST_DAMAGE_OF_WIDE * wide

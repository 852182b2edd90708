"""What a regular expression of a definition may hold, so that RE2 (DuckDB), Java (Spark) and Python read it alike.

Held against the text, as loading an engine for it would cost more than reading the whole standard; tests hold the verdict against DuckDB.
"""

import re
from collections.abc import Iterator
from string import punctuation

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPED = {*punctuation, *"dDsSwWbBtnrf "} - {"_"}  # RE2 refuses other escapes, or means something else by them
_CLASS = re.compile(r"\[\^?(?P<start>\]?)(?P<members>[^\]]*)(?:\]|$)")
_NESTED = re.compile(r"\[|&&|--|~~|\|\|")
_BOUNDARY_IN_CLASS = re.compile(r"\[(?:\\[^bB]|[^\]\\])*\\[bB]")
_REPEATED = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_TOKEN = re.compile(f"{_REPEATED.pattern}|.", re.DOTALL)
_MOST_REPEATED = 1000  # of RE2, repetitions inside one another multiplied


def not_portable(pattern: str) -> str | None:
    """Why a pattern cannot be used on every engine; None where it can."""
    plain = _ESCAPE.sub("_", pattern)
    if any(found["start"] or _NESTED.search(found["members"]) for found in _CLASS.finditer(plain)):
        return "brackets and doubled signs inside a class are not read alike by every engine: put a backslash before them"
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression: {error}"
    return next(_foreign(pattern, _CLASS.sub("_", plain)), None)


def _foreign(pattern: str, outside: str) -> Iterator[str]:
    """What Python reads and another engine does not; `outside` is the pattern without escapes and classes."""
    for escape in _ESCAPE.findall(pattern):
        if escape not in _ESCAPED and escape[0] != "x":
            yield f"\\{escape} is not read alike by every engine: write the character itself, or a class"
    if _BOUNDARY_IN_CLASS.search(pattern):
        yield "\\b inside a class is not read alike by every engine"
    if re.search(r"\(\?(?!:)", outside):
        yield "look-around, named groups and flags are not read by every engine: only (…) and (?:…) are"
    if re.search(r"[*+?}]\+", outside):
        yield "a + behind another repetition is not read by every engine"
    if "{" in _REPEATED.sub("", outside):
        yield "a brace without numbers is not read alike by every engine: put a backslash before it, or write {0,n} for at most n"
    if (most := _most_repeated(outside)) > _MOST_REPEATED:
        yield f"repeats {most:,} times, and RE2 no more than {_MOST_REPEATED:,}"


def _most_repeated(outside: str) -> int:
    """The largest product of repetitions inside one another."""
    groups, last = [1], 1
    for token in _TOKEN.finditer(outside):
        if token[0] == "(":
            groups.append(1)
            continue
        last = groups.pop() if token[0] == ")" else last * int(token[2] or token[1]) if token[1] else 1
        groups[-1] = max(groups[-1], last)
    return groups[0]

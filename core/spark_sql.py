"""Portable expressions as SQL of Spark (`core/portable.py`): the few operations whose own meaning there is another one.

Java's regular expressions let `$` stand before a last line break and know other line breaks, further blanks and brackets within brackets;
Spark writes groups as `$1`, makes two capitals of some letters, and raises where a list has no such place.
"""

import re
from functools import lru_cache
from typing import Any

from ibis.backends.sql.compilers.pyspark import PySparkCompiler

_PATTERN = re.compile(r"\\.|\[\^?\]?|\]|.", re.DOTALL)
_OUTSIDE = {"$": r"\z", ".": r"[^\n]", r"\s": r"[\t\n\f\r ]", r"\S": r"[^\t\n\f\r ]"}
_INSIDE = {"[": r"\[", "&": r"\&", r"\s": r"\t\n\f\r ", r"\S": r"[^\t\n\f\r ]"}


def spark_sql(expression: Any) -> str:
    """An expression as one line of Spark's SQL."""
    return str(_COMPILER.to_sqlglot(expression).sql(dialect=_COMPILER.dialect, copy=False))


def java_pattern(pattern: str) -> str:
    """A pattern of RE2 as Java writes it."""
    parts, inside = [], False
    for piece in _PATTERN.findall(pattern):
        opens = not inside and piece.startswith("[")
        parts.append(piece if opens else (_INSIDE if inside else _OUTSIDE).get(piece, piece))
        inside = opens or (inside and piece != "]")
    return "".join(parts)


def java_replacement(replacement: str) -> str:
    r"""A replacement with groups as `\1` as Java writes it; a digit behind a group is no part of its number."""
    plain = re.sub(r"[$]", r"\\$", replacement)
    return re.sub(r"\\([0-9])([0-9]?)", lambda found: f"${found[1]}" + (f"\\{found[2]}" if found[2] else ""), plain)


@lru_cache(maxsize=1)
def capitals() -> tuple[str, str]:
    """Every small letter that has one capital letter, and that letter, as two strings of equal length: as DuckDB knows them."""
    pairs = {chr(point): _capital(chr(point)) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF}
    pairs = {small: capital for small, capital in pairs.items() if small != capital}
    return "".join(pairs), "".join(pairs.values())


def _capital(letter: str) -> str:
    """Where a capital is written as two letters (ᾳ as ΑΙ), that of a title is one; ß has one since 2017."""
    if letter == "ß":
        return "ẞ"
    return next((form for form in (letter.upper(), letter.title()) if len(form) == 1), letter)


class _Compiler(PySparkCompiler):  # type: ignore[misc]
    """Ibis's own compiler but for the operations that mean something else on Spark."""

    def visit_RegexSearch(self, op: Any, *, arg: Any, pattern: Any) -> Any:  # noqa: N802
        return self.f.regexp_like(arg, java_pattern(op.pattern.value))

    def visit_RegexReplace(self, op: Any, *, arg: Any, pattern: Any, replacement: Any) -> Any:  # noqa: N802
        return self.f.regexp_replace(arg, java_pattern(op.pattern.value), java_replacement(op.replacement.value))

    def visit_Uppercase(self, op: Any, *, arg: Any) -> Any:  # noqa: N802
        return self.f.translate(arg, *capitals())

    def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: N802
        return self.f.anon.get(arg, index)


_COMPILER = _Compiler()

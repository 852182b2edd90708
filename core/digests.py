"""Digests: record ids, row digests and their sums, as SQL for the engine. The key is a bound parameter, never part of the text.

An id or digest is the first 128 bits of a sha256, carried as a UUID: 16 bytes in memory and in Parquet, and joins on it are integer
comparisons. Sums are taken modulo 2^128, so they do not depend on the order of rows.
"""

from collections.abc import Container, Sequence
from itertools import groupby

from core.engine import quote

SEPARATOR = "chr(31)"
ESCAPE = "chr(30)"
LOW_HALF = (1 << 64) - 1


def canonical_text(texts: Sequence[str | None], behind: Sequence[str] = (), plain: Container[str] = ()) -> str:
    """SQL for one text of several (SQL expressions) that no two different rows share: 0x1F between them, null ≠ empty, marks inside escaped.

    None is an expression that is null in every row: it stands in the text and costs nothing. Each of `behind` is a text that is no part of it
    where it is null: one without marks, or one that says its name (`named`). The texts in `plain` cannot have a mark in them, as dates and ids.
    """
    given = [text for text in texts if text is not None and text not in plain]
    unescaped = _joined([text and f"coalesce({text}, {ESCAPE} || 'n')" for text in texts], behind)
    if not given:
        return unescaped
    escaped = _joined([text and f"coalesce({_escaped(text)}, {ESCAPE} || 'n')" for text in texts], behind)
    # Hardly any row has a mark in it: one look at all its texts together saves two replacements of each.
    together = f"concat({', '.join(given)})"
    has_marks = f"contains({together}, {SEPARATOR}) OR contains({together}, {ESCAPE})"
    return f"CASE WHEN {has_marks} THEN {escaped} ELSE {unescaped} END"


def named(name: str, text: str) -> str:
    """SQL for a text to stand behind others, which no other text can be mistaken for: null where the text is null."""
    return f"({ESCAPE} || 'b{name}' || {ESCAPE} || 'v' || {_escaped(text)})"


def _escaped(text: str) -> str:
    return f"replace(replace({text}, {ESCAPE}, {ESCAPE} || 'e'), {SEPARATOR}, {ESCAPE} || 's')"


def _joined(parts: Sequence[str | None], behind: Sequence[str]) -> str:
    """SQL that joins the parts; those that are always null become constants, one for as many as follow each other."""
    absent = f"{ESCAPE} || 'n'"
    runs = [list(run) for _, run in groupby(parts, key=lambda part: part is None)]
    pieces = [piece for run in runs for piece in ([f" || {SEPARATOR} || ".join([absent] * len(run))] if run[0] is None else run)]
    return f"concat_ws({SEPARATOR}, {', '.join(map(str, [*pieces, *behind]))})"


def digest(text: str) -> str:
    """SQL for the first 128 bits of the sha256 of a text expression, as a UUID."""
    return f"unhex(substr(sha256({text}), 1, 32))::uuid"


def record_id(key_columns: Sequence[str]) -> str:
    """SQL for `_record_id`; the statement binds `$record_key` (the secret) and `$dataset`."""
    return digest(f"$record_key || {SEPARATOR} || $dataset || {SEPARATOR} || ({canonical_text([quote(column) for column in key_columns])})")


def row_digest(texts: Sequence[str | None], behind: Sequence[str] = (), plain: Container[str] = ()) -> str:
    """SQL for the digest of a row over text expressions, in their declared order; None where a column is null in every row.

    A row in which a text of `behind` is null has the digest that it has without it (see `canonical_text`).
    """
    return digest(canonical_text(texts, behind, plain))


def partition(texts: Sequence[str]) -> str:
    """SQL for the partition of a row by the texts of its key: the first byte of their sha256, as two hexadecimal digits.

    The hash has no key, so that a source can compute it as well; of eight bits nobody learns a value.
    """
    return f"substr(sha256({canonical_text(texts)}), 1, 2)" if texts else "'00'"


def digest_sums(uuid_column: str) -> str:
    """SQL for two exact sums (high and low 64 bits) of a UUID column; `core.sums.combine` makes one number of them."""
    # The engine has no direct way from a UUID to a number; this one takes a fifth of the way through its text.
    number = f"{uuid_column}::blob::bit::uhugeint"
    halves = (f"{number} >> 64", f"{number} & {LOW_HALF}::uhugeint")
    return ", ".join(f"coalesce(sum(({half})::ubigint), 0)::varchar" for half in halves)


def partition_sums(key_texts: Sequence[str], uuid_column: str) -> str:
    """SQL columns for a query grouped by the first of them: partition, rows, and the two sums of `digest_sums`."""
    return f"{partition(key_texts)} AS part, count(*), {digest_sums(uuid_column)}"

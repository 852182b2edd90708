"""What a source says of its own rows: how many they are and what they add up to, by its own engine, in the state that was read.

A row's canonical text is that of landing (`core.digests`): the texts that the source's engine writes for the values, in the contract's order,
0x1F between them, null ≠ empty. Its digest is the first 128 bits of the sha256, summed modulo 2^128 in each partition; a row's partition is the
first byte of the sha256 of its key's canonical text. So whatever happens between engine and landing shows in a partition.

Only values whose text says all of them are compared. A float's text is a rounding, bytes and documents have many texts: such columns are named
with the reason and are in no digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.model import Contract
from core.sums import MODULUS, Parts

FLOAT = "floating-point numbers have no text that says all of them"
BINARY = "binary content has no canonical text"
MIXED = "the column holds floating-point numbers or binary content"
THROTTLED = "the contract limits how fast the source may be read, and a digest reads it once more"
NOT_WANTED = "the contract says that the source computes none (reading.source_digest)"
NOTHING_LEFT = "none of the columns can be compared"
COUNTS_ONLY = "the source only counts: for this kind of database no digest has been proven"
TOO_LONG = "computing it took longer than the contract allows a statement"


def no_text(kind: str) -> str:
    """Why a column of some other type is not compared."""
    return f"no canonical text has been fixed for the type {kind}"


@dataclass(frozen=True)
class DigestPlan:
    """Which columns a source digests, and those of them that tell its rows apart; why the others are left out."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    excluded: dict[str, str]


@dataclass(frozen=True)
class Claim:
    """A source's own account, by which `engine`, and how it is one `state` with the rows.

    `parts` is None where it has only counted, `rows` where not even that; `reason` then says why.
    """

    engine: str
    state: str
    rows: int | None
    plan: DigestPlan
    parts: Parts | None = None
    reason: str = ""


def plan_digest(contract: Contract, names: Sequence[str], excluded: Mapping[str, str]) -> DigestPlan:
    """The digest of a table whose columns `names` are read; `excluded` says of some why they cannot be compared."""
    mapped = [name for name in contract.source_columns if name in names]
    columns = tuple(name for name in mapped if name not in excluded)
    key = columns if contract.whole_row_is_key else tuple(name for name in contract.record_key if name in columns)
    return DigestPlan(columns, key, {name: excluded[name] for name in mapped if name in excluded})


def asks_digest(contract: Contract) -> bool:
    """Whether the contract lets a source be asked for digests."""
    if contract.reading.source_digest is None:
        return contract.reading.rows_per_second is None
    return contract.reading.source_digest


def no_digest(contract: Contract, plan: DigestPlan) -> str:
    """Why the source is not asked for digests; empty where it is."""
    if not asks_digest(contract):
        return THROTTLED if contract.reading.source_digest is None else NOT_WANTED
    return "" if plan.columns else NOTHING_LEFT


def joined(texts: Sequence[str], separator: str) -> str:
    """SQL for texts one behind the other, as a balanced tree: engines limit how deep an expression may be and how many arguments a function has."""
    if len(texts) == 1:
        return texts[0]
    middle = len(texts) // 2
    return f"({joined(texts[:middle], separator)} || {separator} || {joined(texts[middle:], separator)})"


def canonical(texts: Sequence[str], separator: str) -> str:
    """SQL for the canonical text of some columns; that of none is empty."""
    return joined(texts, separator) if texts else "''"


def added_up(rows: Iterable[tuple[str, int, Sequence[int]]], widths: Sequence[int]) -> dict[str, tuple[int, int]]:
    """Partitions of sums over pieces of a digest; `widths` are the pieces' bits, the highest first."""
    found = {}
    for part, count, sums in rows:
        total = 0
        for width, piece in zip(widths, sums, strict=True):
            total = (total << width) + piece
        found[part] = (count, total % MODULUS)
    return found

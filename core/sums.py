"""Sums of digests, as numbers: of all rows, and by partition of the key. Nothing here asks an engine.

Sums are taken modulo 2^128, so they do not depend on the order of rows.
"""

from collections.abc import Mapping

# Rows and sum of digests of a partition, by its two hexadecimal digits; a partition without rows is not there.
Parts = Mapping[str, tuple[int, int]]
MODULUS = 1 << 128
EMPTY = "0" * 32
# The sum of few rows can be guessed by trying what those rows may say: nothing with fewer leaves the hub.
LEAST_ROWS = 100


def combine(high: str, low: str) -> int:
    """Join the two sums of `digest_sums` into one number modulo 2^128."""
    return ((int(high) << 64) + int(low)) % MODULUS


def folded(parts: Parts, bits: int) -> dict[str, tuple[int, int]]:
    """The partitions by the first `bits` (0 to 8) bits of theirs, each named by these bits, also those without rows."""
    found = {f"{number:0{bits}b}" if bits else "": (0, 0) for number in range(1 << bits)}
    for part, (rows, total) in parts.items():
        name = f"{int(part, 16):08b}"[:bits]
        before = found[name]
        found[name] = (before[0] + rows, (before[1] + total) % MODULUS)
    return found


def shown_parts(parts: Parts) -> dict[str, tuple[int, int]]:
    """The finest partitions of which none has too few rows to be shown; nothing where all rows together are too few.

    All of one fineness: if only the small ones were left out, the sum of all would give them away.
    """
    for bits in range(8, -1, -1):
        found = folded(parts, bits)
        if all(rows >= LEAST_ROWS for rows, _ in found.values()):
            return found
    return {}


def add(first: str, second: int) -> str:
    """Add to a stored digest (32 hexadecimal digits) modulo 2^128."""
    return f"{(int(first, 16) + second) % MODULUS:032x}"


def shown_digest(digest: object, rows: int | None) -> str | None:
    """The digest of a partition as it may be shown; None where it has too few rows."""
    return str(digest) if digest is not None and (rows or 0) >= LEAST_ROWS else None

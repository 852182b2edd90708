"""Whether everything arrived: what the source says of its rows, held against what landed, partition by partition."""

from collections.abc import Mapping
from typing import Any

from connectors.claim import Claim
from core.errors import SourceError
from core.nouns import noun
from core.sums import Parts

# What the two say of each other. Only the first says that nothing is missing in any column.
EQUAL, EQUAL_IN_PART, COUNTED, NOT_COMPARABLE, DIFFERENT = "equal", "equal in part", "counted", "not comparable", "different"
_SHOWN = 5

Written = dict[str, list[Any]]


def written(parts: Parts) -> Written:
    """Partitions as a manifest has them: rows, and the sum of digests as 32 hexadecimal digits."""
    return {part: [rows, f"{total:032x}"] for part, (rows, total) in sorted(parts.items())}


def unwritten(parts: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """The partitions of a manifest."""
    return {part: (int(rows), int(total, 16)) for part, (rows, total) in parts.items()}


def said(claim: Claim, landed: Parts, unreadable: int = 0) -> dict[str, Any]:
    """A manifest's entry about the source: its account, what landed of the same columns, and how they compare."""
    return {
        "engine": claim.engine,
        "state": claim.state,
        "rows": claim.rows,
        "columns": list(claim.plan.columns),
        "key": list(claim.plan.key),
        "not_comparable": dict(claim.plan.excluded),
        "reason": claim.reason,
        "partitions": None if claim.parts is None else written(claim.parts),
        "landed_partitions": None if claim.parts is None else written(landed),
        "verdict": verdict(claim, landed, unreadable),
    }


def verdict(claim: Claim, landed: Parts, unreadable: int = 0) -> str:
    """How a source's account compares with what was read, and of the columns that it speaks of with what landed."""
    if claim.rows is None:
        return NOT_COMPARABLE
    if claim.rows != sum(rows for rows, _ in landed.values()) + unreadable or (claim.parts is not None and differing(claim.parts, landed)):
        return DIFFERENT
    if claim.parts is None:
        return COUNTED
    return EQUAL_IN_PART if claim.plan.excluded else EQUAL


def differing(first: Parts, second: Parts) -> list[str]:
    """The partitions in which rows or digests differ."""
    return sorted(part for part in {*first, *second} if first.get(part, (0, 0)) != second.get(part, (0, 0)))


def in_words(first: Parts, second: Parts, names: tuple[str, str]) -> str:
    """Which partitions differ and by how many rows; empty where none does."""
    found = differing(first, second)
    counts = ", ".join(_partition(part, first, second, names) for part in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"partitions that differ: {counts}{more}" if found else ""


def _partition(part: str, first: Parts, second: Parts, names: tuple[str, str]) -> str:
    rows = first.get(part, (0, 0))[0], second.get(part, (0, 0))[0]
    return (
        f"{part} ({rows[0]:,} {noun(rows[0], 'row')}, other content)"
        if rows[0] == rows[1]
        else f"{part} ({names[0]} {rows[0]:,}, {names[1]} {rows[1]:,} {noun(rows[1], 'row')})"
    )


def check_complete(contract_id: str, manifest: Mapping[str, Any]) -> None:
    """Raise SourceError where what landed is not what the source says of the same state: something was lost or changed on the way."""
    source = manifest["source"]
    if source is None or source["verdict"] != DIFFERENT:
        return
    where = in_words(unwritten(source["partitions"] or {}), unwritten(source["landed_partitions"] or {}), ("source", "landed"))
    rows = f"{source['rows']} {noun(source['rows'], 'row')}"
    raise SourceError(
        f"{contract_id}: the source says {rows}, {manifest['read']} were read, and they are not the same ({where or 'only counted'})",
        hint="nothing of it was used; try again, and if it happens each time, report it with the type of the table's columns",
        transient=True,
    )

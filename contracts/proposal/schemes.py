"""Practices beside the code lists of the standard: the same digits with other meanings, or other digits (`schemes.csv`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from contracts.proposal.vocabulary import rows

UNKNOWN = "?"  # in a lookup: only the department can say


@dataclass(frozen=True)
class Scheme:
    """One way to read the codes of a column: where it is seen, and what its values then mean; empty where the list itself is meant."""

    name: str
    lookup: Mapping[str, str]
    rare: tuple[str, ...] = ()


def other_schemes(code_list: str) -> tuple[Scheme, ...]:
    """The practices beside a code list that are known."""
    return _schemes().get(code_list, ())


@lru_cache(maxsize=1)
def _schemes() -> dict[str, tuple[Scheme, ...]]:
    found: dict[str, tuple[Scheme, ...]] = {}
    for row in rows("schemes"):
        lookup = dict(pair.split(":") for pair in row["readings"].split())
        scheme = Scheme(row["scheme"], lookup, tuple(row["rare"].split()))
        found[row["code_list"]] = (*found.get(row["code_list"], ()), scheme)
    return found

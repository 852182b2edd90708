"""Clusters: which records are one entity, from what links them and what forbids it.

Links are taken strongest first: a person's word, then an identifier, then a model's by its score. A link that would bring two records
together which somebody keeps apart is left out, and so is a model's link between two different identifiers. So of every chain that
contradicts a veto, the weakest link is the one that gives way, whatever the order in which all became known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["human", "identifier", "model"]
STRENGTH: Mapping[Kind, int] = {"human": 0, "identifier": 1, "model": 2}


@dataclass(frozen=True)
class Link:
    """That a record is the same as another, or has an identifier (then `right` is a key).

    `since`: the number of the judgement; an identifier has none, and its links are taken by `rank`, the better source first.
    """

    kind: Kind
    left: str
    right: str
    score: float = 0.0
    since: int = 0
    rank: int = 0

    @property
    def order(self) -> tuple[int, float, int, int, str, str]:
        """A total order, strongest first."""
        return STRENGTH[self.kind], -self.score, self.rank, self.since, self.left, self.right


@dataclass(frozen=True)
class Cluster:
    """Records that are one entity: their keys (identifiers) as far as they have any, and the first judgement that put some together."""

    records: frozenset[str]
    keys: frozenset[str]
    first: Link | None


@dataclass(frozen=True)
class Clusters:
    """All clusters, and the links that were left out because they contradict a veto or an identifier."""

    found: Sequence[Cluster]
    left_out: Sequence[Link]


@dataclass(eq=False)
class _Growing:
    records: set[str]
    keys: set[str]
    vetoed: set[str] = field(default_factory=set)  # records that none of these may be together with
    first: Link | None = None


def cluster(records: Iterable[str], links: Iterable[Link], vetoes: Iterable[tuple[str, str]]) -> Clusters:
    """Put records together; each is in exactly one cluster."""
    place = {name: _Growing({name}, set()) for name in records}
    for left, right in vetoes:
        place[left].vetoed.add(right)
        place[right].vetoed.add(left)
    left_out = []
    for link in sorted(links, key=lambda item: item.order):
        if link.kind == "identifier":
            place.setdefault(link.right, _Growing(set(), {link.right}))
        one, other = place[link.left], place[link.right]
        if one is not other and _forbidden(link, one, other):
            left_out.append(link)
            continue
        _join(place, one, other, link)
    found = [Cluster(frozenset(item.records), frozenset(item.keys), item.first) for item in dict.fromkeys(place.values())]
    return Clusters(found, left_out)


def _forbidden(link: Link, one: _Growing, other: _Growing) -> bool:
    if link.kind == "model" and one.keys and other.keys:
        return True
    small, large = sorted((one, other), key=lambda item: len(item.vetoed))
    return not small.vetoed.isdisjoint(large.records)


def _join(place: dict[str, _Growing], one: _Growing, other: _Growing, link: Link) -> None:
    """The larger one takes the smaller one in."""
    small, large = sorted((one, other), key=lambda item: len(item.records))
    judged = [item for item in (one.first, other.first, None if link.kind == "identifier" else link) if item]
    large.first = min(judged, key=lambda item: item.since, default=None)
    if small is large:
        return
    for name in (*small.records, *small.keys):
        place[name] = large
    large.records |= small.records
    large.keys |= small.keys
    large.vetoed |= small.vetoed

"""Clusters against a naive one: every link is tried in its order, and reachability is worked out anew each time."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from registries.clusters import Cluster, Link, cluster

RECORDS, KEYS = "abcdefgh", "KLM"
PAIRS = st.tuples(st.sampled_from(RECORDS), st.sampled_from(RECORDS)).filter(lambda pair: pair[0] < pair[1])
JUDGED = st.builds(
    lambda kind, pair, score, since: Link(kind, *pair, score if kind == "model" else 0.0, since),
    st.sampled_from(["human", "model"]),
    PAIRS,
    st.sampled_from([0.9, 0.95, 0.99]),
    st.integers(1, 20),
)
IDENTIFIED = st.dictionaries(st.sampled_from(RECORDS), st.tuples(st.sampled_from(KEYS), st.integers(0, 2)))


def reachable(start: str, links: Iterable[Link]) -> frozenset[str]:
    seen, before = {start}, 0
    while len(seen) > before:
        before = len(seen)
        for link in links:
            if link.left in seen or link.right in seen:
                seen |= {link.left, link.right}
    return frozenset(seen)


def naive(links: list[Link], vetoes: list[tuple[str, str]], keys: Iterable[str]) -> list[Link]:
    """The links that are taken."""
    taken: list[Link] = []
    for link in sorted(links, key=lambda item: item.order):
        one, other = (reachable(name, taken) for name in (link.left, link.right))
        parted = any({left, right} <= one | other for left, right in vetoes)
        two_people = link.kind == "model" and not one.isdisjoint(keys) and not other.isdisjoint(keys)
        if one == other or not (parted or two_people):
            taken.append(link)
    return taken


@given(st.lists(JUDGED, max_size=14), IDENTIFIED, st.lists(PAIRS, max_size=5), st.randoms())
def test_clusters_are_those_of_the_naive_way_whatever_the_order(judged, identified, vetoes, dice) -> None:  # type: ignore[no-untyped-def]
    links = [*judged, *(Link("identifier", name, key, rank=rank) for name, (key, rank) in identified.items())]
    taken = naive(links, vetoes, KEYS)
    expected = {name: reachable(name, taken) for name in RECORDS}
    dice.shuffle(links)
    dice.shuffle(vetoes)
    found = cluster(RECORDS, links, vetoes)
    assert {name: item.records | item.keys for item in found.found for name in item.records} == expected
    assert sorted(map(repr, found.left_out)) == sorted(repr(link) for link in links if link not in taken)
    for item in found.found:
        judged_here = [link.since for link in taken if link.kind != "identifier" and link.left in item.records]
        assert (item.first.since if item.first else None) == min(judged_here, default=None)


def test_the_weakest_link_of_a_contradicting_chain_gives_way() -> None:
    chain = [Link("model", "a", "b", 0.99, 1), Link("model", "b", "c", 0.97, 2), Link("model", "c", "d", 0.98, 3)]
    found = cluster("abcd", chain, [("a", "d")])
    assert found.left_out == [chain[1]]
    assert {item.records for item in found.found} == {frozenset("ab"), frozenset("cd")}


def test_a_veto_inside_an_identifier_leaves_it_to_the_better_source() -> None:
    links = [Link("identifier", "a", "K", rank=2), Link("identifier", "b", "K", rank=1)]
    found = cluster("ab", links, [("a", "b")])
    assert Cluster(frozenset("b"), frozenset("K"), None) in found.found
    assert found.left_out == links[:1]

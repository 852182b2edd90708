"""Seeded dice: every choice in the city is a hash of the seed, the purpose and the number of the person, organization or certificate.

So a choice depends on nothing else: not on how many people there are, not on the order of the work, not on the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_STEPS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Dice:
    """Dice of one seed. `keys` are numbers of things; equal key and purpose give an equal roll."""

    seed: int

    def roll(self, purpose: str, keys: Ints) -> Hashes:
        """Return 64 well-mixed bits per key (splitmix64)."""
        salt = np.uint64(int.from_bytes(blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest(), "little"))
        mixed = keys.astype(np.uint64) * _GOLDEN + salt
        for shift, factor in _STEPS:
            mixed = (mixed ^ (mixed >> shift)) * factor
        return mixed ^ (mixed >> np.uint64(31))

    def share(self, purpose: str, keys: Ints) -> Floats:
        """Return a number in [0, 1) per key."""
        return (self.roll(purpose, keys) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def chance(self, purpose: str, keys: Ints, rate: float) -> Flags:
        """Return true for about `rate` of the keys."""
        return self.share(purpose, keys) < rate

    def below(self, purpose: str, keys: Ints, limit: int) -> Ints:
        """Return an integer in [0, limit) per key."""
        return (self.roll(purpose, keys) % np.uint64(limit)).astype(np.int64)

    def pick(self, purpose: str, keys: Ints, weights: Sequence[float]) -> Ints:
        """Return an index into `weights` per key, in proportion to the weights; what is missing to 1 goes to the last."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        edges = edges / edges[-1]
        return np.searchsorted(edges[:-1], self.share(purpose, keys), side="right").astype(np.int64)

    def kind(self, purpose: str, keys: Ints, rates: Sequence[float]) -> Ints:
        """Return the index of the one thing that happens to each key, or -1 for nothing: `rates` are absolute shares."""
        edges = np.cumsum(np.asarray(rates, dtype=np.float64))
        found = np.searchsorted(edges, self.share(purpose, keys), side="right").astype(np.int64)
        return np.where(found < len(edges), found, -1)

"""Reading an address into its kinds of element, as people labeled some thousands of others: a perceptron, averaged, from left to right.

Each character (a number and a Latin word count as one) is told from those around it and from the kind given to the one before.
"""

import gzip
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

ROUNDS = 6
_SIGN = re.compile(r"[0-9]+|[A-Za-z]+|\S")
# Which of the signs around one are looked at, each combination as one clue.
_AROUND = ((0,), (-1,), (1,), (-2,), (2,), (-3,), (3,), (-1, 0), (0, 1), (-2, -1), (1, 2), (-1, 1), (-1, 0, 1), (0, 1, 2), (-2, -1, 0))


class Element(NamedTuple):
    """A stretch of an address and its kind (prov, road, poi, houseno, …)."""

    kind: str
    text: str


def read_labeled(path: Path) -> list[list[tuple[str, str]]]:
    """Addresses of a file of signs and their labels, one a line, a blank line between addresses."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        blocks = stream.read().split("\n\n")
    rows = ([line.rsplit(" ", 1) for line in block.split("\n") if line.strip()] for block in blocks)
    return [[(sign, label.lower()) for sign, label in block] for block in rows if block]


class Reader:
    """Learned from labeled addresses; the same addresses teach the same."""

    def __init__(self, labeled: Sequence[Sequence[tuple[str, str]]]) -> None:
        self._labels = sorted({label for address in labeled for _, label in address})
        self._numbers = {label: place for place, label in enumerate(self._labels)}
        self._clues: dict[tuple[object, ...], int] = {}
        self._weights = self._taught(labeled)

    def read(self, address: str) -> list[Element]:
        """The elements of an address, in their order; together they are its text without blanks."""
        signs = _SIGN.findall(address)
        found: list[Element] = []
        before = ""
        for sign, clues in zip(signs, _clues(signs), strict=True):
            label = self._labels[int(np.argmax(self._weights[self._known(clues, before)].sum(axis=0)))]
            kind = label.partition("-")[2] or label
            if found and not label.startswith("b-") and found[-1].kind == kind:
                found[-1] = Element(kind, found[-1].text + sign)
            else:
                found.append(Element(kind, sign))
            before = label
        return found

    def _taught(self, labeled: Sequence[Sequence[tuple[str, str]]]) -> "npt.NDArray[np.float64]":
        prepared = [self._prepared(address) for address in labeled]
        shape = (len(self._clues) + 1, len(self._labels))
        weights, drift, step = np.zeros(shape), np.zeros(shape), 1
        chance = random.Random(1)  # noqa: S311  an order
        for _ in range(ROUNDS):
            chance.shuffle(prepared)
            for address in prepared:
                before = ""
                for clues, truth in address:
                    rows = self._known(clues, before)
                    guess = int(np.argmax(weights[rows].sum(axis=0)))
                    if guess != truth:
                        for label, change in ((truth, 1.0), (guess, -1.0)):
                            weights[rows, label] += change
                            drift[rows, label] += change * step
                    before = self._labels[truth]
                    step += 1
        averaged: npt.NDArray[np.float64] = weights - drift / step
        return averaged

    def _prepared(self, address: Sequence[tuple[str, str]]) -> list[tuple[list[tuple[object, ...]], int]]:
        labels = ["", *(label for _, label in address)]
        clues = _clues([sign for sign, _ in address])
        for found, before in zip(clues, labels, strict=False):
            for clue in _with_before(found, before):
                self._clues.setdefault(clue, len(self._clues) + 1)
        return [(found, self._numbers[label]) for found, (_, label) in zip(clues, address, strict=True)]

    def _known(self, clues: Iterable[tuple[object, ...]], before: str) -> list[int]:
        """Rows of the clues; row 0 is that of all unknown ones."""
        return [self._clues.get(clue, 0) for clue in _with_before(clues, before)]


def _clues(signs: Sequence[str]) -> list[list[tuple[object, ...]]]:
    shapes = ["0" if sign.isdecimal() else "A" if sign.isascii() and sign.isalpha() else sign for sign in signs]
    padded = [*"^^^", *shapes, *"$$$"]
    return [[(around, *(padded[place + step] for step in around)) for around in _AROUND] for place in range(3, len(signs) + 3)]


def _with_before(clues: Iterable[tuple[object, ...]], before: str) -> list[tuple[object, ...]]:
    listed = list(clues)
    return [*listed, ("before", before), ("before", before, *listed[0]), ("before", before, *listed[8])]

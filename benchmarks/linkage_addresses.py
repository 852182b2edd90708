"""Addresses of a directory for addresses that people wrote: which of a handful of candidates is the same place.

Pairs and their labels are those of a published competition. Every address is first cut into elements by a reader that has learned from other
addresses, which others labeled. The labels of one half of the queries teach the model; a candidate is taken where its score reaches the
threshold and beats the other candidates of its query by the margin.
"""

import gzip
import json
import os
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.address_reader import Reader, read_labeled
from benchmarks.address_texts import one_form, rarity, told
from benchmarks.linkage_trials import MODELS
from benchmarks.propose import Share, wilson
from core.engine import Engine
from core.settings import load_settings
from registries.linkage.labels import unlearned
from registries.linkage.model import Learned, LinkageModel, Parameters, read_model, rounded
from registries.linkage.prepare import prepare
from registries.linkage.scoring import score

if TYPE_CHECKING:
    import numpy.typing as npt

FULL, LEAST_F1, ROUNDS = "完全匹配", 0.60, 400
RIDGE, STEPS = 4.0, 25


@dataclass(frozen=True)
class Match:
    """Candidates taken, against those that the labels call the same place; with the 95 % interval of F1 over queries (bootstrap)."""

    half: str
    precision: Share
    recall: Share
    f1: float
    low: float
    high: float


def measure(data: Path) -> list[Match]:
    """The figures of both halves."""
    model = read_model(MODELS / "addresses.yml")
    with (
        TemporaryDirectory(prefix="govhub-addresses-") as home,
        Engine(load_settings({**os.environ, "HUB_HOME": home}), threads=1) as engine,
    ):
        _load(engine, data)
        prepare(engine, model, "given", "prepared", ("_dataset", "_record_id"))
        place = "JOIN prepared l ON l._record_id = asked AND l._dataset = 'asked' JOIN prepared r ON r._record_id = pair AND r._dataset = 'known'"
        engine.run(f"CREATE TABLE numbered AS SELECT pairs.*, l._row AS join_key_l, r._row AS join_key_r FROM pairs {place}")
        parameters = _learned(engine, model)
        engine.run("CREATE TABLE blocked AS SELECT join_key_l, join_key_r, '0' AS match_key FROM numbered")
        score(engine, model, parameters, "prepared", "blocked", "scored")
        rows = engine.rows(
            "SELECT half, asked, score, full_match FROM scored JOIN numbered ON join_key_l = left_row AND join_key_r = right_row ORDER BY pair"
        )
    return [_match(model, half, [row[1:] for row in rows if row[0] == half]) for half in ("training", "other")]


def _load(engine: Engine, data: Path) -> None:
    """Tables `pairs` (`pair`, `asked`, `half`, `full_match`) and `given`, the addresses of both sides."""
    import pyarrow as pa

    asked, pairs = [], []
    for place, query in enumerate(_queries(data)):
        asked.append({"_dataset": "asked", "_record_id": place, "residence_address": query["query"]})
        half = "training" if md5(query["query"].encode(), usedforsecurity=False).hexdigest()[0] < "8" else "other"
        pairs += [(place, half, found["text"], found["label"] == FULL) for found in query["candidate"]]
    known = [{"_dataset": "known", "_record_id": place, "residence_address": text} for place, (_, _, text, _) in enumerate(pairs)]
    engine.register("given", pa.Table.from_pylist(_read(data, [*asked, *known])))
    names = ("asked", "half", "text", "full_match")
    engine.register(
        "pairs", pa.Table.from_pylist([dict(zip(names, row, strict=True)) | {"pair": place} for place, row in enumerate(pairs)])
    )


def _queries(data: Path) -> Iterator[dict[str, Any]]:
    """All parts that are there: others than the one here may be kept apart, for whoever tries this on addresses that it was not made with."""
    for path in sorted((data / "cn_address").glob("address_pairs_*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield from map(json.loads, stream)


def _read(data: Path, addresses: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The addresses with what is compared of them, as a reader cuts them that has learned from other addresses."""
    reader = Reader(read_labeled(data / "cn_address" / "address_ner_train.txt.gz"))
    texts = {str(address["residence_address"]) for address in addresses}
    bits = rarity(map(one_form, texts))
    found = {text: told(text, reader.read(text), bits) for text in sorted(texts)}
    return [address | {"told_json": found[str(address["residence_address"])]} for address in addresses]


def _learned(engine: Engine, model: LinkageModel) -> Parameters:
    """What each level weighs, learned from the labels of one half: of all together, since comparisons of one text repeat one another."""
    engine.run("CREATE TABLE taught AS SELECT join_key_l, join_key_r, '0' AS match_key FROM numbered WHERE half = 'training'")
    score(engine, model, unlearned(model), "prepared", "taught", "levels")
    names = ", ".join(f"level_{item.id}" for item in model.comparisons)
    rows = engine.rows(
        f"SELECT full_match, {names} FROM levels JOIN numbered ON join_key_l = left_row AND join_key_r = right_row ORDER BY pair"
    )
    sizes = [len(item.levels) for item in model.comparisons]
    found = [[found == level for found, size in zip(row[1:], sizes, strict=True) for level in range(size)] for row in rows]
    *weights, prior = logistic(np.array(found, dtype=float), np.array([row[0] for row in rows], dtype=float)) / np.log(2)
    each = iter(weights)
    learned = {item.id: tuple(_level(next(each)) for _ in item.levels) for item in model.comparisons}
    return unlearned(model).model_copy(update={"prior": rounded(1 / (1 + 2.0**-prior)), "comparisons": learned})


def _level(weight: float) -> Learned:
    """A level that weighs so many bits."""
    return Learned(m=rounded(min(1.0, 2.0**weight)), u=rounded(min(1.0, 2.0**-weight)))


def logistic(given: "npt.NDArray[np.float64]", truth: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    """Weights of a logistic regression, in natural logarithms, and last the constant: by Newton's method, shrunk by RIDGE."""
    columns = np.column_stack([given, np.ones(len(given))])
    shrink = np.append(np.full(given.shape[1], RIDGE), 0.0)
    weights = np.zeros(len(shrink))
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-columns @ weights))
        slope = columns.T @ (truth - likely) - shrink * weights
        weights = weights + np.linalg.solve((columns.T * (likely * (1 - likely))) @ columns + np.diag(shrink), slope)
    return weights


def _match(model: LinkageModel, half: str, rows: Sequence[tuple[int, float, bool]]) -> Match:
    by_query: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for query, found, full in rows:
        by_query[query].append((found, full))
    counts = [_taken(model, candidates) for candidates in by_query.values()]
    right, taken, full = (sum(column) for column in zip(*counts, strict=True))
    chance = random.Random(1)  # noqa: S311  a bootstrap
    drawn = sorted(_f1(chance.choices(counts, k=len(counts))) for _ in range(ROUNDS))
    low, high = drawn[round(ROUNDS * 0.025)], drawn[round(ROUNDS * 0.975) - 1]
    return Match(half, wilson(right, taken), wilson(right, full), round(_f1(counts), 4), round(low, 4), round(high, 4))


def _taken(model: LinkageModel, candidates: Sequence[tuple[float, bool]]) -> tuple[int, int, int]:
    """Right ones, taken ones and full matches of one query."""
    thresholds = model.thresholds
    taken = [
        full
        for place, (found, full) in enumerate(candidates)
        if found >= thresholds.automatic and found >= _rival(candidates, place) + thresholds.margin
    ]
    return sum(taken), len(taken), sum(full for _, full in candidates)


def _rival(candidates: Sequence[tuple[float, bool]], place: int) -> float:
    return max((found for other, (found, _) in enumerate(candidates) if other != place), default=float("-inf"))


def _f1(counts: Sequence[tuple[int, int, int]]) -> float:
    right, taken, full = (sum(column) for column in zip(*counts, strict=True))
    return 2 * right / (taken + full) if taken + full else 0.0

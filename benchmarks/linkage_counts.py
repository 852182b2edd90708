"""One trial of linkage: trained on one half of the entities, counted on both.

An entity is in the training half or in the other by a digest of its true id. Training sees records of its half only; thresholds in the models
were chosen by its figures. All records are linked together, as they would be; a pair is of the training half where both of its records are.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from time import process_time

from benchmarks.linkage_peer import PEERS, find_by_peer
from benchmarks.linkage_trials import Trial
from benchmarks.propose import Share, wilson
from core.engine import Engine
from core.settings import load_settings
from registries.linkage.model import Trained, read_model
from registries.linkage.predict import predict_within
from registries.linkage.scoring import components
from registries.linkage.train import train

HALVES = ("training", "other")


@dataclass(frozen=True)
class Count:
    """Pairs of records that came to be of one entity, against the true ones. `review`: pairs that a person would be shown, and how many are true.

    The intervals take pairs for independent, which those of one entity are not quite.
    """

    trial: str
    half: str
    precision: Share
    recall: Share
    review: Share
    seconds: float


def measured(trial: Trial) -> list[Count]:
    """The figures of both halves: of the model, and of the peer where there is one."""
    with loaded(trial) as engine:
        began = process_time()
        link(engine, trial)
        found = count(engine, trial, process_time() - began)
        if trial.id in PEERS:
            began = process_time()
            find_by_peer(engine, trial.id)
            join(engine)
            found += count(engine, replace(trial, id=f"{trial.id}, Splink's example"), process_time() - began)
    return found


@contextmanager
def loaded(trial: Trial) -> Iterator[Engine]:
    """An engine with the table `records`: `_record_id`, `_half` and what the trial gives."""
    with (
        TemporaryDirectory(prefix="govhub-linkage-") as home,
        Engine(load_settings({**os.environ, "HUB_HOME": home}), threads=2) as engine,
    ):
        engine.run(
            "CREATE TABLE records AS SELECT row_number() OVER (ORDER BY r)::INTEGER AS _record_id, *, "
            f"CASE WHEN md5(_truth)[:1] < '8' THEN '{HALVES[0]}' ELSE '{HALVES[1]}' END AS _half FROM ({trial.records}) r"
        )
        yield engine


def link(engine: Engine, trial: Trial, threads: int = 2) -> None:
    """Train on the one half, predict on all, and put together: `found`, the scored pairs, and `clustered`."""
    model = read_model(trial.model)
    engine.run(f"CREATE VIEW to_train AS SELECT * FROM records WHERE _half = '{HALVES[0]}'")
    trained = Trained(model=model, parameters=train(engine, model, "to_train", trial.id))
    engine.run(f"SET threads = {threads}")
    predict_within(engine, trained, "records", "found")
    join(engine)


def join(engine: Engine) -> None:
    """Put together what the verdicts say is one: `component` of each record."""
    engine.run("CREATE OR REPLACE VIEW rows_of AS SELECT _record_id AS _row FROM records")
    engine.run(
        "CREATE OR REPLACE TABLE links AS SELECT left_record AS left_row, right_record AS right_row FROM found WHERE verdict = 'same'"
    )
    components(engine, "rows_of", "links", "joined")
    engine.run("CREATE OR REPLACE TABLE clustered AS SELECT records.*, component FROM records JOIN joined ON _row = _record_id")


def count(engine: Engine, trial: Trial, seconds: float) -> list[Count]:
    """The figures of both halves."""
    return [_count(engine, trial, half, seconds) for half in HALVES]


def _count(engine: Engine, trial: Trial, half: str, seconds: float) -> Count:
    counted = f"(CASE WHEN l._half = r._half THEN l._half ELSE '{HALVES[1]}' END) = '{half}'"
    if trial.across:
        counted += " AND l._dataset <> r._dataset"
    pair = "clustered l JOIN clustered r ON l._record_id < r._record_id AND"
    found, right = engine.row(
        f"SELECT count(*), count(*) FILTER (l._truth = r._truth) FROM {pair} l.component = r.component WHERE {counted}"
    )
    true = engine.value(f"SELECT count(*) FROM {pair} l._truth = r._truth WHERE {counted}")
    shown, worth = engine.row(
        "SELECT count(*), count(*) FILTER (l._truth = r._truth) FROM found JOIN clustered l ON l._record_id = left_record "
        f"JOIN clustered r ON r._record_id = right_record WHERE verdict = 'review' AND l.component <> r.component AND {counted}"
    )
    return Count(trial.id, half, wilson(right, found), wilson(right, true), wilson(worth, shown), round(seconds, 1))

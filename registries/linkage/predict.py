"""Prediction: scored pairs of records that may be of one entity. It learns nothing; what is compared with what is for the caller to say."""

from core.engine import Engine, quote
from registries.linkage.blocking import PassedOver, block
from registries.linkage.model import Trained
from registries.linkage.near import near
from registries.linkage.prepare import prepare
from registries.linkage.scoring import score
from registries.linkage.verdicts import decide

_CARRIED = ("_side", "_dataset", "_record_id", "_entity")


def predict(engine: Engine, model: Trained, left: str, right: str, into: str) -> list[PassedOver]:
    """Compare every record of `left` with those of `right`: relations with `_record_id`, `_dataset` and elements of the registry as columns.

    Either may have `_entity`: records that are known to be of one entity share it, and two values are two entities. So new records go to
    the left, and on the right those of the clusters that there are, which are not compared among themselves.

    The table `into` has a row per pair that reaches the threshold of review: `left_record`, `right_record`, `score` (bits), `verdict` (`same`
    where it is sure, else `review`), `rival` (the best score of what else the one or the other might be, null where there is nothing), and
    per comparison of the model `level_<id>` (its place among the levels, 0 the strongest; null where one side is missing) and `weight_<id>`
    (the bits it adds). Ordered by score, best first, then by record ids. Returns what blocking passed over.
    """
    with near(engine, model.model, left, right, f"{into}_near") as counted:
        return _predicted(engine, model, {1: left, 2: f"{into}_near"}, into, counted)


def predict_within(engine: Engine, model: Trained, records: str, into: str) -> list[PassedOver]:
    """The same for the different pairs of one relation, the smaller record id on the left."""
    return _predicted(engine, model, {1: records}, into)


def _predicted(engine: Engine, model: Trained, sides: dict[int, str], into: str, counted: str | None = None) -> list[PassedOver]:
    prepared, pairs, scored = f"{into}_prepared", f"{into}_pairs", f"{into}_scored"
    given = " UNION ALL BY NAME ".join(f"SELECT *, {side} AS _side FROM {relation}" for side, relation in sides.items())
    engine.run(f"CREATE OR REPLACE VIEW {into}_given AS {given}", doing="predicting links")
    prepare(engine, model.model, f"{into}_given", prepared, _CARRIED)
    passed = _pairs(engine, model, prepared, pairs) if len(sides) > 1 else block(engine, model.model, prepared, prepared, pairs)
    score(engine, model.model, model.parameters, prepared, pairs, scored, model.model.thresholds.review, counted)
    decide(engine, model.model, prepared, scored, f"{into}_decided")
    told = ", ".join(f"{quote(f'{kind}_{comparison.id}')}" for comparison in model.model.comparisons for kind in ("level", "weight"))
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT l._record_id AS left_record, r._record_id AS right_record, score, verdict, rival, {told} "
        f"FROM {into}_decided JOIN {prepared} l ON l._row = left_row JOIN {prepared} r ON r._row = right_row "
        f"{'WHERE l._side < r._side ' if len(sides) > 1 else ''}ORDER BY score DESC, left_record, right_record",
        doing="predicting links",
    )
    engine.run(f"DROP VIEW {into}_given")
    for table in (prepared, pairs, scored, f"{into}_decided"):
        engine.run(f"DROP TABLE {table}")
    return passed


def _pairs(engine: Engine, model: Trained, prepared: str, into: str) -> list[PassedOver]:
    """Pairs across the sides, and pairs within a dataset of records whose entity nobody knows: a duplicate is no rival."""
    views = {
        "across_l": "_side = 1",
        "across_r": "_side = 2",
        "unknown": "_entity IS NULL",
    }
    for name, condition in views.items():
        engine.run(f"CREATE OR REPLACE VIEW {into}_{name} AS SELECT * FROM {prepared} WHERE {condition}", doing="predicting links")
    passed = block(engine, model.model, f"{into}_across_l", f"{into}_across_r", into)
    block(engine, model.model, f"{into}_unknown", f"{into}_unknown", f"{into}_within", same=("_dataset", "_side"))
    engine.run(f"INSERT INTO {into} FROM {into}_within", doing="predicting links")
    engine.run(f"DROP TABLE {into}_within")
    for name in views:
        engine.run(f"DROP VIEW {into}_{name}")
    return passed

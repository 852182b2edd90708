"""Prediction: scored pairs of records that may be of one entity. It learns nothing; what is compared with what is for the caller to say."""

from core.engine import Engine, quote
from registries.linkage.blocking import PassedOver, block
from registries.linkage.model import Trained
from registries.linkage.prepare import CARRIED, prepare
from registries.linkage.scoring import score

SAME, REVIEW = "same", "review"


def predict(engine: Engine, model: Trained, left: str, right: str, into: str) -> list[PassedOver]:
    """Compare every record of `left` with those of `right`: relations with `_record_id`, `_dataset` and elements of the registry as columns.

    The table `into` has a row per pair that reaches the threshold of review: `left_record`, `right_record`, `score` (bits),
    `verdict` (`same` from the automatic threshold on, else `review`), and per comparison of the model `level_<id>` (its place among the
    levels, 0 the strongest; null where one side is missing) and `weight_<id>` (the bits it adds). Ordered by score, best first, then by
    record ids. Incremental: nothing in `right` is compared with anything else in `right`. Returns what blocking passed over.
    """
    sides = f"(SELECT *, 1 AS _side FROM {left} UNION ALL BY NAME SELECT *, 2 AS _side FROM {right})"
    engine.run(f"CREATE OR REPLACE VIEW {into}_given AS SELECT * FROM {sides}", doing="predicting links")
    prepared = f"{into}_prepared"
    prepare(engine, model.model, f"{into}_given", prepared, ("_side", *CARRIED))
    for side, name in ((1, "left"), (2, "right")):
        engine.run(f"CREATE OR REPLACE VIEW {into}_{name} AS SELECT * FROM {prepared} WHERE _side = {side}", doing="predicting links")
    passed = _predicted(engine, model, prepared, (f"{into}_left", f"{into}_right"), into)
    for view in ("left", "right", "given"):
        engine.run(f"DROP VIEW {into}_{view}")
    engine.run(f"DROP TABLE {prepared}")
    return passed


def predict_within(engine: Engine, model: Trained, records: str, into: str) -> list[PassedOver]:
    """The same for the different pairs of one relation: how a source is deduplicated before it is linked."""
    prepared = f"{into}_prepared"
    prepare(engine, model.model, records, prepared)
    passed = _predicted(engine, model, prepared, (prepared, prepared), into)
    engine.run(f"DROP TABLE {prepared}")
    return passed


def _predicted(engine: Engine, model: Trained, prepared: str, sides: tuple[str, str], into: str) -> list[PassedOver]:
    pairs, scored = f"{into}_pairs", f"{into}_scored"
    passed = block(engine, model.model, *sides, pairs)
    score(engine, model.model, model.parameters, prepared, pairs, scored)
    told = ", ".join(f"{quote(f'{kind}_{comparison.id}')}" for comparison in model.model.comparisons for kind in ("level", "weight"))
    automatic = model.model.thresholds.automatic
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT l._record_id AS left_record, r._record_id AS right_record, score, "
        f"CASE WHEN score >= {automatic} THEN '{SAME}' ELSE '{REVIEW}' END AS verdict, {told} "
        f"FROM {scored} JOIN {prepared} l ON l._row = left_row JOIN {prepared} r ON r._row = right_row "
        f"ORDER BY score DESC, left_record, right_record",
        doing="predicting links",
    )
    engine.run(f"DROP TABLE {pairs}")
    engine.run(f"DROP TABLE {scored}")
    return passed

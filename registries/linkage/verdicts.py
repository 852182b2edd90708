"""From scores to verdicts: one entity, or for a person to say. A pair that reaches neither is not there any more.

A score alone does not decide. Two namesakes of a register score alike against a third record, and at most one of them can be that person; so a
pair is only taken where no rival comes near it. A rival is another entity in the place of one of the two: another record of the same dataset
that is no duplicate, or another known entity. For that, each source is deduplicated first.
"""

from core.engine import Engine, quote
from registries.linkage.model import LinkageModel
from registries.linkage.scoring import components

SAME, REVIEW = "same", "review"


def decide(engine: Engine, model: LinkageModel, prepared: str, scored: str, into: str) -> None:
    """Make the table `into`: the rows of `scored`, each pair with its `verdict` and `rival`, the best score of a rival (null: there is none).

    `prepared` has `_row`, `_dataset` and `_entity`: records that are known to be of one entity share it, and two values are two entities.
    """
    thresholds = model.thresholds
    entities, best, rivals = f"{into}_entities", f"{into}_best", f"{into}_rivals"
    same_source = f"SELECT left_row, right_row FROM {scored} JOIN {prepared} l ON l._row = left_row JOIN {prepared} r ON r._row = right_row"
    engine.run(
        f"CREATE OR REPLACE TABLE {best} AS {same_source} WHERE l._dataset = r._dataset AND score >= {thresholds.duplicate} AND {_sure(model)}",
        doing="deduplicating sources",
    )
    components(engine, prepared, best, entities)
    engine.run(
        f"CREATE OR REPLACE TABLE {entities} AS SELECT _row, _dataset, coalesce('=' || _entity::VARCHAR, component::VARCHAR) AS entity, "
        # All known entities are rivals of one another, whatever their datasets.
        f"CASE WHEN _entity IS NULL THEN _dataset ELSE '' END AS place FROM {prepared} JOIN {entities} USING (_row)",
        doing="deduplicating sources",
    )
    engine.run(
        f"CREATE OR REPLACE TABLE {best} AS SELECT l.entity AS left_entity, l.place AS left_place, r.entity AS right_entity, "
        f"r.place AS right_place, max(score) AS score FROM {scored} JOIN {entities} l ON l._row = left_row "
        f"JOIN {entities} r ON r._row = right_row WHERE l.entity <> r.entity GROUP BY ALL",
        doing="looking for rivals",
    )
    engine.run(f"CREATE OR REPLACE TABLE {rivals} AS {_rivals(best)}", doing="looking for rivals")
    clear = f"{_sure(model)} AND score >= {thresholds.automatic} AND coalesce(p.score - rival >= {thresholds.margin}, true)"
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT p.*, rival, CASE WHEN l.entity = r.entity OR ({clear.replace('score', 'p.score', 1)} AND "
        f"l._dataset <> r._dataset) THEN '{SAME}' ELSE '{REVIEW}' END AS verdict FROM {scored} p "
        f"JOIN {entities} l ON l._row = left_row JOIN {entities} r ON r._row = right_row "
        f"LEFT JOIN {rivals} v ON v.left_entity = l.entity AND v.right_entity = r.entity",
        doing="coming to verdicts",
    )
    for table in (entities, best, rivals):
        engine.run(f"DROP TABLE {table}")


def _sure(model: LinkageModel) -> str:
    """SQL for pairs that no level leaves to a person; where a comparison has such levels, it must have been made."""
    kept = {
        comparison.id: ", ".join(str(place) for place, level in enumerate(comparison.levels) if level.clerical)
        for comparison in model.comparisons
    }
    return " AND ".join(f"coalesce({quote(f'level_{name}')} NOT IN ({levels}), false)" for name, levels in kept.items() if levels) or "true"


def _rivals(best: str) -> str:
    """SQL for the best rival of each pair of entities: the greater of the rivals on both sides."""
    both = (
        f"SELECT left_entity AS one, right_entity AS other, right_place AS place, score, left_entity, right_entity FROM {best} "
        f"UNION ALL SELECT right_entity, left_entity, left_place, score, left_entity, right_entity FROM {best}"
    )
    # The two sides of a pair of entities may come in either order, record by record.
    candidates = f"SELECT one, place, other, max(score) AS score FROM ({both}) GROUP BY ALL"
    two = f"SELECT one, place, max(score, 2) AS top FROM ({candidates}) GROUP BY ALL"
    rival = "CASE WHEN c.score < top[1] THEN top[1] ELSE top[2] END"
    sided = f"SELECT one, other, {rival} AS rival FROM ({candidates}) c JOIN ({two}) USING (one, place)"
    return (
        f"SELECT left_entity, right_entity, max(rival) AS rival FROM (SELECT one AS left_entity, other AS right_entity, rival FROM ({sided}) "
        f"UNION ALL SELECT other, one, rival FROM ({sided})) GROUP BY ALL"
    )

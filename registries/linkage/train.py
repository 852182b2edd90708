"""Training: what each level of a model means, learned from records without knowing which are of one entity. Kept apart from prediction.

Three steps, as Fellegi and Sunter's model has them: the share of pairs of one entity from rules that leave no doubt; how often levels occur
among any two records from random pairs; how often among those of one entity by expectation maximization, once for each pass of the model.
One thread and a seed, so that the same records teach the same.
"""

from math import log10

from core.clock import today
from core.engine import Engine
from registries.linkage.model import Learned, LinkageModel, Parameters
from registries.linkage.prepare import prepare
from registries.linkage.scoring import agreeing, forget, linker, splinking

# Of pairs of one entity, one in a thousand is granted to any level: records elsewhere have faults that those of the training had not.
_LEAST_M, _LEAST_U = 1e-3, 1e-6
_SIGNIFICANT = 4


def train(engine: Engine, model: LinkageModel, records: str, data: str) -> Parameters:
    """Learn from a relation of records with `_record_id`, `_dataset` and elements; `data` says in words what they are."""
    prepared = "_training"
    engine.run("SET threads = 1", doing="training a linkage model")
    prepare(engine, model, records, prepared)
    with splinking("training a linkage model"):
        splink = linker(engine, model, None, prepared)
        rules = model.training
        splink.training.estimate_probability_two_random_records_match([agreeing(rule) for rule in rules.certain], recall=rules.recall)
        splink.training.estimate_u_using_random_sampling(
            max_pairs=rules.random_pairs, seed=rules.seed, min_count_per_level=None, num_chunks=1
        )
        for columns in rules.passes:
            splink.training.estimate_parameters_using_expectation_maximisation(agreeing(columns))
        learned = splink.misc.save_model_to_json()
        forget(splink)
    count = engine.value(f"SELECT count(*) FROM {prepared}")
    engine.run(f"DROP TABLE {prepared}")
    return Parameters(
        model=model.id,
        version=model.version,
        trained_on=today().isoformat(),
        records=count,
        data=data,
        prior=rounded(learned["probability_two_random_records_match"]),
        comparisons={found["output_column_name"]: _levels(found["comparison_levels"]) for found in learned["comparisons"]},
    )


def _levels(found: list[dict[str, object]]) -> tuple[Learned, ...]:
    shares = [level for level in found if not level.get("is_null_level")]
    return tuple(
        Learned(m=_share(level.get("m_probability"), _LEAST_M), u=_share(level.get("u_probability"), _LEAST_U)) for level in shares
    )


def _share(found: object, least: float) -> float:
    return rounded(min(max(float(found), least), 1.0)) if isinstance(found, float | int) else least


def rounded(value: float) -> float:
    """To four significant digits: more of them depend on the order of sums, and mean nothing."""
    return round(value, _SIGNIFICANT - 1 - int(log10(value) // 1)) if value else value

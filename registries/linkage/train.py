"""Training: what each level of a model means, learned from records. Kept apart from prediction.

Three steps, as Fellegi and Sunter's model has them: the share of pairs of one entity, how often levels occur among any two records, from random
pairs, and how often among those of one entity: counted, where an identifier says which they are, else by expectation maximization.
One thread and a seed, so that the same records teach the same.
"""

from core.clock import today
from core.engine import Engine
from registries.linkage.labels import by_label, labeled
from registries.linkage.model import Learned, LinkageModel, Parameters, learned_share, rounded
from registries.linkage.prepare import prepare
from registries.linkage.scoring import agreeing, forget, linker, splinking


def train(engine: Engine, model: LinkageModel, records: str, data: str) -> Parameters:
    """Learn from a relation of records with `_record_id`, `_dataset`, elements and the label of the model; `data` says in words what they are."""
    prepared = "_training"
    engine.run("SET threads = 1", doing="training a linkage model")
    if model.training.label:
        labeled(engine, model, records, prepared)
    else:
        prepare(engine, model, records, prepared)
    prior, comparisons = (by_label if model.training.label else _by_expectation)(engine, model, prepared)
    count = engine.value(f"SELECT count(*) FROM {prepared}")
    engine.run(f"DROP TABLE {prepared}")
    return Parameters(
        model=model.id,
        version=model.version,
        trained_on=today().isoformat(),
        records=count,
        data=data,
        prior=prior,
        comparisons=comparisons,
    )


def _by_expectation(engine: Engine, model: LinkageModel, prepared: str) -> tuple[float, dict[str, tuple[Learned, ...]]]:
    rules = model.training
    with splinking("training a linkage model"):
        splink = linker(engine, model, None, prepared)
        splink.training.estimate_probability_two_random_records_match([agreeing(rule) for rule in rules.certain], recall=rules.recall)
        splink.training.estimate_u_using_random_sampling(
            max_pairs=rules.random_pairs, seed=rules.seed, min_count_per_level=None, num_chunks=1
        )
        for columns in rules.passes:
            splink.training.estimate_parameters_using_expectation_maximisation(agreeing(columns))
        learned = splink.misc.save_model_to_json()
        forget(splink)
    shares = {found["output_column_name"]: found["comparison_levels"] for found in learned["comparisons"]}
    return rounded(learned["probability_two_random_records_match"]), {
        name: tuple(
            learned_share(level.get("m_probability"), level.get("u_probability"), rules.least)
            for level in levels
            if not level.get("is_null_level")
        )
        for name, levels in shares.items()
    }

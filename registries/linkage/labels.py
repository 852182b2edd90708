"""Learning from an identifier: records with the same one show how records of one entity differ, all others how entities do.

Both are counted. A level that any two records reach now and then is counted in random pairs. A rare one (the same name) hardly occurs there, but
all pairs that have it are among those that blocking finds; so the greater of the two counts is taken, each as a share of all pairs.
"""

from collections import Counter

from core.engine import Engine, quote
from core.errors import RequestError
from registries.linkage.blocking import block
from registries.linkage.model import Comparison, Learned, LinkageModel, Parameters, learned_share, rounded
from registries.linkage.prepare import prepare
from registries.linkage.scoring import score

# Times that a level has to occur in random pairs for its share of them to be believed.
_OFTEN = 3
_MISSING = -1
_DOING = "training a linkage model"


def labeled(engine: Engine, model: LinkageModel, records: str, into: str) -> None:
    """Prepare records for training, with their `_label`: null where too many share it, or no dataset has it."""
    name = model.training.label or ""
    label = quote(name) if name in engine.columns(records) else "NULL"
    usual = f"count(*) OVER (PARTITION BY {label}) <= {model.training.largest_label}"
    engine.run(
        f"CREATE OR REPLACE VIEW {into}_given AS SELECT *, CASE WHEN {usual} THEN {label}::VARCHAR END AS _label FROM {records}",
        doing=_DOING,
    )
    prepare(engine, model, f"{into}_given", into, ("_dataset", "_record_id", "_label"))
    engine.run(f"DROP VIEW {into}_given")


def by_label(engine: Engine, model: LinkageModel, prepared: str) -> tuple[float, dict[str, tuple[Learned, ...]]]:
    """The share of pairs of one entity among all pairs, and what each level of each comparison means.

    Raises RequestError where no two records have the same label, or all have.
    """
    ordered = "l._row AS join_key_l, r._row AS join_key_r, '0' AS match_key"
    known = f"(SELECT * FROM {prepared} WHERE _label IS NOT NULL)"
    same = f"SELECT {ordered} FROM {known} l JOIN {known} r ON l._label = r._label AND l._row < r._row"
    few = f"(SELECT * FROM {known} ORDER BY md5(_row::VARCHAR || '/{model.training.seed}') LIMIT {round((2 * model.training.random_pairs) ** 0.5)})"
    other = f"SELECT {ordered} FROM {few} l JOIN {few} r ON l._row < r._row AND l._label <> r._label"
    near = (
        f"SELECT p.* FROM _blocked p JOIN {known} l ON l._row = join_key_l JOIN {known} r ON r._row = join_key_r AND l._label <> r._label"
    )
    records = engine.value(f"SELECT count(*) FROM {known}")
    entities, alike = engine.row(
        f"SELECT count(*), coalesce(sum(n * (n - 1) // 2), 0)::BIGINT FROM (SELECT count(*) AS n FROM {known} GROUP BY _label)"
    )
    if not alike or entities < 2:
        # Levels would mean nothing, and the parameters in force would be given up for that.
        raise RequestError(
            f"{model.id} has nothing to learn from: {records} published records show {entities} different values of {model.training.label}",
            hint="it learns where two datasets tell of the same entities: publish both first; the parameters in force stay",
        )
    block(engine, model, prepared, prepared, "_blocked")
    counts = {name: counts_of(engine, model, prepared, pairs) for name, pairs in (("same", same), ("other", other), ("near", near))}
    engine.run("DROP TABLE _blocked")
    pairs = max(records * (records - 1) / 2, 2.0)
    learned = {
        item.id: learned_levels(
            item,
            counts["same"][item.id],
            counts["other"][item.id],
            counts["near"][item.id],
            pairs=pairs,
            entities=entities,
            least=model.training.least,
        )
        for item in model.comparisons
    }
    return rounded(alike / pairs), learned


def learned_levels(
    comparison: Comparison, same: Counter[int], other: Counter[int], near: Counter[int], *, pairs: float, entities: int, least: float
) -> tuple[Learned, ...]:
    """Of each level; `pairs` are all pairs there are, of so many `entities`; every level is granted `least` of the pairs of one entity."""
    levels = range(len(comparison.levels))
    m_total, u_total = (found.total() - found[_MISSING] for found in (same, other))
    if not m_total or not u_total:
        return tuple(learned_share(1 / len(levels), 1 / len(levels), least) for _ in levels)
    # Where records lack what is compared, fewer of all pairs are compared.
    compared = pairs * u_total / other.total()
    seen = [other[level] / u_total if other[level] >= _OFTEN else 0.0 for level in levels]
    shared = [level.sharers / max(entities - 1, 1) for level in comparison.levels]
    shares = [max(seen[level], (near[level] + 0.5) / compared, shared[level]) for level in levels]
    return tuple(learned_share(same[level] / m_total, share, least) for level, share in zip(levels, shares, strict=True))


def counts_of(engine: Engine, model: LinkageModel, prepared: str, pairs: str) -> dict[str, Counter[int]]:
    """How many pairs are on each level of each comparison."""
    engine.run(f"CREATE OR REPLACE TABLE _counted AS {pairs}", doing=_DOING)
    score(engine, model, unlearned(model), prepared, "_counted", "_levels")
    found = {}
    for item in model.comparisons:
        level = f"coalesce({quote(f'level_{item.id}')}, {_MISSING})"
        found[item.id] = Counter(dict(engine.rows(f"SELECT {level}, count(*) FROM _levels GROUP BY 1", doing=_DOING)))
    engine.run("DROP TABLE _counted")
    engine.run("DROP TABLE _levels")
    return found


def unlearned(model: LinkageModel) -> Parameters:
    """Parameters by which every level means nothing: for levels alone."""
    even = {item.id: tuple(Learned(m=0.5, u=0.5) for _ in item.levels) for item in model.comparisons}
    return Parameters(model=model.id, version=model.version, trained_on="", records=0, data="", prior=0.5, comparisons=even)

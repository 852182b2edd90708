"""The only place that calls Splink: a model as Splink's settings, and scores for pairs of prepared records.

Splink quotes SQL, and with it values, in its errors, and logs what it runs; neither leaves this module.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.engine import Engine, EngineError, quote, scrubbed
from registries.linkage.model import Comparison, Level, LinkageModel, Parameters

if TYPE_CHECKING:
    from splink import Linker

DIGITS = 4  # of a score, in bits: sums of floats differ in their last digits with the order of their parts


@contextmanager
def splinking(doing: str) -> Iterator[None]:
    """Turn an error of Splink into one without values and SQL."""
    from splink.internals.exceptions import SplinkException

    logging.getLogger("splink").setLevel(logging.ERROR)  # what it warns of, a model's parameters show
    try:
        with scrubbed(doing):
            yield
    except SplinkException as error:
        raise EngineError(f"Splink could not go on ({type(error).__name__}) while {doing}") from None


def settings(model: LinkageModel, parameters: Parameters | None) -> dict[str, Any]:
    """Splink's settings for records of one table, numbered by `_row`."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "_row",
        "comparisons": [_comparison(comparison, parameters) for comparison in model.comparisons],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": agreeing(columns)} for columns in model.blocking],
        "probability_two_random_records_match": parameters.prior if parameters else 0.0001,
        # Retaining them is what makes Splink tell the level of each comparison.
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "max_iterations": 50,
    }


def linker(engine: Engine, model: LinkageModel, parameters: Parameters | None, prepared: str) -> "Linker":
    """Splink over one table of prepared records."""
    from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection=engine.connection)
    return Linker(api.register(prepared), settings(model, parameters), log_level=None, validate_settings=False)


def forget(splink: "Linker") -> None:
    """Drop what Splink has made."""
    splink.table_management.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]


def score(
    engine: Engine,
    model: LinkageModel,
    parameters: Parameters,
    prepared: str,
    pairs: str,
    into: str,
    least: float | None = None,
    counted: str | None = None,
) -> None:
    """Score the pairs of a table that `blocking.block` made. The table `into` has `left_row`, `right_row`, `score`, and per comparison its
    `level_<id>`, counted from 0 for the strongest (null where one side is missing), and `weight_<id>`: the bits it adds to the score.
    Only pairs that score at least `least`, where it is given. How common a value is, the records of `counted` say (by default those prepared).
    """
    with splinking("scoring pairs of records"):
        splink = linker(engine, model, parameters, prepared)
        tables = [_frequency(engine, splink, name, prepared, counted or prepared, f"{into}_tf_{name}") for name in model.frequencies]
        splink.table_management.register_blocked_pairs_for_predict(splink._db_api.register(pairs))
        found = splink.inference.predict(threshold_match_weight=least, warning_mode="never")
        engine.run(
            f"CREATE OR REPLACE TABLE {into} AS SELECT {', '.join(_columns(engine, model, found.physical_name))} FROM {found.physical_name}"
        )
        forget(splink)
    for table in tables:
        engine.run(f"DROP TABLE IF EXISTS {table}")


def _frequency(engine: Engine, splink: "Linker", name: str, prepared: str, counted: str, into: str) -> str:
    """Tell Splink how often each value of a column occurs, of those that are prepared; returns the table."""
    column, share = quote(name), quote(f"tf_{name}")
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT {column}, count(*) / sum(count(*)) OVER () AS {share} FROM {counted} "
        f"WHERE {column} IS NOT NULL GROUP BY {column} QUALIFY {column} IN (SELECT {column} FROM {prepared})"
    )
    splink.table_management.register_term_frequency_lookup(splink._db_api.register(into), name)
    return into


def components(engine: Engine, prepared: str, links: str, into: str) -> None:
    """Make the table `into` of each `_row` of the prepared records and its `component`: the smallest row that links (`left_row`, `right_row`)
    lead to."""
    from splink import DuckDBAPI
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    with splinking("putting linked records together"):
        api = DuckDBAPI(connection=engine.connection)
        found = cluster_pairwise_predictions_at_threshold(
            api.register(prepared),
            api.register(links),
            api,
            "_row",
            edge_id_column_name_left="left_row",
            edge_id_column_name_right="right_row",
        )
        engine.run(f"CREATE OR REPLACE TABLE {into} AS SELECT _row, cluster_id AS component FROM {found.physical_name}")
        api.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]


def _columns(engine: Engine, model: LinkageModel, predicted: str) -> Iterator[str]:
    having = engine.columns(predicted)
    yield "_row_l AS left_row"
    yield "_row_r AS right_row"
    yield f"round(match_weight, {DIGITS}) AS score"
    for comparison in model.comparisons:
        last, name = len(comparison.levels) - 1, comparison.id
        adjusted = f" + {quote(f'mw_tf_adj_{name}')}" if f"mw_tf_adj_{name}" in having else ""
        yield f"CASE WHEN {quote(f'gamma_{name}')} >= 0 THEN {last} - {quote(f'gamma_{name}')} END AS {quote(f'level_{name}')}"
        yield f"round({quote(f'mw_{name}')}{adjusted}, {DIGITS}) AS {quote(f'weight_{name}')}"


def _comparison(comparison: Comparison, parameters: Parameters | None) -> dict[str, Any]:
    missing = " OR ".join(f"{quote(f'{name}_{side}')} IS NULL" for name in comparison.needs for side in "lr")
    learned = parameters.comparisons[comparison.id] if parameters else (None,) * len(comparison.levels)
    levels = [
        _level(level) | ({"m_probability": share.m, "u_probability": share.u} if share else {})
        for level, share in zip(comparison.levels, learned, strict=True)
    ]
    null = {"sql_condition": missing, "label_for_charts": "missing", "is_null_level": True}
    return {"output_column_name": comparison.id, "comparison_levels": [null, *levels]}


def _level(level: Level) -> dict[str, Any]:
    rendered = {"sql_condition": level.when or "ELSE", "label_for_charts": level.title.en}
    if not level.frequency:
        return rendered
    # The condition may be more than that the column is equal, which Splink would otherwise look for.
    return rendered | {"tf_adjustment_column": level.frequency, "disable_tf_exact_match_detection": True}


def agreeing(columns: tuple[str, ...]) -> str:
    """SQL by which Splink finds pairs that agree on all columns."""
    return " AND ".join(f"l.{quote(name)} = r.{quote(name)}" for name in columns)

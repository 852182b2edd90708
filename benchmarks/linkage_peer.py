"""What a user would pick instead: Splink with the comparisons and blocking rules of its own published examples, counted the same way.

Of the examples only what they compare and block on is taken; they are trained on all records, and a pair counts from 95 % on.
"""

from collections.abc import Callable
from typing import Any

from core.engine import Engine
from registries.linkage.scoring import splinking

PROBABILITY = 0.95


def _fake() -> tuple[dict[str, Any], list[Any], list[Any]]:
    """The example that deduplicates the invented people: settings, rules that are certain, and passes of training."""
    import splink.comparison_library as cl
    from splink import block_on

    settings = {
        "comparisons": [
            cl.NameComparison("first_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("birth", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        "blocking_rules_to_generate_predictions": [
            block_on("first_name", "city"),
            block_on("surname"),
            block_on("birth"),
            block_on("email"),
        ],
    }
    certain = ["l.first_name = r.first_name and levenshtein(r.birth, l.birth) <= 1", "l.email = r.email"]
    return settings, certain, [block_on("first_name", "surname"), block_on("birth")]


def _historical() -> tuple[dict[str, Any], list[Any], list[Any]]:
    """The example of the historical persons."""
    import splink.comparison_library as cl
    from splink import block_on

    settings = {
        "comparisons": [
            cl.ForenameSurnameComparison("first_name", "surname", forename_surname_concat_col_name="first_and_surname"),
            cl.DateOfBirthComparison("birth", input_is_string=True),
            cl.PostcodeComparison("postcode"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        "blocking_rules_to_generate_predictions": [
            block_on("substr(first_name, 1, 3)", "substr(surname, 1, 4)"),
            block_on("surname", "birth"),
            block_on("first_name", "birth"),
            block_on("postcode", "first_name"),
            block_on("postcode", "surname"),
            block_on("birth", "birth_place"),
            block_on("substr(postcode, 1, 3)", "birth"),
            block_on("substr(postcode, 1, 3)", "first_name"),
            block_on("substr(postcode, 1, 3)", "surname"),
            block_on("substr(first_name, 1, 2)", "substr(surname, 1, 2)", "substr(birth, 1, 4)"),
        ],
    }
    certain = [block_on("first_name", "surname", "birth"), block_on("postcode", "surname", "birth")]
    return settings, certain, [block_on("first_name", "surname"), block_on("birth")]


PEERS: dict[str, Callable[[], tuple[dict[str, Any], list[Any], list[Any]]]] = {"fake": _fake, "historical": _historical}


def find_by_peer(engine: Engine, trial: str) -> None:
    """Leave the pairs that Splink alone finds among `records`, as the table `found`."""
    from splink import DuckDBAPI, Linker

    settings, certain, passes = PEERS[trial]()
    engine.run(
        "CREATE TABLE peer AS SELECT *, coalesce(first_name || ' ' || surname, first_name, surname) AS first_and_surname FROM records"
    )
    with splinking("running a peer"):
        api = DuckDBAPI(connection=engine.connection)
        shared = {"link_type": "dedupe_only", "unique_id_column_name": "_record_id"}
        linker = Linker(api.register("peer"), settings | shared, log_level=None, validate_settings=False)
        linker.training.estimate_probability_two_random_records_match(certain, recall=0.6)
        linker.training.estimate_u_using_random_sampling(max_pairs=2_000_000, seed=1)
        for rule in passes:
            linker.training.estimate_parameters_using_expectation_maximisation(rule)
        found = linker.inference.predict(threshold_match_probability=PROBABILITY)
        engine.run(
            "CREATE OR REPLACE TABLE found AS SELECT _record_id_l AS left_record, _record_id_r AS right_record, match_weight AS score, "
            f"'same' AS verdict FROM {found.physical_name}"
        )

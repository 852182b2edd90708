"""The records that were tried under two versions, as each version would leave them in their dataset's state.

A row that would be quarantined changes nothing: its record stays as it was accepted last. That holds for both versions.
"""

from core.engine import Engine, quote
from pipeline.home import Home
from pipeline.impact.comparison import Compared
from pipeline.state import log_columns, standardized_table, state
from standards.model import Standards

SIDES = ("old", "new")


def tried(side: str, number: int) -> str:
    """Table of the live records of a dataset among those tried: `_record_id`, `_sampled`, `_valid_from` and its elements."""
    return f"tried_{side}_{number}"


def lay_out(engine: Engine, home: Home, item: Compared) -> None:
    """Make the two tables of a dataset from its rows under both versions."""
    last_good = f"(SELECT _record_id FROM old_{item.number} GROUP BY 1 HAVING bool_and(_stopped))"
    names = _names(item, item.old)
    engine.run(
        f"CREATE OR REPLACE TABLE {tried('old', item.number)} AS SELECT _record_id, _sampled, {names} FROM old_{item.number} WHERE NOT _stopped "
        f"UNION ALL SELECT _record_id, _sampled, {names} FROM {accepted_state(home, item, item.old)} "
        f"JOIN (SELECT DISTINCT _record_id, _sampled FROM old_{item.number} WHERE _record_id IN {last_good}) USING (_record_id)",
        doing=f"reading {item.contract.id}",
    )
    engine.run(
        f"CREATE OR REPLACE TABLE {tried('new', item.number)} AS "
        f"SELECT _record_id, _sampled, {_names(item, item.new)} FROM new_{item.number} WHERE NOT _stopped UNION ALL BY NAME "
        f"SELECT * FROM {tried('old', item.number)} WHERE _record_id NOT IN (SELECT _record_id FROM new_{item.number} WHERE NOT _stopped)",
        doing=f"reading {item.contract.id}",
    )


def accepted_state(home: Home, item: Compared, standards: Standards) -> str:
    """SQL for the dataset's state as it is."""
    return state(home, standardized_table(item.contract.id), log_columns(item.contract, standards))


def _names(item: Compared, standards: Standards) -> str:
    return ", ".join(["_valid_from", *map(quote, item.elements(standards))])

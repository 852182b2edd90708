"""Trying a version of the standard out on landed rows, without a trace in catalog or lake.

Value types work out much from the standard and keep it, so each version gets a process of its own in which it stands in for the installed
one; what is tried is exactly the code that standardizes batches.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from contracts.model import Contract
from core.engine import Engine, literal, quote
from core.settings import Settings
from pipeline.changes import compare
from pipeline.plan import ROW, ROW_ISSUES, Plan, make_plan
from pipeline.standardize import STANDARDIZED, standardize
from pipeline.state import log_columns
from standards.loader import load_standards, substitute
from standards.model import Standards

NOBODY = "(SELECT NULL::uuid AS _record_id, NULL::uuid AS _row_digest WHERE false)"


@dataclass(frozen=True)
class Trial:
    """SQL for the landed rows of one dataset, those of them that a condition selects, and the file for what becomes of them. `today` is an ISO
    date.
    """

    settings: Settings
    contract: Contract
    landed: str
    condition: str
    out: Path
    today: str


@contextmanager
def trying(standards: Standards) -> Iterator[ProcessPoolExecutor]:
    """A process in which a version of the standard stands in for the installed one."""
    with ProcessPoolExecutor(1, get_context("spawn"), substitute, (standards,)) as process:
        yield process


def run_trial(trial: Trial) -> None:
    """Standardize the rows and write what becomes of each.

    A row of the file has `_position`, `_record_id`, `_valid_from`, `_stopped` (it would be quarantined), for each element the value that would
    be published, and in `<element>__issues` and `_row__issues` the issues as words, each with its severity.
    """
    standards = load_standards()
    plan = make_plan(trial.contract, standards)
    with Engine(trial.settings) as engine:
        compare(engine, f"(SELECT * FROM {trial.landed} WHERE {trial.condition})", NOBODY, same_rules=False)
        standardize(engine, plan, trial.today)
        engine.run(
            f"COPY ({_outcome(plan, log_columns(trial.contract, standards))}) TO {literal(str(trial.out))} (FORMAT parquet)",
            doing=f"trying the standard on {trial.contract.id}",
        )


def issues_column(element: str) -> str:
    """Name of the column that holds an element's issues as words."""
    return f"{element}__issues"


def _outcome(plan: Plan, types: dict[str, str]) -> str:
    columns = ["_position", "_record_id", "_valid_from", f"({plan.stopping}) AS _stopped"]
    for item in plan.elements:
        name = item.element.id
        columns.append(f"{item.published}::{types[name]} AS {quote(name)}")
        columns.append(_as_words(quote(item.column), list(zip(item.issues, item.severities, strict=True)), issues_column(name)))
    columns.append(_as_words(ROW_ISSUES, list(plan.row_issues), issues_column(ROW)))
    return f"SELECT {', '.join(columns)} FROM {STANDARDIZED} ORDER BY _position"


def _as_words(mask: str, names: list[tuple[str, str]], column: str) -> str:
    cases = (
        f"CASE WHEN ({mask} & {1 << bit}) <> 0 THEN {literal(f'{issue}:{severity}')} END" for bit, (issue, severity) in enumerate(names)
    )
    # Several rules over a record may have one issue type.
    return f"CASE WHEN {mask} = 0 THEN '' ELSE concat_ws(' ', {', '.join(cases)}) END AS {quote(column)}"

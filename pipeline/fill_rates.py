"""The fill rates of a contract speak of a delivery: of new and changed rows together with the records that came as they were accepted before."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.files import files_of
from core.engine import quote
from core.lake import filled_counts
from pipeline.changes import DELETED
from pipeline.findings import Examined
from pipeline.standardize import STANDARDIZED
from pipeline.state import engine_type, since_compact, standardized_table, state

Fill = tuple[int, int]  # rows, and those that have a value


def fills_of_delivery(examined: Examined, fills: Sequence[Mapping[str, Any]]) -> dict[str, Fill]:
    """What fill rates are asked of, by element. Rows that came unchanged are counted only where it could matter: mostly, what the files of the
    state say of their columns is enough to see that there are values enough."""
    rates = examined.contract.assertions.fill_rates
    found = {row["element"]: (row["evaluated"], row["filled"]) for row in fills if row["element"] in rates}
    if not found or (examined.batch.is_whole and not examined.changes.unchanged):
        return found
    surely = _surely_filled(examined, list(found))
    missed = {name for name, (rows, filled) in found.items() if filled + surely[name][1] < rates[name] * (rows + surely[name][0])}
    others = surely if not missed else _counted(examined, list(found))
    return {name: (rows + others[name][0], filled + others[name][1]) for name, (rows, filled) in found.items()}


def _surely_filled(examined: Examined, elements: Sequence[str]) -> dict[str, Fill]:
    """How many records came unchanged, and the fewest of them that have a value.

    A row of a later file stands for at most one before it: with a value of its own it takes none away. So of the records of the oldest file, as
    many may be without one as there are rows without one in any file; and all that came now may have one.
    """
    engine, home = examined.engine, examined.home
    oldest, later = since_compact(files_of(home.catalog, standardized_table(examined.contract.id), ("log", "compact")))
    came: int = engine.value(
        f"SELECT (SELECT count(DISTINCT _record_id) FROM {STANDARDIZED} WHERE _known) + (SELECT count(*) FROM {DELETED})",
        doing="counting filled values",
    )
    unchanged, first = examined.changes.previous - came, sum(file.rows for file in oldest)
    rows = first + sum(file.rows for file in later)
    filled = filled_counts(engine, home.settings, [file.path for file in (*oldest, *later)])
    return {name: (unchanged, max(0, first - (rows - filled.get(name, 0)) - came)) for name in elements}


def _counted(examined: Examined, elements: Sequence[str]) -> dict[str, Fill]:
    columns = {"_record_id": "UUID", **{name: engine_type(examined.standards.elements[name]) for name in elements}}
    total, *filled = examined.engine.row(
        f"SELECT count(*), {', '.join(f'count({quote(name)})' for name in elements)} "
        f"FROM {state(examined.home, standardized_table(examined.contract.id), columns)} "
        f"WHERE _record_id NOT IN (SELECT _record_id FROM {STANDARDIZED} UNION ALL SELECT _record_id FROM {DELETED})",
        doing="counting filled values",
    )
    return {name: (total, count) for name, count in zip(elements, filled, strict=True)}

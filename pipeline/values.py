"""Values: the texts of a column, each with its standard value and its issues.

A text is standardized once however many rows have it. The statements that do it come again with every batch, so they work in tables that
stay (`core.recurring`): `given` texts, what was `read` of them, and what was `found`. A statement with a join or an aggregate is planned each
time: its plan would hold memory, for which the instance could not be left to the next engine.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from core.engine import Engine, literal
from core.recurring import STAYING
from pipeline.plan import ElementPlan
from pipeline.statements import BRIEF_ROWS, plain_statement, statements
from standards.model import DataElement

# A column of these types is asked first what its texts say as they stand.
LISTED_TYPES = ("code", "date", "division")
_TABLES = {
    "given": "raw varchar, text varchar",
    "read": "raw varchar, value varchar, key varchar",
    "found": "raw varchar, value varchar, issues integer",
}
_DOING = "standardizing"


def read_values(engine: Engine, table: str, item: ElementPlan, texts: str, today: str) -> None:
    """Table `table` (raw, value, issues) of the texts that a query gives as `raw`, each once. `today` (ISO) decides what lies in the future."""
    engine.staying(_TABLES)
    values: int = engine.value(f"INSERT INTO {STAYING}.given SELECT raw, raw FROM ({texts})", doing="listing values")
    many = values > BRIEF_ROWS
    if values and item.element.type in LISTED_TYPES:
        values = _take_plain(engine, item, today, many)
    if values:
        _read(engine, item, today, values, many)
    engine.run(f"CREATE TABLE {table} AS FROM {STAYING}.found", doing=_DOING)
    engine.empty(_TABLES, many=many)


def _take_plain(engine: Engine, item: ElementPlan, today: str, many: bool) -> int:
    """Move the texts that one cheap test settles from `given` to `found`, and return how many are left: of codes and dates often none, and
    what reads any text takes a hundred times as long to plan.
    """
    sql = plain_statement(item.element, item.declared, item.issues, today)
    engine.again(f"INSERT INTO found SELECT raw, value, 0 FROM ({sql})", once=many, doing=_DOING)
    engine.again("DELETE FROM given WHERE raw IN (SELECT raw FROM found)", once=True, doing=_DOING)
    ((left,),) = engine.again("SELECT count(*) FROM given", once=many, doing=_DOING)
    return int(left)


def _read(engine: Engine, item: ElementPlan, today: str, values: int, many: bool) -> None:
    """Values first, then issues on the values, so that no expression is written out twice."""
    _restore(engine, many)
    sql = statements(item.element, item.declared, item.use.required, item.issues, today, values)
    engine.again(f"INSERT INTO read {sql.values}", once=many, doing=_DOING)
    _look_up(engine, item.element)
    engine.again(f"INSERT INTO found {sql.issues}", once=many, doing=_DOING)


def _restore(engine: Engine, many: bool) -> None:
    """Turn back texts that were decoded wrongly or escaped: few, and beyond what an expression can do."""
    from standards.restoring import SUSPICIOUS, restored_texts

    suspects = f"SELECT raw FROM given WHERE regexp_matches(raw, {literal(SUSPICIOUS)})"
    found = restored_texts(_texts(engine.again(suspects, once=many, doing="looking for wrong decodings")))
    if found:
        engine.register("restored", pa.table({"raw": pa.array(found), "text": pa.array(found.values())}))
        engine.run(f"UPDATE {STAYING}.given SET text = r.text FROM restored r WHERE r.raw = given.raw", doing=_DOING)


def _look_up(engine: Engine, element: DataElement) -> None:
    """Replace the spellings of divisions among the values `read`: an expression cannot hold them all, so those that occur are looked up."""
    from standards.spellings import SPELLED, readings

    if element.type not in SPELLED:
        return
    doing = "looking up divisions"
    keys = engine.again("SELECT DISTINCT key FROM read WHERE key <> '' ORDER BY key", once=True, doing=doing)
    if known := readings(element, _texts(keys)):
        engine.register("known", pa.table({"key": pa.array(known), "reading": pa.array(known.values())}))
        rest = "|| substring(read.value, length(read.key) + 1)" if element.type == "address" else ""
        engine.run(f"UPDATE {STAYING}.read SET value = k.reading {rest} FROM known k WHERE k.key = read.key", doing=doing)


def _texts(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [text for (text,) in rows]

"""Near: of the many records that are known, those that share a blocking key with one of the few that are new.

The many are looked at where they lie, in the columns of the blocking rules alone; all else is read and prepared only of those that are near.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from core.engine import Engine, quote
from registries.linkage.blocking import values_sql
from registries.linkage.model import LinkageModel
from registries.linkage.prepare import prepared_view


@contextmanager
def near(engine: Engine, model: LinkageModel, few: str, many: str, into: str) -> Iterator[str]:
    """While the block runs: the table `into`, rows of `many` that are near `few`, and a relation by which to count how common values are.

    Records whose entity nobody knows (no `_entity`) are all there: they may be duplicates of one another.
    """
    narrow, sides, counted = model.for_blocking, (f"{into}_few", f"{into}_many"), f"{into}_counted"
    with prepared_view(engine, narrow, few, sides[0]), prepared_view(engine, narrow, many, sides[1]):
        columns = engine.columns(many)
        unknown = f"SELECT _record_id FROM {many} WHERE {'_entity IS NULL' if '_entity' in columns else 'true'}"
        engine.run(f"CREATE TABLE {into}_ids AS {_agreeing(engine, narrow, sides)} UNION {unknown}", doing="finding what is known")
        engine.run(f"CREATE TABLE {into} AS SELECT * FROM {many} WHERE _record_id IN (FROM {into}_ids)", doing="reading what is known")
        common = ", ".join(map(quote, narrow.frequencies)) or "_row"
        engine.run(f"CREATE VIEW {counted} AS {' UNION ALL '.join(f'SELECT {common} FROM {side}' for side in sides)}")
        yield counted
        engine.run(f"DROP VIEW {counted}")
        for table in (into, f"{into}_ids"):
            engine.run(f"DROP TABLE {table}")


def _agreeing(engine: Engine, model: LinkageModel, sides: tuple[str, str]) -> str:
    """SQL for the `_row` of many that agree with any of few on all columns of a rule."""
    rules = zip(model.blocking, *(values_sql(engine, model.blocking, side) for side in sides), strict=True)
    return " UNION ".join(
        f"SELECT _row FROM ({many}) SEMI JOIN ({few}) USING ({', '.join(f'c{place}' for place in range(len(columns)))})"
        for columns, few, many in rules
    )

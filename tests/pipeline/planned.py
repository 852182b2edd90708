"""Statements whose plan holds every row of one relation against every row of another: their work is a product, which no small test would feel."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from core.engine import Engine, Parameters


@contextmanager
def products() -> Iterator[list[str]]:
    """The statements of the block that are planned so."""
    found: list[str] = []
    run = Engine.run

    def watched(engine: Engine, sql: str, parameters: Parameters | None = None, *, doing: str = "running a query") -> None:
        if sql.startswith("INSERT") or (sql.startswith("CREATE") and " AS " in sql and " VIEW " not in sql):
            plan = engine.rows(f"EXPLAIN {sql}", parameters)
            found.extend(sql for _, text in plan if "BLOCKWISE_NL_JOIN" in text)
        run(engine, sql, parameters, doing=doing)

    with patch.object(Engine, "run", watched):
        yield found

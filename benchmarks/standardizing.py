"""Standardizing some columns of a file, in processor seconds; runs in a process of its own, also in an older version of the hub.

It therefore uses nothing of the hub that was not there when the hub was first built.
"""

import json
import resource
import sys
import time

from contracts.model import Contract
from core.engine import Engine, literal, quote
from core.settings import load_settings
from pipeline.standardize import STANDARDIZED, standardize
from standards.loader import load_standards

try:
    from pipeline.plan import make_plan
    from pipeline.statements import prepare_statements
except ImportError:  # where they were when the hub was first built
    from pipeline.standardize import make_plan, prepare_statements  # type: ignore[attr-defined, no-redef]

TODAY = "2026-01-01"
WARM_UP_ROWS = 2_000


def standardized(path: str, columns: list[str], rows: int | None = None) -> tuple[float, int]:
    """Processor seconds of standardizing the columns (named by their elements) of a Parquet file, and how many rows there are."""
    standards, limit = load_standards(), "" if rows is None else f" LIMIT {rows}"
    names = ", ".join(map(quote, columns))
    with Engine(load_settings()) as engine:
        numbered = f"SELECT {names}, file_row_number + 1 AS _position FROM read_parquet({literal(path)}, file_row_number = true){limit}"
        ids = "md5(_position::varchar)::uuid AS _record_id, md5('d' || _position)::uuid AS _row_digest"
        engine.run(f"CREATE VIEW candidates AS SELECT *, {ids}, false AS _known, false AS _conflict FROM ({numbered})")
        plan = make_plan(_contract(columns), standards)
        began = time.process_time()
        standardize(engine, plan, TODAY)
        spent = time.process_time() - began
        return spent, engine.value(f"SELECT count(*) FROM {STANDARDIZED}")


def _contract(columns: list[str]) -> Contract:
    return Contract.model_validate(
        {
            "id": "benchmark__person",
            "title": {"zh": "基准", "en": "Benchmark"},
            "department": {"id": "benchmark", "title": {"zh": "基准", "en": "Benchmark"}},
            "feeds": ["population"],
            "source": {"kind": "csv", "connection": "none", "path": "none.csv"},
            "record_key": "*",
            "columns": {name: name for name in columns},
        }
    )


def main(path: str, *columns: str) -> None:
    """Print the measurement as JSON. Without columns: every population element that this version of the standard has."""
    load_settings().home.mkdir(parents=True, exist_ok=True)
    standards = load_standards()
    known = [use.element.id for use in standards.schemas["population"].uses]
    chosen = [name for name in columns or known if name in known]
    prepare_statements(standards, TODAY)
    standardized(path, chosen, WARM_UP_ROWS)
    seconds, rows = standardized(path, chosen)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"columns": chosen, "rows": rows, "seconds": seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(*sys.argv[1:])

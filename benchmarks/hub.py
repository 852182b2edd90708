"""The hub's part of the build: from landed batches to the published base table, each step in processor seconds.

Runs in a process of its own, so that its peak memory is that of the stages and of nothing else.
"""

import gc
import json
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.batches import Batch
    from pipeline.home import Home
    from registries.publications import Publication

STEPS = {
    "compare": "compare with the accepted snapshot",
    "standardize": "standardize: values, issues, masks",
    "validate": "Great Expectations, issue counts",
    "split": "split, counts, fill rates",
    "write": "write standardized, quarantine, issues",
    "resolve": "resolve: canonical ids, one record per source",
    "merge": "merge, row digests",
    "base": "write base table and links",
    "serve": "load the serving database",
    "follow": "Iceberg follows",
    "other": "catalog, contracts, ledger, commit",
}
# What the figure for standardizing, resolving and writing is made of.
CORE = ("standardize", "write", "resolve", "merge", "base")


@dataclass(frozen=True)
class Build:
    """What the hub did: processor seconds by step, imports apart, and the counts that the ledger must agree with."""

    steps: dict[str, float]
    imports: float
    peak_mb: float
    landed: int
    accepted: int
    quarantined: int
    repeated: int
    linked: int
    entities: int
    digest: str


def build() -> Build:
    """Accept every landed batch and publish the population registry."""
    began = time.process_time()
    import great_expectations  # noqa: F401  imported before, so that its seconds stand in a line of their own
    import ibis  # noqa: F401
    import pyiceberg.catalog.sql
    import pyiceberg.table  # noqa: F401

    import quality.duckdb_dialect
    import quality.suites  # noqa: F401
    from catalog.batches import batches_of
    from core.clock import today
    from demo.benchmark_city import DATASETS
    from pipeline.home import open_home
    from pipeline.statements import prepare_statements
    from pipeline.validate import prepare_suites
    from standards.loader import load_standards

    # As the process does from which the tasks are forked: once, not once a batch.
    prepare_statements(load_standards(), today().isoformat())
    prepare_suites(load_standards())
    gc.freeze()
    imported = time.process_time()
    home = open_home()
    steps, batches, publication = brought_in(home, [batches_of(home.catalog, dataset)[0].batch_id for dataset in DATASETS])
    return Build(
        steps=steps,
        imports=round(imported - began, 3),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        landed=sum(batch.landed or 0 for batch in batches),
        accepted=sum(batch.accepted or 0 for batch in batches),
        quarantined=sum(batch.quarantined or 0 for batch in batches),
        repeated=sum(batch.repeated or 0 for batch in batches),
        linked=publication.linked,
        entities=publication.entities,
        digest=publication.digest,
    )


def brought_in(home: "Home", batch_ids: Sequence[str]) -> tuple[dict[str, float], list["Batch"], "Publication"]:
    """Accept landed batches and publish: processor seconds by step, the batches and the publication."""
    from core.steps import processor_seconds
    from pipeline.accept import accept
    from pipeline.publish import publish

    began, steps = time.process_time(), Counter[str]()
    processor_seconds.set(steps)
    batches = [accept(batch_id, home) for batch_id in batch_ids]
    steps["written"] = steps.pop("write")
    publication = publish("population", home).publication
    steps["base"], steps["write"] = steps.pop("write"), steps.pop("written")
    steps["other"] = time.process_time() - began - sum(steps.values())  # type: ignore[assignment]
    return {name: round(float(steps[name]), 3) for name in STEPS}, batches, publication


if __name__ == "__main__":
    print(json.dumps(vars(build())))

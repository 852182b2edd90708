"""The floor of an increment: what every increment has to leave behind that works from files, in the plainest statements.

From the records that changed and those that are gone, to a database that shows the entities as they are: a log of the changed values of each
dataset, the links of changed records before and after, the unchanged records of the same entities read where they lie, one row an entity with
its digest, those that differ from the rows before as a log, and the rows of the database exchanged. As in the floor of the build, no rule of
the standard is applied and nothing is checked, explained or chosen by rank; no earlier version is kept, and there is neither catalog nor Iceberg.
"""

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks.floor import CANONICAL, IDENTITY, Floor, landed, merged
from catalog.batches import Batch, batches_of
from catalog.datasets import contract_in_force
from catalog.files import files_of
from core.engine import Engine, parquet, quote
from demo.benchmark_city import DATASETS
from pipeline.home import Home
from pipeline.landing import landed_rows
from pipeline.state import standardized_table
from registries.versions import rows_table
from standards.loader import load_standards


def follow(home: Home) -> dict[str, float]:
    """Build the floor of what the datasets delivered first, bring in what the newest deliveries, accepted already, have changed, and return the
    processor `seconds` of the latter, with the `entities` that it exchanged and those `gone`."""
    schema, batches = load_standards().schemas["population"], [batches_of(home.catalog, dataset)[0] for dataset in DATASETS]
    with tempfile.TemporaryDirectory(dir=home.settings.work) as name:
        folder = Path(name)
        with Engine(home.settings) as engine:
            supplied = Floor(home, engine, schema, folder).run()
        with Engine(home.settings) as engine:
            step = _Increment(Floor(home, engine, schema, folder), supplied, batches)
            step.prepare()
            began = time.process_time()
            step.run()
            seconds = time.process_time() - began
            changed, gone = engine.row(
                "SELECT count(*) FILTER (_row_digest IS NOT NULL), count(*) FILTER (_row_digest IS NULL) FROM difference"
            )
    return {"seconds": seconds, "entities": changed, "gone": gone}


@dataclass(frozen=True)
class _Increment:
    floor: Floor
    supplied: Sequence[Sequence[str]]
    batches: Sequence[Batch]

    @property
    def engine(self) -> Engine:
        return self.floor.engine

    @property
    def elements(self) -> list[str]:
        return [name for name in self.floor.known if any(name in mine for mine in self.supplied)]

    def prepare(self) -> None:
        """Tables `changed_<n>`: which records a delivery has changed and which are gone. To find them is the comparison, which is not counted."""
        home = self.floor.home
        self.engine.use_one_thread()
        for number, batch in enumerate(self.batches):
            (log,) = [file for file in files_of(home.catalog, standardized_table(batch.contract_id), ("log",)) if file.seq == batch.seq]
            rows = parquet([home.settings.lake_dir / log.path])
            self.engine.run(f"CREATE TABLE changed_{number} AS SELECT _record_id, _op <> 'delete' AS _live FROM {rows}")

    def run(self) -> None:
        """Bring them in."""
        for number, batch in enumerate(self.batches):
            self._take(number, batch)
        self._link()
        for number in range(len(self.batches)):
            self._gather(number)
        self._merge()
        self._serve()

    def _take(self, number: int, batch: Batch) -> None:
        home = self.floor.home
        of_contract = contract_in_force(home.catalog, batch.contract_id)[1].elements
        columns = {name: of_contract[name].column for name in self.supplied[number]}
        rows = f"{landed_rows(home.settings, batch)} WHERE _record_id IN (SELECT _record_id FROM changed_{number} WHERE _live)"
        self.engine.run(f"CREATE TABLE new_{number} AS SELECT *, {CANONICAL} AS _canonical_id FROM (SELECT {landed(columns)} FROM {rows})")
        self.floor.write(f"log_{number}_changed", f"SELECT * EXCLUDE (_canonical_id) FROM new_{number}")

    def _link(self) -> None:
        """Tables `affected`, entities, and `members`, their unchanged records; and the log of links."""
        numbers, links = range(len(self.batches)), parquet([self.floor.folder / "links"])
        changed = " UNION ALL ".join(f"SELECT _record_id FROM changed_{number}" for number in numbers)
        new = " UNION ALL ".join(f"SELECT _record_id, {number} AS _dataset, _canonical_id FROM new_{number}" for number in numbers)
        self.engine.run(f"CREATE TABLE old_links AS SELECT * FROM {links} WHERE _record_id IN ({changed})")
        self.engine.run(
            f"CREATE TABLE affected AS SELECT _canonical_id FROM ({new}) WHERE _canonical_id IS NOT NULL UNION SELECT _canonical_id FROM old_links"
        )
        self.engine.run(
            f"CREATE TABLE members AS SELECT * FROM {links} WHERE _canonical_id IN (SELECT _canonical_id FROM affected) "
            f"AND _record_id NOT IN ({changed})"
        )
        self.floor.write("links_changed", f"SELECT * FROM ({new}) ORDER BY _record_id")

    def _gather(self, number: int) -> None:
        """Table `linked_<n>`: what a dataset says of affected entities; of an identifier that stands twice in it, nothing."""
        names = ", ".join(["_canonical_id", *map(quote, self.supplied[number])])
        old = f"{parquet([self.floor.folder / f'log_{number}'])} JOIN (SELECT _record_id, _canonical_id FROM members WHERE _dataset = {number}) m"
        rows = f"SELECT {names} FROM new_{number} WHERE {IDENTITY} IS NOT NULL UNION ALL SELECT {names} FROM {old} USING (_record_id)"
        self.engine.run(
            f"CREATE TABLE linked_{number} AS SELECT * FROM ({rows}) QUALIFY count(*) OVER (PARTITION BY _canonical_id) = 1",
            doing="gathering",
        )

    def _merge(self) -> None:
        base = parquet([self.floor.folder / "base"])
        old = f"SELECT _canonical_id, _row_digest AS _old_digest FROM {base} WHERE _canonical_id IN (SELECT _canonical_id FROM affected)"
        self.engine.run(
            f"CREATE TABLE difference AS SELECT * FROM ({merged(self.elements, self.supplied)}) FULL JOIN ({old}) USING (_canonical_id) "
            "WHERE _row_digest IS DISTINCT FROM _old_digest",
            doing="merging",
        )
        self.floor.write("base_changed", "SELECT * FROM difference ORDER BY _canonical_id")

    def _serve(self) -> None:
        gone = [row[0] for row in self.engine.rows("SELECT _canonical_id::varchar FROM difference WHERE _old_digest IS NOT NULL")]
        delete = f"DELETE FROM {rows_table(self.floor.schema)} WHERE _canonical_id IN (SELECT value FROM json_each(:ids))"
        with self.floor.database.begin() as connection:
            connection.execute(sa.text(delete), {"ids": json.dumps(gone)})
        self.floor.load(self.elements, "difference WHERE _row_digest IS NOT NULL")

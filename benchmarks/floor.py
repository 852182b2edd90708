"""The floor of the build: what every build has to leave behind, made of the landed values as they are, in the plainest statements.

A log of each dataset's values, an opaque id for the entity of every record, the links, one row an entity with its digest, in order of its id,
and the serving table with its keys. No rule of the standard is applied: nothing is normalized, checked, refused, explained, masked, validated
or taken apart, no value is chosen by rank, none stands beside another, and nothing is kept that a second publication would need.
"""

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from catalog.batches import batches_of
from catalog.datasets import contract_in_force
from core.database import open_database
from core.digests import digest, row_digest
from core.engine import Engine, literal, parquet, quote
from demo.benchmark_city import DATASETS
from pipeline.home import Home, open_home
from pipeline.landing import landed_rows
from registries import serving
from registries.versions import rows_table
from standards.loader import load_standards
from standards.model import Schema

IDENTITY = "resident_id"
KEY = "0123456789abcdef0123456789abcdef"
CANONICAL = digest(f"{literal(KEY)} || {quote(IDENTITY)}")


@dataclass(frozen=True)
class Floor:
    """The outputs of one registry in a folder: `log_<n>` of each dataset, `links`, `base` and the database `floor.db`."""

    home: Home
    engine: Engine
    schema: Schema
    folder: Path

    @property
    def known(self) -> list[str]:
        """The elements of the registry."""
        return [element.id for element in self.schema.elements]

    def run(self) -> list[list[str]]:
        """Make all of it; returns the elements that each dataset supplies."""
        known = self.known
        supplied = [self._take(number, known) for number in range(len(DATASETS))]
        parts = [f"SELECT _record_id, {number} AS _dataset, _canonical_id FROM linked_{number}" for number in range(len(DATASETS))]
        self.write("links", f"{' UNION ALL '.join(parts)} ORDER BY _record_id")
        elements = [name for name in known if any(name in mine for mine in supplied)]
        self.write("base", f"{merged(elements, supplied)} ORDER BY _canonical_id")
        self._serve(elements)
        return supplied

    def write(self, name: str, sql: str) -> None:
        """Write a file of the folder."""
        self.engine.run(f"COPY ({sql}) TO {literal(str(self.folder / name))} (FORMAT parquet, COMPRESSION zstd)", doing="writing the floor")

    def _take(self, number: int, known: Sequence[str]) -> list[str]:
        """Write one dataset's values as elements, and link its records; of an identifier that stands twice in it, none."""
        dataset = DATASETS[number]
        columns = {
            name: source.column for name, source in contract_in_force(self.home.catalog, dataset)[1].elements.items() if name in known
        }
        rows = landed_rows(self.home.settings, batches_of(self.home.catalog, dataset)[-1])
        self.write(f"log_{number}", f"SELECT {landed(columns)} FROM {rows}")
        log, name = parquet([self.folder / f"log_{number}"]), f"linked_{number}"
        self.engine.run(
            f"CREATE TABLE {name} AS SELECT *, {CANONICAL} AS _canonical_id FROM {log} WHERE {quote(IDENTITY)} IS NOT NULL", doing="linking"
        )
        self.engine.run(
            f"DELETE FROM {name} WHERE _canonical_id IN (SELECT _canonical_id FROM {name} GROUP BY _canonical_id HAVING count(*) > 1)"
        )
        return list(columns)

    def _serve(self, elements: Sequence[str]) -> None:
        database, table = self.database, rows_table(self.schema)
        with database.begin() as connection:
            columns = ", ".join(f"{name} TEXT" for name in elements)
            connection.execute(sa.text(f"CREATE TABLE {table} (_canonical_id TEXT PRIMARY KEY, {columns})"))
        self.load(elements, parquet([self.folder / "base"]))
        with database.begin() as connection:
            connection.execute(sa.text(f"CREATE INDEX by_identity ON {table} ({IDENTITY})"))

    def load(self, elements: Sequence[str], rows: str) -> None:
        """Append rows of the base table to the database."""
        sql = f"SELECT _canonical_id::varchar AS _canonical_id, {', '.join(map(quote, elements))} FROM {rows}"
        with serving.bulk_cursor(self.database) as cursor:
            for batch in self.engine.batches(sql, serving.CHUNK):
                cursor.adbc_ingest(rows_table(self.schema), pa.Table.from_batches([batch]), mode="append")

    @property
    def database(self) -> sa.Engine:
        """The serving database."""
        return open_database(f"sqlite:///{self.folder / 'floor.db'}")


def landed(columns: Mapping[str, str]) -> str:
    """SQL for a landed row's columns: those of `columns`, by the elements that they say."""
    return ", ".join(["_record_id", "_position", "_row_digest", *(f"{quote(column)} AS {quote(name)}" for name, column in columns.items())])


def merged(elements: Sequence[str], supplied: Sequence[Sequence[str]]) -> str:
    """SQL for one row an entity from the relations `linked_<n>`, with its digest: the first source that says something."""
    first = {name: ", ".join(f"linked_{number}.{quote(name)}" for number, mine in enumerate(supplied) if name in mine) for name in elements}
    values = ", ".join(f"coalesce({said}) AS {quote(name)}" for name, said in first.items())
    joins = " ".join(f"FULL JOIN linked_{number} USING (_canonical_id)" for number in range(1, len(supplied)))
    rows = f"SELECT _canonical_id, {values} FROM linked_0 {joins}"
    return f"SELECT *, {row_digest(['_canonical_id::varchar', *map(quote, elements)])} AS _row_digest FROM ({rows})"


def make_all() -> dict[str, float]:
    """Make all of it in a folder of its own, and return the processor `seconds`, and the `links` and `entities` that it came to."""
    home, schema = open_home(), load_standards().schemas["population"]
    with tempfile.TemporaryDirectory(dir=home.settings.work) as folder, Engine(home.settings) as engine:
        began = time.process_time()
        Floor(home, engine, schema, Path(folder)).run()
        seconds = time.process_time() - began
        counts = {name: engine.value(f"SELECT count(*) FROM {parquet([Path(folder) / name])}") for name in ("links", "base")}
    return {"seconds": seconds, "links": counts["links"], "entities": counts["base"]}


if __name__ == "__main__":
    print(json.dumps(make_all()))

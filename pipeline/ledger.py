"""The ledger's equations, recomputed: from the catalog's figures, and from the files and tables they speak of."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.batches import EVERY_BATCH, Batch, batches_of, latest_accepted
from catalog.datasets import contracts_in_force
from catalog.files import files_of
from core.digests import digest_sums
from core.engine import Engine, parquet
from core.errors import HubError
from core.sums import combine
from pipeline.home import Home
from pipeline.landing import batch_folder, landed_rows
from pipeline.publication.base import base_state
from pipeline.receipts import purged_by
from pipeline.resolve import xref_lines
from pipeline.state import named_files, standardized_table, state
from registries.publications import latest
from standards.loader import load_standards
from standards.model import Schema


@dataclass(frozen=True)
class Equation:
    """One equation: what it is about, its words, and both sides as found."""

    subject: str
    words: str
    left: int | str
    right: int | str

    @property
    def holds(self) -> bool:
        """Whether both sides are equal."""
        return self.left == self.right


def check_ledger(home: Home) -> list[Equation]:
    """Recompute every equation of the ledger, for all batches of every dataset and the current publication of every registry."""
    schemas = load_standards().schemas
    with Engine(home.settings) as engine:
        found = [equation for contract_id in contracts_in_force(home.catalog) for equation in _dataset(home, engine, contract_id)]
        return found + [_files(home)] + [equation for schema in schemas.values() for equation in _registry(home, engine, schema)]


def _files(home: Home) -> Equation:
    """A state is read from compacted files: that a log is gone would show only where the feed of its table is asked for."""
    named = named_files(home)
    gone = sorted(path for path in named if not (home.settings.lake_dir / path).exists())
    there = len(named) - len(gone)
    return Equation("lake", "files named = files that are there", len(named), f"{there}, not {gone[0]}" if gone else there)


def _dataset(home: Home, engine: Engine, contract_id: str) -> Iterator[Equation]:
    table = standardized_table(contract_id)
    quarantine = {file.seq: home.settings.lake_dir / file.path for file in files_of(home.catalog, table, ("quarantine",))}
    for batch in batches_of(home.catalog, contract_id, EVERY_BATCH):
        if batch.landed is not None and batch.status != "abandoned":
            yield from _landing(home, engine, batch)
        if batch.accepted is not None:
            yield from _acceptance(engine, batch, quarantine.get(batch.seq))
    last = latest_accepted(home.catalog, contract_id)
    if last is not None:
        live = _counted(engine, f"SELECT count(*) FROM {state(home, table, {'_record_id': 'UUID'})}")
        yield Equation(contract_id, "records = live rows of the standardized table", last.records or 0, *live)


def _counted(engine: Engine, sql: str, columns: int = 1) -> tuple[Any, ...]:
    """What a query counts; where it cannot read a file, so many times why: one damaged file is one finding, and the rest is looked at."""
    try:
        return engine.row(sql, doing="checking the ledger")
    except HubError as error:
        return (error.message,) * columns


def _landing(home: Home, engine: Engine, batch: Batch) -> Iterator[Equation]:
    yield Equation(batch.batch_id, "read = landed + unreadable", batch.read or 0, (batch.landed or 0) + (batch.unreadable or 0))
    is_there = batch_folder(home.settings, batch.contract_id, batch.seq).exists()
    # Of an ended batch it is there until it is purged, of which there is a receipt.
    if is_there or (batch.status in ("accepted", "stopped") and purged_by(home, batch) is None):
        rows = _counted(engine, f"SELECT count(*) FROM {landed_rows(home.settings, batch)}")
        yield Equation(batch.batch_id, "landed = rows in landing", batch.landed or 0, *rows)


def _acceptance(engine: Engine, batch: Batch, quarantine: Path | None) -> Iterator[Equation]:
    parts = sum(count or 0 for count in (batch.accepted, batch.unchanged, batch.repeated, batch.quarantined))
    yield Equation(batch.batch_id, "landed = accepted + unchanged + repeated + quarantined", batch.landed or 0, parts)
    if batch.status == "accepted":
        after = (batch.previous or 0) + (batch.inserted or 0) - (batch.deleted or 0)
        yield Equation(batch.batch_id, "records = previous + inserted - deleted", batch.records or 0, after)
        rows = _counted(engine, f"SELECT count(*) FROM {parquet([quarantine])}") if quarantine else (0,)
        yield Equation(batch.batch_id, "quarantined = rows in quarantine", batch.quarantined or 0, *rows)


def _registry(home: Home, engine: Engine, schema: Schema) -> Iterator[Equation]:
    now = latest(home.serving, schema.id)
    if not now.number:
        return
    name = f"{schema.id} #{now.number}"
    yield Equation(name, "records = linked + unlinked + withheld", now.records, now.linked + now.unlinked + now.withheld)
    links, apart = _counted(
        engine, f"SELECT count(_canonical_id), count(*) - count(_canonical_id) FROM {xref_lines(home, schema.id, now.number)}", columns=2
    )
    yield Equation(name, "linked = links in xref", now.linked, links)
    yield Equation(name, "apart = lines in xref without a link", now.apart, apart)
    rows, high, low = _counted(
        engine,
        f"SELECT count(*), {digest_sums('_row_digest')} FROM {base_state(home, schema, now.number, ['_canonical_id', '_row_digest'])}",
        columns=3,
    )
    yield Equation(name, "entities = live rows of the base table", now.entities, rows)
    yield Equation(name, "digest = sum of row digests", now.digest, rows if isinstance(rows, str) else f"{combine(high, low):032x}")
    with home.serving.connect().execution_options(hub_reading=True) as connection:
        served = connection.exec_driver_sql(f"SELECT count(*) FROM {schema.table}").scalar_one()
    yield Equation(name, "entities = rows that the serving database shows", now.entities, served)

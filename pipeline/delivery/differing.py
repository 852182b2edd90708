"""Which rows of a source differ from what is known, by the digests that the source's own engine computes.

A digest of the source is that of landing where the last whole delivery has shown it: there the source's account of every row was equal to
what landed. Then nothing has to be read of a row whose record was accepted with just that digest. All rows of a record are chosen together as
soon as one of them differs, so that repeated and contradicting rows are seen as in a whole delivery; what waits in quarantine or was repaired is
read again each time.
"""

from collections.abc import Iterable
from datetime import timedelta

import pyarrow as pa

from catalog.batches import Batch, judged_otherwise, latest_accepted, latest_whole
from connectors.claim import asks_digest
from connectors.databases.increment import DIGEST, MUCH_DIFFERS, PLACE, Chosen, Differing, Increment
from connectors.extraction import Told
from contracts.model import Contract
from core.clock import now
from core.digests import digest_sums, partition_sums, record_id
from core.engine import Engine, quote
from core.keys import RECORD_KEY, load_key
from core.sums import combine
from pipeline.changes import FEW_CANDIDATES, PREVIOUS
from pipeline.delivery.completeness import EQUAL
from pipeline.home import Home
from pipeline.landing import read_manifest
from pipeline.quarantine.repairs import has_corrected_keys, repaired_records
from pipeline.quarantine.waiting import BEFORE, read_before
from pipeline.state import LOG_COLUMNS, standardized_table, state

ASKABLE = ("postgresql", "mysql")  # kinds of source whose engine computes the digests of landing and keeps a snapshot
# The whole source is read anew after this time: what lies in landing is renewed, and that the digests are still the same is shown again.
WHOLE_AGAIN = timedelta(days=7)
# Smaller tables are read whole each time: that costs nothing to speak of, and the department can be asked again what it said of all of them.
LEAST_ROWS = 50_000
# More rows than these are better streamed than asked for by their places.
MOST_CHOSEN = 500_000
# Keys and digests of a large table are put on disk: reading a source never takes more than a gigabyte, whatever its size.
MEMORY_MB = 128
ASKED = "asking the source what differs"
# SQL for the records that were accepted or wait in quarantine and of which the source has no row any more.
_GONE = (
    "SELECT DISTINCT _record_id::varchar AS _record_id FROM ("
    f"SELECT _record_id FROM {PREVIOUS} ANTI JOIN told USING (_row_digest) UNION ALL SELECT _record_id FROM {BEFORE}"
    ") ANTI JOIN chosen USING (_record_id)"
)


def differing(home: Home, contract: Contract, batch: Batch, otherwise: Increment | None = None) -> Differing | None:
    """How a batch asks for the rows that differ, or `otherwise` for all; None where the source cannot tell them, or has to be read whole."""
    if contract.source.kind not in ASKABLE or contract.whole_row_is_key or not asks_digest(contract):
        return None
    whole = latest_whole(home.catalog, contract.id)
    if whole is None or (whole.landed or 0) < LEAST_ROWS or not whole.started_at <= now() < whole.started_at + WHOLE_AGAIN:
        return None
    if judged_otherwise(home.catalog, whole, batch.rules) or has_corrected_keys(home, contract.id):
        return None
    # Where much differed the last time, or waits and would be read again, asking is in vain; the time after this one it is tried again.
    last = latest_accepted(home.catalog, contract.id) or whole
    if any(note["kind"] == MUCH_DIFFERS for note in whole.notes) or (last.waiting or 0) > FEW_CANDIDATES * (whole.landed or 0):
        return None
    source = (read_manifest(home.settings, whole) or {}).get("source") or {}
    if source.get("verdict") != EQUAL:
        return None
    return Differing(lambda schema, told: _choose(home, contract, batch, schema, told), otherwise)


def _choose(home: Home, contract: Contract, batch: Batch, schema: pa.Schema, told: Iterable[pa.RecordBatch]) -> Chosen | None:
    with Engine(home.settings, threads=1, memory_limit_mb=min(MEMORY_MB, home.settings.memory_limit_mb)) as engine:
        columns = ", ".join([*map(quote, contract.record_key), f"{DIGEST}::uuid AS _row_digest", PLACE])
        with engine.streamed("source_rows", schema, told):
            engine.run(f"CREATE TABLE told AS SELECT {columns} FROM source_rows", doing=ASKED)
        read_before(home, engine, batch)
        _read_known(engine, home, contract)
        rows, high, low = engine.row(f"SELECT count(*), {digest_sums('_row_digest')} FROM told", doing=ASKED)
        if not _choose_rows(engine, home, contract, most=min(MOST_CHOSEN, int(FEW_CANDIDATES * rows))):
            return None
        places = [place for (place,) in engine.rows(f"SELECT {PLACE} FROM chosen", doing=ASKED)]
        keys = [quote(name) for name in contract.record_key]
        sums = engine.rows(f"SELECT {partition_sums(keys, '_row_digest')} FROM chosen GROUP BY part", doing=ASKED)
        gone = engine.arrow(_GONE, doing=ASKED)
    parts = {part: (count, combine(upper, lower)) for part, count, upper, lower in sums}
    return Chosen(places, parts, gone, Told(rows, f"{combine(high, low):032x}"))


def _read_known(engine: Engine, home: Home, contract: Contract) -> None:
    """Table `previous`, the accepted state, and view `known`: of it all but the records that wait or were repaired, which are read each time."""
    rows = state(home, standardized_table(contract.id), {name: LOG_COLUMNS[name] for name in ("_record_id", "_row_digest")})
    engine.run(f"CREATE TABLE {PREVIOUS} AS SELECT _record_id, _row_digest FROM {rows}", doing="reading the accepted state")
    unknown = f"SELECT _record_id FROM {BEFORE}"
    if repaired := repaired_records(home, contract.id):
        unknown += f" UNION ALL SELECT _record_id FROM {repaired}"
    engine.run(f"CREATE VIEW known AS SELECT * FROM {PREVIOUS} WHERE _record_id NOT IN ({unknown})")


def _choose_rows(engine: Engine, home: Home, contract: Contract, most: int) -> bool:
    """Table `chosen`: the rows that differ, with all rows of their records. False where they are more than `most`.

    Ids are computed of these few only: of all others the digest tells which record they are.
    """
    # Joins that leave out or keep can be put on disk, which NOT IN cannot.
    differs = f"SELECT * FROM told ANTI JOIN known USING (_row_digest) LIMIT {most + 1}"
    parameters = {"record_key": load_key(home.settings, RECORD_KEY), "dataset": contract.id}
    engine.run(f"CREATE TABLE chosen AS SELECT *, {record_id(contract.record_key)} AS _record_id FROM ({differs})", parameters, doing=ASKED)
    engine.run(
        "INSERT INTO chosen SELECT t.*, k._record_id FROM told t "
        "JOIN (SELECT * FROM known WHERE _record_id IN (SELECT _record_id FROM chosen)) k USING (_row_digest)",
        doing=ASKED,
    )
    return bool(engine.value("SELECT count(*) FROM chosen") <= most)

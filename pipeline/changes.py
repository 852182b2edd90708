"""Snapshot comparison: what a batch says that was not known before.

Every landed row is exactly one of: repeated (the same content under the same record id again), unchanged (as accepted before), or a
candidate that goes on to be standardized. Of a whole delivery, records that were accepted before and are no longer there are deletes; of a
part, only those that it names as deleted.
"""

from dataclasses import dataclass

from core.engine import Engine

ROWS = "landed"  # view: the rows of the batch
PREVIOUS = "previous"  # table: _record_id, _row_digest of the accepted state
CANDIDATES = "candidates"  # view or table: rows to standardize, with _known and _conflict
TEXTS = "texts"  # view: the candidates, and perhaps other rows of the batch: for whoever asks which texts occur
FRESH = "fresh"  # table: _position of the candidates, where most rows are unchanged
REPEATS = "repeats"  # table: _position, _kind of rows whose record id occurs more than once
DELETED = "deleted"  # table: _record_id of records that disappeared
WITHDRAWN = "withdrawn"  # table: _record_id of records that a part names as deleted and that were only waiting in quarantine
# Up to this share of the rows is kept as a table; more than that is cheaper read from landing again than copied.
FEW_CANDIDATES = 0.25


@dataclass(frozen=True)
class Changes:
    """Counts of a comparison: rows of the batch, records of the state before it; of a part, records that it leaves `unsettled`."""

    landed: int
    repeated: int
    unchanged: int
    previous: int
    disappeared: int
    unsettled: int = 0

    @property
    def fresh(self) -> int:
        """Rows that go on to be standardized."""
        return self.landed - self.repeated - self.unchanged


def compare(
    engine: Engine,
    landed: str,
    previous: str,
    *,
    same_rules: bool,
    is_whole: bool = True,
    named_deletes: str | None = None,
    waiting: str | None = None,
    taken_over: str | None = None,
) -> Changes:
    """Compare a landed batch with the accepted state, and leave candidates and deletes as relations of the engine.

    `same_rules` says whether contract and standard are those of the last accepted batch; if not, no row counts as unchanged,
    because the same raw row may now mean something else. `named_deletes` is SQL for the record ids that a part says are deleted; `waiting`
    for those that wait in quarantine: their rows are judged anew, since what was accepted before may have been rejected by later rules.
    `taken_over` is SQL for records that a repair stood for and that the source now sends itself: they count as new, too.
    """
    engine.run(f"CREATE VIEW {ROWS} AS SELECT * FROM {landed}", doing="opening the batch")
    engine.run(f"CREATE TABLE {PREVIOUS} AS SELECT _record_id, _row_digest FROM {previous}", doing="reading the accepted state")
    _find_repeats(engine)
    known = engine.value(f"SELECT count(*) FROM {PREVIOUS}")
    unchanged = "p._row_digest = l._row_digest AND coalesce(r._kind, '') <> 'conflict'" if same_rules else "false"
    if same_rules and waiting:
        unchanged += f" AND l._record_id NOT IN (SELECT _record_id FROM {waiting})"
    if same_rules and taken_over:
        unchanged += f" AND l._record_id NOT IN ({taken_over})"
    named = "true" if is_whole else f"_record_id IN (SELECT _record_id FROM {named_deletes})" if named_deletes else "false"
    # Where nothing was accepted before, nothing is gone: the ids of the batch need not be looked at.
    gone = f"_record_id NOT IN (SELECT _record_id FROM {ROWS})" if known else "false"
    engine.run(f"CREATE TABLE {DELETED} AS SELECT _record_id FROM {PREVIOUS} WHERE {named} AND {gone}", doing="finding deletes")
    # Few wait: what is there of them is found by them, not by all that is there.
    few = f"WHERE _record_id IN (SELECT _record_id FROM {waiting})"
    there = f"SELECT _record_id FROM {ROWS} {few} UNION ALL SELECT _record_id FROM {PREVIOUS} {few}"
    is_part = waiting and not is_whole
    withdrawn = f"FROM {waiting} WHERE {named} AND _record_id NOT IN ({there})" if is_part else f"FROM {DELETED} LIMIT 0"
    engine.run(f"CREATE TABLE {WITHDRAWN} AS SELECT DISTINCT _record_id {withdrawn}", doing="finding deletes")
    landed_rows = engine.value(f"SELECT count(*) FROM {ROWS}")
    repeated = engine.value(f"SELECT count(*) FROM {REPEATS} WHERE _kind = 'repeated'")
    disappeared = engine.value(f"SELECT count(*) FROM {DELETED}")
    if known and same_rules:
        same, texts = _find_candidates(engine, unchanged, landed_rows - repeated), CANDIDATES
    else:
        # Copies have no text that what they repeat has not, so that they need not be told apart by a join.
        same, texts = 0, ROWS
        engine.run(f"CREATE VIEW {CANDIDATES} AS {_candidates('l.*', 'false', before=known > 0)}")
    engine.run(f"CREATE VIEW {TEXTS} AS SELECT * FROM {texts}")
    return Changes(landed_rows, repeated, same, known, disappeared)


def _candidates(columns: str, unchanged: str, *, before: bool = True) -> str:
    """The rows to standardize. Without a state `before`, none is known: every reading of them is spared a join."""
    known, previous = "p._record_id IS NOT NULL", f"LEFT JOIN {PREVIOUS} p ON p._record_id = l._record_id "
    return (
        f"SELECT {columns}, {known if before else 'false'} AS _known, coalesce(r._kind, '') = 'conflict' AS _conflict "
        f"FROM {ROWS} l LEFT JOIN {REPEATS} r ON r._position = l._position {previous if before else ''}"
        f"WHERE coalesce(r._kind, '') <> 'repeated' AND NOT coalesce({unchanged}, false)"
    )


def _find_candidates(engine: Engine, unchanged: str, rows: int) -> int:
    """Leave the candidates among so many rows that are not repeated, and return how many of these are unchanged. Ids and digests tell, so the
    rows themselves are read once.
    """
    engine.run(f"CREATE TABLE {FRESH} AS {_candidates('l._position', unchanged)}", doing="comparing the batch")
    fresh: int = engine.value(f"SELECT count(*) FROM {FRESH}")
    kind = "TABLE" if fresh <= FEW_CANDIDATES * rows else "VIEW"
    engine.run(
        f"CREATE {kind} {CANDIDATES} AS SELECT l.*, f._known, f._conflict FROM {ROWS} l JOIN {FRESH} f ON f._position = l._position",
        doing="comparing the batch",
    )
    return rows - fresh


def _find_repeats(engine: Engine) -> None:
    """Sort out record ids that occur more than once: copies are `repeated`, different content under one id is a `conflict`."""
    engine.run(
        f"CREATE TABLE {REPEATS} AS WITH often AS (SELECT _record_id FROM {ROWS} GROUP BY _record_id HAVING count(*) > 1), "
        f"found AS (SELECT _position, _record_id, _row_digest, row_number() OVER (PARTITION BY _record_id, _row_digest ORDER BY _position) AS nth "
        f"FROM {ROWS} WHERE _record_id IN (SELECT _record_id FROM often)), "
        "contents AS (SELECT _record_id, count(DISTINCT _row_digest) AS contents FROM found GROUP BY _record_id) "
        "SELECT _position, CASE WHEN nth > 1 THEN 'repeated' WHEN contents > 1 THEN 'conflict' ELSE 'single' END AS _kind "
        "FROM found JOIN contents USING (_record_id)",
        doing="finding repeated rows",
    )

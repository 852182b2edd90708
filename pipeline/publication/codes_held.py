"""Codes held: which judgements that rest on an earlier code fall, because the two that it joined do not show one in common any more.

A code may be shown by any record of the identifier, and not only by the one that the judgement names.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.engine import literal
from pipeline.publication.pinned_records import CHANGED, IDS, LINES, NEWCOMERS, SIDES, STANDING, PinnedRecords
from pipeline.resolve import Pinned

CODELESS = "codeless"  # table: number of the judgements that fall
# Table: number, method, both records, and of either what has to show the code: all records of its identifier, or, without one, itself.
BY_CODE = "by_code"


@dataclass(frozen=True)
class CodesHeld:
    """One look at what rests on codes; `links_of` is SQL for the published links of the identifiers that a query gives (_own)."""

    records: PinnedRecords
    datasets: Sequence[Pinned]
    changed: Sequence[Pinned]
    links_of: Callable[[str], str]

    @property
    def is_by_code(self) -> str:
        """SQL for whether a judgement rests on a code."""
        return f"method IN ({', '.join(literal(rule.name) for rule in self.records.definition.earlier_codes) or 'NULL'})"

    @property
    def are_there(self) -> bool:
        """Whether any judgement does."""
        return bool(self.records.engine.value(f"SELECT count(*) FROM {STANDING} WHERE is_automatic AND {self.is_by_code}"))

    def find(self) -> bool:
        """Leave the table `codeless`; returns False where nothing rests on codes."""
        if not self.are_there:
            return False
        self.records.engine.run(
            f"CREATE TABLE {BY_CODE} AS SELECT number, method, left_record, right_record, coalesce(l._own, left_record) AS left_key, "
            f"coalesce(r._own, right_record) AS right_key FROM {STANDING} LEFT JOIN {LINES} l ON l._record_id = left_record "
            f"LEFT JOIN {LINES} r ON r._record_id = right_record WHERE is_automatic AND {self.is_by_code}"
        )
        keys = f"SELECT left_key FROM {BY_CODE} UNION SELECT right_key FROM {BY_CODE}"
        self.records.engine.run(
            f"CREATE TABLE members AS SELECT _own AS _key, _dataset, _record_id FROM ({self.links_of(keys)}) "
            f"UNION SELECT _own, _dataset, _record_id FROM {NEWCOMERS}",
            doing="reading links",
        )
        self._look_at_codes()
        for item in self.datasets:
            self._read_codes(item)
        self.records.engine.run(
            f"CREATE TABLE {CODELESS} AS SELECT number FROM {BY_CODE} WHERE left_key IN (SELECT _key FROM showing) "
            "AND right_key IN (SELECT _key FROM showing) AND NOT EXISTS (SELECT 1 FROM showing a JOIN showing b ON a.code = b.code "
            "WHERE a._key = left_key AND b._key = right_key AND starts_with(a.code, method || ' '))"
        )
        return True

    def _look_at_codes(self) -> None:
        """Leave only those `by_code` of which a record, or one of the same identifier, came anew."""
        touched = [f"SELECT _record_id FROM {CHANGED}", f"SELECT _own FROM {NEWCOMERS}"]
        for item in self.changed:
            new = self.records.came_anew(item)
            came = "" if new is None else f" AND _record_id IN (SELECT _record_id FROM ({new}))"
            touched.append(f"SELECT _key FROM members WHERE _dataset = {item.number}{came}")
        self.records.engine.run(f"CREATE TABLE touched AS {' UNION '.join(touched)}", doing="looking at codes")
        names = ("left_key", "right_key", "left_record", "right_record")
        self.records.engine.run(f"DELETE FROM {BY_CODE} WHERE NOT ({' OR '.join(f'{name} IN (FROM touched)' for name in names)})")
        self.records.engine.run("CREATE TABLE showing (_key UUID, code VARCHAR)")

    def _read_codes(self, item: Pinned) -> None:
        """Add the codes that records of a dataset show now, by their identifier, and by themselves where they have none."""
        keys = f"SELECT left_key FROM {BY_CODE} UNION SELECT right_key FROM {BY_CODE}"
        own = f"SELECT _record_id FROM {SIDES} WHERE _contract = {literal(item.contract.id)} AND _record_id IN ({keys})"
        self.records.engine.run(
            f"CREATE OR REPLACE TABLE {IDS} AS SELECT _record_id FROM members WHERE _dataset = {item.number} AND _key IN ({keys}) UNION {own}"
        )
        if item.withdrawn or not self.records.engine.value(f"SELECT count(*) FROM {IDS}"):
            return
        # A key without any code has its row too: it is there, and shows none.
        self.records.engine.run(
            f"INSERT INTO showing SELECT _key, unnest(codes || ['']) FROM (SELECT unnest([_identity, _record_id]) AS _key, codes "
            f"FROM ({self.records.contents(item.contract, item.seq)})) WHERE _key IN ({keys})",
            self.records.key,
            doing=f"reading {item.contract.id}",
        )

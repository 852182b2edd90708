"""Renewing: before a publication, judgements are looked at again where a record of the pair has changed since.

A judgement is about two entities and names a record of each. One that leaves the entity of its identifier hands its judgements over to another
record of the same entity. What a rule or model was sure of rests, besides, on what the records said: one without an identifier that says
something else is compared anew, and a code that is no longer shown holds nothing together. What does not hold is taken back, and its record
waits again. What a person has said is not compared again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.batches import batch_at
from catalog.datasets import contract_at, contracts_in_force, dataset_numbers
from contracts.model import Contract
from core.engine import Engine, literal, quote
from core.leases import Lease
from pipeline.home import Home
from pipeline.link import EACH_OTHER, TO_KNOWN, find_entities, model_of, read_unidentified
from pipeline.publication.codes_held import CODELESS, CodesHeld
from pipeline.publication.offering import pair_of
from pipeline.publication.pinned_records import CHANGED, IDS, LINES, NEWCOMERS, SIDES, STANDING, PinnedRecords
from pipeline.publication.pins import Pins
from pipeline.publication.placing import is_apart
from pipeline.resolve import OWN_IDENTITY, Pinned, xref_lines
from pipeline.state import Sought, is_kept, log_columns, standardized_table, state
from registries.definition import RegistryDefinition
from registries.judgements import (
    HUMAN,
    IN_PLACE,
    RENEWED,
    SAME,
    UNSURE,
    WITHDRAWN,
    Decision,
    Fact,
    JudgedSince,
    Side,
    facts,
    newest,
    reserve,
)
from registries.matching import canonical_id
from registries.publications import Publication
from standards.model import Schema, Standards

# Table: _record_id, _own, _entity (as published), changed_at, is_live and is_apart of records that are no longer what their identifier made of
# them.
LOST = "lost"
# Table: number and why of judgements that do not stand as they were written, and the two records between which they then stand, if so.
RENEWALS = "renewals"
GONE, OTHERWISE, OTHER_CODE = "its record is gone", "its record says something else", "its code is no longer shown"


def renew(
    home: Home, definition: RegistryDefinition, schema: Schema, standards: Standards, before: Publication, pins: Pins, lease: Lease
) -> Pins:
    """Look again at what is judged, given what a publication will rest on. Returns the pins with what follows: facts that have their numbers and
    are yet to be written.
    """
    changed = [item for item in pins.datasets if item.changed]
    if not (before.number and changed and pins.judged):
        return pins
    while True:
        with Engine(home.settings) as engine:
            renewing = _Renewing(engine, home, definition, schema, standards, before, pins.datasets, changed, pins.judged)
            found = renewing.renewed() if renewing.look() else ()
        if not found:
            return pins
        try:
            renewed = reserve(home.serving, definition.id, found, pins.judged, lease)
        except JudgedSince:  # somebody has judged while this was worked out
            pins = replace(pins, judged=newest(home.serving, definition.id))
        else:
            return replace(pins, judged=renewed[-1].number, renewed=renewed)


@dataclass(frozen=True)
class _Renewing:
    """One look, step by step, at what is judged `upto` a number: `changed` are the datasets that have changed since the publication `before`."""

    engine: Engine
    home: Home
    definition: RegistryDefinition
    schema: Schema
    standards: Standards
    before: Publication
    datasets: Sequence[Pinned]
    changed: Sequence[Pinned]
    upto: int

    @property
    def records(self) -> PinnedRecords:
        """How records are read."""
        return PinnedRecords(self.engine, self.home, self.definition, self.schema, self.standards)

    def look(self) -> bool:
        """Leave the table `renewals`; returns whether there is anything in it."""
        self._read_standing()
        for item in self.changed:
            self._read_changed(item, f"SELECT _record_id FROM {SIDES} WHERE _contract = {literal(item.contract.id)}")
        if not self.engine.value(f"SELECT count(*) FROM {CHANGED} WHERE is_changed") and not self._codes.are_there:
            return False
        self._read_lines()
        self._hand_over()
        if self._codes.find():
            self._take_back(CODELESS, OTHER_CODE)
        self._compare_anew()
        return bool(self.engine.value(f"SELECT count(*) FROM {RENEWALS}"))

    def renewed(self) -> list[Fact]:
        """What the renewals say as facts: first what takes the place of a judgement, then that it is taken back."""
        # Of a pair counts what a person said, and the newest of that; what falls counts for nothing, so another code may hold the pair together.
        order = "NOT coalesce(is_handed_over, true), is_automatic, number DESC"
        told = self.engine.records(
            f"FROM (SELECT *, row_number() OVER (PARTITION BY left_record, right_record ORDER BY {order}) = 1 AS counts FROM {STANDING} "
            f"LEFT JOIN {RENEWALS} USING (number)) WHERE is_handed_over IS NOT NULL ORDER BY number"
        )
        # What is judged of two records is not overruled by what was said of others, but what a person said outweighs rule and model.
        # Who was unsure has decided nothing: that gives way to whatever else is said of the pair.
        settles = f"NOT is_automatic AND verdict <> '{UNSURE}'"
        pairs = self.engine.rows(
            f"SELECT left_record::varchar, right_record::varchar, {settles} FROM {STANDING} WHERE number NOT IN (SELECT number FROM {RENEWALS})"
        )
        judged = {pair_of(left, right) for left, right, _ in pairs}
        said = {pair_of(left, right) for left, right, is_settled in pairs if is_settled}
        hub, handed, taken = self.home.settings.actor, [], []
        for row in sorted(told, key=lambda row: bool(row["verdict"] == UNSURE)):
            left, right = (Side(str(row[f"{side}_record"]), row[f"{side}_dataset"]) for side in ("left", "right"))
            taken.append(Fact(Decision(left, right, row["verdict"], row["why"], None, RENEWED), hub, row["number"]))
            if not (row["is_handed_over"] and row["counts"]):
                continue
            left, right = (Side(str(row[f"{side}_next"]), row[f"{side}_contract"]) for side in ("left", "right"))
            pair = pair_of(left.record_id, right.record_id)
            if pair not in (judged if row["is_automatic"] or row["verdict"] == UNSURE else said):
                judged.add(pair)
                if not row["is_automatic"]:
                    said.add(pair)
                why = f"{IN_PLACE}{row['number']}: {row['why']}"
                decision = Decision(left, right, row["verdict"], why, row["score"], row["method"])
                handed.append(Fact(decision, hub if row["is_automatic"] else row["actor"]))
        return [*handed, *taken]

    def _read_standing(self) -> None:
        self.engine.register("facts", facts(self.home.serving, self.definition.id, self.upto, more=("actor", "at")))
        self.engine.run(
            f"CREATE TABLE {STANDING} AS SELECT number, left_record::uuid AS left_record, right_record::uuid AS right_record, left_dataset, "
            f"right_dataset, verdict, score, method, actor, {quote('at')}::timestamp AS judged_at, method <> '{HUMAN}' AS is_automatic FROM facts "
            f"WHERE verdict <> '{WITHDRAWN}' AND number NOT IN (SELECT withdraws FROM facts WHERE withdraws IS NOT NULL)"
        )
        self.engine.run(
            f"CREATE TABLE {SIDES} AS SELECT left_record AS _record_id, left_dataset AS _contract FROM {STANDING} "
            f"UNION SELECT right_record, right_dataset FROM {STANDING}"
        )
        self.engine.run(
            f"CREATE TABLE {CHANGED} (_record_id UUID, _contract VARCHAR, _identity UUID, is_live BOOLEAN, is_changed BOOLEAN, "
            "changed_at TIMESTAMP)"
        )
        self.engine.run(
            f"CREATE TABLE {RENEWALS} (number BIGINT, why VARCHAR, is_handed_over BOOLEAN, left_next UUID, left_contract VARCHAR, "
            "right_next UUID, right_contract VARCHAR)"
        )

    def _read_changed(self, item: Pinned, ids: str) -> None:
        """Add what some records of a dataset are now, of those whose rows came anew since the current publication."""
        table, doing = standardized_table(item.contract.id), f"reading {item.contract.id}"
        new = self.records.came_anew(item)
        found = (
            f"SELECT _record_id, NULL::integer AS _batch_seq FROM ({ids})"
            if new is None
            else f"({new}) SEMI JOIN ({ids}) USING (_record_id)"
        )
        self.engine.run(f"CREATE OR REPLACE TABLE {IDS} AS FROM ({found})", doing=doing)
        if not self.engine.value(f"SELECT count(*) FROM {IDS}"):
            return
        before = item.previous_seq if item.previous_seq and is_kept(self.home, table, item.previous_seq) else None
        now = self.records.contents(item.contract, None if item.withdrawn else item.seq)
        self.engine.run(f"CREATE OR REPLACE TABLE now_said AS {now}", self.records.key, doing=doing)
        # Of one that is gone, or has an identifier, that is what counts: what many said before would take long to read.
        unidentified = "SELECT _record_id FROM now_said WHERE _identity IS NULL"
        then = self.records.contents(item.contract if before is None else self._contract_of(item, before), before, unidentified)
        self.engine.run(
            f"INSERT INTO {CHANGED} SELECT _record_id, {literal(item.contract.id)}, n._identity, n._record_id IS NOT NULL, "
            f"n._record_id IS NULL OR n._identity IS NOT NULL OR n.texts IS DISTINCT FROM t.texts, changed_at "
            f"FROM {IDS} LEFT JOIN now_said n USING (_record_id) "
            f"LEFT JOIN ({then}) t USING (_record_id) LEFT JOIN ({self._times(item)}) USING (_batch_seq)",
            self.records.key,
            doing=doing,
        )

    def _times(self, item: Pinned) -> str:
        """SQL for when the batches of new rows were accepted: who judged after that saw them."""
        batches = {file.seq: batch_at(self.home.catalog, item.contract.id, file.seq) for file in self.records.new_files(item)}
        times = ", ".join(f"({seq}, {literal(str(batch.finished_at))}::timestamp)" for seq, batch in batches.items() if batch.finished_at)
        return f"FROM (VALUES {times or '(NULL, NULL)'}) v(_batch_seq, changed_at)"

    def _contract_of(self, item: Pinned, seq: int) -> Contract:
        return contract_at(self.home.catalog, item.contract.id, batch_at(self.home.catalog, item.contract.id, seq).contract_version)

    def _read_lines(self) -> None:
        """Tables of the published links of these records, and of the records that have left their entities."""
        sides = Sought(self.engine, f"SELECT _record_id FROM {SIDES}")
        self.engine.run(f"CREATE TABLE {LINES} AS {self._links(sides)}", doing="reading links")
        self.engine.run(
            f"CREATE TABLE {LOST} AS SELECT _record_id, _own, _canonical_id AS _entity, changed_at, is_live, is_apart FROM {CHANGED} "
            f"JOIN {LINES} USING (_record_id) WHERE _own IS NOT NULL AND _identity IS DISTINCT FROM _own"
        )
        self.engine.run(
            f"CREATE TABLE others AS {self._links_of(f'SELECT _own FROM {LOST}')}"
            if self.engine.value(f"SELECT count(*) FROM {LOST}")
            else f"CREATE TABLE others AS FROM {LINES} LIMIT 0",
            doing="reading links",
        )

    def _links_of(self, identities: str) -> str:
        """SQL for the published links of the identifiers that a query gives."""
        return self._links(where=f"{OWN_IDENTITY} IN ({identities})")

    def _links(self, only: Sought | None = None, where: str = "true") -> str:
        """SQL for some of the published links, with what the identifier alone makes of a record (_own)."""
        lines = xref_lines(self.home, self.definition.id, self.before.number, only, where)
        return f"SELECT _record_id, _dataset, _canonical_id, {OWN_IDENTITY} AS _own, {is_apart('l')} AS is_apart FROM {lines} l"

    def _hand_over(self) -> None:
        """Where a record has left its entity, its judgements go to the best other record that is still in it."""
        for item in self.changed:
            mine, known = f"WHERE _dataset = {item.number}", f"WHERE _contract = {literal(item.contract.id)}"
            self._read_changed(item, f"SELECT _record_id FROM others {mine} EXCEPT SELECT _record_id FROM {CHANGED} {known}")
        numbers = dataset_numbers(self.home.catalog)
        ranks = ", ".join(
            f"({numbers[name]}, {literal(name)}, {self.definition.rank('default', contract.department.id)})"
            for name, (_, contract) in sorted(contracts_in_force(self.home.catalog).items())
        )
        self.engine.run(
            f"CREATE TABLE staying AS SELECT _own, _canonical_id AS _entity, _dataset, o._record_id, false AS is_new FROM others o "
            f"LEFT JOIN {CHANGED} c ON c._record_id = o._record_id WHERE c._record_id IS NULL OR c._identity = _own"
        )
        self._read_newcomers()
        self.engine.run(
            "CREATE TABLE successors AS SELECT _own, _entity, _record_id AS successor, _contract AS successor_contract "
            f"FROM (FROM staying UNION ALL FROM {NEWCOMERS}) JOIN (VALUES {ranks}) d(_dataset, _contract, _rank) USING (_dataset) "
            "QUALIFY row_number() OVER (PARTITION BY _own, _entity ORDER BY is_new, _rank, _record_id) = 1"
        )
        sides = ", ".join(
            f"CASE WHEN {side}_lost._own IS NULL THEN {side}_record ELSE {side}_new.successor END AS {side}_next, "
            f"CASE WHEN {side}_lost._own IS NULL THEN {side}_dataset ELSE {side}_new.successor_contract END AS {side}_contract"
            for side in ("left", "right")
        )
        # Who judged a record as it is now meant what it is now. Each side of a comparison is of one relation: else every judgement would be held
        # against every record.
        joins = " ".join(
            f"LEFT JOIN {LOST} {side}_lost ON {side}_lost._record_id = {side}_record AND judged_at <= coalesce({side}_lost.changed_at, 'infinity') "
            f"LEFT JOIN {LINES} {side}_line ON {side}_line._record_id = {side}_record "
            f"LEFT JOIN successors {side}_new ON {side}_new._own = {side}_lost._own AND {side}_new._entity = {side}_lost._entity"
            for side in ("left", "right")
        )
        # Two records of one identifier are together, or apart, as these very records.
        moot = "coalesce(left_line._own = right_line._own, false)"
        self.engine.run(
            f"INSERT INTO {RENEWALS} WITH moved AS (SELECT number, is_automatic, {moot} AS is_moot, {sides} FROM {STANDING} {joins} "
            f"WHERE left_lost._own IS NOT NULL OR right_lost._own IS NOT NULL), "
            # Who takes the place of one may be the other, which has got the identifier itself.
            "found AS (SELECT *, coalesce(NOT is_moot AND left_next <> right_next, false) AS is_handed_over FROM moved) "
            f"SELECT number, '{GONE}', is_handed_over, left_next, left_contract, right_next, right_contract FROM found "
            "WHERE is_automatic OR is_handed_over"
        )

    def _read_newcomers(self) -> None:
        """Table of the records that come with this publication into an entity that has lost all of its own: the same under another key, or in
        another dataset. Where a record is there and has another identifier, they may be somebody else.
        """
        self.engine.run(f"CREATE TABLE {NEWCOMERS} (_own UUID, _entity UUID, _dataset INTEGER, _record_id UUID, is_new BOOLEAN)")
        self.engine.run(
            f"CREATE TABLE emptied AS SELECT DISTINCT _own, _entity FROM {LOST} WHERE NOT is_live AND NOT is_apart "
            "AND _own NOT IN (SELECT _own FROM staying)"
        )
        if not self.engine.value("SELECT count(*) FROM emptied"):
            return
        for item in self.changed:
            if item.withdrawn or not set(self.schema.identity) <= log_columns(item.contract, self.standards).keys():
                continue
            wanted = {"_record_id": "UUID", **dict.fromkeys(self.schema.identity, "VARCHAR")}
            new = self.records.came_anew(item)
            only = None if new is None else Sought(self.engine, f"SELECT _record_id FROM ({new})")
            now = state(self.home, standardized_table(item.contract.id), wanted, item.seq, only)
            self.engine.run(
                f"INSERT INTO {NEWCOMERS} SELECT _own, _entity, {item.number}, _record_id, true FROM "
                f"(SELECT _record_id, {canonical_id(self.schema.identity)} AS _own FROM {now}) JOIN emptied USING (_own)",
                self.records.key,
                doing=f"reading {item.contract.id}",
            )

    @property
    def _codes(self) -> CodesHeld:
        return CodesHeld(self.records, self.datasets, self.changed, self._links_of)

    def _take_back(self, fallen: str, why: str) -> None:
        """What falls by itself is not handed over either."""
        self.engine.run(f"DELETE FROM {RENEWALS} WHERE number IN (SELECT number FROM {fallen})")
        self.engine.run(f"INSERT INTO {RENEWALS} SELECT number, {literal(why)}, false, NULL, NULL, NULL, NULL FROM {fallen}")

    def _compare_anew(self) -> None:
        """Records without an identifier that say something else are compared as if they had come now."""
        # Each side by itself: to look for a record among two columns would hold every judgement against every changed record.
        sides = " UNION ALL ".join(f"SELECT number, judged_at, {side}_record AS record FROM {STANDING}" for side in ("left", "right"))
        self.engine.run(
            "CREATE TABLE again AS SELECT number, left_record, right_record, l._canonical_id AS left_entity, r._canonical_id AS right_entity, "
            f"l._own AS left_own, r._own AS right_own FROM {STANDING} LEFT JOIN {LINES} l ON l._record_id = left_record "
            f"LEFT JOIN {LINES} r ON r._record_id = right_record WHERE is_automatic AND coalesce(NOT ({self._codes.is_by_code}), true) AND number IN "
            f"(SELECT number FROM ({sides}) JOIN {CHANGED} c ON c._record_id = record "
            f"LEFT JOIN {LINES} o ON o._record_id = c._record_id WHERE is_live AND is_changed AND _identity IS NULL AND _own IS NULL "
            "AND judged_at <= coalesce(changed_at, judged_at))"
        )
        if not self.engine.value("SELECT count(*) FROM again"):
            return
        model = model_of(self.definition.id, self.home)
        holds = "false"
        if model is not None:
            unidentified = (
                "SELECT left_record FROM again WHERE left_own IS NULL UNION SELECT right_record FROM again WHERE right_own IS NULL"
            )
            read_unidentified(self.engine, self.home, self.schema, self.standards, model, Sought(self.engine, unidentified))
            find_entities(self.engine, self.home, self.schema, model, self.before.number)
            pairs = " UNION ALL ".join(
                f"SELECT left_record AS a, right_record AS b FROM {table} WHERE verdict = '{SAME}'" for table in (TO_KNOWN, EACH_OTHER)
            )
            entity = "CASE WHEN {0}_own IS NULL THEN {0}_record ELSE {0}_entity END"
            left, right = entity.format("left"), entity.format("right")
            holds = f"EXISTS (SELECT 1 FROM ({pairs}) WHERE a = {left} AND b = {right} OR a = {right} AND b = {left})"
        self.engine.run(f"CREATE TABLE fallen AS SELECT number FROM again WHERE NOT ({holds})", doing="comparing records anew")
        self._take_back("fallen", OTHERWISE)

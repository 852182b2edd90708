"""Publish: merge what changed into a base table and make it current, all or nothing.

(1) Files are written, named nowhere. (2) Serving rows are loaded in chunks, invisible. (3) One short transaction writes the publication
row and moves
the pointer that readers follow. (4) The lake follows from that row. A run that dies leaves leftovers of 1 and 2, which the next one
clears, or a lake that trails, which the next one brings up to date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from catalog.batches import deleted_between
from catalog.files import files_of
from core import iceberg, lake
from core.clock import now, utc_text
from core.engine import Engine
from core.errors import GateFailed
from core.faults import described
from core.leases import Lease, holding, writing_under
from core.percent import limit_percent, part_of
from core.space import check_space
from core.steps import timed
from pipeline.home import Home, open_home
from pipeline.operation.lineage import hub_table, traced
from pipeline.publication.base import base_columns
from pipeline.publication.merging import Merging
from pipeline.publication.offering import offer_found
from pipeline.publication.pins import Pins, pin, withheld_changed
from pipeline.publication.renewing import renew
from pipeline.publication.source_gate import SourceChanged, is_covered, too_much_changed
from pipeline.resolve import XREF_COLUMNS, xref_table
from pipeline.standard import standard_in_force
from pipeline.state import standardized_table, typed_fields
from registries import serving
from registries.attempts import record_attempt, standing_attempt
from registries.definition import get_definition
from registries.definition_versions import record_definition
from registries.identity import load_events
from registries.judgements import JudgedSince
from registries.publications import Input, Publication, all_files, commit, files_upto, get_publication, latest
from registries.tables import lease
from registries.versions import ensure_table
from standards.model import Schema

PATIENCE = timedelta(minutes=10)
WORST = 3  # datasets that a stopped publication names
# Two gates may stop one publication: each decision is then said again beside the other.
SHRINK_TOO, CHANGE_TOO = ' --accept-shrink "why it is right"', ' --accept-change "why it is right"'


@dataclass(frozen=True)
class Outcome:
    """What a call of `publish` did: the current publication, and whether it is a new one."""

    publication: Publication
    is_new: bool


def publish(registry: str, home: Home | None = None, *, accept_shrink: str = "", accept_change: str = "") -> Outcome:
    """Publish everything accepted since the last publication of a registry; ends at once where there is nothing.

    Two at once: one waits. Raises GateFailed where too many entities would disappear, or a source changed too much; the last publication then
    stays current, and the attempt is kept. A reason given as `accept_shrink` is the decision of a person that has seen the attempt which was
    stopped: no more than that may disappear; one given as `accept_change`, that sources may change as much as it has shown.
    """
    home = home or open_home()
    while True:
        try:
            return _attempt(registry, home, accept_shrink, accept_change)
        except JudgedSince:
            continue  # somebody has taken back what this publication was to take back


def _attempt(registry: str, home: Home, accept_shrink: str, accept_change: str) -> Outcome:
    definition = get_definition(registry)
    standards = standard_in_force(home)
    schema = standards.schemas[registry]
    # Who comes second publishes what was accepted meanwhile, if there is anything left.
    with holding(home.serving, lease, f"registry/{registry}", home.settings.actor, patience=PATIENCE) as held:
        ensure_table(home.serving, schema)
        _recover(home, schema, held)
        before = latest(home.serving, registry)
        record_definition(home.serving, definition, home.settings.actor)
        pins = pin(home, registry, definition, before)
        as_before = pins.judged == before.judgements and not withheld_changed(home, registry, before, pins.withheld)
        if as_before and not any(item.changed for item in pins.datasets):
            # The run before may have died between its commit and the lake's.
            follow(home, schema, before.number)
            return Outcome(before, False)
        try:
            pins = renew(home, definition, schema, standards, before, pins, held)
            check_space(home.settings, "lake", _room_for(home, pins))
            inputs = [hub_table("std", item.contract.id).counted(item.records) for item in pins.datasets]
            with (
                traced(home.settings, f"publish.{registry}", inputs, [hub_table("base", registry)]) as run,
                Engine(home.settings) as engine,
            ):
                merging = Merging(home, engine, definition, schema, standards, before, pins, home.settings)
                after = _Publishing(home, held, merging, accept_shrink, accept_change).run()
                run.outputs = [run.outputs[0].counted(after.inserted + after.updated + after.deleted, base_columns(schema))]
        except JudgedSince:
            raise
        except Exception as error:
            _keep_attempt(home, before, error)
            raise
        with timed({}, "follow"):
            follow(home, schema, after.number)
    return Outcome(after, True)


def _room_for(home: Home, pins: Pins) -> int:
    """Bytes that a publication may take: its rows and links are hardly more than the changes they come from."""
    files = (
        file.path
        for item in pins.datasets
        for file in files_of(home.catalog, standardized_table(item.contract.id), ("log",), item.seq)
        if item.whole or file.seq > item.previous_seq
    )
    return sum(path.stat().st_size for name in files if (path := home.settings.lake_dir / name).exists())


class _Shrink(GateFailed):
    """Too many entities would disappear."""

    def __init__(self, message: str, *, hint: str, counts: Mapping[str, int]) -> None:
        super().__init__(message, hint=hint)
        self.counts = counts


def _keep_attempt(home: Home, before: Publication, error: Exception) -> None:
    """Write down why there is no publication; what may pass by itself is tried again and says so then."""
    fault = described(error)
    if not fault.transient:
        found = error.counts if isinstance(error, _Shrink) else {"findings": error.findings} if isinstance(error, SourceChanged) else {}
        record_attempt(home.serving, before, home.settings.actor, fault, found)


def follow(home: Home, schema: Schema, number: int) -> None:
    """Bring the lake's Iceberg tables up to a publication, which they name together with its standard."""
    if not number:
        return
    item = get_publication(home.serving, schema.id, number)
    about = {
        "hub.registry": schema.id,
        "hub.publication": str(number),
        "hub.published-at": utc_text(item.published_at),
        "hub.standard-version": item.standard_version,
    }
    for table, columns in ((schema.table, base_columns(schema)), (xref_table(schema.id), XREF_COLUMNS)):
        files = [(file.seq, file.path) for file in files_upto(home.serving, schema.id, table, number) if file.kind == "log"]
        iceberg.follow(home.settings, f"base.{table}", typed_fields(home.catalog, table, columns), files, about)


def _recover(home: Home, schema: Schema, held: Lease) -> None:
    """Clear what a dead run left: invisible rows, unnamed files."""
    serving.clear_leftovers(home.serving, schema, held)

    def named() -> set[str]:
        with writing_under(home.serving, held):
            return all_files(home.serving, schema.id)

    for table in (schema.table, xref_table(schema.id)):
        lake.remove_leftovers(home.settings.lake_dir / table, named, home.settings.lake_dir)


@dataclass(frozen=True)
class _Publishing:
    """One run of a publication, step by step."""

    home: Home
    lease: Lease
    merging: Merging
    accept_shrink: str = ""
    accept_change: str = ""

    def run(self) -> Publication:
        merging, serving_database = self.merging, self.home.serving
        seconds: dict[str, float] = {}
        merging.resolve(seconds)
        change_accepted = self._gate_sources()
        base = merging.merge(seconds)
        counts, identities = merging.counts(), merging.identity_events()
        accepted = self._gate(counts)
        with timed(seconds, "write"):
            files = [base, *merging.write_others(base)]
        with timed(seconds, "serve"):
            self._load()
            load_events(serving_database, merging.schema.id, merging.number, identities, self.lease)
            offer_found(merging.engine, self.home, merging.definition, judged=merging.pins.judged > 0)
        inputs = merging.inputs()
        after = replace(
            self._publication(counts, inputs, seconds),
            shrink_accepted=accepted,
            change_accepted=change_accepted,
            identity_events=len(identities),
        )
        commit(serving_database, self.lease, after, inputs, files, merging.pins.renewed)
        return after

    def _gate_sources(self) -> str | None:
        """Why sources may change beyond the limits, if they do. Raises SourceChanged where nobody has decided that they may."""
        run, limits = self.merging, self.merging.definition.sources
        if limits is None:
            return None
        findings = too_much_changed(run.engine, self.home, limits, run.schema, run.standards, run.pins.datasets)
        if not findings:
            return None
        seen = standing_attempt(self.home.serving, run.before, found="findings")
        if self.accept_change and seen is not None and is_covered(findings, seen.findings or ()):
            return self.accept_change
        raise SourceChanged(run.schema.id, findings, unseen=bool(self.accept_change), beside=SHRINK_TOO if self.accept_shrink else "")

    def _gate(self, counts: dict[str, int]) -> str | None:
        """Why a shrink beyond the limit may pass, if there is one. Raises GateFailed where nobody has decided that it may."""
        limit, gone, before = self.merging.definition.largest_shrink, counts["deleted"], self.merging.before.entities
        if not before or gone <= part_of(before, limit):
            return None
        seen = standing_attempt(self.home.serving, self.merging.before, found="deleted")
        if self.accept_shrink and seen is not None and gone <= (seen.deleted or 0):
            return self.accept_shrink
        unseen = (
            "; --accept-shrink goes no further than a stopped attempt has shown: look at this one, then decide"
            if self.accept_shrink
            else ""
        )
        raise _Shrink(
            f"publication of {self.merging.schema.id} stopped: {gone} of {before} entities would disappear (limit {limit_percent(limit)}){unseen}",
            hint=f"the last publication stays current; {self._where_gone()}; if that is right: ./hub publish "
            f'{self.merging.schema.id} --accept-shrink "why it is right"{CHANGE_TOO if self.accept_change else ""}',
            counts=counts,
        )

    def _where_gone(self) -> str:
        """The datasets whose records are gone since the publication before, most first."""
        gone = {
            item.contract.id: item.records
            if item.withdrawn
            else deleted_between(self.home.catalog, item.contract.id, item.previous_seq, item.seq)
            for item in self.merging.pins.datasets
        }
        worst = sorted((name for name in gone if gone[name]), key=lambda name: (-gone[name], name))[:WORST]
        if not worst:
            return "no dataset lost records, so look at what has changed in them"
        return f"records are gone from {', '.join(f'{name} ({gone[name]})' for name in worst)}"

    def _load(self) -> None:
        """Load the serving database: end what is superseded, add what is new; nobody sees either yet."""
        merging, database = self.merging, self.home.serving
        serving.end_rows(database, merging.schema, merging.number, merging.gone(), self.lease)
        serving.load_rows(database, merging.schema, merging.serving_rows(dates_as_text=database.dialect.name == "sqlite"), self.lease)

    def _publication(self, counts: dict[str, int], inputs: Sequence[Input], seconds: dict[str, float]) -> Publication:
        return replace(
            self.merging.before,
            number=self.merging.number,
            published_at=now(),
            actor=self.home.settings.actor,
            standard_version=self.merging.standards.version,
            definition_version=self.merging.definition.version,
            records=sum(item.records for item in inputs),
            linked=sum(item.linked for item in inputs),
            unlinked=sum(item.unlinked for item in inputs),
            withheld=sum(item.withheld for item in inputs),
            entities=self.merging.before.entities + counts["inserted"] - counts["deleted"],
            apart=self.merging.apart(),
            judgements=self.merging.pins.judged,
            contradictions=self.merging.contradictions(),
            digest=self.merging.digest(),
            seconds=seconds,
            inserted=counts["inserted"],
            updated=counts["updated"],
            deleted=counts["deleted"],
            not_replayable_since=None,
            written_by=lake.written_by(self.merging.engine),
        )

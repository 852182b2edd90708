"""The blast radius of a change of the standard: what another version would do to the data that is here, before anyone commits to it.

Both versions are tried on the same landed rows, the latest accepted delivery of every dataset that the change can concern. Datasets of more
rows than asked for are sampled; everything counted in a sample comes with bounds. Nothing is written but files of the run itself.
"""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.batches import Batch, latest_accepted, latest_whole
from catalog.datasets import contract_at, contracts_in_force, dataset_numbers
from contracts.model import Contract, Department
from contracts.references import reference_faults
from core.clock import today
from core.engine import Engine, literal, parquet
from core.settings import Settings
from core.work import make_work_folder
from exchange.readers import Reader, readers_of
from pipeline.home import Home
from pipeline.impact.base_table import BaseTrial, Member, RegistryImpact
from pipeline.impact.comparison import Compared, DatasetImpact, dataset_impact
from pipeline.impact.sampling import Sample, take_sample
from pipeline.impact.trial import Trial, run_trial, trying
from pipeline.impact.tried import SIDES, lay_out
from pipeline.landing import batch_folder, read_manifest
from pipeline.quarantine.repairs import delivered_rows
from registries.definition import check_definitions, get_definition
from registries.publications import latest
from standards.differences import Difference, differences
from standards.model import Standards
from standards.reach import Reach, reach
from standards.versions import data_types, retyped

ROWS = 200_000


@dataclass(frozen=True)
class Unseen:
    """A dataset that the change may concern, and why that cannot be tried."""

    contract_id: str
    reason: str


@dataclass(frozen=True)
class Impact:
    """What the change from version `baseline` would do.

    `readers` have read the registries it concerns, `departments` supply the datasets that it touches.
    """

    baseline: str
    datasets: tuple[DatasetImpact, ...]
    unseen: tuple[Unseen, ...]
    registries: tuple[RegistryImpact, ...]
    departments: tuple[Department, ...]
    readers: tuple[Reader, ...]
    faults: tuple[str, ...]

    @property
    def stops(self) -> bool:
        """Whether a delivery as the last one would no longer pass its gate, or a definition no longer fit."""
        return bool(self.faults) or any(item.gate or item.faults for item in self.datasets) or any(item.gate for item in self.registries)


def impact(home: Home, old: Standards, new: Standards, rows: int = ROWS) -> Impact:
    """Try two versions of the standard on what has been delivered. Looks at about `rows` rows of each dataset at most."""
    with _run(home, old, new) as run:
        return run.impact(rows)


@contextmanager
def _run(home: Home, old: Standards, new: Standards) -> Iterator["_Run"]:
    """A run with its folder, its engine and a process for each version; they share the memory of one task."""
    settings = home.settings
    part = settings.model_copy(update={"memory_limit_mb": settings.memory_limit_mb // 3 + 1, "threads": max(1, settings.threads // 2)})
    folder = make_work_folder(settings, "impact")
    found = differences(old, new)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        processes = {side: stack.enter_context(trying(version)) for side, version in zip(SIDES, (old, new), strict=True)}
        engine = stack.enter_context(Engine(part))
        yield _Run(home, part, {"old": old, "new": new}, found, reach(found, old, new), folder, processes, engine)


@dataclass(frozen=True)
class _Run:
    home: Home
    settings: Settings
    versions: dict[str, Standards]
    found: Sequence[Difference]
    reach: Reach
    folder: Path
    processes: dict[str, ProcessPoolExecutor]
    engine: Engine

    def impact(self, rows: int) -> Impact:
        concerned, unseen = self._concerned(rows)
        for item in concerned:
            self._try(item, item.sample.condition(), "true")
        in_force = {contract_id: contract for contract_id, (_, contract) in contracts_in_force(self.home.catalog).items()}
        touched = [
            dataset_impact(self.engine, item, self._touched(item.contract), self._faults(in_force[item.contract.id])) for item in concerned
        ]
        bases = self._bases(concerned)
        samples = [base.find_affected(rows) for base in bases]
        for item in concerned:
            self._complete(item, bases)
        feeds = dict.fromkeys(feed for item in concerned for feed in item.contract.feeds)
        return Impact(
            baseline=self.versions["old"].version,
            datasets=tuple(touched),
            unseen=tuple(unseen),
            registries=tuple(self._outcome(base, sample) for base, sample in zip(bases, samples, strict=True)),
            departments=tuple({item.contract.department.id: item.contract.department for item in concerned}.values()),
            readers=tuple(reader for feed in feeds for reader in readers_of(self.home.audit, feed)),
            faults=(*map(str, check_definitions(self.versions["new"])), *self._retyped()),
        )

    def _retyped(self) -> list[str]:
        return retyped(*(data_types(self.versions[side]) for side in SIDES))

    def _outcome(self, base: BaseTrial, sample: Sample) -> RegistryImpact:
        return base.outcome(latest(self.home.serving, base.definition.id).entities, sample)

    def _concerned(self, rows: int) -> tuple[list[Compared], list[Unseen]]:
        """The datasets that the change can concern, and of these the ones that cannot be tried."""
        numbers, seen, unseen = dataset_numbers(self.home.catalog), [], []
        for contract_id, (_, in_force) in contracts_in_force(self.home.catalog).items():
            if in_force.ended:
                continue  # its rows are not read again
            batch = latest_whole(self.home.catalog, contract_id)
            contract = self._reading(batch, in_force) if batch else in_force
            if not any(self._touched(item) or self._rules(item) for item in (contract, in_force)):
                continue
            if batch is None:
                unseen.append(Unseen(contract_id, "no delivery has been accepted yet"))
            elif not self._landed(batch).exists():
                unseen.append(Unseen(contract_id, f"the rows of {batch.batch_id} are no longer kept"))
            else:
                sample = replace(take_sample(batch.landed or 0, rows), population=(batch.landed or 0) - (batch.repeated or 0))
                seen.append(
                    Compared(
                        contract,
                        batch,
                        numbers[contract_id],
                        delivered_rows(self.home, batch),
                        sample,
                        self.versions["old"],
                        self.versions["new"],
                        is_outdated=contract is not in_force,
                    )
                )
        return seen, unseen

    def _reading(self, batch: Batch, in_force: Contract) -> Contract:
        """The contract by which a delivery is tried: the one in force, where it finds the same records in it. Else that of the day, with the
        limits of the one in force."""
        then = contract_at(self.home.catalog, batch.contract_id, batch.contract_version)
        manifest = read_manifest(self.home.settings, batch)
        if manifest is None or then.record_key != in_force.record_key or not set(manifest["columns"]).issuperset(in_force.source_columns):
            return then.model_copy(update={"assertions": in_force.assertions})
        return in_force

    def _landed(self, batch: Batch) -> Path:
        return batch_folder(self.home.settings, batch.contract_id, batch.seq) / "rows.parquet"

    def _touched(self, contract: Contract) -> list[str]:
        """Elements of a dataset that the change reaches."""
        rules = {name for rule in self._rules(contract) for name in rule}
        return [name for name in (*contract.elements, *contract.constants) if name in self.reach.elements or name in rules]

    def _rules(self, contract: Contract) -> list[tuple[str, ...]]:
        """What the changed cross-field rules need, of those that hold for a dataset."""
        supplied = {*contract.elements, *contract.constants}
        rules = [rule for version in self.versions.values() for rule in version.cross_rules if rule.id in self.reach.rules]
        return [rule.needs for rule in rules if supplied.issuperset(rule.needs) and rule.schema_id in contract.feeds]

    def _faults(self, contract: Contract) -> list[str]:
        """What the contract would no longer agree with."""
        known = reference_faults(contract, self.versions["old"])
        return [f"{key}: {reason}" for key, reason in reference_faults(contract, self.versions["new"]) if (key, reason) not in known]

    def _try(self, item: Compared, condition: str, sampled: str) -> None:
        """Standardize the selected rows under both versions, each in its process, and add them to the tables `old_<n>` and `new_<n>`."""
        outs = {side: self.folder / f"{side}-{item.number}-{sampled}.parquet" for side in SIDES}
        landed, day = item.landed, today().isoformat()
        waiting = [
            self.processes[side].submit(run_trial, Trial(self.settings, item.contract, landed, condition, out, day))
            for side, out in outs.items()
        ]
        for task in waiting:
            task.result()
        for side, out in outs.items():
            rows = f"SELECT *, {sampled} AS _sampled FROM {parquet([out])}"
            table = f"{side}_{item.number}"
            self.engine.run(f"CREATE TABLE IF NOT EXISTS {table} AS {rows} LIMIT 0", doing="reading a trial")
            self.engine.run(f"INSERT INTO {table} {rows}", doing="reading a trial")
        lay_out(self.engine, self.home, item)

    def _bases(self, concerned: Sequence[Compared]) -> list[BaseTrial]:
        """The published registries that concerned datasets feed, with all their datasets."""
        compared = {item.contract.id: item for item in concerned}
        bases = []
        for registry in self.versions["old"].schemas.keys() & self.versions["new"].schemas.keys():
            number = latest(self.home.serving, registry).number
            members = tuple(self._members(registry, compared))
            base = BaseTrial(self.engine, self.home, get_definition(registry), self.versions, number, members)
            if number and (base.reshaped or any(member.compared for member in members)):
                bases.append(base)
        return sorted(bases, key=lambda base: base.definition.id)

    def _members(self, registry: str, compared: dict[str, Compared]) -> Iterator[Member]:
        numbers = dataset_numbers(self.home.catalog)
        for contract_id, (_, in_force) in contracts_in_force(self.home.catalog).items():
            batch = latest_accepted(self.home.catalog, contract_id)
            if batch is not None and in_force.counts_in(registry):
                tried = compared.get(contract_id)
                contract = tried.contract if tried else contract_at(self.home.catalog, contract_id, batch.contract_version)
                yield Member(contract, numbers[contract_id], tried)

    def _complete(self, item: Compared, bases: Sequence[BaseTrial]) -> None:
        """Try also the records outside the sample that belong to affected entities, so that these can be merged whole."""
        if item.sample.is_whole:
            return
        linked = [base.linked(member) for base in bases for member in base.members if member.compared is item]
        if not linked:
            return
        wanted = self.folder / f"linked-{item.number}.parquet"
        ids = " UNION ".join(f"SELECT _record_id FROM {records}" for records in linked)
        self.engine.run(
            f"COPY (SELECT _record_id FROM ({ids}) WHERE _record_id NOT IN (SELECT _record_id FROM old_{item.number})) "
            f"TO {literal(str(wanted))} (FORMAT parquet)",
            doing="listing records of affected entities",
        )
        self._try(item, f"_record_id IN (SELECT _record_id FROM {parquet([wanted])})", "false")

"""Pins: which state of which dataset a publication rests on. A pin is a dataset and the number of its batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.batches import Batch, batch_at, latest_change
from catalog.datasets import contract_at, contracts_in_force, dataset_numbers
from catalog.standards import document_at
from pipeline.home import Home
from pipeline.resolve import Pinned
from registries.definition import RegistryDefinition, get_definition, load_definitions
from registries.judgements import Fact, newest
from registries.publications import Input, Publication, inputs_of, latest
from standards.loader import load_standards
from standards.versions import merged_by, pack


@dataclass(frozen=True)
class Pins:
    """What a publication rests on: datasets that it looks at, what is withheld whole because it may not be shared, and what is judged.

    `judged` is the number of the newest fact about pairs of records; the last of these are `renewed`, and written together with the
    publication. `rebuilt`: a new definition, or other elements of the base table, concern every entity.
    """

    datasets: Sequence[Pinned]
    withheld: Sequence[Input]
    judged: int
    rebuilt: bool
    renewed: tuple[Fact, ...] = ()


def pin(home: Home, registry: str, definition: RegistryDefinition, before: Publication) -> Pins:
    """Pin every dataset that feeds the registry to the last batch that changed it.

    A new definition (ranks, identity rule) concerns every entity, so then every dataset counts as changed; and so do another identity and
    other elements of the base table, which datasets that bring nothing new may have or lack.
    """
    seen = inputs_of(home.serving, registry, before.number)
    found = []
    for contract_id, (version, contract) in contracts_in_force(home.catalog).items():
        is_asked = registry in contract.feeds
        batch = latest_change(home.catalog, contract_id) if is_asked or contract_id in seen else None
        if batch is None:
            continue
        may_not = not contract.counts_in(registry)
        if is_asked and version != batch.contract_version and not _feeds(home, registry, batch):
            # It joins or comes back, and nothing has been read for that yet: until then it stays as it was.
            if contract_id not in seen:
                continue
            batch, may_not = _seen_batch(home, seen[contract_id]), may_not or seen[contract_id].withheld > 0
        found.append((batch, may_not))
    rebuilt = _is_rebuilt(home, before, definition.version, load_standards().version)
    return _pins(home, found, seen, newest(home.serving, registry), rebuilt=rebuilt)


def unpublished(home: Home, registry: str) -> dict[str, datetime]:
    """Datasets that say something else by now than in the current publication of a registry, and since when (UTC)."""
    pins = pin(home, registry, get_definition(registry), latest(home.serving, registry))
    batches = (batch_at(home.catalog, item.contract.id, item.seq) for item in pins.datasets if item.changed)
    return {item.contract_id: item.finished_at or item.started_at for item in batches}


def lagging(home: Home) -> dict[str, datetime]:
    """Datasets that say something else by now than in the current publication of any registry, and since when (UTC) the first of these lacks it."""
    found: dict[str, datetime] = {}
    for registry in load_definitions():
        for dataset, since in unpublished(home, registry).items():
            found[dataset] = min(since, found.get(dataset, since))
    return found


def pins_of(home: Home, before: Publication, after: Publication) -> Pins:
    """The pins of a publication that there is, as `pin` found them then."""
    found = [
        (_seen_batch(home, item), was_withheld(home, after.registry, item))
        for item in inputs_of(home.serving, after.registry, after.number).values()
    ]
    seen = inputs_of(home.serving, after.registry, before.number)
    rebuilt = _is_rebuilt(home, before, after.definition_version, after.standard_version)
    return _pins(home, found, seen, after.judgements, rebuilt=rebuilt)


def _is_rebuilt(home: Home, before: Publication, definition_version: int, standard_version: str) -> bool:
    """Whether a publication by this definition and standard has to look at every entity, given the publication before it."""
    if not before.number or (before.definition_version, before.standard_version) == (definition_version, standard_version):
        return False
    if before.definition_version != definition_version:
        return True
    versions = {before.standard_version, standard_version}
    return len({_merged_by(home, before.registry, version) for version in versions}) > 1


def _merged_by(home: Home, registry: str, version: str) -> tuple[object, ...]:
    # The installed one may not have been used yet.
    return merged_by(document_at(home.catalog, version) or pack(load_standards()), registry)


def was_withheld(home: Home, registry: str, item: Input) -> bool:
    """Whether a dataset had no part in a publication; of one without records its batch's contract tells it."""
    if item.records:
        return item.withheld > 0
    batch = _seen_batch(home, item)
    contract = contract_at(home.catalog, item.contract_id, batch.contract_version)
    return not contract.counts_in(registry)


def _feeds(home: Home, registry: str, batch: Batch) -> bool:
    return registry in contract_at(home.catalog, batch.contract_id, batch.contract_version).feeds


def _seen_batch(home: Home, item: Input) -> Batch:
    return batch_at(home.catalog, item.contract_id, item.batch_seq)


def _pins(home: Home, batches: Iterable[tuple[Batch, bool]], seen: Mapping[str, Input], judged: int, *, rebuilt: bool) -> Pins:
    """From each dataset's batch and whether it may not be shared."""
    numbers = dataset_numbers(home.catalog)
    pinned, withheld = [], []
    for batch, may_not in batches:
        before_it = seen.get(batch.contract_id)
        # Of a dataset that had no records linked there is nothing to take back.
        linked = before_it if before_it is not None and not before_it.withheld and (before_it.linked or not may_not) else None
        if may_not:
            withheld.append(Input(batch.contract_id, batch.seq, batch.records or 0, 0, 0, batch.records or 0))
        if may_not and linked:
            # Only its links have to go: it is looked at as it was, which may be the last time that it had anything to say here.
            batch = _seen_batch(home, linked)
        if linked or not may_not:
            pinned.append(
                Pinned(
                    contract_at(home.catalog, batch.contract_id, batch.contract_version),
                    numbers[batch.contract_id],
                    batch.seq,
                    linked.batch_seq if linked else 0,
                    batch.records or 0,
                    whole=rebuilt or linked is None or _rules_changed(home, linked, batch),
                    withdrawn=may_not,
                )
            )
    return Pins(pinned, withheld, judged, rebuilt)


def _rules_changed(home: Home, before_it: Input, batch: Batch) -> bool:
    """Whether a dataset's contract or standard changed since a publication: then also records that did not come anew may say other things."""
    if before_it.batch_seq == batch.seq:
        return False
    then = _seen_batch(home, before_it)
    return (then.contract_version, then.standard_version) != (batch.contract_version, batch.standard_version)


def withheld_changed(home: Home, registry: str, before: Publication, withheld: Sequence[Input]) -> bool:
    """Whether other records than before are withheld."""
    seen = inputs_of(home.serving, registry, before.number)
    return any(seen.get(item.contract_id) != item for item in withheld)

"""Ending: a dataset is collected no more. Its contract says so in a version of its own; registered without `ended`, it is collected again."""

from dataclasses import dataclass
from typing import Literal

from catalog.batches import end_open, latest_accepted
from catalog.datasets import contract_in_force, register
from catalog.tables import lease
from contracts.model import Contract, Ended
from core.errors import SourceError
from core.leases import holding
from pipeline.delivery.tracking import end_log, slot_prefix
from pipeline.home import Home
from pipeline.receipts import issue_missing


@dataclass(frozen=True)
class Ending:
    """A dataset that has ended: the version of its contract that says so, the records that it has, the registries that it feeds, and the batch
    that had landed and is not accepted any more.
    """

    contract_id: str
    version: int
    ended: Ended
    records: int
    feeds: tuple[str, ...]
    left: str | None


def end(home: Home, contract_id: str, reason: str, records: Literal["kept", "withdrawn"]) -> Ending:
    """End a dataset; its records stay in the base tables as they were read last, or leave them with the next publication.

    Raises RequestError where it is not registered, LeaseHeld while it is collected, and SourceError where its database still keeps a log
    of changes for the hub: it has ended then all the same, and may be ended again to have that given up.
    """
    with holding(home.catalog, lease, f"dataset/{contract_id}", home.settings.actor) as held:
        _, contract = contract_in_force(home.catalog, contract_id)
        ended = Ended(reason=reason, records=records)
        version = register(home.catalog, contract.model_copy(update={"ended": ended}), home.settings.actor, home.settings.registered)
        left = end_open(home.catalog, held, contract_id)
        issue_missing(home, contract_id)
        release(home, contract)
    last = latest_accepted(home.catalog, contract_id)
    return Ending(contract_id, version, ended, (last.records or 0) if last else 0, contract.feeds, left)


def release(home: Home, contract: Contract) -> None:
    """Have the source of an ended dataset keep nothing for the hub, or the log would fill the department's disk. Raises SourceError."""
    if not end_log(home, contract):
        slots = f"starts_with(slot_name, '{slot_prefix(home, contract.id)}')"
        raise SourceError(
            f"{contract.id} has ended, but its database may still keep a log of changes for the hub",
            hint=f"end it again when the database answers, or have the department run SELECT pg_drop_replication_slot(slot_name) "
            f"FROM pg_replication_slots WHERE {slots}",
            transient=True,
        )

"""Where every dataset stands: its contract, its last batch, its last accepted batch, and whether it keeps its update cycle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from catalog.batches import OPEN, Batch, get_batch
from catalog.datasets import in_force, parsed
from catalog.tables import batch, contract_version, lease, waiting_rule
from contracts.cycles import allowed_age
from contracts.model import Contract
from core.clock import now
from core.database import reading
from core.leases import held
from pipeline.operation.schedule import next_run, overdue_since

# Worst first: the order of the overview and of the state column.
STATES = ("failed", "stopped", "abandoned", "late", "never", "quarantine", "landing", "landed", "superseded", "accepted", "ended")
ATTENTION, TROUBLE = STATES[:6], STATES[:3]
# Between landing and accepting nobody is at a batch, and places may be short.
_WAITS = timedelta(hours=2)


@dataclass(frozen=True)
class DatasetState:
    """One dataset as it stands."""

    contract: Contract
    version: int
    last: Batch | None
    accepted: Batch | None
    delivery: Batch | None = None
    waiting_since: datetime | None = None
    registered_at: datetime | None = None
    is_unattended: bool = False

    @property
    def id(self) -> str:
        """Id of the dataset."""
        return self.contract.id

    @property
    def freshness(self) -> str:
        """`current`, `late`, `irregular` (no cycle promised), `never`, or `ended` where it is collected no more."""
        if self.contract.ended:
            return "ended"
        if self.seen_at is None:
            return "never"
        if self.allowed_age is None:
            return "irregular"
        return "late" if now() - self.seen_at > self.allowed_age else "current"

    @property
    def allowed_age(self) -> timedelta | None:
        """How old the last accepted delivery may be; None where no cycle is promised."""
        return allowed_age(self.contract.update_cycle)

    @property
    def age(self) -> timedelta | None:
        """How long ago the last accepted delivery was read."""
        return None if self.seen_at is None else now() - self.seen_at

    @property
    def next_run(self) -> datetime | None:
        """When the dataset is collected next (UTC)."""
        return None if self.contract.ended else next_run(self.contract)

    @property
    def overdue_since(self) -> datetime | None:
        """Since when it should have been collected again (UTC), where nothing has begun: no Airflow runs, or its DAG is paused."""
        last = self.last
        if self.contract.ended or (last is not None and last.status in OPEN):
            return None
        seen = [self.registered_at, *((last.started_at, last.finished_at) if last else ())]
        return overdue_since(self.contract, max(moment for moment in seen if moment)) if any(seen) else None

    @property
    def last_status(self) -> str | None:
        """Status of the last batch; `abandoned` also where it is open and nobody is at it any more."""
        if self.last is None:
            return None
        is_left = self.last.status == "landing" or (self.last.landed_at is not None and now() - self.last.landed_at > _WAITS)
        return "abandoned" if self.is_unattended and is_left else self.last.status

    @property
    def state(self) -> str:
        """The one word that matters most."""
        if self.contract.ended:
            return "ended"
        if self.last is None:
            return "never"
        if (status := str(self.last_status)) in TROUBLE:
            return status
        if self.freshness == "late":
            return "late"
        return "quarantine" if status == "accepted" and self.quarantined else status

    @property
    def records(self) -> int | None:
        """Records in force."""
        return self.accepted.records if self.accepted else None

    @property
    def quarantined(self) -> int | None:
        """Rows that wait in quarantine."""
        if self.accepted is None:
            return None
        return self.accepted.quarantined if self.accepted.waiting is None else self.accepted.waiting

    @property
    def seen_at(self) -> datetime | None:
        """When the source was last read with success."""
        return self.delivery.landed_at if self.delivery else None

    def row(self) -> dict[str, Any]:
        """As a line of an export or an answer of the API."""
        contract, last = self.contract, self.last
        return {
            "id": contract.id,
            "department": contract.department.id,
            "department_zh": contract.department.title.zh,
            "department_en": contract.department.title.en,
            "title_zh": contract.title.zh,
            "title_en": contract.title.en,
            "feeds": list(contract.feeds),
            "contract_version": self.version,
            "ended": contract.ended and contract.ended.model_dump(),
            "state": self.state,
            "freshness": self.freshness,
            "update_cycle": contract.update_cycle,
            "last_batch": last.batch_id if last else None,
            "last_status": self.last_status,
            "last_started_at": last.started_at if last else None,
            "seen_at": self.seen_at,
            "age_seconds": None if self.age is None else int(self.age.total_seconds()),
            "allowed_age_seconds": None if self.allowed_age is None else int(self.allowed_age.total_seconds()),
            "next_run_at": self.next_run,
            "overdue_since": self.overdue_since,
            "last_receipt": self.accepted.batch_id if self.accepted else None,
            "records": self.records,
            "quarantined": self.quarantined,
            "quarantined_since": self.waiting_since,
        }


def dataset_states(catalog: sa.Engine, contract_id: str | None = None) -> dict[str, DatasetState]:
    """Every registered dataset, or one of them, by id; five queries however many there are, and one or two more where batches are open."""
    query = in_force()
    if contract_id is not None:
        query = query.where(contract_version.c.contract_id == contract_id)
    with reading(catalog) as connection:
        contracts = connection.execute(query).all()
        last = _newest_batches(connection)
        accepted = _newest_batches(connection, batch.c.status == "accepted")
        waits = sa.select(waiting_rule.c.contract_id, sa.func.min(waiting_rule.c.since).label("since")).group_by(waiting_rule.c.contract_id)
        since = {row.contract_id: row.since for row in connection.execute(waits)}
        delivered = _newest_batches(connection, batch.c.status == "accepted", batch.c.kind == "delivery")
    left = _unattended(catalog, last.values())
    return {
        row.contract_id: DatasetState(
            contract=parsed(row.document),
            version=row.version,
            last=last.get(row.contract_id),
            accepted=accepted.get(row.contract_id),
            delivery=delivered.get(row.contract_id),
            waiting_since=since.get(row.contract_id),
            registered_at=row.registered_at,
            is_unattended=row.contract_id in left,
        )
        for row in contracts
    }


def _unattended(catalog: sa.Engine, newest: Iterable[Batch]) -> set[str]:
    """Datasets whose newest batch is open while nobody is at it."""
    names = {f"dataset/{item.contract_id}": item for item in newest if item.status in OPEN}
    if not names:
        return set()
    left = names.keys() - held(catalog, lease, list(names))
    # One that has ended in between gave its lease back after that.
    return {names[name].contract_id for name in left if get_batch(catalog, names[name].batch_id).status == names[name].status}


def _newest_batches(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Mapping[str, Batch]:
    seqs = sa.select(batch.c.contract_id, sa.func.max(batch.c.seq).label("seq")).where(*conditions).group_by(batch.c.contract_id).subquery()
    query = sa.select(batch).join(seqs, (batch.c.contract_id == seqs.c.contract_id) & (batch.c.seq == seqs.c.seq))
    return {row.contract_id: Batch(**row._mapping) for row in connection.execute(query)}


def needing_attention(states: Iterable[DatasetState]) -> list[DatasetState]:
    """The datasets that somebody has to look at, worst first."""
    found = [item for item in states if item.state in ATTENTION]
    return sorted(found, key=lambda item: (STATES.index(item.state), -(item.quarantined or 0), item.id))

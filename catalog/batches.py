"""Batches: one delivery of one dataset, with its ledger.

A batch goes `landing` → `landed` → `accepted`, or ends as `stopped` (a gate), `failed` (an error), `abandoned` (its process died) or
`superseded` (a newer one landed before it was accepted, or its dataset has ended). Its rows are a delivery of the source, or rows of
quarantine that are run again: as a department has repaired them, or as they were (`replay`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from catalog.files import LakeFile, insert_files
from catalog.tables import batch, batch_check, batch_fill, batch_issue, waiting_rule
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError
from core.leases import Lease

OPEN = ("landing", "landed")
EVERY_BATCH = 1_000_000  # more than any dataset has
WHOLE, PART = "whole", "part"
Kind = Literal["delivery", "repair", "replay"]


@dataclass(frozen=True)
class Batch:
    """A batch as the catalog knows it. Counts are None until the stage that finds them out."""

    batch_id: str
    contract_id: str
    seq: int
    contract_version: int
    standard_version: str
    status: str
    actor: str
    started_at: datetime
    landed_at: datetime | None
    finished_at: datetime | None
    read: int | None
    landed: int | None
    unreadable: int | None
    accepted: int | None
    unchanged: int | None
    repeated: int | None
    quarantined: int | None
    previous: int | None
    inserted: int | None
    updated: int | None
    deleted: int | None
    records: int | None
    kind: Kind
    origin: str | None
    waiting: int | None
    error: str | None
    hint: str | None
    notes: list[dict[str, Any]]
    seconds: dict[str, float]
    scope: str | None
    tracking: dict[str, Any] | None

    @property
    def is_whole(self) -> bool:
        """Whether it holds all that its source had, so that a record which is not in it is gone."""
        return self.scope != PART

    @property
    def rules(self) -> tuple[int, str]:
        """The versions of contract and standard that judge it."""
        return self.contract_version, self.standard_version


@dataclass(frozen=True)
class Acceptance:
    """Everything that the commit of an accepted batch writes at once."""

    counts: Mapping[str, int]
    issues: Sequence[Mapping[str, Any]]
    checks: Sequence[Mapping[str, Any]]
    fills: Sequence[Mapping[str, Any]]
    notes: Sequence[Mapping[str, Any]]
    seconds: Mapping[str, float]
    files: Sequence[LakeFile] = field(default=())
    # What waits in quarantine from now on, by rule; None where the batch did not come so far.
    waiting: Sequence[Mapping[str, Any]] | None = None


def batch_id_of(contract_id: str, seq: int) -> str:
    """The id of a dataset's batch with that number."""
    return f"{contract_id}@{seq}"


def contract_of(batch_id: str) -> str:
    """The id of the dataset whose batch it is; of a dataset's id, itself."""
    return batch_id.partition("@")[0]


def start_batch(
    catalog: sa.Engine,
    lease: Lease,
    contract_id: str,
    contract_version: int,
    standard_version: str,
    actor: str,
    *,
    kind: Kind = "delivery",
    origin: str | None = None,
) -> Batch:
    """Open the next batch of a dataset. One that a dead process left open is abandoned, one that waits for acceptance superseded."""
    with writing(catalog) as connection:
        lease.check(connection)
        _end_open(connection, contract_id)
        mine = batch.c.contract_id == contract_id
        seq = (connection.execute(sa.select(sa.func.max(batch.c.seq)).where(mine)).scalar() or 0) + 1
        batch_id = batch_id_of(contract_id, seq)
        connection.execute(
            batch.insert().values(
                batch_id=batch_id,
                contract_id=contract_id,
                seq=seq,
                contract_version=contract_version,
                standard_version=standard_version,
                status="landing",
                actor=actor,
                kind=kind,
                origin=origin,
                started_at=now(),
                notes=[],
                seconds={},
            )
        )
    return get_batch(catalog, batch_id)


def end_open(catalog: sa.Engine, lease: Lease, contract_id: str) -> str | None:
    """End what is open of a dataset that gets no further batch; returns the batch that waited for acceptance, if one did."""
    with writing(catalog) as connection:
        lease.check(connection)
        waited = sa.select(batch.c.batch_id).where(batch.c.contract_id == contract_id, batch.c.status == "landed")
        batch_id: str | None = connection.execute(waited).scalar()
        _end_open(connection, contract_id)
    return batch_id


def _end_open(connection: sa.Connection, contract_id: str) -> None:
    for left, becomes in (("landing", "abandoned"), ("landed", "superseded")):
        mine = (batch.c.contract_id == contract_id) & (batch.c.status == left)
        connection.execute(batch.update().where(mine).values(status=becomes, finished_at=now()))


def get_batch(catalog: sa.Engine, batch_id: str) -> Batch:
    """Return one batch. Raises RequestError where there is none of that id."""
    found = _first(catalog, sa.select(batch).where(batch.c.batch_id == batch_id))
    if found is None:
        raise RequestError(f"there is no batch {batch_id}", hint="batch ids look like dataset@number; ./hub status lists the latest ones")
    return found


def batch_at(catalog: sa.Engine, contract_id: str, seq: int) -> Batch:
    """Return one batch of a dataset by its number. Raises RequestError where there is none."""
    return get_batch(catalog, batch_id_of(contract_id, seq))


def set_tracking(catalog: sa.Engine, batch_id: str, tracking: Mapping[str, Any]) -> None:
    """Say where change tracking stands after a batch, once more is known of its source."""
    with writing(catalog) as connection:
        connection.execute(batch.update().where(batch.c.batch_id == batch_id).values(tracking=dict(tracking)))


def set_landed(catalog: sa.Engine, lease: Lease, batch_id: str, *, read: int, landed: int, unreadable: int, **more: Any) -> None:
    """Record that a batch has landed whole."""
    with writing(catalog) as connection:
        lease.check(connection)
        values = {"status": "landed", "landed_at": now(), "read": read, "landed": landed, "unreadable": unreadable, **more}
        connection.execute(batch.update().where(batch.c.batch_id == batch_id).values(**values))


def pin_standard(catalog: sa.Engine, lease: Lease, batch_id: str, version: str) -> Batch:
    """Record which version of the standard judges a landed batch, and return the batch."""
    with writing(catalog) as connection:
        lease.check(connection)
        connection.execute(batch.update().where(batch.c.batch_id == batch_id).values(standard_version=version))
    return get_batch(catalog, batch_id)


def end_batch(catalog: sa.Engine, batch_id: str, status: str, error: str, hint: str = "") -> None:
    """Close a batch that did not make it: `stopped`, `failed` or `superseded`. Never touches one that was accepted."""
    open_one = (batch.c.batch_id == batch_id) & batch.c.status.in_(OPEN)
    with writing(catalog) as connection:
        connection.execute(batch.update().where(open_one).values(status=status, finished_at=now(), error=error, hint=hint))


def record_findings(catalog: sa.Engine, lease: Lease, batch_id: str, found: Acceptance) -> None:
    """Keep counts, issues, checks and files of a batch that a gate stopped, so that its report can say why."""
    with writing(catalog) as connection:
        lease.check(connection)
        insert_files(connection, found.files)
        _write_findings(connection, batch_id, found)


def accept_batch(catalog: sa.Engine, lease: Lease, batch_id: str, found: Acceptance) -> None:
    """The commit point of a batch: ledger, findings and files become visible together."""
    with writing(catalog) as connection:
        lease.check(connection)
        insert_files(connection, found.files)
        _write_findings(connection, batch_id, found)
        _write_waiting(connection, contract_of(batch_id), found.waiting)
        connection.execute(batch.update().where(batch.c.batch_id == batch_id).values(status="accepted", finished_at=now()))


def _write_waiting(connection: sa.Connection, contract_id: str, rules: Sequence[Mapping[str, Any]] | None) -> None:
    if rules is None:
        return
    connection.execute(waiting_rule.delete().where(waiting_rule.c.contract_id == contract_id))
    if rules:
        connection.execute(waiting_rule.insert(), [{"contract_id": contract_id, **row} for row in rules])


def _write_findings(connection: sa.Connection, batch_id: str, found: Acceptance) -> None:
    for table, rows in ((batch_issue, found.issues), (batch_check, found.checks), (batch_fill, found.fills)):
        connection.execute(table.delete().where(table.c.batch_id == batch_id))
        if rows:
            connection.execute(table.insert(), [{"batch_id": batch_id, **row} for row in rows])
    values = {**found.counts, "notes": list(found.notes), "seconds": dict(found.seconds)}
    connection.execute(batch.update().where(batch.c.batch_id == batch_id).values(**values))


def accepted_from(catalog: sa.Engine, contract_id: str, seq: int) -> list[Batch]:
    """Return the accepted batches of a dataset from one number on, in order."""
    return _all(catalog, _accepted(contract_id).where(batch.c.seq >= seq))[::-1]


def accepted_before(catalog: sa.Engine, contract_id: str, seq: int) -> Batch | None:
    """Return the last accepted batch of a dataset before one number."""
    return _first(catalog, _accepted(contract_id).where(batch.c.seq < seq))


def latest_accepted(catalog: sa.Engine, contract_id: str) -> Batch | None:
    """Return the last accepted batch of a dataset: its state is what publications see."""
    return _first(catalog, _accepted(contract_id))


def latest_delivery(catalog: sa.Engine, contract_id: str) -> Batch | None:
    """Return the last accepted batch that the source delivered."""
    return _first(catalog, _accepted(contract_id).where(batch.c.kind == "delivery"))


def latest_whole(catalog: sa.Engine, contract_id: str) -> Batch | None:
    """Return the last accepted batch of a dataset that held all of its source."""
    return _first(catalog, _accepted(contract_id).where(sa.or_(batch.c.scope.is_(None), batch.c.scope == WHOLE)))


def latest_looking_at(catalog: sa.Engine, contract_id: str, element: str, before: int) -> Batch | None:
    """Return the last accepted batch before one number that looked at any values of an element: where nothing changes, many look at none."""
    looked = sa.exists().where(batch_fill.c.batch_id == batch.c.batch_id, batch_fill.c.element == element, batch_fill.c.evaluated > 0)
    return _first(catalog, _accepted(contract_id).where(batch.c.seq < before, looked))


def latest_by_version(catalog: sa.Engine, contract_id: str) -> list[Batch]:
    """Return the last accepted batch under each version of a dataset's contract, newest first."""
    accepted = (batch.c.contract_id == contract_id) & (batch.c.status == "accepted")
    last = sa.select(sa.func.max(batch.c.seq)).where(accepted).group_by(batch.c.contract_version)
    return _all(catalog, _accepted(contract_id).where(batch.c.seq.in_(last)))


def latest_change(catalog: sa.Engine, contract_id: str) -> Batch | None:
    """Return the accepted batch after which a dataset has its present state; later ones brought nothing new."""
    changed = _first(catalog, _accepted(contract_id).where(batch.c.inserted + batch.c.updated + batch.c.deleted > 0))
    return changed or latest_accepted(catalog, contract_id)


def judged_otherwise(catalog: sa.Engine, whole: Batch, rules: tuple[int, str]) -> bool:
    """Whether a whole delivery, or any batch accepted since, was judged by another contract or standard than these two versions."""
    since = (batch.c.contract_id == whole.contract_id) & (batch.c.status == "accepted") & (batch.c.seq >= whole.seq)
    other = sa.or_(batch.c.contract_version != rules[0], batch.c.standard_version != rules[1])
    with reading(catalog) as connection:
        return bool(connection.execute(sa.select(sa.exists().where(since, other))).scalar())


def deleted_between(catalog: sa.Engine, contract_id: str, after: int, upto: int) -> int:
    """Return how many records of a dataset disappeared in the accepted batches after one and up to another."""
    return _sum_between(catalog, batch.c.deleted, contract_id, after, upto)


def changed_between(catalog: sa.Engine, contract_id: str, after: int, upto: int) -> int:
    """Return how many records of a dataset may have become others in the accepted batches after one and up to another: those that were updated,
    and those that went away and came back."""
    updated, inserted, deleted = (
        _sum_between(catalog, column, contract_id, after, upto) for column in (batch.c.updated, batch.c.inserted, batch.c.deleted)
    )
    return updated + min(inserted, deleted)


def _sum_between(catalog: sa.Engine, column: sa.Column[int], contract_id: str, after: int, upto: int) -> int:
    mine = (batch.c.contract_id == contract_id) & (batch.c.status == "accepted") & (batch.c.seq > after) & (batch.c.seq <= upto)
    with reading(catalog) as connection:
        return int(connection.execute(sa.select(sa.func.sum(column)).where(mine)).scalar() or 0)


def batches_of(catalog: sa.Engine, contract_id: str, limit: int = 50) -> list[Batch]:
    """Return the batches of a dataset, newest first."""
    return _all(catalog, _batches(contract_id).limit(limit))


def latest_batch(catalog: sa.Engine, contract_id: str) -> Batch | None:
    """Return the newest batch of a dataset, whatever became of it."""
    return _first(catalog, _batches(contract_id))


def batches_from(catalog: sa.Engine, contract_id: str, origin: str, statuses: Sequence[str]) -> list[Batch]:
    """Return the batches of a dataset whose origin begins so and that have one of these states, newest first."""
    return _all(catalog, _batches(contract_id).where(batch.c.origin.startswith(origin, autoescape=True), batch.c.status.in_(statuses)))


def _batches(contract_id: str) -> sa.Select[Any]:
    return sa.select(batch).where(batch.c.contract_id == contract_id).order_by(batch.c.seq.desc())


def _accepted(contract_id: str) -> sa.Select[Any]:
    return _batches(contract_id).where(batch.c.status == "accepted")


def _all(catalog: sa.Engine, query: sa.Select[Any]) -> list[Batch]:
    with reading(catalog) as connection:
        return [Batch(**row._mapping) for row in connection.execute(query)]


def _first(catalog: sa.Engine, query: sa.Select[Any]) -> Batch | None:
    return next(iter(_all(catalog, query.limit(1))), None)


def issues_of(catalog: sa.Engine, batch_id: str) -> list[dict[str, Any]]:
    """Return the issue counts of a batch, most frequent first."""
    query = sa.select(batch_issue).where(batch_issue.c.batch_id == batch_id)
    query = query.order_by(batch_issue.c.rows.desc(), batch_issue.c.element, batch_issue.c.issue_type)
    return _mappings(catalog, query)


def checks_of(catalog: sa.Engine, batch_id: str) -> list[dict[str, Any]]:
    """Return the Great Expectations results of a batch, worst first."""
    query = sa.select(batch_check).where(batch_check.c.batch_id == batch_id)
    return _mappings(catalog, query.order_by(batch_check.c.unexpected.desc(), batch_check.c.check_id))


def fills_of(catalog: sa.Engine, batch_id: str) -> list[dict[str, Any]]:
    """Return how many rows of a batch had a value, by element."""
    return _mappings(catalog, sa.select(batch_fill).where(batch_fill.c.batch_id == batch_id).order_by(batch_fill.c.element))


def waiting_of(catalog: sa.Engine, contract_id: str | None = None) -> list[dict[str, Any]]:
    """Return what waits in quarantine by dataset and rule, most rows first; of one dataset or of all."""
    query = sa.select(waiting_rule).order_by(waiting_rule.c.rows.desc(), *waiting_rule.primary_key.columns)
    return _mappings(catalog, query if contract_id is None else query.where(waiting_rule.c.contract_id == contract_id))


def _mappings(catalog: sa.Engine, query: sa.Select[Any]) -> list[dict[str, Any]]:
    with reading(catalog) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]

"""Alerts as the catalog keeps them: what is open, since when, and which channel was told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from catalog.tables import alert, alert_notice
from core.clock import now
from core.database import reading, writing
from core.leases import Lease

OPENED, CLOSED = "opened", "closed"


@dataclass(frozen=True)
class Alert:
    """One alert; open while `closed_at` is None. Times are UTC."""

    id: int
    rule: str
    subject: str
    severity: str
    message_zh: str
    message_en: str
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Notice:
    """One thing that a channel is still to be told."""

    alert: Alert
    channel: str
    kind: str


@dataclass(frozen=True)
class Found:
    """What a rule has found: about whom, how bad, and in words."""

    rule: str
    subject: str
    severity: str
    message_zh: str
    message_en: str


def record_found(catalog: sa.Engine, lease: Lease, found: Iterable[Found], looked_at: Iterable[str], channels: Sequence[str]) -> None:
    """Open an alert for what is new, close those of the rules that were `looked_at` and found nothing any more.

    Whatever is open is told each channel once, also one that is set later. Who was never told that an alert opened is not told that it closed.
    """
    seen = {(item.rule, item.subject): item for item in found}
    with writing(catalog) as connection:
        lease.check(connection)
        standing = {(row.rule, row.subject): row for row in connection.execute(sa.select(alert).where(alert.c.closed_at.is_(None)))}
        for key, item in seen.items():
            if key in standing:
                words = {"message_zh": item.message_zh, "message_en": item.message_en, "severity": item.severity}
                connection.execute(alert.update().where(alert.c.id == standing[key].id).values(seen_at=now(), **words))
                _tell(connection, standing[key].id, channels)
            else:
                _open(connection, item, channels)
        for key, row in standing.items():
            if key not in seen and row.rule in set(looked_at):
                _close(connection, row.id)


def _open(connection: sa.Connection, item: Found, channels: Sequence[str]) -> None:
    made = connection.execute(alert.insert().values(**vars(item), opened_at=now(), seen_at=now())).inserted_primary_key
    assert made is not None
    _tell(connection, made[0], channels)


def _tell(connection: sa.Connection, alert_id: int, channels: Sequence[str]) -> None:
    """Have those channels told that an alert is open that have no notice of it yet."""
    known = set(connection.execute(sa.select(alert_notice.c.channel).where(alert_notice.c.alert_id == alert_id)).scalars())
    for channel in channels:
        if channel not in known:
            connection.execute(alert_notice.insert().values(alert_id=alert_id, channel=channel, kind=OPENED, made_at=now(), attempts=0))


def _close(connection: sa.Connection, alert_id: int) -> None:
    connection.execute(alert.update().where(alert.c.id == alert_id).values(closed_at=now()))
    mine = alert_notice.c.alert_id == alert_id
    told = connection.execute(sa.select(alert_notice.c.channel).where(mine, alert_notice.c.sent_at.is_not(None))).scalars().all()
    connection.execute(alert_notice.delete().where(mine, alert_notice.c.sent_at.is_(None)))
    for channel in told:
        connection.execute(alert_notice.insert().values(alert_id=alert_id, channel=channel, kind=CLOSED, made_at=now(), attempts=0))


def alerts(catalog: sa.Engine, *, is_open: bool = True, limit: int = 200) -> list[Alert]:
    """Return the open alerts, the newest first; or the closed ones, those that closed last first."""
    condition = alert.c.closed_at.is_(None) if is_open else alert.c.closed_at.is_not(None)
    order = (alert.c.opened_at if is_open else alert.c.closed_at).desc()
    with reading(catalog) as connection:
        rows = connection.execute(sa.select(alert).where(condition).order_by(order, alert.c.id.desc()).limit(limit))
        return [Alert(**row._mapping) for row in rows]


def unsent(catalog: sa.Engine) -> list[Notice]:
    """Return what channels are still to be told, the oldest first."""
    query = sa.select(alert, alert_notice.c.channel, alert_notice.c.kind).join(alert_notice, alert_notice.c.alert_id == alert.c.id)
    query = query.where(alert_notice.c.sent_at.is_(None)).order_by(alert_notice.c.made_at, alert.c.id)
    with reading(catalog) as connection:
        rows: list[Mapping[str, object]] = [dict(row._mapping) for row in connection.execute(query)]
    return [
        Notice(Alert(**{name: row[name] for name in Alert.__dataclass_fields__}), str(row["channel"]), str(row["kind"]))  # type: ignore[arg-type]
        for row in rows
    ]


def mark(catalog: sa.Engine, notice: Notice, error: str | None) -> None:
    """Record that a channel was told, or why it could not be."""
    key = (alert_notice.c.alert_id == notice.alert.id) & (alert_notice.c.channel == notice.channel) & (alert_notice.c.kind == notice.kind)
    values = {"error": error, "attempts": alert_notice.c.attempts + 1, **({"sent_at": now()} if error is None else {})}
    with writing(catalog) as connection:
        connection.execute(alert_notice.update().where(key).values(**values))

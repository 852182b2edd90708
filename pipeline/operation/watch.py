"""Watch: look for what somebody has to be told, tell it, and send lineage events on. Runs beside the batches and holds none up."""

import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from catalog.alerts import CLOSED, Alert, Notice, alerts, mark, record_found, unsent
from catalog.tables import lease
from core.clock import beijing_text, utc_text
from core.connections import Connections, load_connections
from core.errors import HubError
from core.leases import holding
from core.space import keep_reserve
from pipeline.home import Home, open_home
from pipeline.operation.alerts import find, load_rules
from pipeline.operation.channels import NotTaken, mail, post

LONGEST = 120.0  # seconds that one watch spends on receivers; the rest has its turn next time
_MOST_EVENTS = 2000
log = logging.getLogger("watch")


@dataclass(frozen=True)
class Watched:
    """What a watch found and did: open alerts, notices sent and not sent (with why), events sent on."""

    open: tuple[Alert, ...]
    sent: int
    unsent: tuple[str, ...]
    events: int


def watch(home: Home | None = None) -> Watched:
    """Look once. A receiver that fails or stalls is left until the next time, and its notices are kept."""
    home = home or open_home()
    channels = home.settings.alert_connections
    with holding(home.catalog, lease, "alerts", home.settings.actor) as held:
        record_found(home.catalog, held, find(home), [rule.id for rule in load_rules()], channels)
        connections, until = load_connections(settings=home.settings), time.monotonic() + LONGEST
        sent, failed = _tell(home, connections, until)
        events, trouble = _send_events(home, connections, until)
    keep_reserve(home.settings)
    return Watched(tuple(alerts(home.catalog)), sent, (*failed, *trouble), events)


def _tell(home: Home, connections: Connections, until: float) -> tuple[int, list[str]]:
    """Send every notice that waits; a channel that has failed is not tried again this time, but for one that refused what it was told."""
    sent, failed, refused = 0, dict[str, str](), dict[str, str]()
    for notice in unsent(home.catalog):
        if notice.channel in failed or time.monotonic() > until:
            continue
        if notice.channel not in home.settings.alert_connections:
            continue  # a channel that is set no longer is told nothing
        try:
            _send(connections, notice)
        except NotTaken as error:
            refused[notice.channel] = error.message
            mark(home.catalog, notice, error.message)
        except HubError as error:
            failed[notice.channel] = error.message
            mark(home.catalog, notice, error.message)
        else:
            sent += 1
            mark(home.catalog, notice, None)
    for channel in home.settings.alert_connections:  # a name that leads nowhere is told on a quiet day too
        try:
            connections.url(channel)
        except HubError as error:
            failed.setdefault(channel, error.message)
    return sent, list((refused | failed).values())


def _send(connections: Connections, notice: Notice) -> None:
    if urlsplit(connections.url(notice.channel)).scheme in ("smtp", "smtps"):
        _mail(connections, notice)
    else:
        _post(connections, notice)


def _post(connections: Connections, notice: Notice) -> None:
    item = notice.alert
    times = {name: moment and utc_text(moment) for name, moment in (("opened_at", item.opened_at), ("closed_at", item.closed_at))}
    words = {"message": {"zh": item.message_zh, "en": item.message_en}}
    post(
        connections,
        notice.channel,
        {"event": notice.kind, "alert": item.id, "rule": item.rule, "subject": item.subject, "severity": item.severity, **words, **times},
    )


def _mail(connections: Connections, notice: Notice) -> None:
    item = notice.alert
    zh, en = ("已恢复", "recovered") if notice.kind == CLOSED else ("告警", "alert")
    lines = [
        f"{zh}：{item.message_zh}",
        f"{en}: {item.message_en}",
        "",
        f"{beijing_text(item.opened_at)} (Beijing) {item.rule} {item.subject}",
    ]
    if item.closed_at:
        lines.append(f"{beijing_text(item.closed_at)} (Beijing) {en}")
    mail(connections, notice.channel, f"[Govhub] {zh} {item.rule} {item.subject}", "\n".join(lines) + "\n")


def _send_events(home: Home, connections: Connections, until: float) -> tuple[int, list[str]]:
    """Post lineage events that were not posted yet, in order; how far that has come stands beside their file."""
    file, name = home.settings.lineage_file, home.settings.lineage_connection
    if file is None or not name or not file.exists():
        return 0, []
    mark_file, sent = file.with_name(f"{file.name}.sent"), 0
    with file.open("rb") as lines:
        lines.seek(_sent_up_to(mark_file, file.stat().st_size))
        while sent < _MOST_EVENTS and time.monotonic() < until and (line := lines.readline()).endswith(b"\n"):
            try:
                post(connections, name, json.loads(line))
                sent += 1
            except NotTaken as error:
                log.warning("an OpenLineage event was refused and is passed over: %s", error.message)
            except HubError as error:
                return sent, [error.message]
            except ValueError:
                log.warning("a line of %s is no OpenLineage event and is passed over", file.name)
            _write_mark(mark_file, lines.tell())
    return sent, []


def _sent_up_to(mark_file: Path, size: int) -> int:
    """The place in the file; the beginning where the file is another by now."""
    try:
        place = int(mark_file.read_text())
    except (FileNotFoundError, ValueError):
        return 0
    return place if place <= size else 0


def _write_mark(mark_file: Path, place: int) -> None:
    draft = mark_file.with_name(f".{mark_file.name}.{os.getpid()}")
    draft.write_text(str(place))
    draft.replace(mark_file)

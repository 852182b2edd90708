"""Figures for a monitoring system, as OpenMetrics text (specification 1.0): where datasets, quarantine, registries, alerts and the disk stand.

Names of datasets, elements and kinds of issue are in it, never a value or a person.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.alerts import alerts
from catalog.batches import Batch, waiting_of
from core.space import held
from pipeline.operation.alerts import load_rules
from pipeline.operation.datasets import DatasetState, dataset_states
from portal.context import Hub
from registries.publications import Publication, latest

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_COUNTS = ("read", "landed", "unreadable", "accepted", "unchanged", "repeated", "quarantined")
_STATUSES = ("landing", "landed", "accepted", "stopped", "failed", "abandoned", "superseded")
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Family:
    """One gauge with its samples: name, unit (which ends the name), help."""

    name: str
    help: str
    samples: tuple[Sample, ...]
    unit: str = ""

    def lines(self) -> Iterator[str]:
        """The family in the text format."""
        yield f"# TYPE {self.name} gauge"
        if self.unit:
            yield f"# UNIT {self.name} {self.unit}"
        yield f"# HELP {self.name} {_escaped(self.help)}"
        for labels, value in self.samples:
            named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{self.name}{{{named}}} {value:.15g}" if named else f"{self.name} {value:.15g}"


def exposition(hub: Hub) -> str:
    """Everything, as one text."""
    # One that has ended would grow old, and its last batch stay as it was, for ever.
    states = [item for item in dataset_states(hub.home.catalog).values() if item.contract.ended is None]
    families = [*_datasets(states), *_batches(states), *_quarantine(hub, states), *_registries(hub), *_rest(hub)]
    return "\n".join([*(line for family in families for line in family.lines()), "# EOF", ""])


def _datasets(states: Iterable[DatasetState]) -> Iterator[Family]:
    listed = [({"dataset": item.id}, item) for item in states]
    yield Family("govhub_dataset_records", "Records in force.", tuple((d, s.records) for d, s in listed if s.records is not None))
    yield Family("govhub_dataset_waiting_rows", "Rows in quarantine.", tuple((d, s.quarantined or 0) for d, s in listed))
    ages = tuple((d, s.age.total_seconds()) for d, s in listed if s.age is not None)
    yield Family("govhub_dataset_age_seconds", "Time since the last accepted delivery was read.", ages, "seconds")
    allowed = tuple((d, s.allowed_age.total_seconds()) for d, s in listed if s.allowed_age is not None)
    yield Family("govhub_dataset_allowed_age_seconds", "How old the update cycle lets it be.", allowed, "seconds")
    yield Family("govhub_dataset_late", "1 where the update cycle is not kept.", tuple((d, s.freshness == "late") for d, s in listed))
    due = tuple((d, _moment(s.next_run)) for d, s in listed if s.next_run is not None)
    yield Family("govhub_dataset_next_run_timestamp_seconds", "When it is collected next.", due, "seconds")


def _batches(states: Iterable[DatasetState]) -> Iterator[Family]:
    listed = [(item.last, item.last_status) for item in states if item.last is not None]
    last: list[Batch] = [batch for batch, _ in listed]
    rows = tuple(
        ({"dataset": b.contract_id, "part": name}, count) for b in last for name in _COUNTS if (count := getattr(b, name)) is not None
    )
    yield Family("govhub_batch_rows", "Rows of the last batch by what became of them.", rows)
    # The status of the pages: a batch whose process has died is abandoned before the next one writes that down.
    status = tuple(({"dataset": b.contract_id, "status": name}, word == name) for b, word in listed for name in _STATUSES)
    yield Family("govhub_batch_status", "1 for the status of the last batch.", status)
    seconds = tuple(({"dataset": b.contract_id, "step": name}, time) for b in last for name, time in b.seconds.items())
    yield Family("govhub_batch_step_seconds", "How long the steps of the last batch took.", seconds, "seconds")


def _quarantine(hub: Hub, states: Iterable[DatasetState]) -> Iterator[Family]:
    collected = {item.id for item in states}
    found = [
        ({"dataset": row["contract_id"], "element": row["element"], "issue": row["issue_type"]}, row)
        for row in waiting_of(hub.home.catalog)
        if row["contract_id"] in collected
    ]
    yield Family("govhub_quarantine_rows", "Rows in quarantine by rule.", tuple((labels, row["rows"]) for labels, row in found))
    since = tuple((labels, _moment(row["since"])) for labels, row in found)
    yield Family("govhub_quarantine_oldest_timestamp_seconds", "Since when the oldest of them waits.", since, "seconds")


def _registries(hub: Hub) -> Iterator[Family]:
    now: list[tuple[Mapping[str, str], Publication]] = [
        ({"registry": schema.id}, current) for schema in hub.schemas if (current := latest(hub.home.serving, schema.id)).number
    ]
    yield Family("govhub_registry_entities", "Entities of the current publication.", tuple((name, p.entities) for name, p in now))
    yield Family("govhub_registry_publication", "Number of the current publication.", tuple((name, p.number) for name, p in now))
    at = tuple((name, _moment(p.published_at)) for name, p in now)
    yield Family("govhub_registry_published_timestamp_seconds", "When it was published.", at, "seconds")
    parts = ("linked", "unlinked", "withheld")
    records = tuple(({**name, "part": part}, getattr(p, part)) for name, p in now for part in parts)
    yield Family("govhub_registry_records", "Records of the current publication by what became of them.", records)


def _rest(hub: Hub) -> Iterator[Family]:
    standing = alerts(hub.home.catalog, limit=10_000)
    counted = tuple(({"rule": rule.id}, sum(item.rule == rule.id for item in standing)) for rule in load_rules())
    yield Family("govhub_alerts", "Open alerts by rule.", counted)
    layers = (("landing", hub.home.settings.landing), ("lake", hub.home.settings.lake_dir))
    yield Family("govhub_layer_bytes", "What a layer holds.", tuple(({"layer": name}, held(at)[1]) for name, at in layers), "bytes")
    usage = shutil.disk_usage(hub.home.settings.home)
    yield Family("govhub_disk_free_bytes", "What is free on the disk of HUB_HOME.", (({}, usage.free),), "bytes")
    yield Family("govhub_disk_size_bytes", "Its size.", (({}, usage.total),), "bytes")


def _moment(time: datetime) -> float:
    return time.replace(tzinfo=UTC).timestamp()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')

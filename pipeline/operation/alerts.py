"""What somebody has to be told, found by rules that are data; it opens once, is told once, and its end is told too."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from catalog.alerts import Found
from catalog.batches import accepted_before
from core.clock import beijing_text, now
from pipeline.delivery.tracking import overgrown_log
from pipeline.home import Home
from pipeline.operation.datasets import TROUBLE, DatasetState, dataset_states
from pipeline.publication.pins import unpublished
from quality.texts import sentence
from registries.attempts import standing_attempt
from registries.definition import load_definitions
from registries.publications import latest
from standards.model import Title
from standards.texts import Language

RULES = Path(__file__).with_name("alert_rules.yml")
_GB = 1 << 30


class Rule(BaseModel):
    """One rule: the function that finds, how bad it is, its name, what is said of what is found, and its numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    find: str
    severity: str = Field(pattern="^(warning|error)$")
    title: Title
    words: Title
    numbers: Mapping[str, float] = Field(default_factory=dict)


# About whom, and what stands in the words of the rule; where it is said otherwise in Chinese and in English, it is a title.
Fact = tuple[str, Mapping[str, str | int | Title]]
Finder = Callable[[Home, Sequence[DatasetState], Mapping[str, float]], Iterator[Fact]]


@cache
def load_rules() -> tuple[Rule, ...]:
    """Every rule, in order."""
    return tuple(TypeAdapter(list[Rule]).validate_python(yaml.safe_load(RULES.read_text(encoding="utf-8"))))


def find(home: Home, rules: Sequence[Rule] | None = None) -> list[Found]:
    """What the rules find now."""
    states = [item for item in dataset_states(home.catalog).values() if item.contract.ended is None]
    return [
        Found(
            rule.id, subject, rule.severity, f"{rule.title.zh}：{_said(rule, 'zh', facts)}", f"{rule.title.en}: {_said(rule, 'en', facts)}"
        )
        for rule in rules or load_rules()
        for subject, facts in FINDERS[rule.find](home, states, rule.numbers)
    ]


def _said(rule: Rule, language: Language, facts: Mapping[str, str | int | Title]) -> str:
    words: str = getattr(rule.words, language)
    return words.format(**{name: getattr(fact, language) if isinstance(fact, Title) else fact for name, fact in facts.items()})


def _both(message: str) -> Title:
    """A message of the hub in both languages."""
    return Title(zh=sentence(message, "zh"), en=message)


def late_datasets(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Datasets whose last accepted delivery is older than their update cycle allows."""
    for item in states:
        if item.freshness == "late":
            yield item.id, {"id": item.id, "title": item.contract.title, "at": beijing_text(item.seen_at)}


def failed_batches(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Datasets whose last batch failed, was stopped by its gate, or died."""
    for item in states:
        if item.last is not None and item.last_status in TROUBLE:
            said = (item.last.error or "the process ended half-way").removeprefix(f"{item.id}: ")
            yield item.id, {"batch": item.last.batch_id, "said": _both(said)}


def overdue_datasets(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Datasets that their schedule should have begun to collect."""
    for item in states:
        if item.overdue_since:
            yield item.id, {"id": item.id, "title": item.contract.title, "at": beijing_text(item.overdue_since)}


def unpublished_changes(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Registries that do not have what has been accepted for some time; why a publication was stopped is told by itself."""
    for name in load_definitions():
        if standing_attempt(home.serving, latest(home.serving, name)) is None:
            waits = [dataset for dataset, since in unpublished(home, name).items() if now() - since > timedelta(minutes=numbers["minutes"])]
            if waits:
                yield name, {"registry": name, "datasets": ", ".join(sorted(waits))}


def stopped_publications(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Registries whose last attempt became no publication."""
    for name in load_definitions():
        attempt = standing_attempt(home.serving, latest(home.serving, name))
        if attempt is not None:
            # The rule's title says already that it was stopped.
            yield name, {"registry": name, "said": _both(attempt.reason.removeprefix(f"publication of {name} stopped: "))}


def growing_quarantine(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Datasets of which clearly more rows wait than after the delivery before."""
    for item in states:
        waiting, before = item.quarantined or 0, _waiting_before(home, item)
        if before is not None and waiting - before >= max(numbers["rows"], numbers["share"] * before):
            yield item.id, {"id": item.id, "before": before, "waiting": waiting}


def _waiting_before(home: Home, item: DatasetState) -> int | None:
    if item.delivery is None:
        return None
    before = accepted_before(home.catalog, item.id, item.delivery.seq)
    return None if before is None else before.quarantined if before.waiting is None else before.waiting


def old_quarantine(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Datasets with a row that has waited for long."""
    for item in states:
        days = (now() - item.waiting_since).days if item.waiting_since else 0
        if days >= numbers["days"]:
            yield item.id, {"id": item.id, "days": days}


def retained_log(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """Datasets whose source keeps more log for the hub than the contract wants to hear of. The source is asked: where batches fail, or none come,
    the log grows all the same. Where it does not answer, what the last batches have found stands.
    """
    for item in states:
        if item.contract.change_tracking == "log":
            said = overgrown_log(home, item.contract)
            if said is None:
                notes = [note for batch in (item.last, item.delivery) if batch for note in batch.notes]
                said = next((str(note["message"]) for note in notes if note["kind"] == "log-retained"), "")
            if said:
                yield item.id, {"id": item.id, "said": _both(said)}


def short_disk(home: Home, states: Sequence[DatasetState], numbers: Mapping[str, float]) -> Iterator[Fact]:
    """The disk of the installation, where little is left of it."""
    usage = shutil.disk_usage(home.settings.home)
    if usage.free < numbers["free_gb"] * _GB or usage.free < numbers["free_share"] * usage.total:
        yield "disk", {"left": f"{usage.free / _GB:.1f} GB"}


FINDERS: dict[str, Finder] = {
    finder.__name__: finder
    for finder in (
        late_datasets,
        overdue_datasets,
        failed_batches,
        stopped_publications,
        unpublished_changes,
        growing_quarantine,
        old_quarantine,
        retained_log,
        short_disk,
    )
}

"""The blast radius of a change of the standard, for a person to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.output import print_table
from core.clock import beijing_text
from exchange.purposes import purpose_words
from pipeline.impact.blast_radius import Impact
from pipeline.impact.comparison import DatasetImpact, ElementImpact
from pipeline.plan import ROW
from standards.model import IssueType
from standards.texts import STANDARD_TEXTS, Language, Translate, load_texts, make_translate

TEXTS = Path(__file__).with_name("impact_texts.yml")


@dataclass(frozen=True)
class _Words:
    """Sentences of these texts, and the names of issue types in one language."""

    t: Translate
    severity: Translate
    issue_types: Mapping[str, IssueType]
    language: Language

    def rule(self, rule: str) -> str:
        """An issue with its severity: a repair is no more than that."""
        issue, severity = rule.split(":")
        title = getattr(self.issue_types[issue].title, self.language)
        return title if severity == "repaired" else f"{title} ({self.severity(f'severity.{severity}')})"

    def outcome(self, value: str | None, issues: str) -> str:
        """A value with the issues that it has."""
        found = ", ".join(self.rule(rule) for rule in issues.split())
        return " ".join(["–" if value is None else value, *([f"[{found}]"] if found else [])])


def texts(language: Language) -> Translate:
    """Translate keys of these texts."""
    return make_translate(load_texts(TEXTS), language)


def print_impact(found: Impact, rows: int, issue_types: Mapping[str, IssueType], language: Language) -> None:
    """Print what a change would do: datasets, their elements with examples, base tables, and who is concerned."""
    t = texts(language)
    words = _Words(t, make_translate(load_texts(STANDARD_TEXTS), language), issue_types, language)
    print()
    for line in _warnings(found, t):
        print(f"! {line}")
    if not found.datasets:
        print(t("untouched"))
    else:
        print(t("tried", rows=f"{rows:,}"))
        _datasets(found.datasets, t)
        _elements(found.datasets, words)
        _examples(found.datasets, words)
    if found.registries:
        _registries(found, t)
    if any(item.looked_at < item.rows for item in found.datasets):
        print(t("sampled"))
    if found.datasets:
        _concerned(found, t, language)


def _warnings(found: Impact, t: Translate) -> Iterator[str]:
    yield from found.faults
    for item in found.datasets:
        yield from (t("fault", dataset=item.contract_id, reason=reason) for reason in item.faults)
        yield from (t("gate", dataset=item.contract_id, reason=reason) for reason in item.gate)
    yield from (t("outdated", dataset=item.contract_id, batch=item.batch_id) for item in found.datasets if item.is_outdated)
    others = [item for item in found.datasets if item.pinned != found.baseline]
    yield from (t("pinned", dataset=item.contract_id, pinned=item.pinned, baseline=found.baseline) for item in others)
    yield from (t("registry_gate", registry=item.registry, reason=item.gate) for item in found.registries if item.gate)
    yield from (t("reshaped", registry=item.registry) for item in found.registries if item.reshaped)
    yield from (t("unseen", dataset=item.contract_id, reason=item.reason) for item in found.unseen)


def _table(t: Translate, keys: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        print()
        print_table([t(key) for key in keys], rows)


def _datasets(items: Sequence[DatasetImpact], t: Translate) -> None:
    rows = [
        (
            item.contract_id,
            ", ".join(f"{column} → {element}" if column else element for element, column in item.columns.items()),
            item.rows,
            item.looked_at,
            *map(str, (item.stopped, item.released, item.values)),
        )
        for item in items
    ]
    _table(t, ("dataset", "columns", "rows", "looked_at", "stopped", "released", "values"), rows)


def _elements(items: Sequence[DatasetImpact], words: _Words) -> None:
    rows = [
        (
            item.contract_id,
            _named(element, words.t),
            str(element.values),
            "\n".join(f"{words.rule(found.rule)}: {found.old} → {found.new}" for found in element.rules),
        )
        for item in items
        for element in item.elements
    ]
    _table(words.t, ("dataset", "element", "values", "findings"), rows)


def _named(element: ElementImpact, t: Translate) -> str:
    if element.element == ROW:
        return t("whole_record")
    return f"{element.element} ({element.column})" if element.column else element.element


def _examples(items: Sequence[DatasetImpact], words: _Words) -> None:
    rows = [
        (
            item.contract_id,
            found.position,
            element.element,
            found.raw,
            words.outcome(found.old, found.old_issues),
            words.outcome(found.new, found.new_issues),
        )
        for item in items
        for element in item.elements
        for found in element.examples
    ]
    _table(words.t, ("dataset", "row", "element", "raw", "before", "after"), rows)


def _registries(found: Impact, t: Translate) -> None:
    counts = [
        (item.registry, item.publication, item.entities, *map(str, (item.changed, item.appeared, item.vanished, item.moved)))
        for item in found.registries
    ]
    _table(t, ("registry", "publication", "entities", "changed", "appeared", "vanished", "moved"), counts)
    values = [(item.registry, value.element, str(value.values)) for item in found.registries for value in item.values]
    _table(t, ("registry", "element", "values"), values)
    examples = [
        (item.registry, value.element, *example) for item in found.registries for value in item.values for example in value.examples
    ]
    _table(t, ("registry", "element", "canonical_id", "before", "after"), examples)


def _concerned(found: Impact, t: Translate, language: Language) -> None:
    print()
    print(t("departments", names=", ".join(f"{getattr(item.title, language)} ({item.id})" for item in found.departments)))
    if not found.readers:
        print(t("no_readers"))
        return
    print(t("readers"))
    told = purpose_words(language)
    rows = [(item.registry, item.actor, told(item.purpose), item.reads, beijing_text(item.last)) for item in found.readers]
    print_table([t(key) for key in ("registry", "who", "purpose", "reads", "last")], rows)

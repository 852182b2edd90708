"""The blast radius of a change of the standard, for a person to read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cli.output import print_table
from core.clock import beijing_text
from pipeline.comparison import DatasetImpact, ElementImpact
from pipeline.impact import Impact
from pipeline.standardize import ROW
from standards.texts import Language, Translate, load_texts, make_translate

TEXTS = Path(__file__).with_name("impact_texts.yml")


def texts(language: Language) -> Translate:
    """Translate keys of these texts."""
    return make_translate(load_texts(TEXTS), language)


def print_impact(found: Impact, rows: int, language: Language) -> None:
    """Print what a change would do: datasets, their elements with examples, base tables, and who is concerned."""
    t = texts(language)
    print()
    for line in _warnings(found, t):
        print(f"! {line}")
    if not found.datasets:
        print(t("untouched"))
    else:
        print(t("tried", rows=f"{rows:,}"))
        _datasets(found.datasets, t)
        _elements(found.datasets, t)
        _examples(found.datasets, t)
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
    yield from (t("registry_gate", registry=item.registry, reason=item.gate) for item in found.registries if item.gate)
    yield from (t("rewritten", registry=item.registry) for item in found.registries if item.rewritten)
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


def _elements(items: Sequence[DatasetImpact], t: Translate) -> None:
    rows = [
        (item.contract_id, _named(element, t), str(element.values), "\n".join(f"{r.rule}: {r.old} → {r.new}" for r in element.rules))
        for item in items
        for element in item.elements
    ]
    _table(t, ("dataset", "element", "values", "findings"), rows)


def _named(element: ElementImpact, t: Translate) -> str:
    if element.element == ROW:
        return t("whole_record")
    return f"{element.element} ({element.column})" if element.column else element.element


def _examples(items: Sequence[DatasetImpact], t: Translate) -> None:
    rows = [
        (
            item.contract_id,
            example.position,
            element.element,
            example.raw,
            _outcome(example.old, example.old_issues),
            _outcome(example.new, example.new_issues),
        )
        for item in items
        for element in item.elements
        for example in element.examples
    ]
    _table(t, ("dataset", "row", "element", "raw", "before", "after"), rows)


def _outcome(value: str | None, issues: str) -> str:
    return " ".join(["–" if value is None else value, *([f"[{issues}]"] if issues else [])])


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
    rows = [(item.registry, item.actor, item.purpose, item.reads, beijing_text(item.last)) for item in found.readers]
    print_table([t(key) for key in ("registry", "who", "purpose", "reads", "last")], rows)

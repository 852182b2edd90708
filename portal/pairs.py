"""Two records side by side for whoever decides whether they are one. `read_pair` is the only way to them, and writes to the audit log first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal

from exchange import audit
from pipeline.answers.review import Reviewed, present, read_sides
from portal.context import Hub
from portal.records import MASKED, meaning
from registries.candidates import Candidate, drop, open_pairs
from registries.linkage.model import LinkageModel, Words, model_path, read_model
from standards.masked import is_personal, masked_value
from standards.model import CodeTitle, DataElement, Schema

Agreement = Literal["same", "different", "missing"]
_AHEAD = 200
STRONG, SLIGHT = 6.0, 1.0  # bits: 64 times as often among records of one entity, and twice


@dataclass(frozen=True)
class Compared:
    """One element of both records, as it may be shown; `published` is what a record's entity is published with, where the record does not say it."""

    element: DataElement
    values: tuple[str | None, str | None]
    code_titles: tuple[CodeTitle | None, CodeTitle | None]
    published: tuple[str | None, str | None]
    published_titles: tuple[CodeTitle | None, CodeTitle | None]
    agreement: Agreement


@dataclass(frozen=True)
class Reason:
    """What a model found: a comparison, how alike the two are in it, and what that weighs, in bits and in words."""

    title: Words
    level: Words | None
    bits: float

    @property
    def weight(self) -> str:
        """The name of its weight in words."""
        if abs(self.bits) < SLIGHT:
            return "nothing"
        return ("strongly_" if abs(self.bits) >= STRONG else "") + ("for" if self.bits > 0 else "against")


@dataclass(frozen=True)
class Pair:
    """A candidate pair with its records; `reasons` by weight, what speaks loudest first."""

    candidate: Candidate
    left: Reviewed
    right: Reviewed
    lines: tuple[Compared, ...]
    reasons: tuple[Reason, ...]
    revealed: bool


def next_pair(hub: Hub, schema: Schema, purpose: str) -> Pair | None:
    """The next pair that waits and whose records are there; one whose records are gone waits no longer."""
    ahead = 1
    while waiting := open_pairs(hub.home.serving, schema.id, limit=ahead):
        # Before anything is read, and so before the audit log says that it was.
        there = present(hub.home, [side for item in waiting for side in (item.left, item.right)])
        kept = [item for item in waiting if {item.left.record_id, item.right.record_id} <= there]
        pair = read_pair(hub, schema, kept[0], purpose) if kept else None
        if pair is not None:
            return pair
        gone = [item for item in waiting if item not in kept] or kept[:1]
        drop(hub.home.serving, schema.id, [(item.left.record_id, item.right.record_id) for item in gone])
        ahead = _AHEAD  # a delivery in which many records ended has many such pairs
    return None


def read_pair(hub: Hub, schema: Schema, candidate: Candidate, purpose: str) -> Pair | None:
    """Both records of a pair: masked, or in full where a purpose is given; None where one of them is gone."""
    part = audit.part_subject(schema.id, f"{candidate.left.record_id}+{candidate.right.record_id}")
    _written_down(hub, part, purpose)
    sides = read_sides(hub.home, schema, hub.standards, (candidate.left, candidate.right))
    if len(sides) < 2:
        return None
    for canonical_id in sorted({side.canonical_id for side in sides if side.canonical_id}):
        _written_down(hub, audit.entity_subject(schema.id, canonical_id), purpose)
    left, right = sides
    lines = tuple(_compared(hub, element, left, right, bool(purpose)) for element in schema.elements)
    told = tuple(line for line in lines if (*line.values, *line.published) != (None,) * 4)
    return Pair(candidate, left, right, told, tuple(_reasons(schema, candidate)), bool(purpose))


def _written_down(hub: Hub, subject: str, purpose: str) -> None:
    action = "review" if purpose else "review-masked"
    audit.record(hub.home.audit, actor=hub.actor, action=action, subject=subject, purpose=purpose or MASKED)


def _compared(hub: Hub, element: DataElement, left: Reviewed, right: Reviewed, revealed: bool) -> Compared:
    sides, hidden = (left, right), is_personal(element) and not revealed
    own = [_text(side.values.get(element.id)) for side in sides]
    published = [None if (text := _text(side.published.get(element.id))) == mine else text for side, mine in zip(sides, own, strict=True)]
    said = [{text for text in texts if text is not None} for texts in zip(own, published, strict=True)]
    agreement: Agreement = "missing" if not all(said) else "same" if said[0] & said[1] else "different"

    def visible(texts: Sequence[str | None]) -> tuple[str | None, str | None]:
        first, second = (masked_value(text, element) if hidden else text for text in texts)
        return first, second

    def titled(texts: Sequence[str | None]) -> tuple[CodeTitle | None, CodeTitle | None]:
        first, second = (None if hidden else meaning(hub, element, text) for text in texts)
        return first, second

    return Compared(element, visible(own), titled(own), visible(published), titled(published), agreement)


def _text(value: Any) -> str | None:
    """A value as it is compared: SQLite gives a decimal back as a number, and days as texts."""
    if isinstance(value, Decimal | float):
        return format(Decimal(str(value)).normalize(), "f")
    return None if value is None else str(value)


def _reasons(schema: Schema, candidate: Candidate) -> Iterator[Reason]:
    model = _model(schema.id)
    if model is None or candidate.method.partition("+")[0] != f"{model.id}/{model.version}" or not candidate.levels:
        return
    found = [(item, *candidate.levels[item.id]) for item in model.comparisons if item.id in candidate.levels]
    for comparison, place, bits in sorted(found, key=lambda item: -abs(item[2])):
        yield Reason(comparison.title, None if place is None else comparison.levels[place].title, bits)


@cache
def _model(registry: str) -> LinkageModel | None:
    """The model in force, for its words; None where a registry has none."""
    from core.errors import RequestError

    try:
        return read_model(model_path(registry))
    except RequestError:
        return None

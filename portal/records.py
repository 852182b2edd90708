"""Records of the base registries, one at a time. `read_record` is the only way to one, and writes to the audit log before it reads."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from core.database import reading
from core.errors import HubError, RequestError
from exchange import audit
from pipeline.standard import standard_of
from portal.context import Hub
from registries.definition import get_definition
from registries.further_values import COLUMN, further_values
from registries.identity import successor
from registries.judgements import Judgement
from registries.publications import get_publication, latest
from registries.versions import rows_table
from standards.masked import is_personal, masked_raw, masked_value
from standards.model import CodeTitle, DataElement, Schema, Title

LONGEST_PURPOSE = audit.LONGEST_PURPOSE
SHORTEST_PURPOSE = audit.SHORTEST_PURPOSE
MASKED = "masked view"
# Sums of money have no unit beside their currency (GB/T 36104-2018: 以万元计).
_UNITS = {"money": CodeTitle(zh="（以万元计）", en="(in units of ten thousand)")}


@dataclass(frozen=True)
class Word:
    """One source's word on one element."""

    contract_id: str
    batch_id: str
    position: int | None
    raw: str | None
    value: str | None
    valid_from: date | None
    verdict: str
    agrees: bool
    repair: Any = None  # pipeline.quarantine.repairs.Repair, where a department has repaired the row
    link: str = ""
    rules: tuple[Any, ...] = ()  # pipeline.answers.rules_applied.AppliedRule
    has_raw: bool = True  # whether the row as received is still there


@dataclass(frozen=True)
class Beside:
    """A value beside the chosen one as shown, masked or not, and the words that it comes from."""

    role: str
    title: Title | None
    value: str | None
    valid_from: date | None
    sources: tuple[str, ...]
    is_masked: bool
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Line:
    """One element of a record as shown: its value, masked or not, what the sources say, and the values beside it."""

    element: DataElement
    value: str | None
    meaning: CodeTitle | None
    is_masked: bool
    words: tuple[Word, ...]
    order: Any = None  # the rule that chose, as data
    beside: tuple[Beside, ...] = ()

    @property
    def is_supplied(self) -> bool:
        """Whether any source has the element at all, with or without a value."""
        return bool(self.words or self.beside) or self.value is not None

    @property
    def chosen(self) -> Word | None:
        """The word that was taken."""
        return next((word for word in self.words if word.verdict == "chosen"), None)

    @property
    def others(self) -> tuple[Word, ...]:
        """Words that differ from the published value."""
        return tuple(word for word in self.words if word.verdict not in ("chosen", "empty") and not word.agrees)

    @property
    def agreeing(self) -> tuple[Word, ...]:
        """Words of other sources that say the same."""
        return tuple(word for word in self.words if word.verdict != "chosen" and word.agrees)

    @property
    def silent(self) -> tuple[Word, ...]:
        """Sources that have the element, but no value for this entity."""
        return tuple(word for word in self.words if word.verdict == "empty")


@dataclass(frozen=True)
class Record:
    """One entity as known by publication `number`, said first by publication `since`."""

    registry: str
    canonical_id: str
    number: int
    since: int
    valid_from: Any
    revealed: bool
    lines: tuple[Line, ...]
    trouble: str
    judgements: tuple[Judgement, ...] = ()  # on its records, as far as the publication had seen them

    @property
    def repairs(self) -> list[Any]:
        """The repairs that values which were taken come from, each once."""
        return list(dict.fromkeys(line.chosen.repair for line in self.lines if line.chosen and line.chosen.repair))

    @property
    def name(self) -> str | None:
        """The entity's name, where it may stand in a title: that of a person may not."""
        names = (line.value for line in self.lines if line.element.representation == "name" and not is_personal(line.element))
        return next((name for name in names if name), None)


def find(hub: Hub, registry: str, identifier: str, known_at: int | None = None) -> tuple[str, int]:
    """The canonical id behind an identifier or canonical id, and the publication that says so, by default the current one.

    Raises RequestError where there is none, after writing that down as well.
    """
    from pipeline.answers.why import find_entity, publication_number

    try:
        number = publication_number(hub.home, registry, known_at)
        return find_entity(hub.home, registry, identifier, number), number
    except RequestError:
        audit.record(hub.home.audit, actor=hub.actor, action="search-without-result", subject=registry, purpose="search")
        raise


def registry_of(hub: Hub, canonical_id: str) -> str:
    """The registry that a canonical id belongs to. Raises RequestError where none has it."""
    canonical_id = _checked(canonical_id)
    for schema in hub.schemas:
        if number := latest(hub.home.serving, schema.id).number:
            with reading(hub.home.serving) as connection:
                query = sa.text(f"SELECT 1 FROM {rows_table(schema)} WHERE _canonical_id = :id AND _publication_from <= :n")
                if connection.execute(query, {"id": canonical_id, "n": number}).scalar():
                    return schema.id
    raise RequestError(f"no registry has an entity {canonical_id}")


def read_record(
    hub: Hub,
    registry: str,
    canonical_id: str,
    *,
    purpose: str = "",
    channel: str = "portal",
    valid_at: date | None = None,
    known_at: int | None = None,
) -> Record:
    """Read one record: masked, or in full where a purpose is given; now, or as of any two times. A retired id leads to its successor.

    The audit log has its entry before anything is read.
    """
    canonical_id = _checked(canonical_id)
    current = latest(hub.home.serving, registry).number
    number = current if known_at is None else known_at
    if not current:
        raise RequestError(f"no entity {canonical_id} in {registry}")
    canonical_id = successor(hub.home.serving, hub.standards.schemas[registry], canonical_id, number)
    action = f"{channel}-{'reveal' if purpose else 'view-masked'}"
    subject = audit.entity_subject(registry, canonical_id)
    audit.record(hub.home.audit, actor=hub.actor, action=action, subject=subject, purpose=purpose or MASKED)
    return _read(hub, registry, canonical_id, number, valid_at, bool(purpose))


def _checked(canonical_id: str) -> str:
    """A canonical id as it is kept. What else an address may name, an identity number for one, is neither told back nor written down."""
    try:
        return str(UUID(canonical_id))
    except ValueError:
        raise RequestError(
            "that is no canonical id", hint="a canonical id has 32 hexadecimal digits; a look-up by identifier finds it"
        ) from None


def _read(hub: Hub, registry: str, canonical_id: str, number: int, valid_at: date | None, revealed: bool) -> Record:
    from pipeline.answers.why import Moment, show, why_at

    at = Moment(valid_at, number)
    row = show(hub.home, registry, canonical_id, at)
    schema = standard_of(hub.home, get_publication(hub.home.serving, registry, number)).schemas[registry]
    answers: dict[str, Any] = {}
    trouble = ""
    judged: tuple[Judgement, ...] = ()
    try:
        account = why_at(hub.home, registry, canonical_id, at)
        judged = account.judgements
        answers = {answer.element: answer for answer in account.answers}
    except HubError as error:
        trouble = error.message
    lines = tuple(_line(hub, registry, element, row, answers.get(element.id), revealed) for element in schema.elements)
    return Record(registry, canonical_id, number, row["_publication_from"], row["_valid_from"], revealed, lines, trouble, judged)


def _word(item: Any, element: DataElement, published: Any, revealed: bool) -> Word:
    value = None if item.value is None else str(item.value)
    raw = item.raw
    if not revealed:
        value = masked_value(value, element)
        raw = masked_value(raw, element) if is_personal(element) else masked_raw(raw, element)
    agrees = item.value is not None and item.value == published
    return Word(
        item.contract_id,
        item.batch_id,
        item.position,
        raw,
        value,
        item.valid_from,
        item.verdict,
        agrees,
        item.repair,
        item.link,
        item.rules,
        item.has_raw,
    )


def _line(hub: Hub, registry: str, element: DataElement, row: Mapping[str, Any], answer: Any, revealed: bool) -> Line:
    value = None if row[element.id] is None else str(row[element.id])
    hidden = not revealed and is_personal(element)
    shown = masked_value(value, element) if hidden else value
    words = tuple(_word(item, element, answer.value, revealed) for item in answer.candidates) if answer else ()
    return Line(
        element,
        shown,
        None if hidden else meaning(hub, element, value),
        hidden and value is not None,
        words,
        answer and answer.order,
        tuple(_beside(registry, element, row, answer, revealed)),
    )


def _beside(registry: str, element: DataElement, row: Mapping[str, Any], answer: Any, revealed: bool) -> Iterator[Beside]:
    """The values beside the chosen one; without an answer nobody can say from which records they come."""
    mine = [item for item in further_values(row[COLUMN]) if item.element == element.id]
    several = get_definition(registry).several.get(element.id)
    titles = {role.id: role.title for role in several.roles} if several else {}
    for place, item in enumerate(mine):
        words = answer.further[place].words if answer else ()
        yield Beside(
            item.role,
            titles.get(item.role),
            item.value if revealed else masked_value(item.value, element),
            item.valid_from,
            item.sources,
            not revealed and is_personal(element),
            tuple(_word(word, element, item.value, revealed) for word in words),
        )


def meaning(hub: Hub, element: DataElement, value: str | None) -> CodeTitle | None:
    """What a value does not say of itself: the name of a code, and what a sum counts in."""
    codes = hub.standards.code_lists.get(element.code_list or "")
    if value is None:
        return None
    if codes is None:
        return _UNITS.get(element.type)
    return next((code.title for code in reversed(codes.codes) if code.code == value), None)


def identifier_text(schema: Schema, given: list[str]) -> list[str]:
    """Identifiers as a person types them, in the form that is stored: half width, capitals, no blanks inside. Names stay as they are."""
    elements = {element.id: element for element in schema.elements}
    return [
        "".join(unicodedata.normalize("NFKC", text).upper().split()) if elements[name].representation == "identifier" else text
        for name, text in zip(schema.identity, given, strict=True)
    ]

"""Verdicts: what became of the word of each source record on each element of one entity, and by which rules.

Worked out beside the merge, which is the same SQL that published: a verdict says in words what that SQL did.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.batches import Batch
from contracts.model import Contract
from pipeline.answers.rules_applied import AppliedRule, rules_applied
from pipeline.quarantine.repairs import Repair
from registries.definition import RegistryDefinition
from registries.further_values import COLUMN, FurtherValue, compared, further_values
from registries.silent import Silent, says_something
from registries.survivorship import PROVINCE, Contribution, Provinces, is_stopped, ranked
from standards.model import DataElement, Schema

CHOSEN, AGREES, OUTRANKED, OLDER, EMPTY = "chosen", "agrees", "outranked", "not-the-best-record-of-its-source", "empty"
TWIN = "like-the-best-record-of-its-source"
BESIDE = "beside-the-chosen-value"
SAYS_NOTHING = "says-nothing"
STOPPED, UNFIT, OTHERWISE = "after-the-last-day", "in-another-province", "with-another-value"
NOT_WITH, ALIKE = "not-with-the-address", "counts-alike"
BEATEN = {"newest": "not-the-newest", "fullest": "not-the-fullest", "most_frequent": "not-the-most-frequent"}


@dataclass(frozen=True)
class Candidate:
    """One source record's word on one element, and what became of it.

    `link` is the rule or judgement that put the record into this entity; `rules` are those that made the value of the raw form. Without
    `has_raw` the row as received has been purged, so nobody can say any more what it was, nor for sure whether a lookup applied to it.
    """

    contract_id: str
    batch_id: str
    position: int | None
    raw: str | None
    value: Any
    valid_from: date | None
    verdict: str
    repair: Repair | None = None
    link: str = ""
    rules: tuple[AppliedRule, ...] = ()
    has_raw: bool = True


@dataclass(frozen=True)
class Further:
    """A value that stands beside the chosen one, and the words of the records that it comes from, the one that counts most first."""

    value: FurtherValue
    words: tuple[Candidate, ...]


@dataclass(frozen=True)
class Answer:
    """One element of one entity: the published value and all candidates, the chosen one first; `order` is the rule that chose.

    `further` are the values beside it, where the registry has several of the element.
    """

    element: str
    value: Any
    candidates: tuple[Candidate, ...]
    order: Mapping[str, Any]
    further: tuple[Further, ...] = ()


@dataclass(frozen=True)
class Record:
    """One source record of the entity: its standardized row, the row as received (None: purged), and whether it speaks for its source."""

    contract: Contract
    batch: Batch
    row: dict[str, Any]
    raw: dict[str, Any] | None
    is_best: bool
    repair: Repair | None
    issues: Mapping[str, list[str]]
    link: str


@dataclass(frozen=True)
class MergedAgain:
    """One entity merged again."""

    definition: RegistryDefinition
    contributions: Sequence[Contribution]
    provinces: Provinces
    silent: Silent
    again: Mapping[str, Any]

    def verdict(self, element: str, record: Record, chosen: Record | None, records: Iterable[Record]) -> str:
        """What became of a record's word on an element, of which `records` are all that there are."""
        value, rank, department = record.row[element], self.definition.rank_of(element), record.contract.department.id
        if record is chosen or value is None:
            return CHOSEN if record is chosen else EMPTY
        if not record.is_best:
            best = next(item for item in records if item.is_best and item.contract.id == record.contract.id)
            return TWIN if self._standing(record) == self._standing(best) else OLDER
        if self.is_late(element, record):
            return STOPPED
        if not self.says_something(element, value) and self.says_something(element, self.again[element]):
            return SAYS_NOTHING
        if value == self.again[element]:
            return AGREES
        if misfit := self._misfit(element, record):
            return misfit
        alike = chosen is not None and self.definition.rank(element, department) == self.definition.rank(
            element, chosen.contract.department.id
        )
        if not alike or chosen is None:
            return OUTRANKED
        if (
            self.definition.agreement_of(element)
            or rank.then is None
            or self._score(element, record, records) == self._score(element, chosen, records)
        ):
            return ALIKE
        return BEATEN[rank.then]

    def says_something(self, element: str, value: Any) -> bool:
        """Whether a value of an element is one, and not a code for that nothing is known."""
        return says_something(value, self.silent.get(element, ()))

    def _misfit(self, element: str, record: Record) -> str | None:
        """Why a record's word does not fit what was chosen for the element that this one follows, if it does not."""
        agreement = self.definition.agreement_of(element)
        if agreement is None:
            return None
        followed = self.again.get(agreement.follows)
        if agreement.by == "value":
            said = None if self.is_late(agreement.follows, record) else record.row.get(agreement.follows)
            return OTHERWISE if followed is not None and self.says_something(agreement.follows, said) and said != followed else None
        named = self.provinces.get(str(followed or "")[:PROVINCE])
        if named is not None and named != record.row[element][:PROVINCE]:
            return UNFIT
        is_with = self.again.get(f"_from_{agreement.follows}") == self.again.get(f"_from_{element}")
        return NOT_WITH if is_with else None

    def _standing(self, record: Record) -> tuple[date | None, int, int]:
        """By what the records of one source are told apart, the day and how full they are; where both are the same, the id of the record decides."""
        words = [record.row[name] for name in self._supplied(record)]
        return record.row["_valid_from"], self._filled(record), len(words) - words.count(None)

    def _supplied(self, record: Record) -> tuple[str, ...]:
        (elements,) = (item.elements for item in self.contributions if item.contract_id == record.contract.id)
        return elements

    def _filled(self, record: Record) -> int:
        return sum(self.says_something(name, record.row[name]) for name in self._supplied(record))

    def is_late(self, element: str, record: Record) -> bool:
        """Whether a record speaks of days of which its source may say nothing."""
        rank, day = self.definition.rank_of(element), record.row["_valid_from"]
        last = self.again.get(rank.stopped_by or "")
        return is_stopped(rank, record.contract.department.id) and last is not None and day is not None and day > last

    def _score(self, element: str, record: Record, records: Iterable[Record]) -> Any:
        """What decides between sources that count alike; where that is the same too, the id of the dataset does."""
        rank = self.definition.rank_of(element)
        if rank.then == "newest":
            return record.row["_valid_from"] or date.min
        if rank.then == "fullest":
            return self._filled(record)
        place = self.definition.rank(element, record.contract.department.id)
        return sum(
            item.row[element] == record.row[element]
            for item in records
            if item.is_best and not self.is_late(element, item) and self.definition.rank(element, item.contract.department.id) == place
        )


# By the element that has several values, the dataset, the element that it supplies, and what the value is compared by.
SaidBy = Mapping[tuple[str, str, str, str], Sequence[Record]]


def answers_of(run: MergedAgain, schema: Schema, records: Sequence[Record]) -> tuple[Answer, ...]:
    """The account of every element."""
    further = further_values(run.again.get(COLUMN))
    said_by = _said_by(run, {value.element for value in further}, records)
    return tuple(
        Answer(
            element.id,
            run.again[element.id],
            _candidates(run, element, records),
            run.definition.order_of(element.id),
            tuple(_further(run.definition, schema, value, said_by) for value in further if value.element == element.id),
        )
        for element in schema.elements
    )


def _said_by(run: MergedAgain, elements: Iterable[str], records: Sequence[Record]) -> SaidBy:
    """For elements with several values, the records by what they say, and under which element, as far as they may speak; those that speak for
    their source first.
    """
    found: dict[tuple[str, str, str, str], list[Record]] = {}
    for element in elements:
        several = run.definition.several[element]
        for record in sorted(records, key=lambda item: not item.is_best):
            for name in several.supplied_as(element):
                if run.says_something(name, record.row.get(name)) and not run.is_late(name, record):
                    found.setdefault((element, record.contract.id, name, compared(record.row[name], several)), []).append(record)
    return found


def _further(definition: RegistryDefinition, schema: Schema, value: FurtherValue, said_by: SaidBy) -> Further:
    """A further value with the records that say so, under whichever element they do."""
    several = definition.several[value.element]
    supplied, key = several.supplied_as(value.element), compared(value.value, several)
    words = [
        _candidate(element, record, BESIDE)
        for contract_id in value.sources
        for element in sorted((item for item in schema.elements if item.id in supplied), key=lambda item: supplied.index(item.id))
        for record in said_by.get((value.element, contract_id, element.id, key), ())
    ]
    return Further(value, tuple(words))


def _candidates(run: MergedAgain, element: DataElement, records: Sequence[Record]) -> tuple[Candidate, ...]:
    order = {item.contract_id: place for place, item in enumerate(ranked(run.definition, element.id, run.contributions))}
    origins = {item.contract_id for item in run.contributions if item.number == run.again.get(f"_from_{element.id}")}
    mine = sorted((item for item in records if item.contract.id in order), key=lambda item: (order[item.contract.id], not item.is_best))
    chosen = next((item for item in mine if item.is_best and item.contract.id in origins), None)
    found = [_candidate(element, item, run.verdict(element.id, item, chosen, mine)) for item in mine]
    return tuple(sorted(found, key=lambda item: item.verdict != CHOSEN))


def _candidate(element: DataElement, record: Record, verdict: str) -> Candidate:
    source, batch = record.contract.elements.get(element.id), record.batch
    received = record.raw or {}
    raw = received.get(source.column) if source else record.contract.constants.get(element.id)
    standard, issues = batch.standard_version or "", record.issues.get(element.id, [])
    has_raw, value = source is None or record.raw is not None, record.row[element.id]
    rules = rules_applied(record.contract, batch.contract_version, standard, element, raw, issues, None if has_raw else value)
    return Candidate(
        record.contract.id,
        batch.batch_id,
        record.row["_position"],
        raw,
        value,
        record.row["_valid_from"],
        verdict,
        record.repair,
        record.link,
        tuple(rules),
        has_raw,
    )

"""Which data element a column is: what its name says in this table, weighed against what its values say.

An answer is *confident* where the hub would map the column without asking. Everything else is a suggestion that a person confirms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.proposal.content import Content
from contracts.proposal.context import contexts_of, in_context
from contracts.proposal.names import Reading, read_names
from contracts.proposal.profile import ColumnProfile
from contracts.proposal.vocabulary import OTHER, load_vocabulary
from standards.model import OPEN_END, DataElement, Standards

# Below the first a guess is not worth showing as first choice; above the second, and ahead of the next one, it is mapped.
LEAST, CONFIDENT, AHEAD = 0.56, 0.8, 0.05
_SHOWN = 4
# Values decide over a name only where they leave little to chance.
_TELLING_ALONE = 0.55
_GOOD, _BAD = 0.8, 0.35
_PLAIN = 0.9


@dataclass(frozen=True)
class Column:
    """What is known of a column beforehand: its names (a comment or title first, then its own) and, where it was read, its profile."""

    names: tuple[str, ...]
    profile: ColumnProfile | None = None


@dataclass(frozen=True)
class Candidate:
    """One element that a column may be."""

    element: str
    score: float
    reason: str


@dataclass(frozen=True)
class Match:
    """The answer for one column: its candidates, best first; `element` is the first choice, empty for "no data element"."""

    column: Column
    candidates: tuple[Candidate, ...]
    element: str
    confident: bool
    content: Content | None = field(default=None, repr=False, compare=False)

    @property
    def best(self) -> Candidate | None:
        """The first choice with its score and reason."""
        return self.candidates[0] if self.candidates else None


@dataclass(frozen=True)
class Table:
    """A table to be matched: its titles (name, comment, file, sheet) and its columns."""

    titles: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Matches:
    """The answers for a table and the contexts they were given in."""

    columns: tuple[Match, ...]
    contexts: frozenset[str]


@dataclass
class _Scores:
    """Candidates of one column while they are weighed."""

    readings: dict[str, Reading]
    content: Content | None
    scored: dict[str, Candidate] = field(default_factory=dict)


def match_table(table: Table, standards: Standards) -> Matches:
    """Match every column of a table."""
    vocabulary = load_vocabulary(standards)
    all_readings = [_known(read_names(column.names, vocabulary), standards) for column in table.columns]
    contents = [Content(column.profile, standards) if column.profile is not None else None for column in table.columns]
    certain = [_certain(readings, content, standards) for readings, content in zip(all_readings, contents, strict=True)]
    contexts = contexts_of(table.titles, certain, standards, vocabulary)
    columns = [_Scores(readings, content) for readings, content in zip(all_readings, contents, strict=True)]
    for column in columns:
        _score_names(column, contexts, standards)
        _prefer_subject(column, contexts, standards)
        _prefer_specific(column, standards)
    _score_contents(columns, contexts, standards)
    return Matches(tuple(_answer(column, scores, standards) for column, scores in zip(table.columns, columns, strict=True)), contexts)


def match_names(table: Table, standards: Standards) -> Matches:
    """Match on names alone."""
    return match_table(Table(table.titles, tuple(Column(column.names) for column in table.columns)), standards)


def _known(readings: Mapping[str, Reading], standards: Standards) -> dict[str, Reading]:
    """Readings a contract can use: elements of some base registry that is proposed."""
    used = {element.id for schema in standards.schemas.values() if schema.context for element in schema.elements}
    return {element: reading for element, reading in readings.items() if element == OTHER or element in used}


def _certain(readings: dict[str, Reading], content: Content | None, standards: Standards) -> dict[str, Reading]:
    """Readings for telling what the table is about; values with check characters say it too."""
    if content is None or content.is_empty:
        return readings
    for name in ("resident_id", "unified_social_credit_code"):
        element = standards.elements.get(name)
        if element is not None and (content.fit(element) or 0.0) >= _GOOD and not _is_other(readings):
            return {name: Reading(name, 1.0, (), "values")}
    return readings


def _is_other(readings: Mapping[str, Reading]) -> bool:
    """Whether the name is that of something else, as 处罚机关统一社会信用代码 is."""
    return OTHER in readings and readings[OTHER].score >= CONFIDENT


def _score_names(scores: _Scores, contexts: frozenset[str], standards: Standards) -> None:
    """Names, each weighed against the values."""
    for name, reading in scores.readings.items():
        score = in_context(reading, contexts)
        if name == OTHER:
            scores.scored[OTHER] = Candidate(OTHER, score, reading.reason)
            continue
        scores.scored[name] = _weighed(standards.elements[name], score, reading.reason, scores.content)


_SURE, _STRANGER = 0.7, 0.85
# What a column of document numbers is if all of them are of one kind.
_SPECIFIC = {"identity_document_number": ("resident_id", "unified_social_credit_code")}
_ALL, _GENERIC = 0.9, 0.9


def _prefer_subject(scores: _Scores, contexts: frozenset[str], standards: Standards) -> None:
    """Where a name fits elements of several registries, that of what the table is about is meant."""
    about = {schema.id for schema in standards.schemas.values() if schema.context in contexts}
    own = {name: standards.elements[name].object_class in about for name in scores.scored if name != OTHER}
    if any(mine and scores.scored[name].score >= _SURE for name, mine in own.items()):
        for name, mine in own.items():
            if not mine:
                scores.scored[name] = replace(scores.scored[name], score=round(scores.scored[name].score * _STRANGER, 3))


def _prefer_specific(scores: _Scores, standards: Standards) -> None:
    """A number of a document is that of an identity card, or a credit code, if the values say so."""
    for generic, specifics in _SPECIFIC.items():
        known = scores.scored.get(generic)
        for name in specifics if known is not None and scores.content is not None else ():
            assert known is not None
            assert scores.content is not None
            fit = scores.content.fit(standards.elements[name]) or 0.0
            if fit >= _ALL:
                better = max(scores.scored.get(name, _NOTHING).score, known.score)
                scores.scored[name] = Candidate(name, better, f"{known.reason}; {fit:.0%} of its values are of this kind")
                scores.scored[generic] = replace(known, score=round(known.score * _GENERIC, 3))


def _weighed(element: DataElement, score: float, reason: str, content: Content | None) -> Candidate:
    fit = content.fit(element) if content is not None else None
    if content is None or fit is None:
        return Candidate(element.id, round(score, 3), reason)
    if fit >= _GOOD:
        score += (1 - score) * content.telling(element) * fit * (0.8 if score >= 0.3 else 0.3)
    elif fit >= _BAD:
        score *= 0.8 + 0.2 * fit
    else:
        # A plain name stays the first choice, but is not believed.
        score *= 0.62 + 0.4 * fit if score >= _PLAIN else 0.3 + fit
    return Candidate(element.id, round(score, 3), f"{reason}; {fit:.0%} of its values fit")


def _score_contents(columns: Sequence[_Scores], contexts: frozenset[str], standards: Standards) -> None:
    """Elements whose values tell them, where the name is silent: one column of a table, not every one of that kind."""
    for element in standards.elements.values():
        if not _tells_alone(element, contexts):
            continue
        fits = [(scores, _fit_alone(scores, element)) for scores in columns]
        fitting = [(scores, fit) for scores, fit in fits if fit >= _GOOD]
        taken = any(scores.scored.get(element.id, _NOTHING).score >= CONFIDENT for scores in columns)
        for scores, fit in fitting:
            alone = len(fitting) == 1 and not taken
            known = scores.scored.get(element.id, _NOTHING)
            score = fit * scores.content.telling(element) * (1.0 if alone else 0.75) * _silence(scores) if scores.content else 0.0
            if score > known.score and not _is_foreign(scores.readings.get(element.id)):
                scores.scored[element.id] = Candidate(
                    element.id, round(min(score, 0.95), 3), f"{fit:.0%} of its values fit, its name says nothing"
                )


_NOTHING = Candidate(OTHER, 0.0, "")
# For each kind of table the elements whose values are told by themselves.
_BY_VALUES = {
    "": ("unified_social_credit_code", "resident_id", "certificate_identifier"),
    "person": (
        "person_name",
        "sex_code",
        "ethnic_group_code",
        "marital_status_code",
        "education_code",
        "phone_number",
        "residence_address",
    ),
    "organization": ("organization_name", "registered_address", "organization_phone_number", "organization_code", "registration_number"),
}


def _tells_alone(element: DataElement, contexts: frozenset[str]) -> bool:
    return any(element.id in names for context, names in _BY_VALUES.items() if not context or context in contexts)


def _fit_alone(scores: _Scores, element: DataElement) -> float:
    if scores.content is None or scores.content.telling(element) < _TELLING_ALONE:
        return 0.0
    return scores.content.fit(element) or 0.0


def _silence(scores: _Scores) -> float:
    """How little the name says about anything else."""
    said = max((candidate.score for candidate in scores.scored.values()), default=0.0)
    return 1.0 - 0.35 * said


def _is_foreign(reading: Reading | None) -> bool:
    """Whether the name says that the value is somebody else's."""
    return reading is not None and reading.score < 0.2


def _answer(column: Column, scores: _Scores, standards: Standards) -> Match:
    # A validity without a word for begin or end is said by its end.
    ends = {element.id for element in standards.elements.values() if element.maximum == OPEN_END}
    ranked = sorted(scores.scored.values(), key=lambda item: (-item.score, item.element == OTHER, item.element not in ends, item.element))
    first = ranked[0] if ranked else _NOTHING
    if first.element == OTHER or first.score < LEAST:
        return Match(column, tuple(item for item in ranked if item.element != OTHER)[:_SHOWN], "", False, scores.content)
    second = ranked[1].score if len(ranked) > 1 else 0.0
    shown = tuple(item for item in ranked if item.element != OTHER)[:_SHOWN]
    return Match(column, shown, first.element, first.score >= CONFIDENT and first.score - second >= AHEAD, scores.content)

"""From what a table's columns are to what its contract would say: registries fed, mappings, key, dates, codes, assertions, terms of sharing.

Only what is confident is decided. The rest is kept with its reason, for the person who edits the draft.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor

from contracts.proposal.code_readings import possible_schemes, told_by_numbers
from contracts.proposal.content import CODED, Content
from contracts.proposal.dates import formats_of
from contracts.proposal.forms import is_person
from contracts.proposal.lookups import Guess, guesses
from contracts.proposal.match import LEAST, Match, Matches
from contracts.proposal.profile import TableProfile
from contracts.proposal.record_key import record_key
from contracts.proposal.schemes import UNKNOWN, Scheme
from standards.model import DataElement, Standards

# What of a registry also names the holder of a certificate.
_HOLDERS = {
    "organization_name": "certificate_holder_name",
    "person_name": "certificate_holder_name",
    "unified_social_credit_code": "certificate_holder_code",
    "resident_id": "certificate_holder_code",
}
# A taxpayer's number is its credit code where no other column is: since 2015 one number serves both.
_SAME_NUMBER, _LEAST_SAME = {"taxpayer_number": "unified_social_credit_code"}, 0.5
_HOLDER_TYPES = {"unified_social_credit_code": "统一社会信用代码", "resident_id": "公民身份号码"}
_TYPE_NAME, _HOLDER_TYPE = "certificate_type_name", "certificate_holder_type_code"
_ANY_KIND = ("证书", "资质证书", "资格证书", "许可证", "行政许可", "许可证书")
_CERTIFICATE = re.compile("[\u3400-\u9fff]{2,30}?(?:许可证|资质证书|资格证书|证书|执照|许可)")
_UPDATED, _SEX = "source_updated_datetime", "sex_code"
_LEAST_LISTED, _MOST_UNKNOWN = 0.2, 60
_LEAST_SEEN, _NUMBER = 3, re.compile("[0-9]{5}")
# Types whose values are codes; of divisions there are too many to guess among.
_LOOKED_UP = {*CODED, "division", "historic_division"}
_PERSONAL = 0.6
_WRITE_A_LOOKUP = "write a lookup"


@dataclass(frozen=True)
class Unread:
    """Values of a coded column that its list does not know, with what each most likely means, and how many more are not to be shown."""

    guesses: tuple[Guess, ...] = ()
    hidden: int = 0


@dataclass(frozen=True)
class Decision:
    """What becomes of one column: the elements it feeds and how they are read, or why it feeds none.

    `schemes` are the ways in which its codes can be read if there are several; `lookup` is the one that the table itself has told.
    """

    match: Match
    elements: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    lookup: Mapping[str, str] = field(default_factory=dict)
    schemes: tuple[Scheme, ...] = ()
    unread: Unread = Unread()
    reason: str = ""
    personal: str = "none"

    @property
    def is_confident(self) -> bool:
        """Whether both what the column is and how its codes are read leaves no doubt."""
        return self.match.confident and (bool(self.lookup) or not (self.schemes or self.reason.endswith(_WRITE_A_LOOKUP)))


@dataclass(frozen=True)
class Decisions:
    """What the contract of a table would say."""

    feeds: tuple[str, ...]
    columns: tuple[Decision, ...]
    record_key: tuple[str, ...]
    key_reason: str
    as_of: tuple[str, tuple[str, ...]] | None
    constants: dict[str, str]
    least_rows: int
    fill_rates: dict[str, float]
    largest_quarantine: float
    sharing_class: str
    personal: tuple[str, ...] = field(default=())
    nameless: tuple[str, ...] = ()  # columns without name and value: unless they are ignored, every batch tells of them


@dataclass(frozen=True)
class Seen:
    """What is decided upon: a table's profile, its matches and titles, and the registries that a person named, if any.

    In a file a column that counts 1, 2, 3 numbers the rows of that file; in a database it is the record's own number. `key` is the primary
    key that the table declares: of a few rows nothing tells that two of its columns are needed.
    """

    profile: TableProfile
    matches: Matches
    titles: tuple[str, ...]
    registries: tuple[str, ...] = ()
    is_file: bool = True
    key: tuple[str, ...] = ()


def decide(seen: Seen, standards: Standards) -> Decisions:
    """Decide what can be decided; registries that nobody named follow from the columns."""
    profile, matches = seen.profile, seen.matches
    best = _one_source_each(matches)
    constants = _certificate_constants(best, seen.titles, standards)
    feeds = seen.registries or _feeds(best, matches, constants, standards)
    columns = tuple(_column(match, best, feeds, standards) for match in matches.columns)
    used = [(element, decision) for decision in columns for element in decision.elements]
    constants = {element: code for element, code in constants.items() if "certificate" in feeds and element not in dict(used)}
    guessed, why = record_key(profile, matches, feeds, standards, is_file=seen.is_file)
    as_of = next((item for item in columns if item.match.confident and item.match.element == _UPDATED), None)
    personal = tuple(item.match.column.names[-1] for item in columns if item.personal != "none")
    return Decisions(
        feeds=feeds,
        columns=columns,
        record_key=seen.key or (guessed,),
        key_reason="the table's primary key" if seen.key else why,
        as_of=(as_of.match.column.names[-1], as_of.formats) if as_of else None,
        constants=constants,
        least_rows=_rounded(profile.rows // 2),
        fill_rates=_fill_rates(used, standards),
        largest_quarantine=_largest_quarantine(used, feeds, standards),
        sharing_class="conditional" if personal else "unconditional",
        personal=personal,
        nameless=profile.left_out,
    )


def _one_source_each(matches: Matches) -> dict[str, Match]:
    """For each element the column that is surest to be it."""
    best: dict[str, Match] = {}
    for match in matches.columns:
        if match.confident and (match.element not in best or _score(match) > _score(best[match.element])):
            best[match.element] = match
    return best


def _score(match: Match) -> float:
    return match.best.score if match.best else 0.0


def _certificate_constants(best: dict[str, Match], titles: Sequence[str], standards: Standards) -> dict[str, str]:
    """What a table of one kind of certificate says only in its title."""
    found = next((named[0] for title in titles if (named := _CERTIFICATE.search(title))), None) or _kind_of(best.get("certificate_number"))
    constants = {_TYPE_NAME: found, "certificate_name": found} if found else {}
    holder = next((element for element in _HOLDER_TYPES if element in best), None)
    if holder is not None:
        codes = standards.code_lists[standards.elements[_HOLDER_TYPE].code_list or ""].codes
        constants[_HOLDER_TYPE] = next(code.code for code in codes if code.title.zh == _HOLDER_TYPES[holder])
    return {name: value for name, value in constants.items() if name not in best}


def _kind_of(number: Match | None) -> str | None:
    """The kind of certificate that the column of its number names (预售许可证号)."""
    name = re.sub("(?:书?编号|号码?|编码)$", "", number.column.names[-1]) if number else ""
    return name if _CERTIFICATE.fullmatch(name) and name not in _ANY_KIND else None


def _feeds(best: dict[str, Match], matches: Matches, constants: dict[str, str], standards: Standards) -> tuple[str, ...]:
    """Registries whose required elements are there; without any the one the table is about, so that the draft says what is missing."""
    supplied = {*best, *constants}
    about = [schema.id for schema in standards.registries if schema.context in matches.contexts]
    possible = [name for name in about if all(use.element.id in supplied for use in standards.schemas[name].uses if use.required)]
    if not possible and "certificate" in about and "certificate_number" in best:
        # What kind of certificate it is seldom stands in its table: a person can say it.
        return ("certificate",)
    return tuple(possible or about[:1] or ("legal_entity",))


def _column(match: Match, best: dict[str, Match], feeds: Sequence[str], standards: Standards) -> Decision:
    element = standards.elements.get(match.element)
    personal = _personal(match, element, standards)
    content = match.content
    if element is None or content is None:
        return Decision(match, reason="no data element", personal=personal)
    formats, doubtful = formats_of(content.profile.counts) if element.representation == "date" else ((), False)
    schemes = possible_schemes(content, element, standards)
    told = told_by_numbers(schemes, content, best["resident_id"].content) if element.id == _SEX and "resident_id" in best else None
    reason = (
        _against(match, element, best, feeds, standards)
        or ("whether day or month stands first cannot be told: declare the format" if doubtful else "")
        or (f"its codes can be read in {len(schemes)} ways, and only the department knows which" if schemes and told is None else "")
        or (
            f"its values are not those of the list {element.code_list}: write a lookup"
            if _is_unlisted(content, element) and not told
            else ""
        )
    )
    decided = Decision(
        match,
        formats=formats,
        lookup=told.lookup if told is not None and UNKNOWN not in told.lookup.values() else {},
        schemes=schemes,
        unread=Unread() if schemes else _unread(content, element, standards),
        reason=reason,
        personal=personal,
    )
    if reason:
        return decided
    also = (_HOLDERS.get(element.id), _same_number(element, content, standards))
    elements = tuple(name for name in (*also, element.id) if name and _fits(name, feeds, best, element, standards))
    return replace(decided, elements=elements, formats=formats if element.data_type == "date" else ())


def _against(match: Match, element: DataElement, best: dict[str, Match], feeds: Sequence[str], standards: Standards) -> str:
    """Why a column is not the source of its element, or nothing."""
    is_foreign = not any(standards.schemas[feed].use(element.id) for feed in feeds) and not _holds(element, feeds, standards)
    foreign = f"{element.id} is not part of {' or '.join(feeds)}" if is_foreign else ""
    if not match.confident:
        return f"not sure enough, and {foreign}" if foreign else "not sure enough"
    if best[element.id] is not match:
        return f"{element.id} already comes from {best[element.id].column.names[-1]}"
    if foreign:
        return foreign
    if element.id == _UPDATED:
        return "it says from when a record holds (as_of)"
    return ""


def _is_unlisted(content: Content, element: DataElement) -> bool:
    return element.type in CODED and not content.is_empty and content.listed(element) < _LEAST_LISTED


def _same_number(element: DataElement, content: Content, standards: Standards) -> str | None:
    name = _SAME_NUMBER.get(element.id)
    return name if name and (content.verdict(standards.elements[name]) or 0.0) >= _LEAST_SAME else None


def _holds(element: DataElement, feeds: Sequence[str], standards: Standards) -> bool:
    holder = _HOLDERS.get(element.id)
    return holder is not None and any(standards.schemas[feed].use(holder) for feed in feeds)


def _fits(name: str, feeds: Sequence[str], best: dict[str, Match], element: DataElement, standards: Standards) -> bool:
    """Whether a column feeds an element: the registries have it, and no other column is it."""
    return any(standards.schemas[feed].use(name) for feed in feeds) and (name == element.id or name not in best)


def _unread(content: Content, element: DataElement, standards: Standards) -> Unread:
    """Values of a coded column that its list does not know. Of personal information only what many share is shown, and no one's name or number."""
    if element.type not in _LOOKED_UP or not content.is_categorical:
        return Unread()
    counts = content.profile.counts
    unlisted = content.unlisted(element, content.profile.values or counts)
    is_personal = element.personal_information != "none"
    common = [value for value in unlisted if not is_personal or counts.get(value, 0) >= _LEAST_SEEN]
    ordered = sorted((value for value in common if not _NUMBER.search(value)), key=lambda value: (-counts.get(value, 0), value))
    found = guesses(ordered[:_MOST_UNKNOWN], element, standards)
    shown = tuple(guess for guess in found if not is_personal or guess.code != UNKNOWN or not is_person(guess.value))
    return Unread(shown, len(unlisted) - len(shown))


def _personal(match: Match, element: DataElement | None, standards: Standards) -> str:
    """Whether a column holds personal information: by its likely element, else by its values."""
    likely = element or next((standards.elements[item.element] for item in match.candidates if item.score >= LEAST), None)
    if likely is not None:
        return likely.personal_information
    content = match.content
    if content is None:
        return "none"
    judged = [standards.elements[name] for name in ("resident_id", "phone_number") if name in standards.elements]
    kinds = [kind.personal_information for kind in judged if (content.fit(kind) or 0.0) >= _PERSONAL]
    return kinds[0] if kinds else "personal" if content.share("person", is_person) >= _PERSONAL else "none"


def _fill_rates(used: Sequence[tuple[str, Decision]], standards: Standards) -> dict[str, float]:
    """Least shares of rows with a value: a twentieth below what was seen, for what is mostly filled."""
    return {
        element: rate
        for element, decision in used
        if (rate := floor(95 * _fill(decision) * _good(element, decision, standards)) / 100) >= 0.5
    }


def _fill(decision: Decision) -> float:
    return decision.match.column.profile.fill if decision.match.column.profile else 0.0


def _good(element: str, decision: Decision, standards: Standards) -> float:
    """Share of the values that the standard is likely to accept."""
    content, wanted = decision.match.content, standards.elements[element]
    formats = decision.formats if wanted.data_type == "date" else ()
    share = content.accepted(wanted, formats, decision.lookup) if content else None
    return 1.0 if share is None else share


def _largest_quarantine(used: Sequence[tuple[str, Decision]], feeds: Sequence[str], standards: Standards) -> float:
    """Somewhat more than the rows whose critical values are likely to be refused."""
    critical = {use.element.id for feed in feeds for use in standards.schemas[feed].uses if use.critical or use.required}
    refused = [1 - _good(element, decision, standards) for element, decision in used if element in critical]
    return min(0.9, ceil(100 * (1.5 * max(refused, default=0.0) + 0.05)) / 100)


def _rounded(count: int) -> int:
    """Two leading digits: an exact number would claim more than is known."""
    unit: int = 10 ** max(len(str(count)) - 2, 0)
    return max(1, int(count // unit * unit))


def undecided(decisions: Decisions) -> Iterator[Decision]:
    """Columns for which a person should look at the suggestion."""
    yield from (
        item for item in decisions.columns if not item.elements and item.match.candidates and item.match.candidates[0].score >= LEAST
    )

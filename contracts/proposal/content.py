"""What a column's values say about an element: how many of them fit, and how much that tells.

Check characters, closed lists and the standard's own value types decide where they can; names and addresses are told by how they end and
begin. Values that are covered (张**) say nothing either way.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from math import ceil
from zlib import crc32

from contracts.proposal.forms import (
    COVERED,
    DATE,
    IDENTIFIER,
    MONEY,
    UUID,
    follows,
    is_address,
    is_ahead,
    is_dated_text,
    is_named,
    is_number,
    is_organization,
    is_person,
    is_place,
    is_prose,
)
from contracts.proposal.profile import ColumnProfile
from contracts.proposal.schemes import other_schemes
from contracts.proposal.vocabulary import rows
from standards.model import OPEN_END, TODAY, DataElement, Standards

# So many different values of a sample are tested; more would not change the share by more than a few hundredths.
_TESTED = 200
# What fits a type that is not listed tells little: the form of a text is that of many.
_ORDINARY = 0.3
# Types that the standard's own code judges, after one look at whether the form is out of the question.
_NUMBERED = re.compile(r"^[0-9A-Za-z -]{15,24}$")
_JUDGED = {
    "uscc": _NUMBERED,
    "resident_id": re.compile(r"^[0-9 -]{14,20}[0-9XxΧχ× ]$"),
    "holder_code": _NUMBERED,
    "certificate_identifier": re.compile(r"^1[.]2[.]156"),
    "organization_code": re.compile(r"^[0-9A-Za-z]{8}[-—]?[0-9A-Za-z]$"),
    "registration_number": re.compile(r"^[0-9 ]{13,18}$"),
    "phone": re.compile(r"^[+(（]?[0-9][0-9+()（） -]{6,24}$"),
    "postal_code": re.compile(r"^[0-9]{6}$"),
}
_LEAST_FORMED = 0.1
CODED = {"code", "long_code"}
# Of dates that lie in years to come: more than slips, and so many that something ends there.
_SOME_AHEAD, _MANY_AHEAD = 0.05, 0.4
# A column of few values that the list does not know may still be coded: it needs a lookup.
_UNKNOWN_CODES, _FEW = 0.45, 60
# What a code of another practice counts.
_OTHERWISE = 0.9


@lru_cache(maxsize=1)
def _telling() -> dict[str, float]:
    """How much it tells that values fit a type: a check character leaves little to chance, a date could be any date."""
    return {row["type"]: float(row["telling"]) for row in rows("telling")}


def _drawn(values: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Some of many values, each as often as it stands in rows drawn evenly from the most frequent value to the rarest, which are more often
    wrong; of like ones in no order that their rows may have had.
    """
    ordered = sorted(values, key=lambda item: (-item[1], crc32(item[0].encode())))
    rows = [value for value, count in ordered for _ in range(count)]
    return Counter(rows[:: ceil(len(rows) / _TESTED)])


class Content:
    """The values of one column, tested against elements as they are asked for."""

    def __init__(self, profile: ColumnProfile, standards: Standards) -> None:
        self.profile = profile
        self._standards = standards
        self._shares: dict[object, float] = {}
        open_values = [(value, count) for value, count in profile.counts.items() if not COVERED.search(value)]
        self.tested = dict(open_values) if len(open_values) <= _TESTED else _drawn(open_values)
        self.open_share = sum(count for _, count in open_values) / max(len(profile.sample), 1)

    @cached_property
    def is_empty(self) -> bool:
        """Whether there is nothing to test: no value, or only covered ones."""
        return not self.tested

    @cached_property
    def is_categorical(self) -> bool:
        """Whether few different texts stand for many rows, as codes do."""
        profile = self.profile
        return 0 < profile.distinct <= _FEW and profile.longest <= 40 and (profile.distinct <= 8 or profile.distinct * 5 <= profile.filled)

    def fit(self, element: DataElement) -> float | None:
        """Share of the rows whose value can be one of the element; None where nothing can be said."""
        if self.is_empty:
            return None
        if element.type in CODED:
            listed = max(self.listed(element), _OTHERWISE * self._listed_otherwise(element))
            return max(listed, _UNKNOWN_CODES) if self.is_categorical and not self.share("number", is_number) > 0.5 else listed
        if element.type in _JUDGED:
            return self._judged(element)
        return self._by_form(element)

    def telling(self, element: DataElement) -> float:
        """How much a fit tells in favor of the element, between 0 and 1."""
        if element.type in CODED:
            # Digits could be the codes of any list; names of codes are those of one.
            return 0.9 * self.listed(element) if self.share("digits", str.isdigit) < 0.5 else 0.2
        return _telling().get(element.type, _ORDINARY)

    def share(self, key: object, holds: Callable[[str], object]) -> float:
        """Share of the tested rows of which something holds; kept under its key."""
        if key not in self._shares:
            total = sum(self.tested.values())
            self._shares[key] = sum(count for value, count in self.tested.items() if holds(value)) / total if total else 0.0
        return self._shares[key]

    def listed(self, element: DataElement) -> float:
        """Share of the rows whose value is a spelling of one of the element's codes."""
        from standards.spellings import reading, spelling_key

        return self.share((element.type, element.code_list), lambda value: reading(element, spelling_key(value)))

    def _listed_otherwise(self, element: DataElement) -> float:
        """The largest share of the rows whose value is a code of one practice beside the list."""
        schemes = other_schemes(element.code_list or "")
        return max((self.share((element.code_list, scheme.name), scheme.lookup.__contains__) for scheme in schemes), default=0.0)

    def unlisted(self, element: DataElement, values: Iterable[str]) -> list[str]:
        """Values that are no spelling of any of the element's codes."""
        from standards.spellings import reading, spelling_key

        return [value for value in values if not reading(element, spelling_key(value))]

    def verdict(self, element: DataElement) -> float | None:
        """Share of the rows that the standard itself is likely to accept, where its code judges the form; else None."""
        return None if self.is_empty or element.type not in _JUDGED else self._judged(element) * self.open_share

    def accepted(self, element: DataElement, formats: Sequence[str] = (), lookup: Mapping[str, str] | None = None) -> float | None:
        """Share of the rows whose value the standard is likely to keep as a contract declares the column; None where nothing can be said."""
        if self.is_empty:
            return 0.0 if self.profile.sample else None  # what is covered is refused
        return self._normalized(("accepted", element.id), element, formats, lookup) * self.open_share

    def _judged(self, element: DataElement) -> float:
        """The verdict of the standard, asked only where the form is not out of the question."""
        if self.share(("formed", element.type), _JUDGED[element.type].match) < _LEAST_FORMED:
            return 0.0
        return self._normalized(("judged", element.type, element.pattern), element)

    def _normalized(self, key: object, element: DataElement, formats: Sequence[str] = (), lookup: Mapping[str, str] | None = None) -> float:
        if key not in self._shares:
            from standards.single import normalize_values

            answers = normalize_values(self._standards, element.id, list(self.tested), formats, lookup)
            good = {raw for raw, found in zip(self.tested, answers, strict=True) if not any(map(self._withholds, found.issues))}
            self.share(key, good.__contains__)
        return self._shares[key]

    def _withholds(self, issue_type: str) -> bool:
        """Whether a finding costs the value: of an address that names no division it is kept."""
        return self._standards.issue_types[issue_type].severity == "error"

    def _by_form(self, element: DataElement) -> float:
        match element.type:
            case "date" | "timestamp":
                return self.share("date", DATE.match) * self._timely(element)
            case "person_name":
                return self.share("person", is_person)
            case "organization_name":
                return self.share("organization", is_organization)
            case "address":
                return self.share("address", is_address)
            case "division" | "historic_division":
                return max(self._listed_division(), self.share("place", is_place) * 0.8)
            case "count":
                return self.share("digits", str.isdigit)
            case "money":
                return self.share("money", MONEY.match)
        return self._by_representation(element)

    def _timely(self, element: DataElement) -> float:
        """How well the time of the dates goes with the element: what has happened lies behind, what ends mostly ahead."""
        ahead = self.share("ahead", is_ahead)
        if element.maximum == TODAY:
            return 1.0 if ahead < _SOME_AHEAD else 0.5
        return 1.0 if element.maximum == OPEN_END or ahead < _MANY_AHEAD else 0.7

    def _listed_division(self) -> float:
        return self.listed(next(found for found in self._standards.elements.values() if found.type == "division"))

    def _by_representation(self, element: DataElement) -> float:
        """Texts and free identifiers: what they certainly are not."""
        dated, numeric = self.share("date", DATE.match), self.share("number", is_number)
        if element.representation == "identifier":
            named = max(self.share("organization", is_organization), self.share("person", is_person))
            formed = self.share(("pattern", element.pattern), follows(element))
            shaped = self.share("identifier", IDENTIFIER.match) if element.type == "certificate_number" else formed
            return max(0.0, shaped - 0.7 * named - 0.5 * self.share("slashed", is_dated_text) - 0.6 * self.share("uuid", UUID.match))
        if element.type == "text" and element.mask == "name":
            return max(self.share("organization", is_organization), self.share("person", is_person))
        if element.representation == "name":
            return max(0.0, self.share("named", is_named) - dated)
        prose = self.share("prose", is_prose)
        return max(prose, 0.5) * (1 - max(dated, numeric))

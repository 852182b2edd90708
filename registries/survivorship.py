"""Survivorship: which source's value a base row carries, element by element.

First, each source speaks with one record per entity: that of the newest day, then the most complete, then the smallest record id, which
is a total order. Then each element takes the value of the highest-ranked source that has one and may speak. Where sources count alike, the newest
record decides, the fullest, or how many say the same, and last the id of the dataset. Nothing depends on the order of rows.

A code that says nothing (`registries.silent`) is a value where nobody has another one: all sources are asked for one that says something first,
and only then for what they have. It makes no record fuller, and is no word against what another source says.

A row holds from the newest day of these records on. Where one is of after a death that stops what its source says, and gives no value that is
chosen, nothing that it says of its day is believed, and the day is none of the row's: the death would be told from that day on only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from core.engine import Engine, literal, quote
from registries.definition import Rank, RegistryDefinition
from registries.further_values import COLUMN, FurtherValuesOf, Word, with_further_values
from registries.silent import Silent, filled, telling, tells
from standards.model import Standards

PROVINCE = 2  # the first digits of a division code, and the first characters of an address: two of them tell the provinces apart
Provinces = Mapping[str, str]  # first characters of a province's name → first digits of its code


@dataclass(frozen=True)
class Contribution:
    """What one dataset has to say: a relation with `_canonical_id`, `_record_id`, `_valid_from` and its elements.

    `outdone` is the same of the records of which the dataset has a better one for the same entity, where there are any.
    """

    contract_id: str
    department: str
    number: int
    elements: tuple[str, ...]
    relation: str
    outdone: str | None = None


def ranked(definition: RegistryDefinition, element: str, contributions: Sequence[Contribution]) -> list[Contribution]:
    """The contributions that have an element, best first."""
    return in_order(definition, element, [item for item in contributions if element in item.elements])


def in_order(definition: RegistryDefinition, element: str, contributions: Iterable[Contribution]) -> list[Contribution]:
    """Contributions as they count for an element, best first."""
    return sorted(contributions, key=lambda item: (definition.rank(element, item.department), item.contract_id))


def best_records_order(elements: Sequence[str], silent: Silent) -> str:
    """SQL order of the records of one source for one entity, best first. Of those that say as much, one with a code that says nothing is before
    one that is empty, so that the code is published where nobody knows more.
    """
    words = {element: quote(element) for element in elements}
    counts = dict.fromkeys([filled(words, silent), filled(words, {})])
    return f"_valid_from DESC NULLS LAST, {', '.join(f'{count} DESC' for count in counts)}, _record_id"


def keep_best(engine: Engine, contribution: Contribution, silent: Silent) -> Contribution:
    """Reduce a contribution to one record per entity; a no-op where that holds already."""
    relation = contribution.relation
    outdone, best = f"{relation}_outdone", f"{relation}_best"
    often = f"SELECT _canonical_id FROM {relation} GROUP BY _canonical_id HAVING count(*) > 1"
    place = f"row_number() OVER (PARTITION BY _canonical_id ORDER BY {best_records_order(contribution.elements, silent)})"
    engine.run(
        f"CREATE OR REPLACE TABLE {outdone} AS SELECT * EXCLUDE (place) FROM (SELECT *, {place} AS place FROM {relation} "
        f"WHERE _canonical_id IN ({often})) WHERE place > 1",
        doing="choosing one record per source and entity",
    )
    if not engine.value(f"SELECT count(*) FROM {outdone}"):
        return contribution
    engine.run(f"CREATE OR REPLACE VIEW {best} AS SELECT * FROM {relation} ANTI JOIN {outdone} USING (_record_id)")
    return replace(contribution, relation=best, outdone=outdone)


def supplied(elements: Sequence[str], contributions: Sequence[Contribution]) -> list[str]:
    """Of the elements, in their order, those that any contribution has."""
    having = {name for item in contributions for name in item.elements}
    return [name for name in elements if name in having]


def provinces_of(standards: Standards) -> Provinces:
    """How addresses of each province begin, with how its division codes do."""
    codes = standards.code_lists["division"].codes
    return {code.title.zh[:PROVINCE]: code.code[:PROVINCE] for code in codes if code.level == "province" and code.is_current}


def merged(
    definition: RegistryDefinition,
    elements: Sequence[str],
    contributions: Sequence[Contribution],
    provinces: Provinces | None = None,
    silent: Silent | None = None,
) -> str:
    """SQL for the base rows: `_canonical_id`, `_valid_from`, each element, and `_from_<element>`, the number of the dataset it came from;
    where the definition has several values of an element, `_several`.

    Only elements that are supplied (`supplied`) can be merged. Provinces are looked at where the definition has agreements; `silent` are the
    codes that say nothing. The order of the contributions decides how much memory joining them takes, and nothing else: the first is gone
    through, the others are held.
    """
    if not contributions:
        nothing = f", NULL::VARCHAR AS {COLUMN}" if definition.several else ""
        return f"SELECT NULL::UUID AS _canonical_id, NULL::DATE AS _valid_from{nothing} WHERE false"
    alias = {item.contract_id: f"s{place}" for place, item in enumerate(contributions)}
    words = _Words(definition, contributions, alias, provinces or {}, silent or {})
    columns = [
        column
        for name in elements
        for column in (f"{words.value(name)} AS {quote(name)}", f"{words.origin(name)} AS {quote(f'_from_{name}')}")
    ]
    dates = [words.day(item, elements) for item in contributions]
    valid_from = f"greatest({', '.join(dates)})" if len(dates) > 1 else dates[0]
    first, *others = (f"{item.relation} {words.alias[item.contract_id]}" for item in contributions)
    # Joins in full need no list of all entities first, which halves what merging costs.
    joins = [f"FULL JOIN {other} USING (_canonical_id)" for other in others]
    further = words.further([name for name in definition.several if name in elements])
    columns += [f"{sql} AS {name}" for element in further for name, sql in element.joined()]
    joins += [join for element in further for join in element.outdone()]
    rows = f"SELECT _canonical_id, {valid_from} AS _valid_from, {', '.join(columns)} FROM {first} {' '.join(joins)}"
    if further:
        return with_further_values(further, rows)
    return f"SELECT *, NULL::VARCHAR AS {COLUMN} FROM ({rows})" if definition.several else rows


@dataclass(frozen=True)
class _Words:
    """What the sources say, as SQL over their joined rows: of each element the value that counts, and where it comes from."""

    definition: RegistryDefinition
    contributions: Sequence[Contribution]
    alias: Mapping[str, str]
    provinces: Provinces
    silent: Silent

    def value(self, element: str) -> str:
        """SQL for the value that is chosen."""
        followed = self._followed(element)
        if followed is None:
            return _coalesced([value for value, _ in self._unbound(element)])
        return _coalesced([value for told in self._rounds(element) for value in self._bound(element, followed, told)])

    def _bound(self, element: str, followed: str, told: bool) -> list[str]:
        """Values of one round that fit, in the order in which they count."""
        others = [f"CASE WHEN {fits} THEN {said} END" for said, fits, _ in self._fitting(element, followed, told)]
        if self._fits_by_value(element):
            return others
        own = " ".join(f"WHEN {item.number} THEN {self._said(element, item, told)}" for item in self._having(element))
        return [f"CASE {self.origin(followed)} {own} END", *others]

    def origin(self, element: str) -> str:
        """SQL for the number of the dataset that the value comes from."""
        followed = self._followed(element)
        if followed is None:
            cases = [case for _, case in self._unbound(element)]
        else:
            cases = [case for told in self._rounds(element) for case in self._bound_cases(element, followed, told)]
        return f"CASE {' '.join(cases)} END::INTEGER"

    def _bound_cases(self, element: str, followed: str, told: bool) -> list[str]:
        """The same of their sources: the cases under which each is the origin."""
        others = [f"WHEN {said} IS NOT NULL AND {fits} THEN {number}" for said, fits, number in self._fitting(element, followed, told)]
        if self._fits_by_value(element):
            return others
        leader = self.origin(followed)
        own = [
            f"WHEN {leader} = {item.number} AND {self._said(element, item, told)} IS NOT NULL THEN {item.number}"
            for item in self._having(element)
        ]
        return [*own, *others]

    def day(self, item: Contribution, elements: Sequence[str]) -> str:
        """SQL for the day from which a source makes the row hold: that of its record, unless nothing of that day is believed."""
        since, mine = self._since(item), [name for name in elements if name in item.elements]
        stopped = [name for name in mine if self._is_stopped(name, item)]
        if self.definition.dated_by == "all" or not stopped:
            return since
        lasts = dict.fromkeys(str(self.definition.rank_of(name).stopped_by) for name in stopped)
        late = " OR ".join(f"{since} > {self.value(last)}" for last in lasts)
        # Where it comes from is asked inside, so that it is worked out of late records alone.
        chosen = " OR ".join(f"{self.origin(name)} = {item.number}" for name in mine if name not in stopped)
        believed = f"CASE WHEN {chosen} THEN {since} END" if chosen else "NULL"
        return f"CASE WHEN {late} THEN {believed} ELSE {since} END"

    def further(self, elements: Sequence[str]) -> list[FurtherValuesOf]:
        """The elements that may have further values, each with what the sources say, in the order in which it counts."""
        found = []
        for element in elements:
            several = self.definition.several[element]
            said = [
                Word(
                    element,
                    name,
                    item.contract_id,
                    item.department,
                    self._said(name, item, told=True),
                    self._since(item),
                    self._older(name, item),
                    self.silent.get(name, ()),
                )
                for item in in_order(self.definition, element, self.contributions)
                for name in several.supplied_as(element)
                if name in item.elements
            ]
            if len(said) > 1 or any(word.older for word in said):
                found.append(FurtherValuesOf(element, several, said))
        return found

    def _older(self, element: str, item: Contribution) -> str | None:
        """The older records of a source that may speak of an element, each by its own day, if there are any."""
        if item.outdone is None or not self._is_stopped(element, item):
            return item.outdone
        last = str(self.definition.rank_of(element).stopped_by)
        joins = " ".join(
            f"LEFT JOIN (SELECT * FROM {other.relation} SEMI JOIN {item.outdone} o USING (_canonical_id)) {self.alias[other.contract_id]} "
            "USING (_canonical_id)"
            for other in self._having(last)
        )
        return f"(SELECT o.* FROM {item.outdone} o {joins} WHERE coalesce(o._valid_from <= {self.value(last)}, true))"

    def _since(self, item: Contribution) -> str:
        return f"{self.alias[item.contract_id]}._valid_from"

    def _is_stopped(self, element: str, item: Contribution) -> bool:
        """Whether what a source says counts up to a day only."""
        rank = self.definition.rank_of(element)
        return is_stopped(rank, item.department) and bool(self._having(str(rank.stopped_by)))

    def _having(self, element: str) -> list[Contribution]:
        return ranked(self.definition, element, self.contributions)

    def _tiers(self, element: str) -> list[list[Contribution]]:
        """Contributions that count alike, best first."""
        return [list(tier) for _, tier in groupby(self._having(element), key=lambda item: self.definition.rank(element, item.department))]

    def _rounds(self, element: str) -> list[bool]:
        """How sources are asked: where codes say nothing, first for what says something (`told`), and then for anything that they have."""
        return [True, False] if element in self.silent else [False]

    def _unbound(self, element: str) -> list[tuple[str, str]]:
        """Values of an element that has to fit no other one, in the order in which they count, each with the case of its source."""
        rounds = ((told, tier) for told in self._rounds(element) for tier in self._tiers(element))
        return [found for told, tier in rounds for found in self._decided(element, tier, told)]

    def _said(self, element: str, item: Contribution, told: bool) -> str:
        """SQL for what a source says, null where it may not speak of the day it speaks of, and of a round of what is `told` where it says nothing."""
        rank = self.definition.rank_of(element)
        said = telling(f"{self.alias[item.contract_id]}.{quote(element)}", self.silent.get(element, ()) if told else ())
        if not self._is_stopped(element, item):
            return said
        return f"CASE WHEN {self._since(item)} > {self.value(str(rank.stopped_by))} THEN NULL ELSE {said} END"

    def _has(self, element: str, item: Contribution, told: bool) -> str:
        """SQL for whether a source says anything in a round: of a word that is never stopped in few words, as it stands in a statement often."""
        if not told or self._is_stopped(element, item):
            return f"{self._said(element, item, told)} IS NOT NULL"
        return tells(f"{self.alias[item.contract_id]}.{quote(element)}", self.silent.get(element, ()))

    def _decided(self, element: str, tier: Sequence[Contribution], told: bool) -> list[tuple[str, str]]:
        """Values of a tier in the order in which they count, each with the case under which its source is the origin."""
        rank, said = self.definition.rank_of(element), [self._said(element, item, told) for item in tier]
        if len(tier) == 1 or rank.then is None:
            return [(text, f"WHEN {self._has(element, item, told)} THEN {item.number}") for text, item in zip(said, tier, strict=True)]
        scores = [
            f"CASE WHEN {text} IS NOT NULL THEN {self._score(rank, item, text, said)} END" for text, item in zip(said, tier, strict=True)
        ]
        best = f"greatest({', '.join(scores)})"
        value = " ".join(f"WHEN {score} = {best} THEN {text}" for score, text in zip(scores, said, strict=True))
        cases = " ".join(f"WHEN {score} = {best} THEN {item.number}" for score, item in zip(scores, tier, strict=True))
        return [(f"CASE {value} END", cases)]

    def _score(self, rank: Rank, item: Contribution, said: str, all_said: Sequence[str]) -> str:
        alias = self.alias[item.contract_id]
        if rank.then == "newest":
            return f"coalesce({alias}._valid_from, DATE '0001-01-01')"
        if rank.then == "fullest":
            return filled({name: f"{alias}.{quote(name)}" for name in item.elements}, self.silent)
        return " + ".join(f"coalesce(({said} = {other})::integer, 0)" for other in all_said)

    def _followed(self, element: str) -> str | None:
        """The supplied element that this one has to fit."""
        agreement = self.definition.agreement_of(element)
        return agreement.follows if agreement and self._having(agreement.follows) else None

    def _fits_by_value(self, element: str) -> bool:
        agreement = self.definition.agreement_of(element)
        return agreement is not None and agreement.by == "value"

    def _fitting(self, element: str, followed: str, told: bool) -> list[tuple[str, str, int]]:
        """What each source says of the element, when that fits what was chosen for the one that it follows, and the number of the source."""
        if self._fits_by_value(element):
            chosen = self.value(followed)
            return [
                (
                    self._said(element, item, told),
                    f"coalesce({self._said(followed, item, told=True)} = {chosen}, true)" if followed in item.elements else "true",
                    item.number,
                )
                for item in self._having(element)
            ]
        cases = " ".join(f"WHEN {literal(head)} THEN {literal(code)}" for head, code in self.provinces.items())
        address = self.value(followed)
        named = f"CASE substr({address}, 1, {PROVINCE}) {cases} END" if cases else "NULL"
        said = [(self._said(element, item, told), item.number) for item in self._having(element)]
        return [(text, f"coalesce({named} = substr({text}, 1, {PROVINCE}), true)", number) for text, number in said]


def _coalesced(values: Sequence[str]) -> str:
    return f"coalesce({', '.join(values)})"


def is_stopped(rank: Rank, department: str) -> bool:
    """Whether a day ends what a department may say of an element."""
    return rank.stopped_by is not None and department not in rank.may_go_on

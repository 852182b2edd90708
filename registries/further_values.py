"""Further values: what sources say of an element beside the value that survivorship chose, where the registry has several values of it.

They stand in one column of the base row, `_several`, as a JSON text: a list of objects with the members of `FurtherValue`, by element as they
are declared, and in the order in which sources count for it. Two spellings that are compared alike are one value, that of the first source;
what is compared like the chosen value is no further one, nor is a code that says nothing. Older records of a source, which survivorship passes
over, have their say here: behind the others stand the values that no newest record of any source has.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.engine import literal, quote
from registries.several import Role, Several
from registries.silent import telling
from registries.spellings import counted_otherwise, key_sql, told
from standards.comparable_characters import Kind, comparison_key
from standards.masked import is_personal, masked_named, masked_sql
from standards.model import DataElement

COLUMN = "_several"
# What older records say, as it comes through the joins: as a text, since the engine passes small pieces on one by one where a column is a list.
_GROUPS = '[{"key":"VARCHAR","newest":"DATE","usual":"VARCHAR","before":"VARCHAR"}]'

# So many words are held against each other one by one: a third of the work of lists for each row, in a statement that grows with their square.
_FEW = 32


@dataclass(frozen=True)
class FurtherValue:
    """A value beside the chosen one: all datasets that say so, and the earliest of the days since when.

    Newest records are asked; older ones where no newest one says the same.
    """

    element: str
    role: str
    value: str
    sources: tuple[str, ...]
    valid_from: date | None


def further_values(text: str | None) -> tuple[FurtherValue, ...]:
    """What stands in the column."""
    return tuple(
        FurtherValue(
            item["element"],
            item["role"],
            item["value"],
            tuple(item["sources"]),
            item["valid_from"] and date.fromisoformat(item["valid_from"]),
        )
        for item in json.loads(text or "[]")
    )


def as_document(text: str | None) -> Any:
    """The same as a program reads it; null where there is none."""
    return text and json.loads(text)


def masked_document(document: Sequence[Mapping[str, Any]], elements: Mapping[str, DataElement]) -> list[dict[str, Any]]:
    """The same with values masked as those of their elements are."""
    return [{**item, "value": masked_named(item["value"], item["element"], elements)} for item in document]


def masked_column_sql(elements: Iterable[DataElement]) -> str:
    """SQL for the column with values masked as those of their elements are."""
    cases = " ".join(f"WHEN {literal(element.id)} THEN {masked_sql('x.value', element)}" for element in elements if is_personal(element))
    kinds = '[{"element":"VARCHAR","role":"VARCHAR","value":"VARCHAR","sources":["VARCHAR"],"valid_from":"VARCHAR"}]'
    value = f"CASE x.element {cases} ELSE x.value END" if cases else "x.value"
    members = ", ".join(
        f"{name} := {value if name == 'value' else f'x.{name}'}" for name in ("element", "role", "value", "sources", "valid_from")
    )
    return f"to_json(list_transform(from_json({COLUMN}, {literal(kinds)}), lambda x: struct_pack({members})))::varchar"


def compared(value: Any, several: Several) -> str:
    """What two spellings of one value have in common."""
    return comparison_key(str(value), several.compared_as) if several.compared_as else str(value)


@dataclass(frozen=True)
class Word:
    """What one dataset says, as SQL over the joined rows of all: its value, and since when.

    `element` is that of the several values; `supplied_as` the one that the dataset has. `older` is the relation of its older records, if there
    are any that may speak. `silent` are the codes by which it says nothing.
    """

    element: str
    supplied_as: str
    contract_id: str
    department: str
    said: str
    since: str
    older: str | None = None
    silent: tuple[str, ...] = ()


Columns = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class FurtherValuesOf:
    """One element of which there are several values, with the words on it."""

    name: str
    several: Several
    words: Sequence[Word]

    @property
    def _chosen(self) -> str:
        return f"{quote(self.name)}::varchar"

    @property
    def texts(self) -> list[str]:
        """The chosen value and the words."""
        return [self._chosen, *(self._column("said", place) for place in range(len(self.words)))]

    @property
    def differs(self) -> str:
        """The column that says whether any word differs from the chosen value."""
        return self._column("differs")

    @property
    def _has_older(self) -> bool:
        return any(word.older for word in self.words)

    def _column(self, what: str, place: int | None = None) -> str:
        """A column of a step: of the element, or of one of its words."""
        return quote(f"_{what}_{self.name}" if place is None else f"_{what}_{place}_{self.name}")

    def joined(self) -> Columns:
        """What the steps need of the joined rows."""
        for place, word in enumerate(self.words):
            yield self._column("said", place), f"{word.said}::varchar"
            yield self._column("since", place), word.since
        if self._has_older:
            yield self._column("older"), f"{self._column('outdone')}.groups"

    def differing(self) -> Columns:
        """Whether any word differs from the chosen value."""
        said = (self._column("said", place) for place in range(len(self.words)))
        differs = [f"{column} IS NOT NULL AND {column} IS DISTINCT FROM {self._chosen}" for column in said]
        yield self.differs, " OR ".join([*differs, *([f"{self._column('older')} IS NOT NULL"] if self._has_older else [])])

    def keys(self) -> Columns:
        """What the chosen value and the words are compared by."""
        kind = self.several.compared_as
        for column, text in zip([self._column("key"), *map(self._key, range(len(self.words)))], self.texts, strict=True):
            yield column, f"CASE WHEN {self.differs} THEN {key_sql(text, f'_written_{kind}', f'_meant_{kind}') if kind else text} END"

    def newest(self) -> Columns:
        """The newest day of which the chosen value is said, where it tells a role."""
        if self.several.tells_earlier:
            yield self._column("newest"), self._most("greatest", self._column("key"))

    def listed(self) -> Columns:
        """Where there are many words: those that are not like the chosen value, as a list."""
        if self._is_listed:
            said = ", ".join(
                f"struct_pack(key := {self._key(place)}, value := {self._column('said', place)}, since := {self._column('since', place)}, "
                f"source := {literal(word.contract_id)}, usual := {self._role(word, self._column('said', place), 'false')}, "
                f"before := {self._role(word, self._column('said', place), 'true')})"
                for place, word in enumerate(self.words)
            )
            further = f"list_filter([{said}], lambda w: w.key IS NOT NULL AND w.key IS DISTINCT FROM {self._column('key')})"
            yield self._column("words"), f"CASE WHEN {self.differs} THEN {further} END"

    @property
    def _is_listed(self) -> bool:
        return len(self.words) > _FEW

    def entries(self) -> Iterator[str]:
        """JSON texts: for each word, null where it is not the first to say so, and for all older records together."""
        yield from [self._of_all()] if self._is_listed else self._of_each()
        if self._has_older:
            yield self._older_entries()

    def _of_each(self) -> Iterator[str]:
        before = [self._column("key")]
        for place, word in enumerate(self.words):
            key, value = self._key(place), self._column("said", place)
            is_first = " AND ".join(f"{key} IS DISTINCT FROM {other}" for other in before)
            alike = {
                name: " OR ".join(f"{self._key(n)} = {key}" for n, other in enumerate(self.words) if other.contract_id == name)
                for name in self._datasets
            }
            earlier = f"{self._most('greatest', key)} < {self._column('newest')}"
            entry = self._entry(self._role(word, value, earlier), value, alike, self._most("least", key))
            yield f"CASE WHEN {key} IS NOT NULL AND {is_first} THEN {entry} END"
            before.append(key)

    def _of_all(self) -> str:
        """The same by lists, in a statement that grows with the words and not with their square: more work for rows in which words differ."""
        words, keys = self._column("words"), f"list_transform({self._column('words')}, lambda v: v.key)"
        # What an inner lambda would work out again for each of its elements is worked out before.
        firsts = f"list_filter({words}, lambda w, i: list_position({keys}, w.key) = i)"
        like = f"list_transform({firsts}, lambda w: struct_pack(first := w, alike := list_filter({words}, lambda v: v.key = w.key)))"
        told = (
            f"list_transform({like}, lambda x: struct_pack(first := x.first, sources := list_transform(x.alike, lambda v: v.source), "
            "days := list_transform(x.alike, lambda v: v.since)))"
        )
        datasets, dataset = f"[{', '.join(map(literal, self._datasets))}]", """'"' || s || '"'"""
        sources = f"list_transform(list_filter({datasets}, lambda s: list_contains(x.sources, s)), lambda s: {dataset})"
        earlier = f"list_max(x.days) < {self._column('newest')}" if self.several.tells_earlier else "false"
        role = f"CASE WHEN {earlier} THEN x.first.before ELSE x.first.usual END"
        entry = self._text(role, "x.first.value", f"array_to_string({sources}, ',')", "list_min(x.days)")
        return f"nullif(array_to_string(list_transform({told}, lambda x: {entry}), ','), '')"

    def _older_entries(self) -> str:
        known = ", ".join([self._column("key"), *(self._key(place) for place in range(len(self.words)))])
        older = f"from_json({self._column('older')}, {literal(_GROUPS)})"
        others = f"list_filter({older}, lambda x: NOT coalesce(list_contains([{known}], x.key), false))"
        earlier = f"x.newest < {self._column('newest')}" if self.several.tells_earlier else "false"
        texts = f"list_transform({others}, lambda x: CASE WHEN {earlier} THEN x.before ELSE x.usual END)"
        return f"CASE WHEN {self._column('older')} IS NOT NULL THEN nullif(array_to_string({texts}, ','), '') END"

    def outdone(self) -> Iterator[str]:
        """The join of what older records say: for each entity a list of values, with the texts of their entries."""
        words = [(place, word) for place, word in enumerate(self.words) if word.older]
        if not words:
            return
        said = " UNION ALL ".join(
            f"SELECT _canonical_id, _record_id, {place} AS place, {quote(word.supplied_as)}::varchar AS value, _valid_from AS since, "
            f"{literal(word.contract_id)} AS source, "
            f"{self._role(word, f'{quote(word.supplied_as)}::varchar', 'false')} AS usual, "
            f"{self._role(word, f'{quote(word.supplied_as)}::varchar', 'true')} AS before "
            f"FROM {word.older} WHERE {telling(quote(word.supplied_as), word.silent)} IS NOT NULL"
            for place, word in words
        )
        order = "place, since DESC NULLS LAST, _record_id"
        alike = {name: f"list_contains(sources, {literal(name)})" for name in self._datasets}
        texts = ", ".join(f"{role} := {self._entry(f'word.{role}', 'word.value', alike, 'since')}" for role in ("usual", "before"))
        grouped = (
            "SELECT _canonical_id, key, min(since) AS since, max(since) AS newest, list(source) AS sources, "
            f"first(struct_pack(value := value, usual := usual, before := before, place := place, since := since, record := _record_id) "
            f"ORDER BY {order}) AS word FROM ({with_key(said, self.several)}) GROUP BY _canonical_id, key"
        )
        yield (
            f"LEFT JOIN (SELECT _canonical_id, to_json(list(struct_pack(key := key, newest := newest, {texts}) "
            f"ORDER BY word.place, word.since DESC NULLS LAST, word.record))::varchar AS groups FROM ({grouped}) GROUP BY _canonical_id) "
            f"{self._column('outdone')} USING (_canonical_id)"
        )

    @property
    def _datasets(self) -> list[str]:
        return list(dict.fromkeys(word.contract_id for word in self.words))

    def _key(self, place: int) -> str:
        return self._column("key", place)

    def _most(self, which: str, key: str) -> str:
        """Of the days of all words with a key, the first or the last one."""
        days = [f"CASE WHEN {self._key(place)} = {key} THEN {self._column('since', place)} END" for place in range(len(self.words))]
        return f"{which}({', '.join(days)})"

    def _entry(self, role: str, value: str, said_by: Mapping[str, str], since: str) -> str:
        """The JSON text of one value; all but the value are texts without marks. `said_by`: dataset → condition."""
        sources = ", ".join(f"CASE WHEN {condition} THEN '\"{name}\"' END" for name, condition in said_by.items())
        return self._text(role, value, f"concat_ws(',', {sources})", since)

    def _text(self, role: str, value: str, sources: str, since: str) -> str:
        head = literal(f'{{"element":"{self.name}","role":"')
        day = f"""CASE WHEN ({since}) IS NULL THEN 'null}}' ELSE concat('"', {since}, '"}}') END"""
        # One call of a function: a chain of || would copy the text with each link.
        return f"""concat({head}, {role}, '","value":', to_json({value}), ',"sources":[', {sources}, '],"valid_from":', {day})"""

    def _role(self, word: Word, value: str, earlier: str) -> str:
        """The role of a value: the first whose conditions hold."""
        cases = [
            f"WHEN {_condition(role, value, earlier)} THEN {literal(role.id)}"
            for role in self.several.roles_of(word.element, word.supplied_as, word.department)
        ]
        return f"CASE {' '.join(cases)} END"


def with_further_values(elements: Sequence[FurtherValuesOf], rows: str) -> str:
    """SQL for base rows with the column `_several`; `rows` has theirs and those that the elements need of the joined rows.

    Every step is a SELECT of its own: what one makes, the next may name. Only where a word differs from the chosen value is there more to do
    than to see that, which is what most rows cost. Patterns stand outside of lambdas, in which the engine compiles them for every few rows.
    """
    steps = [
        [column for element in elements for column in element.differing()],
        list(_counted_otherwise(elements)),
        list(_told(elements)),
        *([column for element in elements for column in step(element)] for step in (FurtherValuesOf.keys, FurtherValuesOf.newest)),
        [column for element in elements for column in element.listed()],
    ]
    made = [name for element in elements for name, _ in element.joined()]
    for columns in filter(None, steps):
        rows = f"SELECT *, {', '.join(f'{sql} AS {name}' for name, sql in columns)} FROM ({rows})"
        made += [name for name, _ in columns]
    entries = ", ".join(entry for element in elements for entry in element.entries())
    return f"SELECT * EXCLUDE ({', '.join(made)}), '[' || nullif(concat_ws(',', {entries}), '') || ']' AS {COLUMN} FROM ({rows})"


def _kinds(elements: Sequence[FurtherValuesOf]) -> list[Kind]:
    return list(dict.fromkeys(element.several.compared_as for element in elements if element.several.compared_as))


def _counted_otherwise(elements: Sequence[FurtherValuesOf]) -> Columns:
    """The characters that count otherwise than they are written in the texts of all elements that are compared in one way."""
    for kind in _kinds(elements):
        alike = [element for element in elements if element.several.compared_as == kind]
        texts = [text for element in alike for text in element.texts]
        yield (
            f"_otherwise_{kind}",
            f"CASE WHEN {' OR '.join(element.differs for element in alike)} THEN {counted_otherwise(texts, kind)} END",
        )


def _told(elements: Sequence[FurtherValuesOf]) -> Columns:
    """The same as a text, and the ones that they count as."""
    for kind in _kinds(elements):
        written, meant = told(f"_otherwise_{kind}", kind)
        yield from ((f"_written_{kind}", written), (f"_meant_{kind}", meant))


def _condition(role: Role, value: str, earlier: str) -> str:
    begins = " OR ".join(f"starts_with({value}, {literal(text)})" for text in role.begins_with)
    return " AND ".join(f"({condition})" for condition in (begins, earlier if role.earlier else "") if condition) or "true"


def with_key(rows: str, several: Several) -> str:
    """SQL for rows with the column `value`, and `key`: the same as `compared` of it."""
    kind = several.compared_as
    if kind is None:
        return f"SELECT *, value AS key FROM ({rows})"
    written, meant = told("_otherwise", kind)
    otherwise = f"SELECT *, {counted_otherwise(['value'], kind)} AS _otherwise FROM ({rows})"
    return (
        f"SELECT * EXCLUDE (_otherwise, _written, _meant), {key_sql('value', '_written', '_meant')} AS key "
        f"FROM (SELECT *, {written} AS _written, {meant} AS _meant FROM ({otherwise}))"
    )

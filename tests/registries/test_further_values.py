"""Further values against the rules told value by value in plain Python, over drawn sources with several records each, days and roles."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.engine import Engine
from registries.definition import RegistryDefinition, check_definitions, get_definition
from registries.further_values import COLUMN, FurtherValue, compared, further_values, with_key
from registries.several import Several
from registries.silent import Silent
from registries.survivorship import Contribution, keep_best, merged
from standards.comparable_characters import Kind, compared_as
from standards.loader import load_standards
from tests.factories import hub_in

SUPPLIES = {
    "police": ("death_date", "address", "hukou", "phone"),
    "health": ("death_date", "address", "phone"),
    "housing": ("address",),
}
ELEMENTS = ("death_date", "address", "hukou", "phone")
DAYS = [None, date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1)]
ADDRESSES = [None, "东街1号", "东街 1号", "東街（1号", "西街2-1号", "西街2—1号", '南"街\\\n3号', "北街"]
VALUES: Mapping[str, list[Any]] = {
    "death_date": [None, None, None, date(2020, 6, 1), date(2021, 6, 1)],
    "address": ADDRESSES,
    "hukou": ADDRESSES,
    "phone": [None, "13800000001", "13800000002", "0571-1234567"],
}
SILENT: Silent = {"phone": ("13800000002",), "hukou": ("北街",)}
Row = dict[str, Any]


def title(text: str) -> dict[str, str]:
    return {"zh": text, "en": text}


def definition(*, stopped: bool, with_roles: bool) -> RegistryDefinition:
    ranks: dict[str, Any] = {"default": list(SUPPLIES), "address": {"sources": ["health", "police"]}}
    if stopped:
        ranks["address"] |= {"stopped_by": "death_date", "may_go_on": ["police"]}
    homes = [
        {"id": "household", "title": title("户籍"), "elements": ["hukou"]},
        {"id": "property", "title": title("房产"), "departments": ["housing"]},
        {"id": "former", "title": title("曾住"), "earlier": True},
    ]
    other = {"id": "other", "title": title("其他")}
    phones = [{"id": "mobile", "title": title("手机"), "begins_with": ["13", "15"]}, {"id": "landline", "title": title("座机")}]
    several = {
        "address": {"compared_as": "address", "roles": [*(homes if with_roles else homes[:1]), other]},
        "phone": {"roles": phones},
    }
    head = {"id": "population", "version": 1, "identity": {"id": "x", "version": 1}, "largest_shrink": 0.2}
    return RegistryDefinition.model_validate({**head, "ranks": ranks, "several": several})


class Naive:
    """One entity, told in words."""

    def __init__(self, rules: RegistryDefinition, records: Mapping[str, list[Row]], chosen: Mapping[str, Any], silent: Silent) -> None:
        self.rules, self.chosen, self.silent = rules, chosen, silent
        self.records = {name: sorted(rows, key=lambda row: self._standing(name, row)) for name, rows in records.items()}

    def _standing(self, name: str, row: Row) -> tuple[int, ...]:
        """The newest, then who says most, then who has most, then the smallest id."""
        says, has = (
            sum(heard(element) for element in SUPPLIES[name]) for heard in (lambda e: self._says(e, row), lambda e: row[e] is not None)
        )
        return _late(row["_valid_from"]), -says, -has, row["_record_id"]

    def _says(self, element: str, row: Row) -> bool:
        return row.get(element) is not None and row[element] not in self.silent.get(element, ())

    def further(self) -> list[FurtherValue]:
        return [value for element, several in self.rules.several.items() for value in self._of(element, several)]

    def _of(self, element: str, several: Several) -> Iterator[FurtherValue]:
        key_of_chosen = None if self.chosen[element] is None else compared(self.chosen[element], several)
        newest, older = self._words(element, several, newest=True), self._words(element, several, newest=False)
        said, older = ([word for word in words if self._may_speak(element, word)] for words in (newest, older))
        told = {key_of_chosen}
        newest_day = max((word["day"] for word in said if word["key"] == key_of_chosen and word["day"]), default=None)
        for words in (said, older):
            before = set(told)
            for word in words:
                alike = [other for other in words if other["key"] == word["key"]]
                if word["key"] in told:
                    continue
                told.add(word["key"])
                days = [other["day"] for other in alike if other["day"]]
                earlier = bool(days and newest_day and max(days) < newest_day)
                sources = dict.fromkeys(f"{name}__1" for name in self._order(element) if any(other["by"] == name for other in alike))
                yield FurtherValue(
                    element, self._role(element, several, word, earlier), word["value"], tuple(sources), min(days, default=None)
                )
            assert before <= told

    def _order(self, element: str) -> list[str]:
        return sorted(SUPPLIES, key=lambda name: (self.rules.rank(element, name), name))

    def _words(self, element: str, several: Several, *, newest: bool) -> list[dict[str, Any]]:
        words = []
        for name in self._order(element):
            for supplied_as in several.supplied_as(element):
                rows = self.records[name][:1] if newest else self.records[name][1:]
                for row in sorted(rows, key=lambda row: (_late(row["_valid_from"]), row["_record_id"])):
                    if self._says(supplied_as, row):
                        value, day = row[supplied_as], row["_valid_from"]
                        words.append({"by": name, "as": supplied_as, "value": value, "day": day, "key": compared(value, several)})
        return words

    def _may_speak(self, element: str, word: Mapping[str, Any]) -> bool:
        rank, last = self.rules.rank_of(word["as"]), self.chosen["death_date"]
        bound = rank.stopped_by is not None and word["by"] not in rank.may_go_on
        return not (bound and last and word["day"] and word["day"] > last)

    def _role(self, element: str, several: Several, word: Mapping[str, Any], earlier: bool) -> str:
        for role in several.roles:
            if (
                word["as"] in (role.elements or (element,))
                and word["by"] in (role.departments or (word["by"],))
                and word["value"].startswith(role.begins_with or ("",))
                and (earlier or not role.earlier)
            ):
                return role.id
        raise AssertionError("no role")


def _late(day: date | None) -> int:
    """Newest first, and what has no day last."""
    return -day.toordinal() if day else 0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(hub_in(tmp_path_factory.mktemp("several") / "home").settings, threads=1) as engine:
        yield engine


def a_record(elements: tuple[str, ...]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries({"_valid_from": st.sampled_from(DAYS), **{name: st.sampled_from(VALUES[name]) for name in elements}})


people = st.lists(
    st.fixed_dictionaries({name: st.lists(a_record(elements), max_size=3) for name, elements in SUPPLIES.items()}), min_size=1, max_size=8
)


@given(drawn=people, stopped=st.booleans(), with_roles=st.booleans(), silent=st.sampled_from([SILENT, {}]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_stands_beside_the_chosen_values_is_what_the_rules_say(
    engine: Engine, drawn: list[dict[str, list[Row]]], stopped: bool, with_roles: bool, silent: Silent
) -> None:
    """Whether words are held against each other one by one or in lists, the column is the same, to the character."""
    rules = definition(stopped=stopped, with_roles=with_roles)
    people = [_numbered(person, number) for number, person in enumerate(drawn)]
    contributions = [_load(engine, place, name, people, silent) for place, name in enumerate(SUPPLIES, start=1)]
    sql = merged(rules, ELEMENTS, contributions, silent=silent)
    found = {row["_canonical_id"]: row for row in engine.records(sql)}
    with patch("registries.further_values._FEW", 0):
        sql = merged(rules, ELEMENTS, contributions, silent=silent)
        assert {row["_canonical_id"]: row for row in engine.records(sql)} == found
    for number, person in enumerate(people):
        if any(person.values()):
            row = found[number]
            assert list(further_values(row[COLUMN])) == list(Naive(rules, person, row, silent).further())
            assert row[COLUMN] != "[]"
    assert len(found) == sum(any(person.values()) for person in people)


def _numbered(person: dict[str, list[Row]], number: int) -> dict[str, list[Row]]:
    return {name: [{**row, "_record_id": number * 10 + place} for place, row in enumerate(rows)] for name, rows in person.items()}


def _load(engine: Engine, place: int, name: str, people: list[dict[str, list[Row]]], silent: Silent) -> Contribution:
    columns = ("_record_id", "_valid_from", *SUPPLIES[name])
    kinds = {"_record_id": "INTEGER", "_valid_from": "DATE", "death_date": "DATE"}
    typed = ", ".join(f"{column} {kinds.get(column, 'VARCHAR')}" for column in columns)
    engine.run(f"CREATE OR REPLACE TABLE {name} (_canonical_id INTEGER, {typed})")
    for number, person in enumerate(people):
        for row in person[name]:
            engine.run(f"INSERT INTO {name} VALUES ({', '.join('?' * (len(columns) + 1))})", [number, *(row[column] for column in columns)])
    return keep_best(engine, Contribution(f"{name}__1", name, place, SUPPLIES[name], name), silent)


@pytest.mark.parametrize("kind", [None, "person", "organization", "address"])
def test_the_engine_compares_as_python_does(engine: Engine, kind: Kind | None) -> None:
    texts = [text for text in ADDRESSES if text] + ["買買提・艾力", "示例（北京）ＡＢＣ有限公司", "Maria-Sample", "（）", "⻓街"]
    several = Several.model_validate({"compared_as": kind, "roles": [{"id": "other", "title": title("其他")}]})
    for text in texts:
        assert engine.value(f"SELECT key FROM ({with_key('SELECT ?::varchar AS value', several)})", [text]) == compared(text, several)


@pytest.mark.parametrize("kind", ["person", "organization", "address"])
def test_every_character_that_counts_as_another_one_does_so(engine: Engine, kind: Kind) -> None:
    """Each for itself, and all in one text."""
    several = Several.model_validate({"compared_as": kind, "roles": [{"id": "other", "title": title("其他")}]})
    texts = ["e\u0301", "👨‍👩‍👧a", *compared_as(kind)[0], "".join(compared_as(kind)[0])]
    keys = engine.rows(f"SELECT value, key FROM ({with_key('SELECT unnest(?::varchar[]) AS value', several)})", [texts])
    assert dict(keys) == {text: compared(text, several) for text in texts}


def test_what_declares_nothing_has_no_column_and_one_source_alone_no_further_values(engine: Engine) -> None:
    rules = definition(stopped=False, with_roles=True)
    alone = [Contribution("health__1", "health", 1, ("phone",), "health")]
    plain = rules.model_copy(update={"several": {}})
    assert COLUMN not in merged(plain, ("phone",), [*alone, Contribution("police__1", "police", 2, ("phone",), "police")])
    assert f"NULL::VARCHAR AS {COLUMN}" in merged(rules, ("phone",), alone)


@pytest.mark.parametrize(
    ("several", "text"),
    [
        ({"address": [{"id": "a"}, {"id": "a", "earlier": True}]}, "named twice"),
        ({"address": [{"id": "a", "elements": ["address"]}, {"id": "b"}]}, "meant anyway"),
        ({"address": [{"id": "a", "earlier": True}]}, "exactly the last role for values supplied as address"),
        ({"address": [{"id": "a"}, {"id": "b"}]}, "exactly the last role for values supplied as address"),
        ({"address": [{"id": "a", "elements": ["hukou"], "departments": ["x"]}, {"id": "b"}]}, "supplied as hukou"),
        ({"division": [{"id": "a"}]}, "follows another element"),
    ],
)
def test_roles_that_cannot_be_meant_are_a_fault(several: dict[str, list[Any]], text: str) -> None:
    head = {"id": "population", "version": 1, "identity": {"id": "x", "version": 1}, "largest_shrink": 0.2, "ranks": {"default": ["a"]}}
    agreements = [{"element": "division", "follows": "address", "reason": title("同省")}]
    named = {name: {"roles": [{"title": title("某"), **role} for role in roles]} for name, roles in several.items()}
    faults = RegistryDefinition.model_validate({**head, "several": named, "agreements": agreements}).faults()
    assert any(text in fault for key, fault in faults if key.startswith("several."))


def test_values_that_are_shown_otherwise_cannot_stand_together(monkeypatch: pytest.MonkeyPatch) -> None:
    standards, before = load_standards(), get_definition("population")
    assert check_definitions(standards) == []
    wrong = {"phone_number": {"roles": [{"id": "a", "title": title("某"), "elements": ["person_name"]}, {"id": "b", "title": title("某")}]}}
    changed = RegistryDefinition.model_validate({**before.model_dump(exclude_defaults=True), "several": wrong})
    monkeypatch.setattr("registries.definition.load_definitions", lambda: {"population": changed})
    assert [fault.key for fault in check_definitions(standards)] == ["several.phone_number"]

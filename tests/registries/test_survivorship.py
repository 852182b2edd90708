"""Survivorship against the rules told row by row in plain Python, over drawn sources, values, days and rules."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.engine import Engine
from registries.definition import RegistryDefinition
from registries.silent import Silent
from registries.survivorship import Contribution, merged, provinces_of
from standards.loader import load_standards
from tests.factories import hub_in

ELEMENTS = ("death_date", "address", "division", "name", "sex")
DEPARTMENTS = ("police", "health", "tax", "school")
PROVINCES = {"北京": "11", "浙江": "33"}
DAYS = [None, date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1)]
VALUES: Mapping[str, list[Any]] = {
    "death_date": [None, None, date(2020, 6, 1), date(2021, 6, 1)],
    "address": [None, "北京市东城区", "浙江省杭州市", "东街1号"],
    "division": [None, "110101", "330101", "330102"],
    "name": [None, "王一", "王二"],
    "sex": [None, "0", "9", "1", "2"],
}
SILENT: Silent = {"sex": ("0", "9")}
Row = dict[str, Any]


def definition(
    tiers: tuple[Any, ...], then: str | None, *, stopped: bool, agrees: str | None, pair: tuple[str, str] = ("division", "address")
) -> RegistryDefinition:
    ranks: dict[str, Any] = {"default": {"sources": tiers, **({"then": then} if then else {})}, "death_date": list(DEPARTMENTS)}
    if stopped:
        ranks["address"] = {**ranks["default"], "stopped_by": "death_date", "may_go_on": ["police"]}
        ranks["sex"] = ranks["address"]
    reason = {"zh": "同省", "en": "one province"}
    follows = [{"element": pair[0], "follows": pair[1], "by": agrees, "reason": reason}] if agrees else []
    head = {"id": "population", "version": 1, "identity": {"id": "x", "version": 1}, "largest_shrink": 0.2}
    dated_by = "believed" if stopped else "all"
    return RegistryDefinition.model_validate({**head, "ranks": ranks, "agreements": follows, "dated_by": dated_by})


def naive(rules: RegistryDefinition, rows: Mapping[str, Row | None], silent: Silent) -> dict[str, tuple[Any, int | None]]:
    """Value and source (number) of every element, told in words: whoever says something is asked before all that have anything."""
    numbers = {name: place for place, name in enumerate(DEPARTMENTS, start=1)}
    found: dict[str, tuple[Any, int | None]] = {}
    words: dict[str, dict[str, Any]] = {}
    for element in sorted(ELEMENTS, key=lambda name: rules.agreement_of(name) is not None):
        rank = rules.rank_of(element)
        order = sorted((name for name in DEPARTMENTS if rows[name] is not None), key=lambda name: (rules.rank(element, name), f"{name}__1"))
        said: dict[str, Any] = {}
        for name in order:
            row = rows[name]
            assert row is not None
            last, day = found["death_date"][0] if rank.stopped_by else None, row["_valid_from"]
            late = last is not None and day is not None and day > last and name not in rank.may_go_on
            if row[element] is not None and not late:
                said[name] = row[element]
        words[element] = _telling(element, said, silent)
        found[element] = (None, None)
        for heard in (words[element], said):
            winner = _winner(rules, element, heard, rows, silent, found, words)
            if winner is not None:
                found[element] = (said[winner], numbers[winner])
                break
    return found


def _telling(element: str, said: Mapping[str, Any], silent: Silent) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value not in silent.get(element, ())}


def _winner(
    rules: RegistryDefinition,
    element: str,
    said: Mapping[str, Any],
    rows: Mapping[str, Row | None],
    silent: Silent,
    found: Mapping[str, tuple[Any, int | None]],
    words: Mapping[str, Mapping[str, Any]],
) -> str | None:
    """Of those that are heard, in their order, the one whose word counts."""
    agreement, then = rules.agreement_of(element), rules.rank_of(element).then
    if agreement and agreement.by == "value":
        chosen = found[agreement.follows][0]
        return next((name for name in said if words[agreement.follows].get(name) in (None, chosen) or chosen is None), None)
    if agreement:
        address, source = found[agreement.follows]
        own = next((name for name in said if source == DEPARTMENTS.index(name) + 1), None)
        province = PROVINCES.get((address or "")[:2])
        return own or next((name for name in said if province in (None, said[name][:2])), None)
    best = min((rules.rank(element, name) for name in said), default=None)
    alike = [name for name in said if rules.rank(element, name) == best]
    scores = {name: _score(then, name, rows, [said[other] for other in alike], said[name], silent) for name in alike}
    return next((name for name in alike if scores[name] == max(scores.values())), None)


def naive_day(rules: RegistryDefinition, rows: Mapping[str, Row | None], found: Mapping[str, tuple[Any, int | None]]) -> date | None:
    """The newest day of all sources but those that speak of days after a death, where no value comes from them."""
    days, (last, _), stopped = [], found["death_date"], rules.ranks.get("address")
    for number, name in enumerate(DEPARTMENTS, start=1):
        day = (rows[name] or {}).get("_valid_from")
        is_late = stopped is not None and last is not None and day is not None and day > last and name not in stopped.may_go_on
        if day is not None and not (is_late and all(origin != number for _, origin in found.values())):
            days.append(day)
    return max(days, default=None)


def _score(then: str | None, name: str, rows: Mapping[str, Row | None], alike: list[Any], value: Any, silent: Silent) -> Any:
    row = rows[name]
    assert row is not None
    if then == "newest":
        return row["_valid_from"] or date.min
    if then == "fullest":
        return sum(row[element] not in (None, *silent.get(element, ())) for element in ELEMENTS)
    return alike.count(value) if then == "most_frequent" else 0


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("survivorship")
    with Engine(hub_in(folder / "home").settings, threads=1) as engine:
        yield engine


one_row = st.none() | st.fixed_dictionaries(
    {"_valid_from": st.sampled_from(DAYS), **{name: st.sampled_from(v) for name, v in VALUES.items()}}
)
entities = st.lists(st.fixed_dictionaries(dict.fromkeys(DEPARTMENTS, one_row)), min_size=1, max_size=8)
AGREES = [
    (None, None),
    ("province", ("division", "address")),
    *(("value", pair) for pair in (("division", "address"), ("sex", "name"), ("name", "sex"))),
]
TIERS = [DEPARTMENTS, (("police", "health", "tax"), "school"), (("police", "health"), ("tax", "school")), (DEPARTMENTS,), ("tax",)]


@given(
    entities,
    st.sampled_from(TIERS),
    st.sampled_from([None, "newest", "fullest", "most_frequent"]),
    st.booleans(),
    st.sampled_from(AGREES),
    st.sampled_from([SILENT, {}]),
)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_survives_is_what_the_rules_say(
    engine: Engine,
    people: list[dict[str, Row | None]],
    tiers: tuple[Any, ...],
    then: str | None,
    stopped: bool,
    agrees: tuple[str | None, tuple[str, str] | None],
    silent: Silent,
) -> None:
    rules = definition(tiers, then, stopped=stopped, agrees=agrees[0], pair=agrees[1] or ("division", "address"))
    contributions = [_load(engine, place, name, people) for place, name in enumerate(DEPARTMENTS, start=1)]
    sql = merged(rules, ELEMENTS, contributions, PROVINCES, silent)
    rows = {row["_canonical_id"]: row for row in engine.records(sql)}
    for number, person in enumerate(people):
        if all(row is None for row in person.values()):
            assert number not in rows
            continue
        expected = naive(rules, person, silent)
        found = {element: (rows[number][element], rows[number][f"_from_{element}"]) for element in ELEMENTS}
        assert found == expected
        assert rows[number]["_valid_from"] == naive_day(rules, person, expected)


def test_a_definition_that_says_nothing_of_the_day_is_replayed_as_it_was_published(engine: Engine) -> None:
    """A row then dated from the newest day of all, also of one of which nothing was believed."""
    nothing = dict.fromkeys(ELEMENTS)
    died = {**nothing, "_valid_from": date(2020, 1, 1), "name": "王一", "death_date": date(2020, 6, 1)}
    rows = {
        **dict.fromkeys(DEPARTMENTS),
        "police": died,
        "tax": {**nothing, "_valid_from": date(2022, 1, 1), "name": "王一", "address": "东街1号"},
    }
    contributions = [_load(engine, place, name, [rows]) for place, name in enumerate(DEPARTMENTS, start=1)]
    now = definition(DEPARTMENTS, None, stopped=True, agrees=None)
    before = RegistryDefinition.model_validate(now.model_dump(exclude={"dated_by"}))
    days = [engine.records(merged(rules, ELEMENTS, contributions, PROVINCES))[0]["_valid_from"] for rules in (before, now)]
    assert days == [date(2022, 1, 1), date(2020, 1, 1)]


def _load(engine: Engine, place: int, name: str, people: list[dict[str, Row | None]]) -> Contribution:
    kinds = {"death_date": "DATE", "_valid_from": "DATE"}
    columns = ("_valid_from", *ELEMENTS)
    rows = [
        f"({number}, {', '.join('NULL' if row[c] is None else repr(str(row[c])) for c in columns)})"
        for number, person in enumerate(people)
        if (row := person[name]) is not None
    ]
    typed = ", ".join(f"{column} {kinds.get(column, 'VARCHAR')}" for column in columns)
    engine.run(f"CREATE OR REPLACE TABLE {name} (_canonical_id INTEGER, {typed})")
    if rows:
        engine.run(f"INSERT INTO {name} VALUES {', '.join(rows)}")
    return Contribution(f"{name}__1", name, place, ELEMENTS, name)


def test_without_rules_beyond_the_order_nothing_is_asked_of_them(engine: Engine) -> None:
    rules = definition(DEPARTMENTS, None, stopped=False, agrees=None)
    said = [Contribution("tax__1", "tax", 1, ("name",), "tax"), Contribution("health__1", "health", 2, ("name",), "h")]
    sql = merged(rules, ("name",), said, silent=SILENT)
    assert 'coalesce(s1."name", s0."name") AS "name"' in sql
    assert sql.count("CASE") == 1


def test_provinces_are_those_of_the_standard() -> None:
    assert len(provinces_of(load_standards())) == 34
    assert provinces_of(load_standards()).items() >= PROVINCES.items()


@pytest.mark.parametrize(
    ("ranks", "more", "key"),
    [
        ({"name": ["a"]}, {}, "ranks"),
        ({"default": ["a", ["b", "a"]]}, {}, "ranks.default.sources"),
        ({"default": {"sources": ["a", "b"], "then": "newest"}}, {}, "ranks.default.then"),
        ({"default": {"sources": ["a"], "may_go_on": ["a"]}}, {}, "ranks.default.may_go_on"),
        ({"default": {"sources": ["a"], "stopped_by": "death_date"}}, {}, "ranks.default.stopped_by"),
        (
            {"default": ["a"]},
            {"agreements": [{"element": x, "follows": y, "reason": {"zh": "一", "en": "x"}} for x, y in (("a", "b"), ("b", "c"))]},
            "agreements.a",
        ),
    ],
)
def test_a_definition_that_cannot_be_meant_is_a_fault(ranks: Any, more: Any, key: str) -> None:
    head = {"id": "population", "version": 1, "identity": {"id": "x", "version": 1}, "largest_shrink": 0.2}
    assert key in {name for name, _ in RegistryDefinition.model_validate({**head, "ranks": ranks, **more}).faults()}

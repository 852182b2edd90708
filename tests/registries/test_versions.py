"""Both times in SQL: every point of valid and system time against a naive bitemporal table, and what views and columns say they are."""

import random
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.database import reading, writing
from registries import serving
from registries.tables import current_publication, publication
from registries.versions import as_of_view, ended_table, ensure_table, rows_table, versions_view
from standards.loader import load_standards
from tests.factories import Hub
from tests.registries.publishing import Table, load, publish_table

SCHEMA = load_standards().schemas["legal_entity"]
DAYS = [f"20{year}-06-01" for year in range(18, 25)]
# What a publication says of each entity: since when, and what; nothing: it is not in the table.
Fact = tuple[str | None, str] | None
FACTS = st.one_of(st.none(), st.tuples(st.one_of(st.none(), st.sampled_from(DAYS)), st.sampled_from("甲乙丙")))
STORIES = st.lists(st.tuples(FACTS, FACTS), min_size=1, max_size=7)


class Naive:
    """A bitemporal table as one writes it down first: for every publication, the value of every day, one by one."""

    def __init__(self) -> None:
        self.known: list[dict[tuple[str, str], str]] = [{}]

    def publish(self, old: Table, new: Table) -> None:
        """A new or changed row is said of every day from its first one on; a row that is gone takes back every day."""
        days = dict(self.known[-1])
        for name in old.keys() | new.keys():
            if name not in new:
                days = {point: value for point, value in days.items() if point[0] != name}
            elif old.get(name) != new[name]:
                since = new[name]["_valid_from"]
                days |= {(name, day): new[name]["organization_name"] for day in DAYS if since is None or since <= day}
        self.known.append(days)


def table_of(facts: tuple[Fact, ...]) -> Table:
    return {
        name: {"_valid_from": fact[0], "organization_name": fact[1]} for name, fact in zip("ab", facts, strict=True) if fact is not None
    }


def emptied(hub: Hub) -> Hub:
    """The hub without publications: making another one for each story would take longer than all of them."""
    ensure_table(hub.home.serving, SCHEMA)
    with writing(hub.home.serving) as connection:
        connection.execute(sa.delete(publication))
        connection.execute(sa.delete(current_publication))
        for table in (rows_table(SCHEMA), ended_table(SCHEMA)):
            connection.execute(sa.text(f"DELETE FROM {table}"))
    return hub


def point(hub: Hub, day: str, number: int) -> dict[tuple[str, str], str]:
    """What the view says of one day as known at one publication."""
    query = (
        f"SELECT _canonical_id, organization_name FROM {as_of_view(SCHEMA)} WHERE _known_from <= :n AND (_known_to IS NULL OR _known_to > :n) "
        "AND _valid_from <= :d AND _valid_to > :d"
    )
    with reading(hub.home.serving) as connection:
        rows = list(connection.execute(sa.text(query).bindparams(sa.bindparam("d", type_=_day(hub))), {"n": number, "d": _date(hub, day)}))
    assert len({row[0] for row in rows}) == len(rows)
    return {(row[0], day): row[1] for row in rows}


def _day(hub: Hub) -> Any:
    return sa.String() if hub.home.serving.dialect.name == "sqlite" else sa.Date()


def _date(hub: Hub, day: str) -> Any:
    return day if hub.home.serving.dialect.name == "sqlite" else date.fromisoformat(day)


def holds(hub: Hub, story: list[tuple[Fact, ...]]) -> None:
    """Publish a story, and compare every point of both times, with a publication under way that nobody may see."""
    naive = Naive()
    state: Table = {}
    for number, facts in enumerate(story, start=1):
        new = table_of(facts)
        publish_table(hub, SCHEMA, number, state, new)
        naive.publish(state, new)
        state = new
    load(hub, SCHEMA, len(story) + 1, state, {"a": {"_valid_from": None, "organization_name": "未发布"}})
    for number in range(1, len(story) + 1):
        for day in DAYS:
            expected = {key: value for key, value in naive.known[number].items() if key[1] == day}
            assert point(hub, day, number) == expected, (number, day)
    assert all(row["organization_name"] != "未发布" for row in hub.served(versions_view(SCHEMA)))
    serving.clear_leftovers(hub.home.serving, SCHEMA)


@pytest.mark.slow
@given(STORIES)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_point_of_both_times_is_that_of_the_naive_table(hub: Hub, story: list[tuple[Fact, ...]]) -> None:
    holds(emptied(hub), story)


def test_both_databases_agree_with_the_naive_table(any_hub: Hub) -> None:
    dice = random.Random(3)
    fact = [None, *((day, value) for day in (None, *DAYS) for value in "甲乙丙")]
    for _ in range(3):
        holds(emptied(any_hub), [(dice.choice(fact), dice.choice(fact)) for _ in range(6)])


def test_a_back_dated_correction_changes_the_past_from_when_it_is_known(any_hub: Hub) -> None:
    """甲 since 2020; then 乙 since 2022, so 甲 until then; then it is learned late that it has been 丙 all along since 2019."""
    hub = emptied(any_hub)
    story: list[tuple[Fact, ...]] = [(("2020-06-01", "甲"), None), (("2022-06-01", "乙"), None), (("2019-06-01", "丙"), None)]
    state: Table = {}
    for number, facts in enumerate(story, start=1):
        publish_table(hub, SCHEMA, number, state, table_of(facts))
        state = table_of(facts)
    told = {number: [point(hub, day, number).get(("a", day)) for day in DAYS[1:6]] for number in (1, 2, 3)}
    assert told == {1: [None, "甲", "甲", "甲", "甲"], 2: [None, "甲", "甲", "乙", "乙"], 3: ["丙"] * 5}


def test_views_and_columns_say_what_they_are(any_hub: Hub) -> None:
    hub = emptied(any_hub)
    views = (SCHEMA.table, versions_view(SCHEMA), as_of_view(SCHEMA))
    name = next(element for element in SCHEMA.elements if element.id == "organization_name")
    with reading(hub.home.serving) as connection:
        if hub.home.serving.dialect.name == "sqlite":
            texts = [
                connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = :n"), {"n": view}).scalar_one() for view in views
            ]
        else:
            query = sa.text(
                "SELECT obj_description(CAST(:v AS regclass)) || string_agg(col_description(CAST(:v AS regclass), attnum), '; ') "
                "FROM pg_attribute WHERE attrelid = CAST(:v AS regclass) AND attnum > 0"
            )
            texts = [connection.execute(query, {"v": view}).scalar_one() for view in views]
    for text in texts:
        assert SCHEMA.title.zh in text
        assert f"{name.title.zh}：{name.definition.zh}" in text
        assert "在现实中自该日起有效" in text


def test_an_installation_without_the_new_views_gets_them(any_hub: Hub) -> None:
    hub = emptied(any_hub)
    publish_table(hub, SCHEMA, 1, {}, table_of((("2020-06-01", "甲"), None)))
    with writing(hub.home.serving) as connection:
        for view in (as_of_view(SCHEMA), versions_view(SCHEMA)):
            connection.exec_driver_sql(f"DROP VIEW {view}")
    ensure_table(hub.home.serving, SCHEMA)
    assert point(hub, "2021-06-01", 1) == {("a", "2021-06-01"): "甲"}


@pytest.mark.parametrize("registry", load_standards().schemas)
def test_every_registry_has_its_views(hub: Hub, registry: str) -> None:
    schema = load_standards().schemas[registry]
    for _ in range(2):
        ensure_table(hub.home.serving, schema)
    assert hub.served(as_of_view(schema)) == hub.served(versions_view(schema)) == []

"""The change feed: whoever folds it has the published table, from whatever number and in whatever pages; numbers have no gap."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import RequestError
from registries import serving
from registries.definition import FeedRule, get_definition
from registries.feed import Event, FeedGone, read_changes, read_state
from registries.versions import ended_table, ensure_table, rows_table
from standards.loader import load_standards
from tests.factories import Hub
from tests.registries.publishing import Table, load, make_current, publish_table

SCHEMA = load_standards().schemas["legal_entity"]
DEFINITION = get_definition("legal_entity")
NAMES = ("organization_name", "organization_phone_number", "legal_representative_name")
Folded = dict[str, dict[str, Any]]


def pages(hub: Hub, after: int, dice: random.Random) -> Iterator[Event]:
    """All events after a number, read in pages of random sizes."""
    while True:
        page = read_changes(hub.home.serving, DEFINITION, SCHEMA, after, dice.randint(1, 7))
        assert [event.seq for event in page.events] == list(range(after + 1, page.last + 1))
        if not page.events:
            assert page.last == page.newest
            return
        yield from page.events
        after = page.last


def apply(table: Folded, event: Event) -> None:
    """One event on a reader's copy; what cannot be is an error."""
    if event.event == "delete":
        del table[event.canonical_id]
        return
    if event.event == "insert":
        assert event.canonical_id not in table
    row = {} if event.event == "insert" else table[event.canonical_id]
    changed = {name: value for name, value in (event.values or {}).items() if event.event == "insert" or row.get(name) != value}
    assert changed == event.values
    row = row | changed | {"_valid_from": event.valid_from, "_valid_to": event.valid_to}
    table[event.canonical_id] = {name: value for name, value in row.items() if value is not None}


def served(hub: Hub) -> Folded:
    """The published table as its view has it."""
    left_out = ("_canonical_id", "_publication_from", "_publication_to")
    return {
        row["_canonical_id"]: {name: str(value) for name, value in row.items() if name not in left_out and value is not None}
        for row in hub.served(SCHEMA.table)
    }


def random_table(dice: random.Random, old: Table) -> dict[str, dict[str, Any]]:
    """The next state: some come, some go, some change, some come back."""
    new: dict[str, dict[str, Any]] = {name: dict(row) for name, row in old.items() if dice.random() < 0.8}
    for name in dice.sample("abcdefghij", dice.randint(0, 5)):
        day = dice.choice([None, "2020-01-01", "2021-05-05"])
        new[name] = {"_valid_from": day} | {element: dice.choice([None, "甲", "乙"]) for element in NAMES}
    return new


@pytest.mark.parametrize("seed", range(2))
def test_folding_the_feed_from_any_number_gives_the_published_table(any_hub: Hub, seed: int) -> None:
    dice, hub = random.Random(seed), any_hub
    ensure_table(hub.home.serving, SCHEMA)
    state: Table = {}
    copies: dict[int, Folded] = {0: {}}  # a reader's copy by the number it has read up to
    total = 0
    for number in range(1, 11):
        new = state if number % 5 == 0 else random_table(dice, state)
        if number % 3 == 0:  # one that dies before its commit is seen by nobody, and undone by the next
            load(hub, SCHEMA, number, state, random_table(dice, state))
            assert read_changes(hub.home.serving, DEFINITION, SCHEMA, total, 1).events == ()
            serving.clear_leftovers(hub.home.serving, SCHEMA)
        total += sum(publish_table(hub, SCHEMA, number, state, new).values())
        state = new
        start = dice.choice(list(copies))
        copy = {name: dict(row) for name, row in copies[start].items()}
        last = start
        for event in pages(hub, start, dice):
            apply(copy, event)
            last = event.seq
        assert last == total
        assert copy == served(hub)
        copies[total] = copy
    everything = list(pages(hub, 0, dice))
    assert everything == list(pages(hub, 0, random.Random(seed + 100)))
    # An event's place follows from publication, deletes first, and canonical id.
    order = [(event.publication, event.event != "delete", event.canonical_id) for event in everything]
    assert order == sorted(order)


def test_an_update_names_what_changed_and_nothing_else(any_hub: Hub) -> None:
    hub = any_hub
    ensure_table(hub.home.serving, SCHEMA)
    first = {
        "a": {"_valid_from": "2020-01-01", "organization_name": "甲", "organization_phone_number": "1"},
        "b": {"organization_name": "乙"},
    }
    second = {
        "a": {"_valid_from": "2021-01-01", "organization_name": "甲", "organization_phone_number": None},
        "c": {"organization_name": "丙"},
    }
    publish_table(hub, SCHEMA, 1, {}, first)
    publish_table(hub, SCHEMA, 2, first, second)
    page = read_changes(hub.home.serving, DEFINITION, SCHEMA, 2, 10)
    assert page.events == (
        Event(3, 2, "delete", "b"),
        Event(4, 2, "update", "a", "2021-01-01", "9999-12-31", {"organization_phone_number": None}),
        Event(5, 2, "insert", "c", None, "9999-12-31", {"organization_name": "丙"}),
    )
    assert (page.last, page.newest) == (5, 5)


def test_who_was_away_too_long_is_told_so_and_starts_anew(any_hub: Hub) -> None:
    hub = any_hub
    ensure_table(hub.home.serving, SCHEMA)
    states: list[Table] = [{}]
    for number in range(1, 6):
        states.append({name: {"organization_name": str(number)} for name in "abc"[: 1 + number % 3]})
        publish_table(hub, SCHEMA, number, states[-2], states[-1])
    short = DEFINITION.model_copy(update={"feed": FeedRule(publications=2)})
    newest = read_changes(hub.home.serving, DEFINITION, SCHEMA, 0, 100)
    kept_from = next(event.seq for event in newest.events if event.publication == 4)
    with pytest.raises(FeedGone, match=f"are kept from number {kept_from} on"):
        read_changes(hub.home.serving, short, SCHEMA, kept_from - 2, 10)
    assert read_changes(hub.home.serving, short, SCHEMA, kept_from - 1, 1).events[0].seq == kept_from
    with pytest.raises(FeedGone, match="no change 999 yet"):
        read_changes(hub.home.serving, short, SCHEMA, 999, 10)
    # Anew, in pages pinned to publication 4 although 5 is there already; then the changes after it.
    copy: Folded = {}
    after_id: str | None = ""
    while after_id is not None:
        page = read_state(hub.home.serving, SCHEMA, 4, after_id, 1)
        copy |= {row.canonical_id: dict(row.values) | {"_valid_to": row.valid_to} for row in page.rows}
        after_id, resume = page.after_id, page.resume_after
    assert {name: row["organization_name"] for name, row in copy.items()} == {
        name: row["organization_name"] for name, row in states[4].items()
    }
    for event in read_changes(hub.home.serving, short, SCHEMA, resume, 100).events:
        apply(copy, event)
    assert copy == served(hub)
    # What is no id of that publication is not taken for the end of its table.
    with pytest.raises(RequestError, match="publication 4 of legal_entity has no row of that id"):
        read_state(hub.home.serving, SCHEMA, 4, "nobody", 10)


def test_before_the_first_publication_there_is_nothing(any_hub: Hub) -> None:
    hub = any_hub
    ensure_table(hub.home.serving, SCHEMA)
    assert read_changes(hub.home.serving, DEFINITION, SCHEMA, 0, 10).events == ()
    with pytest.raises(RequestError, match="has not been published yet"):
        read_state(hub.home.serving, SCHEMA, None, "", 10)
    make_current(hub, SCHEMA.id, 1, {})
    assert read_state(hub.home.serving, SCHEMA, None, "", 10).rows == ()


def test_pages_are_found_by_an_index(hub: Hub) -> None:
    """A page of a later publication reads what that publication changed, not the history."""
    from core.database import reading

    ensure_table(hub.home.serving, SCHEMA)
    publish_table(hub, SCHEMA, 1, {}, {"a": {"organization_name": "1"}})
    opened = (rows_table(SCHEMA), "_publication_from = 2 AND _publication_from > 1", f"ix_{SCHEMA.table}_opened")
    ended = (ended_table(SCHEMA), "_publication_to = 2", f"ix_{ended_table(SCHEMA)}")
    with reading(hub.home.serving) as connection:
        for table, condition, index in (opened, ended):
            plan = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN SELECT _canonical_id FROM {table} WHERE {condition} ORDER BY _canonical_id"
            )
            assert index in " ".join(str(row) for row in plan)

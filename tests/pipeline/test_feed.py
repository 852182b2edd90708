"""The change feed of real publications: random days of two departments, gates that stop, deaths around the commit, nothing to publish."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from core.errors import GateFailed
from registries.definition import get_definition
from registries.feed import read_changes
from registries.further_values import COLUMN, as_document
from standards.loader import load_standards
from tests.factories import PATIENTS, RESIDENTS, Hub, Row, person
from tests.pipeline.test_crashes import Killed, dying

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
SCHEMA = load_standards().schemas["population"]
DEATHS = (("registries.serving.load_rows", "after"), ("pipeline.publish.commit", "before"), ("pipeline.publish.commit", "after"))


def folded(hub: Hub, copy: dict[str, dict[str, Any]], after: int) -> int:
    """Bring a reader's copy up to date; returns the number of the last change."""
    while True:
        page = read_changes(hub.home.serving, get_definition("population"), SCHEMA, after, 5)
        for event in page.events:
            if event.successor:
                continue  # what it does to rows follows
            if event.event == "delete":
                del copy[event.canonical_id]
                continue
            row = {} if event.event == "insert" else copy[event.canonical_id]
            copy[event.canonical_id] = row | {"_valid_from": event.valid_from} | dict(event.values or {})
        after = page.last
        if after == page.newest:
            return after


def agrees(hub: Hub, copy: dict[str, dict[str, Any]]) -> bool:
    """Whether a copy is the published table."""
    served = {
        row["_canonical_id"]: {name: str(row[name]) for name in ("_valid_from", *names()) if row[name] is not None}
        | ({COLUMN: as_document(row[COLUMN])} if row[COLUMN] else {})
        for row in hub.served("base_population")
    }
    return served == {key: {name: value for name, value in row.items() if value is not None} for key, row in copy.items()}


def names() -> list[str]:
    return [element.id for element in SCHEMA.elements]


def day(dice: random.Random, rows: dict[int, Row]) -> dict[int, Row]:
    """Tomorrow's delivery: one may go, some come, some change."""
    kept = {number: row for number, row in rows.items() if number % 9 or dice.random() < 0.5}
    come = {number: person(number) for number in dice.sample(range(1, 30), 3)}
    changed = {number: person(number, DH=f"137{dice.randint(0, 99):08}") for number in dice.sample(sorted(kept), min(3, len(kept)))}
    return {**kept, **come, **changed}


def test_a_reader_follows_whatever_befalls_a_publication(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(hub, DEATHS[-1:], monkeypatch)


@pytest.mark.long
def test_a_reader_follows_on_every_database_through_every_death(any_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(any_hub, DEATHS, monkeypatch)


def follow(hub: Hub, deaths: Sequence[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish random days, one for each death and one without, then one that the gate stops; a reader has the table after each."""
    dice = random.Random(7)
    hub.register(RESIDENTS, PATIENTS)
    states: list[dict[int, Row]] = [{n: person(n) for n in range(12)}, {n: person(n) for n in range(6, 18)}]
    copy: dict[str, dict[str, Any]] = {}
    last = 0
    for target, when in (("", ""), *deaths):
        deliver(hub, states)
        if target:
            with monkeypatch.context() as patched:
                patched.setattr(target, dying(target, when))
                with pytest.raises(Killed):
                    hub.publish("population")
            # Whatever the moment of death was, feed and table say the same before anybody mends it.
            last = folded(hub, copy, last)
            assert agrees(hub, copy)
        published = hub.publish("population")
        assert hub.publish("population").number == published.number
        last = folded(hub, copy, last)
        assert agrees(hub, copy)
        states = [day(dice, state) for state in states]
    deliver(hub, [{0: person(0)}, {0: person(0)}])
    with pytest.raises(GateFailed):
        hub.publish("population")
    assert folded(hub, copy, last) == last
    assert agrees(hub, copy)
    anew: dict[str, dict[str, Any]] = {}
    assert folded(hub, anew, 0) == last
    assert agrees(hub, anew)


def deliver(hub: Hub, states: Sequence[dict[int, Row]]) -> None:
    for document, state in zip((RESIDENTS, PATIENTS), states, strict=True):
        hub.sync(document, list(state.values()))

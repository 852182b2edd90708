"""Quality reports over several batches: whatever the way there, they say of a dataset what one look at all of it says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.tracking import Order
from pipeline.quarantine.replay import replay
from pipeline.report import report_batch, report_registry
from quality.report_data import ReportData
from tests.factories import RESIDENTS, Hub, Row, hub_in, person, resident_id
from tests.pipeline.handing_back import edited, filling, handed_out
from tests.pipeline.sources import People, connect, sync, tracked

pytestmark = [pytest.mark.usefixtures("great_expectations", "without_lake"), pytest.mark.slow]
# Two rules over these have one issue type: nobody is their own spouse, or their own father.
RELATED: dict[str, Any] = {
    **RESIDENTS,
    "columns": {**RESIDENTS["columns"], "PO": "spouse_resident_id", "FA": "father_resident_id"},
}
PEOPLE = 12


def said(report: ReportData) -> dict[str, Any]:
    """The figures of a report that do not tell which batch examined what."""
    return {
        "scores": {(item.dimension, item.evaluated, item.unexpected) for item in report.scores},
        "rules": {(item.element, item.issue_type, item.rows, item.evaluated) for item in report.rules},
        "fills": {(item.element, item.evaluated, item.filled) for item in report.fills},
    }


def related() -> Iterator[Row]:
    for number in range(PEOPLE):
        own, other = resident_id(number), resident_id(number + 50)
        yield person(number, PO=own if number % 3 == 0 else other, FA=own if number % 4 == 0 else other)


def test_rules_of_one_issue_type_count_what_stands_once(hub: Hub) -> None:
    hub.register(RELATED)
    rows = list(related())
    first = said(report_batch(hub.home, hub.sync(RELATED, rows).batch_id))
    (same,) = [rows for _, issue, rows, _ in first["rules"] if issue == "same-person"]
    assert same == sum((number % 3 == 0) + (number % 4 == 0) for number in range(PEOPLE))
    again = hub.sync(RELATED, rows)
    assert again.unchanged == PEOPLE
    assert said(report_batch(hub.home, again.batch_id)) == first
    rows[1] = person(1, PO=resident_id(1), FA=resident_id(60))
    changed = hub.sync(RELATED, rows)
    assert changed.accepted == 1
    ((_, _, broken, evaluated),) = [rule for rule in said(report_batch(hub.home, changed.batch_id))["rules"] if rule[1] == "same-person"]
    assert (broken, evaluated) == (same + 1, 2 * PEOPLE)


def test_after_a_repair_the_other_records_still_count(hub: Hub, tmp_path: Path) -> None:
    rows = [person(number, DH="1" if number < 3 else f"138{number:08}") for number in range(PEOPLE)]
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [*rows, person(30, XM="")])
    replay(RESIDENTS["id"], hub.home, repaired=edited(handed_out(hub, contract=RESIDENTS["id"]), filling("XM", "王芳")))
    hub.publish("population")
    right = hub_in(tmp_path / "right")
    right.register(RESIDENTS)
    right.sync(RESIDENTS, [*rows, person(30, XM="王芳")])
    right.publish("population")
    found, expected = (said(report_registry(item.home, "population")) for item in (hub, right))
    assert {rule[:3] for rule in found["rules"]} == {("phone_number", issue, 3) for issue in ("wrong-form", "wrong-length")}
    assert found == expected


def test_after_a_part_a_report_says_what_a_whole_reading_says(hub: Hub, tmp_path: Path) -> None:
    people = People(tmp_path)
    connect(hub, patients=people.url)
    document = tracked("sqlite", "cursor")
    hub.register(document)
    for number in range(PEOPLE):
        people.put(number, number)
    people.put(3, 3, DH="1")
    assert sync(hub, document).scope == "whole"
    people.put(3, 4, DH="2")
    people.put(5, 50)
    part = sync(hub, document)
    assert (part.scope, part.accepted, part.unchanged) == ("part", 2, 0)
    hub.publish("population")
    of_batch, of_table = said(report_batch(hub.home, part.batch_id)), said(report_registry(hub.home, "population"))
    whole = sync(hub, document, Order(full=True))
    assert whole.scope == "whole"
    hub.publish("population")
    assert of_batch == said(report_batch(hub.home, whole.batch_id))
    assert of_table == said(report_registry(hub.home, "population"))
    assert {rule[:3] for rule in of_table["rules"]} == {("phone_number", issue, 1) for issue in ("wrong-form", "wrong-length")}

"""Rejected rows go out to their department and come back; each is matched, judged, published and accounted for."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from catalog.batches import get_batch, latest_accepted, latest_delivery, waiting_of
from cli.app import app
from core.errors import LeaseHeld, RequestError
from pipeline.answers.why import why
from pipeline.delivery.tracking import Order
from pipeline.landing import verify_landing
from pipeline.quarantine import replay as module
from pipeline.quarantine.listing import rule_counts
from pipeline.quarantine.repair_file import BATCH, NOTE, POSITION, RECORD
from pipeline.quarantine.replay import refused_rows, replay
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.pipeline.handing_back import GOOD, ID, NAMELESS, counts, edited, filling, handed_out, read, refusal
from tests.pipeline.sources import People, connect, sync, tracked

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


@pytest.mark.parametrize("name", [pytest.param("out.csv", marks=pytest.mark.long), "out.xlsx"])
def test_repaired_rows_are_published_and_known_as_repaired(hub: Hub, name: str) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    assert (first.quarantined, first.waiting) == (2, 2)
    hub.publish("population")
    path = handed_out(hub, name)
    header, rows = read(path)
    place = header.index("XM")
    assert header[:3] == [BATCH, POSITION, RECORD]
    assert header[place + 1] == f"XM{NOTE}"
    assert "姓名：必填项没有值" in rows[0][place + 1]
    assert "由提供部门更正" in rows[0][place + 1]
    assert "The department can mend it" in rows[0][place + 1]
    assert path.stat().st_mode & 0o077 == 0
    (batch,) = replay(first.batch_id, hub.home, repaired=edited(path, filling("XM", "王芳", "")))
    assert (batch.kind, batch.origin, batch.records) == ("repair", first.batch_id, 4)
    assert counts(batch) == {"read": 2, "landed": 2, "unreadable": 0, "accepted": 1, "quarantined": 1, "inserted": 1, "waiting": 1}
    assert hub.unbalanced() == []
    assert verify_landing(hub.home, batch) == []
    (note,) = [note for note in batch.notes if note["kind"] == "repair"]
    assert note["file"] == f"back-{name}"
    assert note["message"] == f"2 repaired rows of {first.batch_id}, handed back in back-{name} by test; in 1 nothing was changed"
    hub.publish("population")
    (row,) = [row for row in hub.served("base_population") if row["resident_id"] == resident_id(50)]
    answer = next(item for item in why(hub.home, "population", row["_canonical_id"]).answers if item.element == "person_name")
    (word,) = answer.candidates
    assert (answer.value, word.raw, word.batch_id) == ("王芳", "王芳", batch.batch_id)
    assert word.repair is not None
    assert (word.repair.file, word.repair.actor, word.repair.batch_id) == (f"back-{name}", "test", batch.batch_id)


def test_a_repair_stands_until_the_source_sends_another_row(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    replay(first.batch_id, hub.home, repaired=edited(handed_out(hub), filling("XM", "王芳", "李强")))
    again = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    assert (again.unchanged, again.quarantined, again.deleted, again.records, again.waiting) == (5, 0, 0, 5, 0)
    assert [note["kind"] for note in again.notes if "repair" in note["kind"]] == ["repaired"]
    # Under other rules every row is judged anew: the repaired one, not the one it stands for.
    hub.register({**PATIENTS, "update_cycle": "daily"})
    judged = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    assert (judged.accepted, judged.quarantined) == (5, 0)
    hub.publish("population")
    (row,) = [row for row in hub.served("base_population") if row["resident_id"] == resident_id(51)]
    answer = next(item for item in why(hub.home, "population", row["_canonical_id"]).answers if item.element == "person_name")
    assert (answer.value, answer.candidates[0].raw, answer.candidates[0].batch_id) == ("李强", "李强", judged.batch_id)
    assert answer.candidates[0].repair is not None
    # The source mends one itself, and breaks the other in another way: both count as it sends them.
    later = hub.sync({**PATIENTS, "update_cycle": "daily"}, [*GOOD, person(50, XM="王方"), person(51, XM="", DH="13900000001")])
    assert (later.updated, later.quarantined, later.records, later.waiting) == (1, 1, 5, 1)
    state = {row["resident_id"]: row["person_name"] for row in hub.state(PATIENTS)}
    assert (state[resident_id(50)], state[resident_id(51)]) == ("王方", "李强")
    assert hub.unbalanced() == []


def test_repairs_of_other_columns_are_told_to_stand_no_more(hub: Hub) -> None:
    """Whether the row is the one that was repaired cannot be told by what is read now."""
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    (batch,) = replay(ID, hub.home, repaired=edited(handed_out(hub), filling("XM", "赵一", "钱二")))
    assert batch.accepted == 2
    narrower = _without("DH")
    hub.register(narrower)
    delivery = hub.sync(narrower, [*GOOD, *NAMELESS])
    assert delivery.quarantined == 2
    said = "2 rows in quarantine had a repair while the contract read other columns: have it made again"
    assert [note["message"] for note in delivery.notes if note["kind"] == "repairs-lapsed"] == [said]
    (again,) = replay(ID, hub.home, repaired=edited(handed_out(hub, "again.csv"), filling("XM", "赵一", "钱二")))
    assert again.accepted + again.unchanged == 2
    assert not [note for note in hub.sync(narrower, [*GOOD, *NAMELESS]).notes if note["kind"] == "repairs-lapsed"]


def _without(column: str) -> dict[str, Any]:
    """The contract of patients that does not read a column."""
    left = {name: source for name, source in PATIENTS["columns"].items() if name != column}
    return {**PATIENTS, "columns": left, "ignore": [column]}


def test_a_repair_stands_for_a_row_that_came_while_the_contract_read_more(hub: Hub) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    path, narrower = edited(handed_out(hub), filling("XM", "赵一", "钱二")), _without("DH")
    hub.register(narrower)
    (batch,) = replay(ID, hub.home, repaired=path)
    assert batch.accepted == 2
    delivery = hub.sync(narrower, [*GOOD, *NAMELESS])
    assert (delivery.quarantined, delivery.records, delivery.waiting) == (0, 5, 0)
    assert [note["kind"] for note in delivery.notes if "repair" in note["kind"]] == ["repaired"]
    assert hub.unbalanced() == []


def test_a_file_is_taken_back_after_the_source_has_sent_the_same_again(hub: Hub) -> None:
    """Who mends rows takes longer than a night: the rows then wait in a later batch than the one that the file names."""
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    path = edited(handed_out(hub, "out.csv", ID), filling("XM", "王芳", "李强"))
    second = hub.sync(PATIENTS, [*GOOD, *NAMELESS, person(52, XM="")])
    assert second.waiting == 3
    (batch,) = replay(ID, hub.home, repaired=path)
    assert (batch.kind, batch.origin, batch.accepted, batch.waiting) == ("repair", first.batch_id, 2, 1)
    with pytest.raises(RequestError, match="does not wait in quarantine any more"):
        replay(ID, hub.home, repaired=path)
    assert hub.unbalanced() == []


def test_a_row_that_the_source_sends_right_leaves_by_itself_and_age_is_counted(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    from core import clock

    hub.register(PATIENTS)
    hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    real = clock.now
    monkeypatch.setattr("catalog.batches.now", lambda: real() + timedelta(days=3))
    second = hub.sync(PATIENTS, [*GOOD, NAMELESS[0], person(51), person(52, XM="")])
    assert (second.waiting, second.quarantined) == (2, 2)
    (rule,) = waiting_of(hub.home.catalog, ID)
    assert (rule["element"], rule["issue_type"], rule["rows"]) == ("person_name", "missing", 2)
    assert real() - rule["since"] < timedelta(minutes=5)  # the one that has waited longest came three days before the other
    third = hub.sync(PATIENTS, [*GOOD, person(50), person(51), person(52, XM="")])
    assert third.waiting == 1
    assert waiting_of(hub.home.catalog, ID)[0]["since"] == second.started_at
    assert [item.since for item in rule_counts(hub.home, ID)] == [second.started_at]
    hub.sync(PATIENTS, GOOD)
    assert waiting_of(hub.home.catalog, ID) == []


def test_rows_that_repair_nothing_are_refused_by_row_and_column(hub: Hub) -> None:
    hub.register(PATIENTS)
    wrong = [person(n, XM="") for n in range(50, 57)]
    first = hub.sync(PATIENTS, [*GOOD, *wrong])

    def edit(header: list[str], rows: list[list[str]]) -> None:
        at = {name: header.index(name) for name in (BATCH, POSITION, RECORD, "SFZH", "XM")}
        for row in rows:
            row[at["XM"]] = "王芳"
        rows[1][at[BATCH]] = "health__other@1"
        rows[2][at[RECORD]] = "00000000-0000-0000-0000-000000000000"
        rows[3][at["SFZH"]] = resident_id(99)
        rows[4][at[POSITION]] = "no number"
        rows.append(list(rows[5]))

    reasons = refusal(hub, first, edit)
    assert set(reasons) == {3, 4, 5, 6, 7, 9}
    assert BATCH in reasons[3]
    assert RECORD in reasons[4]
    assert reasons[5].startswith("column SFZH: the key")
    assert "set no such row aside" in reasons[6]
    assert reasons[7] == reasons[9]
    assert "more than once" in reasons[7]
    made = latest_accepted(hub.home.catalog, ID)
    assert counts(made) == {"read": 8, "landed": 2, "unreadable": 6, "accepted": 2, "quarantined": 0, "inserted": 2, "waiting": 5}
    assert not any(resident_id(n) in str(reasons) for n in (53, 99))


def test_a_row_that_was_overtaken_is_stale(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS, person(52, XM="")])
    back = edited(handed_out(hub), filling("XM", "王芳", "李强", "刘洋"))
    # One is sent right, one is sent otherwise wrong, one as it was.
    hub.sync(PATIENTS, [*GOOD, person(50), person(51, XM="", DH="13900000001"), person(52, XM="")])
    (made,) = replay(first.batch_id, hub.home, repaired=back)
    assert {row["position"] for row in refused_rows(hub.home, made)} == {2, 3}
    assert all("any more" in row["reason"] for row in refused_rows(hub.home, made))
    assert (made.accepted, made.waiting) == (1, 1)
    with pytest.raises(RequestError, match="any more"):
        replay(first.batch_id, hub.home, repaired=back)
    assert hub.unbalanced() == []


@pytest.mark.long
def test_a_second_attempt_repairs_what_the_first_left_wrong(hub: Hub) -> None:
    hub.register(RESIDENTS)
    bad = [person(50, XM="", CSRQ="31.02.2020"), person(51, XM="")]
    first = hub.sync(RESIDENTS, [*GOOD, *bad])
    contract = RESIDENTS["id"]
    replay(contract, hub.home, repaired=edited(handed_out(hub, "1.csv", contract), filling("XM", "王芳")))
    waits = hub.quarantine(RESIDENTS)
    assert waits
    path = handed_out(hub, "2.csv", contract)
    header, rows = read(path)
    assert first.batch_id not in {row[header.index(BATCH)] for row in rows}
    made = replay(contract, hub.home, repaired=edited(path, filling("XM", *["李强"] * len(rows))))
    assert made[-1].waiting == 0
    again = hub.sync(RESIDENTS, [*GOOD, *bad])
    assert (again.unchanged, again.quarantined) == (5, 0)
    assert hub.unbalanced() == []


@pytest.mark.long
def test_of_two_rows_with_one_key_the_one_that_came_back_stands_for_both(hub: Hub) -> None:
    hub.register(PATIENTS)
    twins = [person(50, DH="13800000001"), person(50, DH="13800000002")]
    first = hub.sync(PATIENTS, [*GOOD, *twins])
    assert first.quarantined == 2
    header, rows = read(handed_out(hub, "look.csv"))
    assert f"SFZH{NOTE}" in header
    assert len(rows) == 2

    def keep_second(_: list[str], rows: list[list[str]]) -> None:
        del rows[0]

    (made,) = replay(ID, hub.home, repaired=edited(handed_out(hub), keep_second))
    assert (made.accepted, made.waiting) == (1, 0)
    again = hub.sync(PATIENTS, [*GOOD, *twins])
    assert (again.unchanged, again.repeated, again.quarantined, again.records) == (4, 1, 0, 4)
    assert hub.unbalanced() == []


@pytest.mark.long
def test_a_dataset_without_a_key_is_repaired_by_place(hub: Hub) -> None:
    document = {**PATIENTS, "record_key": "*"}
    hub.register(document)
    first = hub.sync(document, [*GOOD, *NAMELESS])
    (made,) = replay(first.batch_id, hub.home, repaired=edited(handed_out(hub), filling("XM", "王芳", "李强")))
    assert (made.accepted, made.records) == (2, 5)
    assert verify_landing(hub.home, made) == []
    again = hub.sync(document, [*GOOD, *NAMELESS])
    assert (again.unchanged, again.quarantined, again.deleted) == (5, 0, 0)
    mended = hub.sync(document, [*GOOD, person(50), NAMELESS[1]])
    assert (mended.inserted, mended.deleted, mended.records) == (1, 1, 5)
    assert hub.unbalanced() == []


def test_rows_are_run_again_as_they_were(hub: Hub) -> None:
    strange = {**PATIENTS, "columns": {**PATIENTS["columns"], "XB": "sex_code"}, "ignore": ["CSRQ", "DZ"]}
    critical = {**strange, "columns": {**strange["columns"], "XM": {"element": "person_name"}}}
    hub.register(critical)
    first = hub.sync(critical, [*GOOD, person(50, XM="不详")])
    assert first.waiting == 1
    # The department says what its word means: then the row is right as it stands.
    hub.register({**critical, "columns": {**critical["columns"], "XM": {"element": "person_name", "lookup": {"不详": "佚名氏"}}}})
    (made,) = replay(first.batch_id, hub.home)
    assert (made.kind, made.landed, made.waiting) == ("replay", 1, made.quarantined)
    assert made.accepted == 1
    assert latest_delivery(hub.home.catalog, ID).batch_id == first.batch_id
    with pytest.raises(RequestError, match="any more"):
        replay(first.batch_id, hub.home)
    with pytest.raises(RequestError, match="waits in quarantine"):
        replay(ID, hub.home)
    # The next delivery is judged whole, for the contract is another than that of the delivery before.
    again = hub.sync(critical, [*GOOD, person(50, XM="不详")])
    assert (again.accepted, again.unchanged, again.waiting) == (4, 0, 0)
    assert hub.unbalanced() == []


def test_a_row_that_later_rules_reject_waits_until_it_is_mended(hub: Hub) -> None:
    """It was accepted before by the rules of then: that it comes again as it was makes it no better."""
    rows = [*GOOD, person(50, XM="不详")]
    lenient = {**PATIENTS, "columns": {**PATIENTS["columns"], "XM": {"element": "person_name", "lookup": {"不详": "佚名氏"}}}}
    hub.register(lenient)
    assert hub.sync(lenient, rows).waiting == 0
    hub.register(PATIENTS)
    for _ in range(3):
        assert (hub.sync(PATIENTS, rows).waiting, len(hub.quarantine(PATIENTS))) == (1, 1)
    mended = hub.sync(PATIENTS, [*GOOD, person(50)])
    assert (mended.updated, mended.unchanged, mended.waiting) == (1, 3, 0)
    assert hub.unbalanced() == []


@pytest.mark.long
def test_another_version_of_the_standard_judges_in_a_process_of_its_own(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    back = edited(handed_out(hub), filling("XM", "王芳", ""))
    with pytest.raises(RequestError, match=r"0\.0\.1"):
        replay(first.batch_id, hub.home, repaired=back, standard="0.0.1")
    (made,) = replay(first.batch_id, hub.home, repaired=back, standard=first.standard_version)
    assert (made.status, made.accepted, made.quarantined, made.standard_version) == ("accepted", 1, 1, first.standard_version)
    assert hub.unbalanced() == []


def test_of_a_dataset_each_row_is_run_again_once(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    hub.sync(PATIENTS, [*GOOD, *NAMELESS, person(60, XM="")])
    assert replay(first.batch_id, hub.home)[0].landed == len(NAMELESS)
    made = replay(ID, hub.home)
    assert sum(batch.landed or 0 for batch in made) == len(NAMELESS) + 1
    assert latest_accepted(hub.home.catalog, ID).waiting == len(NAMELESS) + 1
    assert hub.unbalanced() == []


def test_a_repair_whose_process_died_before_it_was_accepted_is_taken_in_by_the_next(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it waited for a delivery, which superseded it, and of a dataset that has ended no delivery comes."""
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    hub.register({**PATIENTS, "ended": {"reason": "closed", "records": "kept"}})

    def one_of_them(header: list[str], rows: list[list[str]]) -> None:
        filling("XM", "王芳")(header, rows)
        rows[1][header.index(POSITION)] = "99"

    back = edited(handed_out(hub), one_of_them)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.quarantine.replay.accept", killed)
        with pytest.raises(KeyboardInterrupt):
            replay(ID, hub.home, repaired=back)
    more = edited(handed_out(hub, "more.csv"), filling("XM", "", "李强"))
    monkeypatch.setenv("HUB_HOME", str(hub.settings.home))
    told = CliRunner().invoke(app, ["replay", ID, "--repaired", str(more)]).output
    first, second = (get_batch(hub.home.catalog, f"{ID}@{seq}") for seq in (2, 3))
    assert [(batch.kind, batch.status, batch.inserted) for batch in (first, second)] == [("repair", "accepted", 1)] * 2
    assert (second.waiting, len(hub.state(PATIENTS)), hub.unbalanced()) == (0, 5, [])
    assert f"of {back.name}: " in told
    assert f"of {more}: " not in told


def test_rows_run_again_do_not_overtake_a_delivery(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    hub.land(PATIENTS, [*GOOD, *NAMELESS])
    with pytest.raises(LeaseHeld, match="not accepted yet"):
        replay(first.batch_id, hub.home)


def test_rows_that_the_source_sends_right_meanwhile_are_not_run_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was repaired would stand for the newer row, in a dataset that is read in parts for good."""
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    back = edited(handed_out(hub), filling("XM", "王更", "李正"))
    landing = module.land

    def late(*arguments: Any, **named: Any) -> str:
        hub.sync(PATIENTS, [*GOOD, person(50, XM="王新"), NAMELESS[1]])
        return landing(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, "land", late)
        for repaired in (back, None):
            with pytest.raises(LeaseHeld, match="was accepted while the rows to run again were read"):
                replay(ID, hub.home, repaired=repaired)
    (done,) = replay(ID, hub.home, repaired=back)
    assert (done.accepted, done.unreadable, done.waiting) == (1, 1, 0)
    assert {"王新", "李正"} <= {row["person_name"] for row in hub.state(PATIENTS)}
    assert hub.unbalanced() == []


def test_what_waits_of_a_dataset_that_is_read_in_parts(hub: Hub, tmp_path: Path) -> None:
    """Rows that were set aside wait until they come again, right or wrong, or are repaired; what was read last counts."""
    people = People(tmp_path)
    connect(hub, patients=people.url)
    document = tracked(people.kind, "cursor")
    hub.register(document)
    for number in range(4):
        people.put(number, 1)
    people.put(50, 1, XM="")
    assert sync(hub, document).waiting == 1
    people.put(51, 1, XM="")
    people.put(0, 2, XM="")
    assert (part := sync(hub, document)).scope == "part"
    assert part.waiting == 3
    # One goes back to what was accepted before: it is out of quarantine, though its content is nothing new.
    people.put(0, 1)
    assert sync(hub, document).waiting == 2
    made = replay(ID, hub.home, repaired=edited(handed_out(hub), filling("XM", "王芳", "")))
    assert {batch.scope for batch in made} == {"part"}
    assert (sum(batch.accepted or 0 for batch in made), sum(batch.quarantined or 0 for batch in made)) == (1, 1)
    assert made[-1].waiting == 1
    people.put(60, 1)
    after = sync(hub, document)
    assert (after.scope, after.inserted, after.waiting) == ("part", 1, 1)
    again = sync(hub, document, Order(full=True))
    assert (again.scope, again.waiting, again.deleted, again.records) == ("whole", 1, 0, 6)
    assert hub.unbalanced() == []

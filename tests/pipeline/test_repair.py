"""Rejected rows go out to their department and come back; each is matched, judged, published and accounted for."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from catalog.batches import latest_accepted, latest_delivery, waiting_of
from core.errors import LeaseHeld, RequestError
from pipeline.landing import verify_landing
from pipeline.quarantine import export_rows, rule_counts
from pipeline.repair_file import BATCH, NOTE, POSITION, RECORD, WHOLE_ROW, escaped, is_as_handed_out, unescaped
from pipeline.replay import refused_rows, replay
from pipeline.tracking import Order
from pipeline.why import why
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id, wrong_check
from tests.pipeline.handing_back import GOOD, ID, Edit, counts, edited, filling, handed_out, read, refusal
from tests.pipeline.sources import People, connect, sync, tracked

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]
NAMELESS = [person(50, XM=""), person(51, XM="", DZ='=HYPERLINK("http://x")')]


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
    assert next(note["file"] for note in batch.notes if note["kind"] == "repair") == f"back-{name}"
    hub.publish("population")
    (row,) = [row for row in hub.served("base_population") if row["resident_id"] == resident_id(50)]
    answer = next(item for item in why(hub.home, "population", row["_canonical_id"]).answers if item.element == "person_name")
    (word,) = answer.candidates
    assert (answer.value, word.raw, word.batch_id) == ("王芳", "王芳", batch.batch_id)
    assert word.repair is not None
    assert (word.repair.file, word.repair.actor, word.repair.batch_id) == (f"back-{name}", "test", batch.batch_id)


def test_what_a_spreadsheet_would_run_goes_out_harmless_and_comes_back_as_it_was(hub: Hub) -> None:
    document = {**PATIENTS, "columns": {**PATIENTS["columns"], "DZ": "residence_address"}, "ignore": ["XB", "CSRQ"]}
    hub.register(document)
    first = hub.sync(document, [*GOOD, *NAMELESS])
    (book,) = [load_workbook(handed_out(hub, "out.xlsx")).active]
    assert {cell.data_type for row in book.iter_rows() for cell in row} <= {"s", "n"}
    assert [cell.value for row in book.iter_rows() for cell in row if str(cell.value).startswith("=")] == [NAMELESS[1]["DZ"]]
    path = handed_out(hub)
    header, rows = read(path)
    assert rows[1][header.index("DZ")] == f"'{NAMELESS[1]['DZ']}"
    (batch,) = replay(first.batch_id, hub.home, repaired=edited(path, filling("XM", "王芳", "李强")))
    from core.engine import Engine
    from pipeline.landing import landed_rows

    with Engine(hub.settings) as engine:
        landed = engine.rows(f"SELECT DZ, XM FROM {landed_rows(hub.settings, batch)} ORDER BY _position")
    assert landed == [(NAMELESS[0]["DZ"], "王芳"), (NAMELESS[1]["DZ"], "李强")]


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


def test_rows_run_again_do_not_overtake_a_delivery(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    hub.land(PATIENTS, [*GOOD, *NAMELESS])
    with pytest.raises(LeaseHeld, match="not accepted yet"):
        replay(first.batch_id, hub.home)


def test_files_that_are_no_repair_are_refused_as_a_whole(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])

    def tried(edit: Edit) -> str:
        path = handed_out(hub)
        back = edited(path, edit)
        path.unlink()
        with pytest.raises(RequestError) as raised:
            replay(first.batch_id, hub.home, repaired=back)
        return str(raised.value)

    assert "lacks the columns SFZH" in tried(
        lambda header, rows: filling("x")(header, rows) or header.__setitem__(header.index("SFZH"), "")
    )
    assert "not handed out: NEU" in tried(lambda header, rows: header.append("NEU"))
    assert RECORD in tried(lambda header, rows: header.__setitem__(2, "id"))
    assert "has no rows" in tried(lambda header, rows: rows.clear())
    for name, content in {"a.csv": b"\xff\xfe\x00", "b.xlsx": b"PK\x03\x04 no book", "c.csv": b""}.items():
        (hub.drop / name).write_bytes(content)
        with pytest.raises(RequestError):
            replay(first.batch_id, hub.home, repaired=hub.drop / name)
    assert latest_accepted(hub.home.catalog, ID).batch_id == first.batch_id


@pytest.mark.long
def test_a_spreadsheet_that_rounded_a_number_is_told(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    path = handed_out(hub, "out.xlsx")
    book = load_workbook(path)
    header = [cell.value for cell in book.active[1]]
    for row, name in ((2, "王芳"), (3, "李强")):
        book.active.cell(row, header.index("XM") + 1).value = name
    cell = book.active.cell(2, header.index("DH") + 1)
    cell.value, cell.data_type, cell.number_format = 13800000000123456, "n", "General"
    book.save(path)
    (made,) = replay(first.batch_id, hub.home, repaired=path)
    assert [(row["position"], row["reason"]) for row in refused_rows(hub.home, made)] == [
        (2, "column DH: the spreadsheet has rounded a long number; write it as text")
    ]


def test_what_is_too_large_to_come_back_goes_out_in_parts(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has the header and comes back by itself; together they have every row once."""
    monkeypatch.setattr("pipeline.repair_file.PART", 2_000)
    rows = [person(number, XM="") for number in range(40)]
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *(row | {"SFZH": resident_id(100 + number)} for number, row in enumerate(rows))])
    assert first.quarantined == 40
    path = hub.drop / "out.csv"
    exported = export_rows(hub.home, ID, path)
    assert exported.rows == 40
    assert exported.files[:2] == (path, hub.drop / "out-2.csv")
    parts = [read(part) for part in exported.files]
    assert {tuple(header) for header, _ in parts} == {tuple(parts[0][0])}
    assert len(parts) > 1  # what is written is counted when its buffer is full
    assert all(lines for _, lines in parts)
    assert sorted(int(line[1]) for _, lines in parts for line in lines) == list(range(5, 45))
    for part, (_, lines) in zip(exported.files, parts, strict=True):
        (made,) = replay(ID, hub.home, repaired=edited(part, filling("XM", *["王芳"] * len(lines))))
        assert (made.accepted, made.unreadable) == (len(lines), 0)
    assert waiting_of(hub.home.catalog, ID) == []


def test_a_formula_that_nobody_has_worked_out_is_told_and_removes_nothing(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    path = handed_out(hub, "out.xlsx")
    book = load_workbook(path)
    header = [cell.value for cell in book.active[1]]
    for row, name in ((2, "王芳"), (3, "李强")):
        book.active.cell(row, header.index("XM") + 1).value = name
    cell = book.active.cell(3, header.index("DH") + 1)
    cell.value, cell.data_type, cell.number_format = "=A1", "f", "General"
    book.save(path)
    (made,) = replay(first.batch_id, hub.home, repaired=path)
    told = "column DH: a formula has no value; open the workbook and save it, or write the value"
    assert [(row["position"], row["reason"]) for row in refused_rows(hub.home, made)] == [(3, told)]
    assert made.accepted == 1


@pytest.mark.long
def test_what_excel_saves_in_china_is_read(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    (made,) = replay(first.batch_id, hub.home, repaired=edited(handed_out(hub), filling("XM", "王芳", "李强"), "gb18030"))
    assert made.accepted == 2


@pytest.mark.long
def test_every_rule_stands_beside_its_cell_and_rules_of_the_row_apart(hub: Hub) -> None:
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [*GOOD, person(50, SFZH=wrong_check(resident_id(50)), XM="")])
    header, (row,) = read(handed_out(hub, contract=RESIDENTS["id"]))
    assert "校验码" in row[header.index(f"SFZH{NOTE}")]
    assert "不得与已有记录相同" in row[header.index(f"SFZH{NOTE}")]
    assert "不得与已有记录相同" not in row[header.index(f"XM{NOTE}")]
    assert "必填" in row[header.index(f"XM{NOTE}")]
    assert f"{WHOLE_ROW}{NOTE}" not in header
    assert f"DH{NOTE}" not in header


@given(st.text(max_size=12))
def test_escaping_is_undone(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert is_as_handed_out(escaped(text), text)


@given(st.text(max_size=6), st.text(max_size=6))
def test_another_text_is_another(one: str, other: str) -> None:
    def plain(texts: Sequence[str]) -> set[str]:
        return {"".join(c if c >= " " else " " for c in t.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "\1")) for t in texts}

    if not plain([other]) & plain([one, escaped(one)]) and "\n" not in one + other and "\t" not in one + other:
        assert not is_as_handed_out(other, one)


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

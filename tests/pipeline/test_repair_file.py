"""The file in which rejected rows go out and come back: what spreadsheets make of it, and what cannot be taken back."""

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from catalog.batches import latest_accepted, waiting_of
from core.errors import RequestError
from pipeline.quarantine.handed_file import read_handed_file
from pipeline.quarantine.listing import export_rows
from pipeline.quarantine.repair_file import NOTE, PLACE, RECORD, WHOLE_ROW, escaped, is_as_handed_out, unescaped
from pipeline.quarantine.replay import refused_rows, replay
from tests.connectors.helpers import Drop
from tests.connectors.workbooks import cells, with_table
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id, to_csv, wrong_check
from tests.pipeline.handing_back import GOOD, ID, NAMELESS, Edit, edited, filling, handed_out, read

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


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


def test_a_file_that_was_saved_as_an_opendocument_spreadsheet_has_what_stood_in_it(tmp_path: Path) -> None:
    """A tabulator is an element there, and so is a seal upon a cell."""
    told = cells("tax__payer@1", "1", "r", "东街<text:tab/>1号", "张三")
    stamped = told.replace("张三</text:p>", "张三</text:p><draw:frame><draw:image><text:p/></draw:image></draw:frame>")
    with_table(
        Drop(tmp_path), f"<table:table-row>{cells(*PLACE, 'DZ', 'XM')}</table:table-row><table:table-row>{stamped}</table:table-row>"
    )
    (row,) = read_handed_file(tmp_path / "a.ods").rows
    assert (row.text("DZ"), row.text("XM"), row.unusable) == ("东街\t1号", "张三", {})


def test_a_code_that_a_spreadsheet_made_a_number_of_has_the_zeros_that_its_cell_shows(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([*PLACE, "YB"])
    book.active.append(["tax__payer@1", 1, "r", 10])
    book.active["D2"].number_format = "000000"
    book.save(tmp_path / "a.xlsx")
    (row,) = read_handed_file(tmp_path / "a.xlsx").rows
    assert (row.text("YB"), row.place[1]) == ("000010", "1")


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
    (hub.drop / "d.csv").write_text(";".join(PLACE) + ";SFZH\n", encoding="utf-8")
    with pytest.raises(RequestError, match="does not separate its columns by commas"):
        replay(first.batch_id, hub.home, repaired=hub.drop / "d.csv")
    with zipfile.ZipFile(hub.drop / "e.xlsx", "w") as archive:
        archive.writestr("xl/workbook.bin", b"")
    with pytest.raises(RequestError) as raised:
        replay(first.batch_id, hub.home, repaired=hub.drop / "e.xlsx")
    assert raised.value.message == "e.xlsx is a binary workbook (xlsb)"
    assert latest_accepted(hub.home.catalog, ID).batch_id == first.batch_id


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        pytest.param(13800000000123456, "n", "the spreadsheet has rounded a long number; write it as text", marks=pytest.mark.long),
        ("=A1", "f", "a formula has no value; open the workbook and save it, or write the value"),
    ],
    ids=["a rounded number", "a formula that nobody has worked out"],
)
def test_a_cell_that_does_not_say_what_was_meant_is_told_and_removes_nothing(hub: Hub, value: object, kind: str, told: str) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    path = handed_out(hub, "out.xlsx")
    book = load_workbook(path)
    header = [cell.value for cell in book.active[1]]
    for row, name in ((2, "王芳"), (3, "李强")):
        book.active.cell(row, header.index("XM") + 1).value = name
    cell = book.active.cell(3, header.index("DH") + 1)
    cell.value, cell.data_type, cell.number_format = value, kind, "General"
    book.save(path)
    (made,) = replay(first.batch_id, hub.home, repaired=path)
    assert [(row["position"], row["reason"]) for row in refused_rows(hub.home, made)] == [(3, f"column DH: {told}")]
    assert made.accepted == 1


def test_a_number_that_a_spreadsheet_wrote_its_own_way_replaces_none(hub: Hub) -> None:
    """Also where nobody had complained of it; what the source itself wrote so is as it was."""
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, NAMELESS[0] | {"DH": "13800000008"}, NAMELESS[1] | {"DH": "1.38E+10"}])
    path = edited(handed_out(hub), filling("XM", "王芳", "李强"))
    (made,) = replay(first.batch_id, hub.home, repaired=edited(path, filling("DH", "1.38E+10", "1.38E+10")))
    assert [row["reason"] for row in refused_rows(hub.home, made)] == [
        "column DH: the spreadsheet has rounded a long number; write it as text"
    ]
    assert made.accepted == 1


def test_what_is_too_large_to_come_back_goes_out_in_parts(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has the header and comes back by itself; together they have every row once."""
    monkeypatch.setattr("pipeline.quarantine.repair_file.PART", 2_000)
    rows = [person(number, XM="") for number in range(40)]
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *(row | {"SFZH": resident_id(100 + number)} for number, row in enumerate(rows))])
    assert first.quarantined == 40
    path = hub.drop / "out.csv"
    (hub.drop / "out-2.csv").touch()
    with pytest.raises(RequestError, match=r"out-2.csv: File exists"):
        export_rows(hub.home, ID, path)
    assert not path.exists()
    (hub.drop / "out-2.csv").unlink()
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


@pytest.mark.parametrize("name", ["batch", "waits", "asked", "_rules"])
def test_a_column_may_have_a_name_that_the_hub_uses_too(hub: Hub, name: str) -> None:
    document = {**PATIENTS, "columns": {"SFZH": "resident_id", name: "person_name"}, "ignore": ["XM", "DH", "XB", "CSRQ", "DZ"]}
    hub.register(document)
    rows = [row | {name: row["XM"]} for row in [*GOOD, *NAMELESS]]
    assert hub.sync(document, rows).quarantined == 2
    (made,) = replay(ID, hub.home, repaired=edited(handed_out(hub), filling(name, "王芳", "李强")))
    assert (made.accepted, made.unreadable) == (2, 0)


def test_a_value_in_a_column_that_the_row_never_had_is_told(hub: Hub) -> None:
    """Two hand-outs laid together by hand, of before and after a column went."""
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, NAMELESS[0]])
    header, (earlier,) = read(handed_out(hub))
    narrower = {**PATIENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["DH", *PATIENTS["ignore"]]}
    hub.register(narrower)
    second = hub.sync(narrower, [*GOOD, NAMELESS[0]])
    later, (row,) = read(handed_out(hub, "later.csv"))
    both = {**dict.fromkeys(header, ""), **dict(zip(later, row, strict=True)), "DH": "13800000000"}
    path = hub.drop / "both.csv"
    path.write_text(to_csv([dict(zip(header, earlier, strict=True)), both], header), encoding="utf-8")
    with pytest.raises(RequestError) as raised:
        replay(ID, hub.home, repaired=path)
    assert "row 2: column 记录标识 record id: the row does not wait in quarantine any more" in str(raised.value)
    assert "row 3: column DH: the row had no such column" in str(raised.value)
    assert [batch_id for batch_id in (first.batch_id, second.batch_id) if batch_id in path.read_text()] == [first.batch_id, second.batch_id]


@pytest.mark.long
def test_what_excel_saves_in_china_is_read(hub: Hub) -> None:
    hub.register(PATIENTS)
    first = hub.sync(PATIENTS, [*GOOD, *NAMELESS])
    (made,) = replay(first.batch_id, hub.home, repaired=edited(handed_out(hub), filling("XM", "王芳", "李强"), "gb18030"))
    assert made.accepted == 2


def test_a_character_that_is_none_goes_out_and_comes_back(hub: Hub) -> None:
    """One row that has it must not keep all others from being taken in."""
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(1, SFZH=wrong_check(resident_id(1)), DZ="北京\0市"), person(2, SFZH=wrong_check(resident_id(2)))])
    back = edited(handed_out(hub, contract=RESIDENTS["id"]), filling("SFZH", resident_id(1), resident_id(2)))
    (made,) = replay(RESIDENTS["id"], hub.home, repaired=back)
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


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    book = Workbook()
    for row in ([*PLACE, "XM"], ["health__patient@1", "1", "0", "王芳"], ["health__patient@1", "2", "0", "=1+1"]):
        book.active.append(row)
    path = tmp_path_factory.mktemp("whole") / "back.xlsx"
    book.save(path)
    return path.read_bytes()


@settings(max_examples=300)
@given(places=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_workbook_is_read_or_refused(
    workbook: bytes, tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
) -> None:
    """Places are counted from the end, where an archive says what is in it."""
    content = bytearray(workbook)
    for where, value in places:
        content[-1 - where % len(content)] = value
    path = tmp_path_factory.mktemp("damaged") / "back.xlsx"
    path.write_bytes(bytes(content))
    with suppress(RequestError):
        assert read_handed_file(path).columns[:3] == PLACE


@given(st.text(max_size=12))
def test_escaping_is_undone(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert is_as_handed_out(escaped(text), text)


@given(st.text(max_size=6), st.text(max_size=6))
def test_another_text_is_another(one: str, other: str) -> None:
    """But for blanks that nothing stands beside, which workbooks lose."""

    def plain(texts: Sequence[str]) -> set[str]:
        return {"".join(c if c >= " " else " " for c in t.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "\1")) for t in texts}

    is_blank = not (one + other).strip()
    if not is_blank and not plain([other]) & plain([one, escaped(one)]) and "\n" not in one + other and "\t" not in one + other:
        assert not is_as_handed_out(other, one)


def test_a_blank_that_a_workbook_loses_changes_no_key(hub: Hub) -> None:
    keyed = {
        **PATIENTS,
        "record_key": ["SFZH", "DZ"],
        "ignore": ["XB", "CSRQ"],
        "columns": {**PATIENTS["columns"], "DZ": "residence_address"},
    }
    hub.register(keyed)
    first = hub.sync(keyed, [*GOOD, person(50, XM="", DZ=" ")])
    (made,) = replay(first.batch_id, hub.home, repaired=edited(handed_out(hub, "out.xlsx"), filling("XM", "王芳")))
    assert (made.accepted, made.unreadable, made.waiting) == (1, 0, 0)


def test_the_file_of_another_dataset_is_told_as_one(hub: Hub) -> None:
    """Its header is as it was handed out, so that to leave it so says nothing."""
    hub.register(PATIENTS, RESIDENTS)
    for document in (PATIENTS, RESIDENTS):
        hub.sync(document, [*GOOD, *NAMELESS])
    path = handed_out(hub, contract=RESIDENTS["id"])
    with pytest.raises(RequestError, match=f"out.csv holds rows of {RESIDENTS['id']}") as raised:
        replay(PATIENTS["id"], hub.home, repaired=path)
    assert f"./hub replay {RESIDENTS['id']} --repaired" in (raised.value.hint or "")

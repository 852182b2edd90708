"""JSON lines, lines of fixed width, XML: every record is a row or stands among the unreadable, in bounded memory and whatever is in it."""

import gzip
import json
import zipfile
from contextlib import suppress

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import SourceError
from tests.connectors.helpers import Drop


def refused(drop, columns, **more) -> SourceError:
    with pytest.raises(SourceError) as error:
        drop.read(columns, **more)
    return error.value


def test_members_of_objects_are_columns_and_values_stay_as_they_were_written(drop):
    drop.put(
        "a.jsonl", '{"证件号":"001","年龄":12345678901234567890,"地址":{"市":"样例市","号":[1,2]},"空":null}\n{"证件号":"","在册":true}\n'
    )
    delivery = drop.read(["证件号", "/地址/市"], "a.jsonl", "jsonl")
    assert delivery.columns == ["证件号", "年龄", "地址", "空", "在册", "/地址/市"]
    first, second = delivery.rows
    assert (first["证件号"], first["年龄"], first["空"], first["/地址/市"]) == ("001", "12345678901234567890", None, "样例市")
    assert json.loads(first["地址"]) == {"市": "样例市", "号": [1, 2]}
    assert (second["证件号"], second["在册"], second["年龄"], second["_position"]) == ("", "true", None, 2)


def test_a_member_may_have_a_name_of_nothing(drop):
    drop.put("a.jsonl", '{"a": 1, "": "x"}\n')
    assert [list(row.values()) for row in drop.read(["a"], "a.jsonl", "jsonl").rows] == [["1", "x", 1]]


def test_a_member_whose_name_looks_like_a_pointer_is_one(drop):
    drop.put("a.jsonl", '{"a":"1","/a":"2","b/c":"3","~":"4"," a":"5"}\n')
    drop.put("b.jsonl", '{"a":"6"}\n')
    delivery = drop.read(["/a"], "*.jsonl", "jsonl")
    assert delivery.columns == ["a", "/a", "b/c", "~", " a"]
    # In the second file the contract's /a is no member, and points to a.
    assert [list(row.values())[:-1] for row in delivery.rows] == [["1", "2", "3", "4", "5"], ["6", "6", None, None, None]]


def test_what_is_no_object_costs_only_its_line(drop):
    drop.put("a.jsonl", '{"a":"1"}\n\n{"a":\n["x"]\nnull\n7\n{"a":"2"}\r\n{"a":"3"}')
    delivery = drop.read(["a"], "a.jsonl", "jsonl")
    assert [(row["a"], row["_position"]) for row in delivery.rows] == [("1", 1), ("2", 7), ("3", 8)]
    assert delivery.unreadable == {
        2: "the line is blank", 3: "the line is no JSON", 4: "the line is no JSON object", 5: "the line is no JSON object",
        6: "the line is no JSON object",
    }  # fmt: skip


def test_an_object_with_a_name_twice_is_told(drop):
    """RFC 8259, 4: programs differ in which of the values they take."""
    drop.put("a.jsonl", '{"a":"1","b":"x"}\n{"a":"2","b":"x","a":"3"}\n{"b":{"c":1,"c":2},"a":"4"}\n{"b":"y","\\u0061":"5","a":"6"}\n')
    delivery = drop.read(["a"], "a.jsonl", "jsonl")
    assert [(row["a"], row["_position"]) for row in delivery.rows] == [("1", 1), ("4", 3)]
    assert delivery.unreadable == dict.fromkeys((2, 4), "a name stands twice in the object")


def test_a_name_that_no_column_can_have_costs_its_line_only(drop):
    drop.put("a.jsonl", '{"a":"1"}\n{"a":"2","备\\u0000注":"x"}\n{"a":"\\\\u0000"}\n')
    delivery = drop.read(["a"], "a.jsonl", "jsonl")
    assert [(row["a"], row["_position"]) for row in delivery.rows] == [("1", 1), ("\\u0000", 3)]
    assert delivery.unreadable == {2: "a name has a character in it that no column can have"}


def test_lines_that_are_refused_at_the_end_of_a_file_have_places_of_their_own(drop):
    drop.put("a.jsonl", '{"a":"1"}\n{"a":"\x01"}\n')
    drop.put("b.jsonl", '{"a":"\x01"}\n{"a":"2"}\n')
    delivery = drop.read(["a"], "*.jsonl", "jsonl")
    assert [(row["a"], row["_position"]) for row in delivery.rows] == [("1", 1), ("2", 4)]
    assert sorted(delivery.unreadable) == [2, 3]


def test_several_files_of_json_are_one_delivery(drop):
    drop.put("b1.jsonl", gzip.compress('{"a":"1"}\n{"a":"2"}\n'.encode("gb18030")))
    drop.put("b2.jsonl", '{"a":"三","b":"x"}\nnot\n'.encode("gb18030"))
    delivery = drop.read(["a"], "b*.jsonl", "jsonl")
    assert [(row["a"], row["b"], row["_position"]) for row in delivery.rows] == [("1", None, 1), ("2", None, 2), ("三", "x", 3)]
    assert delivery.unreadable == {4: "b2.jsonl, line 2: the line is no JSON"}


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda name: "\x00" not in name and not name.startswith("/")
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            NAMES, st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))), min_size=1
        ),
        min_size=1,
        max_size=8,
    )
)
@example(records=[{"*": "all"}, {"*": None}])
def test_any_text_comes_back_from_json(tmp_path_factory, records):
    from connectors.columns import clean_name
    from tests.connectors.helpers import Drop

    # Names that the hub would write otherwise, or that another name becomes, are another matter.
    names = {name for record in records for name in record}
    if any(clean_name(name) != name for name in names) or len({name.lower() for name in names}) < len(names):
        return
    drop = Drop(tmp_path_factory.mktemp("json"))
    drop.put("a.jsonl", "".join(json.dumps(record, ensure_ascii=True) + "\n" for record in records))
    delivery = drop.read([next(iter(records[0]))], "a.jsonl", "jsonl")
    assert [{name: row[name] for name in delivery.columns} for row in delivery.rows] == [
        {name: record.get(name) for name in delivery.columns} for record in records
    ]
    assert set(delivery.columns) == names


FIELDS = [{"name": "号", "start": 1, "width": 4}, {"name": "名", "start": 5, "width": 6}, {"name": "码", "start": 11, "width": 2}]


def test_places_count_characters(drop):
    drop.put("a.txt", "标题行\n0001张三    01\n0002李四\n\n00\n")
    delivery = drop.read(["号", "名"], "a.txt", "fixed", fields=FIELDS, skipped_lines=1, ignore=["码"])
    assert delivery.rows == [{"号": "0001", "名": "张三", "_position": 2}, {"号": "0002", "名": "李四", "_position": 3}]
    assert delivery.unreadable == {4: "the line is blank", 5: "the line has 2 characters, not at least 5"}


def test_places_count_bytes_as_old_systems_do(drop):
    lines = ["0001张三  01", "0002欧阳某02", "0003䶮    03", "0004", ""]
    drop.put("a.txt", "\r\n".join(lines).encode("gb18030"))
    delivery = drop.read(["号", "名", "码"], "a.txt", "fixed", fields=FIELDS, unit="bytes", line_width=12, encoding="gb18030")
    assert [(row["号"], row["名"], row["码"]) for row in delivery.rows] == [
        ("0001", "张三", "01"),
        ("0002", "欧阳某", "02"),
        ("0003", "䶮", "03"),
    ]
    assert delivery.unreadable == {4: "the line has 4 bytes, not 12"}


@pytest.mark.parametrize("unit", ["bytes", "characters"])
def test_a_line_ends_as_any_system_ends_it(drop, unit, monkeypatch):
    """Also where a block of the file ends between the two halves of an end."""
    monkeypatch.setattr("connectors.files.fixed_width.BLOCK", 7)
    drop.put("a.txt", b"0001ab\r0002cd\n0003ef\r\n\r\n      \r\n0004gh\r")
    delivery = drop.read(["号"], "a.txt", "fixed", fields=FIELDS, unit=unit, ignore=["名", "码"])
    assert [(row["号"], row["_position"]) for row in delivery.rows] == [("0001", 1), ("0002", 2), ("0003", 3), ("0004", 6)]
    assert delivery.unreadable == {4: "the line is blank", 5: "the line is blank"}


BY_BYTES = [{"name": "号", "start": 1, "width": 3}, {"name": "名", "start": 6, "width": 6}]


def test_a_column_does_not_begin_within_a_character(drop):
    """Half a character and the half of the next one are a third one in GB18030."""
    drop.put("a.txt", "001  陈大文 \n002 陈大文  \n003 甲陈大文\n".encode("gb18030"))
    delivery = drop.read(["号", "名"], "a.txt", "fixed", fields=BY_BYTES, unit="bytes", encoding="gb18030")
    assert [(row["号"], row["名"]) for row in delivery.rows] == [("001", "陈大文")]
    assert delivery.unreadable == dict.fromkeys((2, 3), "the places of 名 begin within a character")


def test_a_value_that_was_cut_within_a_character_costs_itself_only(drop):
    fields = [{"name": "名", "start": 1, "width": 5}, {"name": "号", "start": 6, "width": 3}]
    drop.put("a.txt", b"\n".join("陈大文".encode("gb18030")[:5] + number for number in (b"001", b"A02")))
    delivery = drop.read(["号", "名"], "a.txt", "fixed", fields=fields, unit="bytes", encoding="gb18030")
    assert [(row["号"], row["名"]) for row in delivery.rows] == [("001", "陈大\ufffd"), ("A02", "陈大\ufffd")]


def test_what_was_cut_off_in_front_of_a_column_costs_nothing(drop):
    """An address that nobody wants, cut off within a character; digits complete none."""
    drop.put("a.txt", b"".join(number + "样例街".encode("gb18030")[:5] + b"0000012345\n" for number in (b"001", b"002")))
    fields = [{"name": "号", "start": 1, "width": 3}, {"name": "额", "start": 9, "width": 10}]
    delivery = drop.read(["号", "额"], "a.txt", "fixed", fields=fields, unit="bytes", encoding="gb18030")
    assert [(row["号"], row["额"]) for row in delivery.rows] == [("001", "0000012345"), ("002", "0000012345")]


def test_a_file_without_any_object_is_told_as_that(drop):
    drop.put("a.jsonl", "号,名\n1,x\n")
    assert "a.jsonl has no line that is a JSON object" in refused(drop, ["号"], path="a.jsonl", kind="jsonl").message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "hz"])
def test_bytes_are_no_places_where_a_blank_is_not_one(drop, encoding):
    drop.put("a.txt", "0001张三\n0002李四\n".encode(encoding))
    error = refused(drop, ["号"], path="a.txt", kind="fixed", fields=FIELDS, unit="bytes", encoding=encoding)
    assert "in which bytes are no places" in error.message


def test_a_column_without_places_is_named(drop):
    drop.put("a.txt", "x\n")
    assert "lacks the column 年" in refused(drop, ["年"], path="a.txt", kind="fixed", fields=FIELDS).message


DOCUMENT = """<?xml version="1.0" encoding="GB2312"?>
<list xmlns:g="urn:g"><head>x</head>
<g:row id="1"><name>张三</name><address><city>样例市</city><no/></address></g:row><g:row/>
<g:row id="2"><name>a&amp;b<![CDATA[<c>]]></name><name>另名</name></g:row>
</list>"""


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_elements_and_attributes_of_a_record_are_columns(drop, encoding):
    drop.put("a.xml", DOCUMENT.encode(encoding))
    delivery = drop.read(["name"], "a.xml", "xml", record="row")
    assert delivery.columns == ["@id", "name", "address/city", "address/no", "name_2"]
    assert [list(row.values()) for row in delivery.rows] == [["1", "张三", "样例市", "", None, 1], ["2", "a&b<c>", None, None, "另名", 3]]
    assert delivery.unreadable == {2: "a.xml, line 3: the record is empty"}


@pytest.mark.parametrize(
    ("element", "columns"),
    [
        ("<n>王<br/>小明</n>", {"n/br": "", "n": "王小明"}),
        ("<n>王小明<also>明</also></n>", {"n/also": "明", "n": "王小明"}),
        ("<n><also>明</also>王小明\n</n>", {"n/also": "明", "n": "王小明\n"}),
        ("<n>王<em>小</em>明\n</n>", {"n/em": "小", "n": "王小明\n"}),
        ("<n>\n <also>明</also>\n</n>", {"n/also": "明"}),
    ],
)
def test_text_stays_wherever_it_stands_among_elements(drop, element, columns):
    drop.put("a.xml", f"<l><row><id>1</id>{element}</row></l>")
    (row,) = drop.read(["id"], "a.xml", "xml", record="row").rows
    assert row == {"id": "1", **columns, "_position": 1}


def test_text_around_a_child_is_read_with_the_childs(drop):
    drop.put("a.xml", "<l><row><id>1</id><dz>景山前街<b>2</b>号</dz><k> <v>3</v> </k></row></l>")
    (row,) = drop.read(["id"], "a.xml", "xml", record="row").rows
    assert {name: row[name] for name in ("dz", "dz/b", "k/v")} == {"dz": "景山前街2号", "dz/b": "2", "k/v": "3"}
    assert "k" not in row


def test_a_record_within_another_is_not_taken_for_its_columns(drop):
    drop.put("a.xml", "<l><row><id>1</id><row><id>2</id></row></row><row><id>3</id><row>x</row></row></l>")
    delivery = drop.read(["id"], "a.xml", "xml", record="row")
    assert delivery.unreadable == {1: "a.xml, line 1: another element row stands within the record"}
    assert [(row["id"], row["row"]) for row in delivery.rows] == [("3", "x")]


@pytest.mark.parametrize("declared", ["Big5", "Shift_JIS", "GB2312", "utf-16-le", "utf-16-be", "ISO-8859-1"])
def test_a_document_says_its_encoding_where_its_bytes_do_not(drop, declared):
    """What stands in a document of a Latin encoding is what exports write without meaning it."""
    text = f'<?xml version="1.0" encoding="{declared}"?><l><row><n>中文名</n></row></l>'
    drop.put("a.xml", text.encode("gb18030" if declared == "ISO-8859-1" else declared))
    assert drop.read(["n"], "a.xml", "xml", record="row").values("n") == ["中文名"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('<!DOCTYPE l [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><l><row><n>&b;</n></row></l>', "declares a document type"),
        ('<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l><row><n>&a;</n></row></l>', "declares a document type"),
        ("<l><row><n>x</n></l>", "not well formed in line 1"),
        ("<l><n>x</n></l>", "has no element row"),
        ("<l><row>" + "<x>" * 70 + "</x>" * 70 + "</row></l>", "nested deeper"),
        ("<l><row><n>" + "x" * (5 << 20) + "</n></row></l>", "has more than 4 MB"),
        ("", "is empty"),
    ],
)
def test_documents_that_are_not_read(drop, text, message):
    drop.put("a.xml", text)
    assert message in refused(drop, ["n"], path="a.xml", kind="xml", record="row").message


def archive(drop, name, files, **info):
    with zipfile.ZipFile(drop.folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in files.items():
            packed.writestr(member, content)


def test_files_in_an_archive_are_a_delivery(drop):
    archive(drop, "a.zip", {"2.csv": "n\n三\n", "sub/1.csv": "n\n一\n二\n", "__MACOSX/x": "rubbish", "sub/": ""})
    delivery = drop.read(["n"], "a.zip")
    assert delivery.values("n") == ["三", "一", "二"]
    assert delivery.positions == [2, 4, 5]


def test_an_archive_is_opened_as_often_for_many_members_as_for_few(drop, monkeypatch):
    """Each opening reads the names of all members: for two thousand it took more than a minute."""
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *args, **named):
            opened.append(args)
            super().__init__(*args, **named)

    archive(drop, "few.zip", {f"{number}.csv": "n\n一\n" for number in range(2)})
    archive(drop, "many.zip", {f"{number}.csv": "n\n一\n" for number in range(50)})
    monkeypatch.setattr("connectors.files.drop.zipfile.ZipFile", Counted)
    times = []
    for name, rows in (("few.zip", 2), ("many.zip", 50)):
        opened.clear()
        assert len(drop.read(["n"], name).rows) == rows
        times.append(len(opened))
    assert times[0] == times[1]


def test_two_members_of_one_name_are_two_files(drop):
    with zipfile.ZipFile(drop.folder / "a.zip", "w") as packed:
        packed.writestr("a.csv", "n\nfirst\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a.csv", "n\nsecond\n")
    assert drop.read(["n"], "a.zip").values("n") == ["first", "second"]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (10, 9, "is packed in a way that is not read here"),  # the method: Deflate64
        (8, 1, "is locked by a password"),
        (8, 64, "is locked by a password"),
        (8, 32, "is packed in a way that is not read here"),
        (6, 90, "is not text but a damaged zip archive"),  # the version that unpacks it
    ],
)
def test_archives_of_other_programs_are_refused_in_words(drop, place, value, words):
    archive(drop, "a.zip", {"a.csv": "n\n1\n"})
    content = bytearray((drop.folder / "a.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + place] = value
    drop.put("a.zip", bytes(content))
    assert words in refused(drop, ["n"], path="a.zip").message


@settings(max_examples=150, deadline=None)
@given(places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), kind=st.sampled_from(["csv", "xlsx"]))
@example(places=[(0.87890625, 0)], kind="csv")  # a member without a name
def test_a_damaged_archive_is_read_or_refused(tmp_path_factory, places, kind):
    """Whatever byte of it is another."""
    drop = Drop(tmp_path_factory.mktemp("damaged"))
    if kind == "csv":
        archive(drop, "a.zip", {"a.csv": "n\n" + "value\n" * 30, "b.csv": "n\nx\n"})
        content = bytearray((drop.folder / "a.zip").read_bytes())
    else:
        book = openpyxl.Workbook()
        for row in (["n", "f"], ["一", "=1+1"], [2, 3.5]):
            book.active.append(row)
        book.save(drop.folder / "a.xlsx")
        content = bytearray((drop.folder / "a.xlsx").read_bytes())
    for where, value in places:
        content[int(where * (len(content) - 1))] = value
    drop.put("a.zip" if kind == "csv" else "a.xlsx", bytes(content))
    with suppress(SourceError):
        drop.read(["n"], "a.zip" if kind == "csv" else "a.xlsx", kind)


def test_names_in_an_archive_are_those_that_a_chinese_windows_wrote(drop):
    """Nothing in it says that they are GBK; the second byte of some characters is a backslash."""
    archive(drop, "a.zip", {"XXXXXX.csv": "n\nx\n", "YYYY.csv": "n,m\n1\n"})
    content = (drop.folder / "a.zip").read_bytes()
    drop.put("a.zip", content.replace(b"XXXXXX", "人口表".encode("gbk")).replace(b"YYYY", "誠信".encode("gbk")))
    assert b"\\" in "誠".encode("gbk")
    delivery = drop.read(["n"], "a.zip")
    assert delivery.values("n") == ["x"]
    assert [reason.partition(":")[0] for reason in delivery.unreadable.values()] == ["a.zip/誠信.csv, line 2"]


def test_two_stars_within_a_name_are_one(drop):
    drop.put("rk_1.csv", "n\n1\n")
    assert drop.read(["n"], "rk_**.csv").values("n") == ["1"]


def test_a_workbook_in_an_archive_is_read(drop):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["n"])
    book.active.append(["一"])
    book.save(drop.folder / "w.xlsx")
    archive(drop, "a.zip", {"w.xlsx": (drop.folder / "w.xlsx").read_bytes()})
    assert drop.read(["n"], "a.zip", "xlsx").values("n") == ["一"]


@pytest.mark.parametrize("member", ["../../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "..\\evil.csv"])
def test_names_that_lead_out_of_an_archive_are_refused(drop, member):
    archive(drop, "a.zip", {member: "n\n1\n"})
    assert "leads out of the archive" in refused(drop, ["n"], path="a.zip").message
    assert not list(drop.folder.parent.glob("evil*"))


def test_bombs_and_links_in_archives_are_refused(drop):
    archive(drop, "bomb.zip", {"a.csv": "n\n" + "0" * (300 << 20)})
    assert "that is no delivery" in refused(drop, ["n"], path="bomb.zip").message
    link = zipfile.ZipInfo("l.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(drop.folder / "l.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    assert "has a link in it" in refused(drop, ["n"], path="l.zip").message
    archive(drop, "none.zip", {})
    assert "an empty zip archive" in refused(drop, ["n"], path="none.zip").message


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), min_size=1, max_size=6))
def test_numbers_stay_as_they_were_written_wherever_they_stand(tmp_path_factory, rows):
    from tests.connectors.helpers import Drop

    drop = Drop(tmp_path_factory.mktemp("json"))
    lines = [f'{{"a": {one}, "b": {{"n": [{two}, "x"]}}, "t": {json.dumps(text)}, "u": "1, 2.50"}}' for one, two, text in rows]
    drop.put("a.jsonl", "\n".join(lines))
    delivery = drop.read(["a", "/b/n/0"], "a.jsonl", "jsonl")
    marked = ["\ufdd0" in text for _, _, text in rows]
    found = [(row["a"], row["/b/n/0"], row["b"], row["t"], row["u"]) for row in delivery.rows]
    for values, (one, two, text), is_marked in zip(found, rows, marked, strict=True):
        if not is_marked:
            assert values == (one, two, f'{{"n":[{two},"x"]}}', text, "1, 2.50")
        assert values[3:] == (text, "1, 2.50")

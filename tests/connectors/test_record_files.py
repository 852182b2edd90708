"""JSON lines and lines of fixed width: every record is a row or stands among the unreadable, in bounded memory and whatever is in it."""

import gzip
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import SourceError
from core.nouns import noun
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
    assert drop.read(["a"], "a.jsonl", "jsonl").rows == [{"a": "1", "unnamed_1": "x", "_position": 1}]


def test_a_member_with_the_name_of_the_hubs_own_column_gets_another(drop):
    drop.put("a.jsonl", '{"a": 1, "_position": "x", "_position_2": "y"}\n')
    assert drop.read(["a"], "a.jsonl", "jsonl").rows == [{"a": "1", "_position_3": "x", "_position_2": "y", "_position": 1}]


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


@settings(max_examples=40)
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


@pytest.mark.parametrize(
    ("kind", "before", "behind", "source"),
    [
        ("csv", "n,m\n张三,1\n", ",2\n", {}),
        ("jsonl", '{"n":"张三","m":"1"}\n{"n":"', '","m":"2"}\n', {}),
        ("xml", "<rs><r><n>张三</n><m>1</m></r><r><n>", "</n><m>2</m></r></rs>", {"record": "r"}),
        ("fixed", "张三1\n", "2  \n", {"fields": [{"name": "n", "start": 1, "width": 2}, {"name": "m", "start": 3, "width": 1}]}),
        (
            "fixed",
            "张三1\n",
            "2\n",
            {"unit": "bytes", "fields": [{"name": "n", "start": 1, "width": 4}, {"name": "m", "start": 5, "width": 1}]},
        ),
    ],
    ids=["csv", "jsonl", "xml", "fixed", "bytes"],
)
def test_what_is_no_character_costs_its_value_and_is_told(drop, kind, before, behind, source):
    half = b"\xff\xff" if source.get("unit") == "bytes" else b"\xff"
    drop.put("a", before.encode("gb18030") + "李".encode("gb18030") + half + behind.encode())
    delivery = drop.read(["n", "m"], "a", kind, encoding="gb18030", **source)
    assert [(row["n"].rstrip("\ufffd"), row["m"]) for row in delivery.rows] == [("张三", "1"), ("李", "2")]
    assert delivery.notes["undecodable"] == f"a: {len(half)} {noun(len(half), 'place is', 'places are')} not gb18030"


def test_places_count_characters(drop):
    drop.put("a.txt", "标题行\n0001张三    01\n0002李四\n\n00\n")
    delivery = drop.read(["号", "名"], "a.txt", "fixed", fields=FIELDS, skipped_lines=1, ignore=["码"])
    assert delivery.rows == [{"号": "0001", "名": "张三", "_position": 2}, {"号": "0002", "名": "李四", "_position": 3}]
    assert delivery.unreadable == {4: "the line is blank", 5: "the line has 2 characters, not at least 5"}


@pytest.mark.parametrize("unit", ["characters", "bytes"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (" 01 a   \n 02 b\n", None),
        (" 01 a   \n 02 b\n 03 cdef\n 04 d g\n\nx\n", "2 lines have something behind place 5"),
        (" 01xa\n 02 b\n", "1 line has something behind place 3"),
    ],
    ids=["nothing", "behind", "between"],
)
def test_what_stands_in_no_field_is_told(drop, content, told, unit):
    """As where the department has made its lines longer."""
    fields = [{"name": "号", "start": 2, "width": 2}, {"name": "码", "start": 5, "width": 1}]
    drop.put("a.txt", content)
    note = drop.read(["号", "码"], "a.txt", "fixed", fields=fields, unit=unit, encoding="gb18030").notes.get("undeclared-places")
    assert note == (f"a.txt: {told}, where no field is" if told else None)


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


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)


@settings(max_examples=25)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), min_size=1, max_size=6))
def test_numbers_stay_as_they_were_written_wherever_they_stand(tmp_path_factory, rows):

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

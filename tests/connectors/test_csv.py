import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.text import find_encoding
from core.errors import SourceError


def refused(drop, columns, **more) -> SourceError:
    with pytest.raises(SourceError) as error:
        drop.read(columns, **more)
    return error.value


def test_values_come_as_they_are_with_their_line(drop):
    drop.put("a.csv", "姓名,证件号\r\n 张三 ,001\r\n,\t2\r\n")
    delivery = drop.read(["姓名", "证件号"])
    assert delivery.rows == [
        {"姓名": " 张三 ", "证件号": "001", "_position": 2},
        {"姓名": "", "证件号": "\t2", "_position": 3},
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_found(drop, encoding):
    text = "姓名,地址\n" + "张三丰,北京市海淀区㐀\n" * 1000
    drop.put("a.csv", text.encode(encoding))
    delivery = drop.read(["姓名"])
    assert delivery.columns == ["姓名", "地址"]
    assert set(delivery.values("地址")) == {"北京市海淀区㐀"}


def test_zeros_that_fill_up_make_no_text_of_two_bytes_a_character(drop):
    drop.put("a.csv", b"nr,name\n1,ab\0\0\0\0\n2,ab\0\0\0\0\n")
    assert drop.read(["nr"]).notes["encoding"] == "a.csv: read as utf-8"


def test_a_few_damaged_bytes_cost_only_their_values(drop):
    rows = [f"张三{number},北京市".encode() for number in range(50)]
    rows[7] = "李四,北京".encode() + b"\xe5\xb8"
    drop.put("a.csv", b"\n".join(["姓名,地址".encode(), *rows]) + b"\n")
    delivery = drop.read(["姓名"])
    assert len(delivery.rows) == 50
    assert delivery.rows[7]["地址"].startswith("北京\ufffd")
    assert delivery.rows[8]["地址"] == "北京市"
    assert "undecodable" in delivery.notes
    damaged = "姓名,地址\n张三,北京\n".encode("gb18030") + b"\x81\xff,x\n" + "李四,上海\n".encode("gb18030")
    drop.put("a.csv", damaged)
    assert drop.read(["姓名"]).values("地址") == ["北京", "x", "上海"]


def test_a_short_file_that_is_cut_within_a_character_is_what_it_was(drop):
    drop.put("a.csv", "id,姓名\n1,李小明\n2,王".encode()[:-1])
    assert drop.read(["姓名"]).values("姓名") == ["李小明", "\ufffd"]


@given(
    names=st.lists(st.text("王李张刘陈杨黄赵吴周伟芳秀英敏静丽强磊洋艳郑霞", min_size=1, max_size=4), min_size=3, max_size=30),
    cut=st.booleans(),
)
@settings(max_examples=100)
def test_names_in_gb18030_are_known_however_few_and_cut(tmp_path_factory, names, cut):
    path = tmp_path_factory.mktemp("cut") / "a.csv"
    content = "\n".join(["姓名", *names]).encode("gb18030")
    path.write_bytes(content[:-1] if cut else content)
    assert find_encoding(path, None).name == "gb18030"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_that_its_declared_encoding_refuses_is_named(drop, encoding):
    drop.put("a.csv", "姓名,年\n陳大文,1\n".encode())
    error = refused(drop, ["姓名"], encoding=encoding)
    assert f"a.csv is not {encoding}" in error.message
    assert "陳" not in str(error)


@pytest.mark.parametrize("declared", [None, "gb18030", "big5", "latin-1"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_a_mark_says_more_than_what_was_declared(drop, encoding, declared):
    drop.put("a.csv", ("\ufeff" if encoding == "gb18030" else "").encode(encoding) + "name,年\n陳大文,1\n".encode(encoding))
    delivery = drop.read(["name"], encoding=declared)
    assert (delivery.columns[0], delivery.values("name")) == ("name", ["陳大文"])


def test_a_mark_before_what_is_something_else_says_nothing(drop):
    drop.put("a.csv", b"\xef\xbb\xbf" + "name,年\n陳大文,1\n".encode("gb18030"))
    delivery = drop.read(["name"], encoding="gb18030")
    assert (delivery.columns, delivery.values("name")) == (["name", "年"], ["陳大文"])


def test_half_characters_are_damage(drop):
    drop.put("a.csv", b"a,b\n+2AA-,1\n")
    delivery = drop.read(["a"], encoding="utf-7")
    assert delivery.values("a") == ["\ufffd"]
    assert "1 place is not utf-7" in delivery.notes["undecodable"]


def test_a_declared_encoding_is_used(drop):
    drop.put("a.csv", "姓名\n陳大文\n".encode("big5"))
    assert drop.read(["姓名"], encoding="big5").values("姓名") == ["陳大文"]


def test_gzip_is_seen_by_its_bytes(drop):
    drop.put("a.csv", gzip.compress("姓名\n张三\n".encode()))
    assert drop.read(["姓名"]).values("姓名") == ["张三"]


def test_a_cut_gzip_file_may_be_tried_again(drop):
    whole = gzip.compress(("姓名\n" + "".join(f"张{number * 7919}\n" for number in range(200_000))).encode())
    drop.put("a.csv", whole[: len(whole) // 2])
    assert refused(drop, ["姓名"]).transient


def test_titles_before_the_header_are_skipped_and_counted(drop):
    drop.put("a.csv", '关于公示的\n"通知\n第二号",\n\n序号,姓名\n1,张三\n')
    delivery = drop.read(["姓名"])
    assert delivery.rows == [{"序号": "1", "姓名": "张三", "_position": 6}]
    assert delivery.notes["skipped_lines"] == "a.csv: 4 lines before the header are not rows"


def test_a_header_may_stand_where_the_contract_says(drop):
    drop.put("a.csv", "姓名\n" + "x\n" * 30 + "姓名\n张三\n")
    assert drop.read(["姓名"], header_row=32).rows == [{"姓名": "张三", "_position": 33}]


def test_names_are_cleaned_and_made_unique(drop):
    drop.put("a.csv", '\ufeff\u200b姓名 ,　姓名,,"公司\r\n属性",_position\n1,2,3,4,5\n')
    assert drop.read(["姓名"]).columns == ["姓名", "姓名_2", "unnamed_3", "公司\n属性", "_position_2"]


def test_without_a_header_columns_are_numbered(drop):
    drop.put("a.csv", "张三,1\n李四,2\n王五\n")
    delivery = drop.read(["1"], header=False)
    assert delivery.rows[0] == {"1": "张三", "2": "1", "_position": 1}
    assert delivery.unreadable == {3: "the row has 1 value, the header 2"}
    assert "lacks the column 3" in refused(drop, ["3"], header=False).message


def test_ragged_and_blank_rows_are_accounted_for_with_their_line(drop):
    drop.put("a.csv", 'a,b\n1,2\n3\n\n"4\n5",6\n , \n7,8,9\n"x\ny",z,\n10,11\n\n')
    delivery = drop.read(["a", "b"])
    assert delivery.positions == [2, 5, 11]
    assert delivery.unreadable == {
        3: "the row has 1 value, the header 2",
        4: "the row is blank",
        7: "the row is blank",
        8: "the row has 3 values, the header 2",
        9: "the row has 3 values, the header 2",
        12: "the row is blank",
    }


def test_lines_are_right_across_blocks(drop):
    lines = ["a,b", *(f'"{number}",{"x" * 60}' if number % 1000 else f"{number}" for number in range(200_000))]
    drop.put("a.csv", "\n".join(lines))
    delivery = drop.read(["a"])
    assert len(delivery.batch_sizes) > 1
    assert max(delivery.batch_sizes) <= 65_536
    assert all(int(row["a"]) + 2 == row["_position"] for row in delivery.rows)
    assert list(delivery.unreadable) == list(range(2, 200_002, 1000))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_line_ending_will_do(drop, ending):
    drop.put("a.csv", ending.join(["a,b", "1,2", "", "3,4", ""]))
    delivery = drop.read(["a"])
    assert delivery.positions == [2, 4]
    assert delivery.unreadable == {3: "the row is blank"}


@pytest.mark.parametrize("blanks", ["  ", "\t", "\x0c", "\u3000"])
def test_a_line_of_blanks_is_blank(drop, blanks):
    drop.put("a.csv", f"a,b\n1,2\n{blanks}\n3\n")
    assert drop.read(["a"]).unreadable == {3: "the row is blank", 4: "the row has 1 value, the header 2"}


@pytest.mark.parametrize("rest", ['"unclosed,2\n3,4\n', '1,"unclosed\n3,4\n', '1,"' + "x\n" * 5_000_000])
def test_a_quotation_mark_that_is_never_closed_is_an_error(drop, rest):
    drop.put("a.csv", "a,b\n1,2\n" + rest)
    assert "quotation mark opened in or after line" in refused(drop, ["a"]).message


def test_a_quotation_mark_inside_a_value_is_a_character(drop):
    drop.put("a.csv", 'a,b\n5"螺丝,1\n')
    assert drop.read(["a"]).values("a") == ['5"螺丝']


def test_missing_columns_are_named_with_likely_new_names(drop):
    drop.put("a.csv", "姓名,公民身份证号码,备注\n张三,1,\n")
    error = refused(drop, ["姓名", "公民身份号码"])
    assert "header in line 1, lacks the column 公民身份号码; it has 姓名, 公民身份证号码, 备注" in error.message
    assert "公民身份号码 may now be 公民身份证号码" in error.hint
    assert not error.transient


def test_a_first_line_that_is_data_is_not_quoted(drop):
    drop.put("a.csv", "王小明,110101199003070000\n")
    error = refused(drop, ["姓名"])
    assert "no header" in error.message
    assert "header: false" in error.hint
    assert "王小明" not in str(error)
    assert "1101" not in str(error)


def test_a_line_with_less_than_half_of_the_names_is_no_header_and_is_not_quoted(drop):
    drop.put("a.csv", "姓名,张三\n地址,某街\n")
    error = refused(drop, ["姓名", "地址", "电话"])
    assert "no header in the first 20 lines: line 1 has only 姓名 of the columns 姓名, 地址, 电话" in error.message
    assert "张三" not in str(error)


def test_digits_in_names_that_were_found_are_not_quoted(drop):
    drop.put("a.csv", "姓名,13800000001,收入_202301\n张三,1,2\n")
    assert drop.read(["姓名"]).notes["unmapped_columns"] == "2 columns are neither mapped nor ignored: #, 收入_#"
    assert "lacks the column 年_202301; it has 姓名, #, 收入_#" in refused(drop, ["姓名", "年_202301"]).message


def test_columns_beside_the_contract_are_read_and_noted(drop):
    drop.put("a.csv", "a,b,c\n1,2,3\n")
    delivery = drop.read(["a"], ignore=["b", "gone"])
    assert delivery.columns == ["a", "c"]
    assert delivery.notes["unmapped_columns"] == "1 column is neither mapped nor ignored: c"
    assert "gone" in delivery.notes["absent_columns"]


def test_a_row_whose_only_value_is_ignored_is_not_blank(drop):
    drop.put("a.csv", "a,b\n,x\n")
    assert len(drop.read(["a"], ignore=["b"]).rows) == 1


def test_sixteen_thousand_columns_are_read(drop):
    names = [f"c{number}" for number in range(16_378)]
    drop.put("a.csv", ",".join(names) + "\n" + ",".join(names) + "\n" + "," * 16_377 + "\n")
    delivery = drop.read(["c0"])
    assert delivery.rows[0]["c16377"] == "c16377"
    assert delivery.unreadable == {3: "the row is blank"}


def test_all_files_that_match_are_one_delivery_in_name_order(drop):
    drop.put("rk_2.csv", "b,a\n3,2\n\n".encode("gb18030"))
    drop.put("rk_1.csv", "标题\na\n0\n1\n")
    drop.put("other.csv", "x\n")
    delivery = drop.read(["a"], path="rk_*.csv")
    assert [(row["_position"], row["a"], row["b"]) for row in delivery.rows] == [(3, "0", None), (4, "1", None), (6, "2", "3")]
    assert delivery.unreadable == {7: "rk_2.csv, line 3: the row is blank"}


def test_a_name_with_brackets_is_a_name(drop):
    drop.put("[2024](1).csv", "a\n1\n")
    assert drop.read(["a"], path="[2024](1).csv").values("a") == ["1"]


def test_a_path_out_of_the_folder_is_refused(drop, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("a\n1\n", encoding="utf-8")
    (drop.folder / "a.csv").symlink_to(outside)
    assert "link out of the folder" in refused(drop, ["a"]).message
    assert "leads out" in refused(drop, ["a"], path="../x.csv").message
    assert "leads out" in refused(drop, ["a"], path=str(outside)).message


def _zip(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (_zip("xl/workbook.xml"), "an Excel workbook (xlsx)"),
        (_zip("content.xml"), "an OpenDocument file (ods)"),
        (gzip.compress(_zip("a.csv")), "a zip archive"),
        (gzip.compress(bytes(257) + b"ustar\0" + bytes(300)), "a tar archive"),
        (gzip.compress(gzip.compress(b"x")), "a gzip archive within an archive"),
        (gzip.compress(_zip("xl/workbook.xml")), "an Excel workbook (xlsx)"),
        (b"PK\x03\x04broken", "a damaged zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "an Excel workbook (xls)"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>", "an HTML page"),
        (b"<table><tr>", "an HTML page"),
    ],
    # Archives hold the time of their making; ids made of them would differ between processes.
    ids=(
        "xlsx",
        "ods",
        "zip in gzip",
        "tar in gzip",
        "gzip in gzip",
        "xlsx in gzip",
        "damaged zip",
        "xls",
        "pdf",
        "html with doctype",
        "html table",
    ),
)
def test_a_file_that_is_something_else_is_called_by_its_name(drop, content, kind):
    drop.put("a.csv", content)
    assert f"is {'' if 'damaged' in kind else 'not text but '}{kind}" in refused(drop, ["a"]).message


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_an_error(drop, content):
    drop.put("a.csv", content)
    assert "is empty" in refused(drop, ["a"]).message


def test_a_header_without_rows_is_an_empty_delivery(drop):
    drop.put("a.csv", "a,b")
    delivery = drop.read(["a"])
    assert delivery.rows == []
    assert delivery.columns == ["a", "b"]


def test_no_file_and_no_folder_are_told_apart(drop):
    error = refused(drop, ["a"], path="none_*.csv")
    assert "no file matches" in error.message
    assert error.transient
    drop.folder.rmdir()
    error = refused(drop, ["a"])
    assert "the folder of connection drop is not there" in error.message
    assert error.transient

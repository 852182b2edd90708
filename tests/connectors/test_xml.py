"""XML documents."""

import pytest

from tests.connectors.test_record_files import refused

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


def test_an_element_with_the_name_of_the_hubs_own_column_gets_another(drop):
    drop.put("a.xml", "<l><row><id>1</id><_position>a</_position><_position>b</_position></row></l>")
    (row,) = drop.read(["id"], "a.xml", "xml", record="row").rows
    assert row == {"id": "1", "_position_2": "a", "_position_3": "b", "_position": 1}


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

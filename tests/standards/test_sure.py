"""The cheap test that most rows pass: whatever it calls sure is a standard value without any issue, for every element."""

from collections.abc import Mapping, Sequence
from itertools import product

import duckdb
import ibis
import pytest

from standards.declared import Declared
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import DECODED_WRONG, HAN, han_except
from standards.single import normalize_values
from standards.standardize import plain_of, sure_of
from standards.types.general import MISSING
from tests.standards.behavior import one_per_behavior
from tests.standards.identifiers import make_certificate_identifier, make_resident_id, make_uscc
from tests.standards.test_values import vectors

pytestmark = pytest.mark.slow

STANDARDS = load_standards()
TODAY = "2026-01-01"
DOUBTFUL = (
    *("娆ч槼鏍蜂緥", "瀛欐祴璇曟牱", "鏉窞甯傚叕鍙", "ÍõÑùÀý", "&#24352;样例", "A&amp;B公司", r"\u5f20\u4e09"),
    *(
        "锟斤拷",
        "烫烫烫",
        "屯屯屯",
        "张锟斤拷",
        "王先生",
        "李女士",
        "赵小姐",
        "钱同志",
        "孙老师",
        "周某",
        "男性",
        "女性",
        "汉族",
        "本人",
        "户主",
    ),
    *(
        "配偶",
        "父亲",
        "母亲",
        "测试",
        "身份证",
        "居民身份证",
        "张?",
        "浙江省XXXX",
        "浙江省杭州市上城区xxxx室",
        "某XXXX有限公司",
        "甲" * 51,
        "甲" * 500,
    ),
    *("1799-12-31", "1800-01-01", "2025-12-31", "2026-01-02", "2023-02-29", "2024-02-29", "9999-12-31", "9999-99-99", "20240101"),
    *("110101199003079981", "000000199003079980", "11010118000307998X", "11111111111", "13800000000", "0571-87000000", "0571-07000000"),
)
RIGHT = {
    "person_name": "张三丰",
    "residence_address": "浙江省杭州市上城区望江路280号1幢2单元902室",
    "employer_name": "杭州达汇明机械制造有限公司",
    "phone_number": "13800138000",
    "birth_date": "1990-03-07",
    "sex_code": "1",
    "resident_id": make_resident_id("11010119900307998"),
    "unified_social_credit_code": make_uscc("91330102", "MA2B1CD3"),
    "certificate_holder_code": make_resident_id("11010119900307998"),
    "percentage": "12.5%",
    "certificate_identifier": make_certificate_identifier("11100000000013127D001", "113301000024951234", "A0000001"),
}


def sure_ones(
    element: DataElement, texts: Sequence[str | None], formats: tuple[str, ...] = (), lookup: Mapping[str, str] | None = None
) -> list[str]:
    table = ibis.memtable({"text": texts}, schema={"text": "string"})
    connection = ibis.duckdb.from_connection(duckdb.connect())
    return list(connection.to_pyarrow(table.filter(sure_of(table.text, element, formats, lookup, TODAY)).text).to_pylist())


@pytest.mark.parametrize("element", one_per_behavior(STANDARDS.elements.values()), ids=lambda element: element.id)
def test_what_is_sure_is_valid_as_it_stands(element: DataElement) -> None:
    known = [row["raw"] for rows in vectors().values() for row in rows]
    whole = sorted({*known, *MISSING, *DOUBTFUL, *RIGHT.values(), *(f"{name}{text}" for name, text in product("张王", DOUBTFUL))})
    found = sure_ones(element, [None, "", *whole])
    answers = normalize_values(STANDARDS, element.id, found, today=TODAY)
    assert [(text, answer.status) for text, answer in zip(found, answers, strict=True) if answer.status != "valid"] == []


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_value_is_sure(name: str) -> None:
    assert sure_ones(STANDARDS.elements[name], [RIGHT[name]]) == [RIGHT[name]]


def test_what_the_contract_translates_is_never_sure() -> None:
    assert sure_ones(STANDARDS.elements["sex_code"], ["1", "2"], lookup={"1": "2"}) == ["2"]
    assert sure_ones(STANDARDS.elements["birth_date"], ["1990-03-07"], formats=("%Y-%d-%m",)) == []


def test_a_class_of_han_characters_leaves_out_what_it_is_told_to() -> None:
    query = f"SELECT regexp_matches(c, '^[{han_except(DECODED_WRONG)}]$'), regexp_matches(c, '^[{HAN}]$') FROM (SELECT unnest(?) AS c)"
    texts = ["〇", "㐀", "一", "锞", "锟", "锠", "烫", "屯", "鿿", "𠀀", "𳑿", "a"]
    assert duckdb.connect().execute(query, [texts]).fetchall() == [
        (text not in DECODED_WRONG and text != "a", text != "a") for text in texts
    ]


@pytest.mark.parametrize("element", one_per_behavior(STANDARDS.elements.values()), ids=lambda element: element.id)
def test_what_is_plain_says_what_the_whole_reading_says(element: DataElement) -> None:
    known = [row["raw"] for rows in vectors().values() for row in rows]
    texts = sorted({*known, *MISSING, *DOUBTFUL, *RIGHT.values(), "是", "1990/03/07", "07.03.1990", "11111111"})
    formats = ("%Y%m%d", "%d.%m.%Y") if element.data_type == "date" else ()
    lookup = {"是": RIGHT.get(element.id, "1"), "1": "2"}
    table = ibis.memtable({"text": texts}, schema={"text": "string"})
    value, is_sure = plain_of(table.text, element, Declared(formats, tuple(lookup.items())), TODAY)
    rows = ibis.duckdb.from_connection(duckdb.connect()).to_pyarrow(table.filter(is_sure).select("text", value=value)).to_pylist()
    answers = normalize_values(STANDARDS, element.id, [row["text"] for row in rows], formats, lookup, TODAY)
    told = [(row["text"], answer.value, answer.status != "rejected") for row, answer in zip(rows, answers, strict=True)]
    assert [(row["text"], row["value"], True) for row in rows] == told


def test_what_a_contract_says_is_plain() -> None:
    def plain(name: str, texts: Sequence[str], formats: tuple[str, ...] = (), lookup: Mapping[str, str] | None = None) -> list[str]:
        table = ibis.memtable({"text": texts}, schema={"text": "string"})
        value, is_sure = plain_of(table.text, STANDARDS.elements[name], Declared(formats, tuple((lookup or {}).items())), TODAY)
        return list(
            ibis.duckdb.from_connection(duckdb.connect()).to_pyarrow(table.filter(is_sure).select(value=value))["value"].to_pylist()
        )

    assert plain("sex_code", ["男", "1", "x"], lookup={"男": "1"}) == ["1", "1"]
    assert plain("birth_date", ["19900307", "1990-03-08", "19901332", "00000000"], ("%Y%m%d",)) == ["1990-03-07", "1990-03-08"]
    assert plain("birth_date", ["1990-03-07"], ("%Y-%d-%m",)) == []

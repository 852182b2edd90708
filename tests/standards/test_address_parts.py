"""Addresses cut into parts: single values and expressions alike, nothing lost, and measured on addresses that people labeled."""

import gzip
import re
from dataclasses import asdict

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.expr import operations as ops

from core.portable import OPERATIONS
from standards.address_forms import AddressParts, codes_of, parts_of
from standards.address_parts import PARTS, cut, division_code, part
from standards.division_paths import head_pattern, read_head
from tests.connectors.helpers import REAL_DATA

LABELED = REAL_DATA / "cn_address" / "address_ner_dev.txt.gz"
LEAST = 0.85

EXAMPLES = {
    "浙江省杭州市西湖区文三路478号华星时代广场A座12层1203室": (
        "浙江省杭州市西湖区",
        "330106",
        "",
        "文三路",
        "478号",
        "A座",
        "",
        "12层",
        "1203室",
        "华星时代广场",
    ),
    "浙江省杭州市余杭区五常街道顾家桥社区爱橙街1号": (
        "浙江省杭州市余杭区",
        "330110",
        "五常街道顾家桥社区",
        "爱橙街",
        "1号",
        "",
        "",
        "",
        "",
        "",
    ),
    "北京市东城区东长安街14号": ("北京市东城区", "110101", "", "东长安街", "14号", "", "", "", "", ""),
    "浙江省温州市苍南县金乡镇环城西路80号": ("浙江省温州市苍南县", "330327", "金乡镇", "环城西路", "80号", "", "", "", "", ""),
    "浙江省杭州市滨江区缤纷北苑47-6-746": ("浙江省杭州市滨江区", "330108", "", "", "", "47", "6", "", "746", "缤纷北苑"),
    "浙江省杭州市西湖区和家园66幢4单元2530": ("浙江省杭州市西湖区", "330106", "", "", "", "66幢", "4单元", "", "2530", "和家园"),
    "湖北省丹江口市龙山镇龙山沟村1组": (
        "湖北省",
        "420000",
        "丹江口市龙山镇龙山沟村",
        "1组",
        "",
        "",
        "",
        "",
        "",
        "",
    ),
    "四川省宜宾市南溪区罗龙街道红光村6组12号": ("四川省宜宾市南溪区", "511503", "罗龙街道红光村", "6组", "12号", "", "", "", "", ""),
    "上海市静安区共和新路街道柳营路669弄14号1102室": (
        "上海市静安区",
        "310106",
        "共和新路街道",
        "柳营路",
        "669弄",
        "",
        "",
        "",
        "1102室",
        "14号",
    ),
    "浙江省台州市临海市江南大道创业大道288号": ("浙江省台州市临海市", "331082", "", "江南大道", "288号", "", "", "", "", "创业大道"),
    "广东省深圳市福田区": ("广东省深圳市福田区", "440304", "", "", "", "", "", "", "", ""),
    "": ("",) * 10,
}


def by_engine(addresses: list[str]) -> list[AddressParts]:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest(?) AS address, unnest(range(?)) AS n", [addresses, len(addresses)])
    table = ibis.table({"n": "int64", "address": "string"}, name="t")
    connection.execute(f"CREATE TABLE c AS {ibis.to_sql(table.select('n', found=cut(table.address)), dialect='duckdb')}")
    found = ibis.table({"n": "int64", "found": "string"}, name="c")
    names = connection.execute(
        ibis.to_sql(found.select("n", **{name: part(found.found, name) for name in PARTS}).order_by("n"), dialect="duckdb")
    ).fetchall()
    codes = codes_of({division for _, division, *_ in names})
    return [AddressParts(division, codes.get(division, ""), *others) for _, division, *others in names]


@pytest.mark.parametrize(("address", "expected"), EXAMPLES.items())
def test_parts(address: str, expected: tuple[str, ...]) -> None:
    assert tuple(asdict(parts_of(address)).values()) == expected


def test_expressions_and_single_values_agree() -> None:
    assert by_engine(list(EXAMPLES)) == [parts_of(address) for address in EXAMPLES]


PIECES = st.sampled_from(
    [
        *"浙江省杭州市西湖区街道镇乡村路大道巷弄号幢栋单元室楼层组东西南北中一二十甲附-_0123456789AB（）",
        "文三路",
        "478号",
        "5幢",
        "301室",
        "3楼",
        "新街镇",
        "开发区",
    ]
)


@settings(max_examples=5, derandomize=True)
@given(tails=st.lists(st.lists(PIECES, max_size=14).map("".join), min_size=80, max_size=80))
def test_no_text_crashes_or_loses_a_character_and_both_ways_agree(tails: list[str]) -> None:
    addresses = [f"{head}{tail}" for tail in tails for head in ("", "浙江省杭州市西湖区")]
    parts = [parts_of(address) for address in addresses]
    for address, found in zip(addresses, parts, strict=True):
        kept = "".join(value for name, value in asdict(found).items() if name != "division_code")
        joined = len(address) - len(kept)  # hyphens between building, unit and room
        assert sorted(kept + "-" * joined) == sorted(address)
        assert joined <= 2
    assert by_engine(addresses) == parts


def test_a_division_is_resolved_to_its_code() -> None:
    assert codes_of(["浙江省杭州市西湖区", "西湖区"]) == {"浙江省杭州市西湖区": "330106"}
    table = ibis.memtable({"d": ["浙江省杭州市西湖区", ""]}, schema={"d": "string"})
    connection = ibis.duckdb.from_connection(duckdb.connect())
    found = connection.to_pyarrow(division_code(table.d, {"浙江省杭州市西湖区": "330106"})).to_pylist()
    assert found == ["330106", None]


def test_only_portable_operations_are_used() -> None:
    table = ibis.table({"address": "string"}, name="t")
    query = table.select(**{name: part(cut(table.address), name) for name in PARTS}, code=division_code(table.address, {"a": "b"}))
    assert {type(node).__name__ for node in query.op().find(ops.Node)} <= set(OPERATIONS)


def labeled() -> list[tuple[str, dict[str, str]]]:
    """Addresses with the first part of each label: one character and its tag to a line, a blank line between addresses."""
    found = []
    with gzip.open(LABELED, "rt", encoding="utf-8") as stream:
        for block in stream.read().strip().split("\n\n"):
            labels: list[list[str]] = []
            for line in block.splitlines():
                text, tag = line.rsplit(" ", 1)
                begins, _, name = tag.partition("-")
                if begins == "I" and labels and labels[-1][0] == name:
                    labels[-1][1] += text
                else:
                    labels.append([name or begins, text])
            firsts: dict[str, str] = {}
            for name, text in labels:
                firsts.setdefault(name, text)
            found.append(("".join(text for _, text in labels), firsts))
    return found


def standardized(address: str) -> str:
    """With its divisions in full, where they can be read."""
    found = re.match(head_pattern(), address)
    head = read_head(found.group()) if found else ""
    return head + address[len(found.group()) :] if found and head else address


@pytest.mark.slow
@pytest.mark.skipif(not LABELED.exists(), reason="the labeled addresses are not here: set GOVHUB_REAL_DATA")
def test_road_and_number_are_those_of_the_labels() -> None:
    rows = labeled()
    parts = by_engine([standardized(address) for address, _ in rows])
    assert parts == [parts_of(standardized(address)) for address, _ in rows]
    for wanted in (("road",), ("roadno",), ("road", "roadno")):
        judged = [
            all((found.road if name == "road" else found.number) == labels[name] for name in wanted)
            for found, (_, labels) in zip(parts, rows, strict=True)
            if labels.keys() >= set(wanted)
        ]
        share = sum(judged) / len(judged)
        print(f"{' and '.join(wanted)}: {share:.1%} of {len(judged)}")
        assert share >= LEAST, (wanted, share)

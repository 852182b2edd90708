"""Comparison keys: what is written otherwise and means the same has one key, in the engine and for one text alike; what differs stays apart."""

import re

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.expr import operations as ops

from core.portable import OPERATIONS
from standards.characters import characters_of
from standards.comparable import address_key, organization_key, person_key
from standards.comparable_characters import Kind, changing, compared_as, comparison_key, dropped
from tests.connectors.helpers import REAL_DATA

KEYS = {"person": person_key, "organization": organization_key, "address": address_key}
KINDS: tuple[Kind, ...] = ("person", "organization", "address")
every_kind = pytest.mark.parametrize("kind", KINDS)

SAME: list[tuple[Kind, list[str]]] = [
    ("person", ["张样例", "張樣例", "张　样例", "⻓样例".replace("⻓", "张"), "张样例\u200b"]),
    ("person", ["买买提·艾力", "买买提•艾力", "买买提．艾力", "買買提・艾力", "买买提 艾力", "买买提艾力"]),
    ("person", ["吴样例", "吳样例", "呉样例"]),
    ("person", ["马样例", "馬样例", "⻢样例"]),
    ("person", ["Maria Sample", "MARIA  SAMPLE", "ＭＡＲＩＡ　Ｓａｍｐｌｅ", "Maria-Sample"]),
    (
        "organization",
        [
            "示例（北京）科技有限公司",
            "示例(北京)科技有限公司",
            "示例【北京】科技有限公司",
            "示例北京科技有限公司",
            "示例（北京）科技有限公司。",
        ],
    ),
    ("organization", ["廣東示例貿易有限公司", "广东示例贸易有限公司"]),
    ("organization", ["“示例”ＡＢＣ商店", "示例abc商店"]),
    ("address", ["杭州市样例路１２号3－2－101", "杭州市樣例路12號3-2-101", "杭州市 样例路12号（3—2—101）"]),
]
APART: list[tuple[Kind, str, str]] = [
    ("person", "张样例", "章样例"),
    ("person", "王后", "王候"),
    ("organization", "示例一公司", "示例二公司"),
    ("address", "样例路3-21号", "样例路32-1号"),
    ("address", "样例路12号", "样例路13号"),
]


def keys(texts: list[str], kind: Kind) -> list[str]:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest(?) AS text, unnest(range(?)) AS n", [texts, len(texts)])
    table = ibis.table({"n": "int64", "text": "string"}, name="t")
    query = ibis.to_sql(table.select("n", key=KEYS[kind](table.text)).order_by("n"), dialect="duckdb")
    return [key for _, key in connection.execute(query).fetchall()]


@pytest.mark.parametrize(("kind", "texts"), SAME)
def test_spellings_of_one_thing_have_one_key(kind: Kind, texts: list[str]) -> None:
    assert len({comparison_key(text, kind) for text in texts}) == 1
    assert len(set(keys(texts, kind))) == 1


@pytest.mark.parametrize(("kind", "one", "other"), APART)
def test_different_things_have_different_keys(kind: Kind, one: str, other: str) -> None:
    assert comparison_key(one, kind) != comparison_key(other, kind)


TEXTS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
        st.sampled_from("張张吳呉馬⻢⼀（）()·•．－-_ 　ａＡa１1{}[]【】\\^'\"戶戸産產峯𠮷"),
        st.sampled_from(sorted(characters_of("comparable", "character", "compared_as"))),
    ),
    max_size=20,
)


@every_kind
@settings(max_examples=2, derandomize=True)
@given(texts=st.lists(TEXTS, min_size=200, max_size=200))
def test_engine_and_single_text_agree_and_a_key_is_its_own(kind: Kind, texts: list[str]) -> None:
    single = [comparison_key(text, kind) for text in texts]
    assert keys(texts, kind) == single
    assert [comparison_key(key, kind) for key in single] == single


@every_kind
def test_the_table_leads_to_its_ends(kind: Kind) -> None:
    old, new = compared_as(kind)
    assert len(old) == len(new) == len(set(old))
    assert not set(old) & set(new)
    assert comparison_key(old, kind) == comparison_key(new, kind)
    changed = re.compile(changing(old))
    assert all(changed.fullmatch(character) for character in old)
    assert not any(changed.fullmatch(character) for character in set(new))
    assert dropped(kind).endswith("]")


def test_only_portable_operations_are_used() -> None:
    table = ibis.table({"text": "string"}, name="t")
    query = table.select(**{kind: key(table.text) for kind, key in KEYS.items()})
    assert {type(node).__name__ for node in query.op().find(ops.Node)} <= set(OPERATIONS)


@pytest.mark.slow
def test_naughty_strings_are_compared_alike() -> None:
    path = REAL_DATA / "torture"
    if not path.exists():
        pytest.skip("the naughty strings are not here: set GOVHUB_REAL_DATA")
    texts = [line for file in sorted(path.glob("*.txt")) for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    texts = [text for text in texts if "\x00" not in text][:5000]
    for kind in KINDS:
        assert keys(texts, kind) == [comparison_key(text, kind) for text in texts]

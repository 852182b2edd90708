"""Heads of addresses: every path and name of the list is read as what it is, and nothing is guessed."""

import random
import re
import time

import duckdb
import ibis
import pyarrow as pa
import pytest

from standards.characters import simplified
from standards.division_paths import divisions, full_path_patterns, head_pattern, lost_pattern, path_pattern, read_head
from standards.loader import load_standards
from standards.spellings import readings
from standards.types import address

STANDARDS = load_standards()
# Names that end in no unit, or in a word that is none.
WITHOUT_UNIT = {"市区", "畹町镇", "西沙、南沙、中沙群岛", "西沙群岛", "南沙群岛", "中沙群岛的岛礁及其海域"}


def test_every_current_path_is_read_as_itself() -> None:
    head = re.compile(head_pattern())
    for path in divisions().paths:
        found = head.match(path)
        assert found
        assert found.group() == path
        assert read_head(path) == path


def test_every_current_path_is_read_without_its_province_or_not_at_all() -> None:
    for path, code in divisions().paths.items():
        row = divisions().current[code]
        if row.parent:
            province = divisions().current[f"{code[:2]}0000"].title.zh
            assert read_head(path.removeprefix(province)) in {path, ""}
            assert read_head(province + path) == path


def test_every_name_there_has_been_is_a_possible_head() -> None:
    head = re.compile(head_pattern())
    assert {name for name in divisions().by_name if not head.fullmatch(name)} == WITHOUT_UNIT


def test_patterns_of_paths_hold_exactly_them() -> None:
    known = divisions()
    parents = {row.parent for row in known.current.values()}
    full = [re.compile(pattern + "$") for pattern in full_path_patterns()]
    whole, lost = re.compile(path_pattern() + "$"), re.compile(lost_pattern())
    for path, code in known.paths.items():
        assert whole.match(path)
        assert any(pattern.match(path) for pattern in full) == (code not in parents)
        assert not lost.match(path)
    assert all(read_head(path) == "" for path in known.lost_paths)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("内蒙古呼和浩特市新城区", "内蒙古自治区呼和浩特市新城区"),
        ("四川省重庆市渝中区", "重庆市渝中区"),
        ("河北省保定地区涿州市", "河北省保定市涿州市"),
        ("河北省完县", "河北省保定市顺平县"),
        ("仙桃市", "湖北省仙桃市"),
        ("浙江省杭州市市辖区", "浙江省杭州市"),
        ("南山区", ""),  # in Shenzhen and in Hegang
        ("郊区", ""),
        ("石家庄市郊区", ""),  # split
        ("浙江省道", ""),
    ],
)
def test_heads(head: str, expected: str) -> None:
    assert read_head(head) == expected


def test_only_heads_that_change_are_looked_up() -> None:
    element = STANDARDS.elements["residence_address"]
    assert readings(element, ["杭州市西湖区", "浙江省杭州市西湖区", "南山区", ""]) == {"杭州市西湖区": "浙江省杭州市西湖区"}


def test_the_engine_keeps_its_automaton() -> None:
    """Without it a pattern takes twenty times as long as a simple one."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute("CREATE TABLE t AS SELECT '浙江省杭州市西湖区样例路' || i || '号' AS a FROM range(60000) r(i)")

        def seconds(pattern: str) -> float:
            times = []
            for _ in range(3):
                begun = time.process_time()
                connection.execute(f"SELECT count(*) FROM t WHERE regexp_replace(a, '{pattern}', '') = ''")
                times.append(time.process_time() - begun)
            return min(times)

        simple = seconds("^浙江省杭州市西湖区")
        assert all(seconds(pattern) < 8 * simple for pattern in (head_pattern(), path_pattern(), *full_path_patterns()))


def test_a_head_in_traditional_characters_is_found_as_in_simplified_ones() -> None:
    """Only the characters that tell a head from another are simplified for it; the head is the one found where all are."""
    dice, other = random.Random(11), {plain: old for old, plain in simplified().items()}
    named = sorted(divisions().by_name)
    texts = ["".join(dice.choice(named) for _ in range(dice.randint(1, 3))) + "運河東路38號江畔傢園" for _ in range(2000)]
    texts = ["".join(other.get(one, one) if dice.random() < 0.7 else one for one in text) for text in texts] + ["中國浙江省", "〇", ""]
    every, given = str.maketrans(simplified()), ibis.table({"raw": "string"}, name="given")
    connection = duckdb.connect()
    connection.register("given", pa.table({"raw": texts}))
    found = connection.execute(ibis.to_sql(given.select(key=address.spelling_key(given.raw)))).fetchall()
    rests = [re.sub(head_pattern(), "", text.translate(every)) for text in texts]
    assert [key for (key,) in found] == [text[: len(text) - len(rest)] for text, rest in zip(texts, rests, strict=True)]
    assert len({key for (key,) in found}) > 1000

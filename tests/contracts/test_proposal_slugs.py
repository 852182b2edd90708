"""Tables have ids of their own, in whatever script they are named."""

import re

import pytest
from pypinyin import lazy_pinyin

from contracts.proposal.slug import slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("public.处方", "chufang"),
        ("public.户籍", "huji"),
        ("hj.T_RKXX_2024", "rkxx_2024"),
        ("不动产_202608", "budongchan"),
        ("resident_20240101", "resident"),
        ("食品经营许可信息_2024", "shipinjingyingxukexinxi"),
        ("市场主体_银行", "shichangzhuti_yinhang"),
        ("2024", "table"),
        ("_-_", "table"),
    ],
)
def test_a_table_has_an_id_of_its_own_in_whatever_script_it_is_named(name: str, slug: str) -> None:
    assert slug_of(name, is_file=not name.startswith(("public", "hj"))) == slug


def test_names_that_nobody_here_can_spell_make_different_ids() -> None:
    unknown = [character for character in map(chr, range(0x3400, 0xA000)) if not lazy_pinyin(character)[0].isascii()][:2]
    one, other = unknown
    found = {slug_of(name, is_file=False) for name in (one + other, other + one, f"{one}号", f"{other}号")}
    assert len(found) == 4
    assert all(re.fullmatch("(table|hao)_[0-9a-f]{6}", slug) for slug in found)


def test_long_names_that_begin_alike_make_different_ids() -> None:
    name = "北京市朝阳区二〇二四年度食品经营许可证核发变更注销信息公示"
    found = {slug_of(f"{name}{end}", is_file=False) for end in ("", "甲", "乙")}
    assert len(found) == 3
    assert max(map(len, found)) <= 60

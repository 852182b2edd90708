"""Tables have ids of their own, in whatever script they are named."""

import re

import pytest

from contracts.proposal.slug import slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("public.处方", "chufang"),
        ("public.户籍", "huji"),
        ("hj.T_RKXX_2024", "rkxx_2024"),
        ("不动产_202608", "budongchan"),
        ("resident_20240101", "resident"),
        ("2024", "table"),
        ("_-_", "table"),
    ],
)
def test_a_table_has_an_id_of_its_own_in_whatever_script_it_is_named(name: str, slug: str) -> None:
    assert slug_of(name, is_file=not name.startswith(("public", "hj"))) == slug


def test_names_that_nobody_here_can_spell_make_different_ids() -> None:
    found = {slug_of(name, is_file=False) for name in ("鱻灪", "灪鱻", "鱻号", "灪号")}
    assert len(found) == 4
    assert all(re.fullmatch("(table|hao)_[0-9a-f]{6}", slug) for slug in found)

"""Codes that say nothing, over every code list, and over every registry's elements that have such codes."""

from collections.abc import Iterator

import pytest

from core.engine import Engine
from registries.definition import get_definition
from registries.silent import silent_codes
from registries.survivorship import Contribution, in_order, merged
from standards.loader import load_standards
from standards.model import CodeList
from standards.versions import merged_by, pack
from tests.factories import hub_in

STANDARDS = load_standards()
SILENT = silent_codes(STANDARDS)
OF_REGISTRIES = [(schema.id, element.id) for schema in STANDARDS.schemas.values() for element in schema.elements if element.id in SILENT]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(hub_in(tmp_path_factory.mktemp("silent") / "home").settings, threads=1) as engine:
        yield engine


@pytest.mark.parametrize("code_list", STANDARDS.code_lists.values(), ids=lambda item: item.id)
def test_codes_that_are_called_unknown_or_not_stated_say_nothing_and_no_others(code_list: CodeList) -> None:
    words = ("未知", "未说明", "不详", "不明")
    called = {code.code for code in code_list.codes if any(word in code.title.zh for word in words)}
    assert set(code_list.says_nothing.codes if code_list.says_nothing else ()) == called


def test_they_are_those_of_the_elements_that_registries_have() -> None:
    assert OF_REGISTRIES == [
        ("geography", "place_status_code"),
        ("geography", "place_stage_code"),
        ("population", "sex_code"),
        ("population", "marital_status_code"),
    ]


@pytest.mark.parametrize(("registry", "element"), OF_REGISTRIES)
def test_whoever_says_something_outdoes_whoever_does_not_whatever_the_rank(engine: Engine, registry: str, element: str) -> None:
    definition, codes = get_definition(registry), SILENT[element]
    departments = dict.fromkeys([*definition.ranks["default"].departments, *definition.rank_of(element).departments, "somebody_else"])
    unordered = [Contribution(f"{name}__x", name, n, (element,), f"{name}_said") for n, name in enumerate(departments, start=1)]
    order = in_order(definition, element, unordered)
    known = next(code for code in STANDARDS.code_lists[STANDARDS.elements[element].code_list or ""].current if code not in codes)
    said = {
        1: [codes[0]] * (len(order) - 1) + [known],  # only the last one knows
        2: [None, *codes[-1:], *[codes[0]] * (len(order) - 2)],  # nobody does: as without the rule, the first that has anything
        3: [known, *[codes[0]] * (len(order) - 1)],
    }
    for place, item in enumerate(order):
        values = ", ".join(f"({person}, {'NULL' if words[place] is None else repr(words[place])})" for person, words in said.items())
        engine.run(
            f'CREATE OR REPLACE TABLE {item.relation} AS SELECT a AS _canonical_id, NULL::DATE AS _valid_from, b::VARCHAR AS "{element}" '
            f"FROM (VALUES {values}) t(a, b)"
        )
    rows = engine.rows(
        f'SELECT "{element}", "_from_{element}" FROM ({merged(definition, [element], unordered, silent=SILENT)}) ORDER BY _canonical_id'
    )
    assert rows == [(known, order[-1].number), (codes[-1], order[1].number), (known, order[0].number)]


def test_a_table_is_merged_anew_when_other_codes_say_nothing() -> None:
    lists = {name: item.model_copy(update={"says_nothing": None}) for name, item in STANDARDS.code_lists.items()}
    before, now = pack(STANDARDS.model_copy(update={"code_lists": lists})), pack(STANDARDS)
    anew = {registry for registry in STANDARDS.schemas if merged_by(before, registry) != merged_by(now, registry)}
    assert anew == {registry for registry, _ in OF_REGISTRIES}

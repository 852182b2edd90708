"""What changed between two standards: nothing is overlooked, each change is named and judged, and it reaches what it can change."""

import functools
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import pytest

from standards.cross_rules import OF_LISTS, broken, coded
from standards.difference_words import lines, sentence, subject
from standards.differences import TELLING, Difference, attributes, differences
from standards.loader import load_standards, read_standards
from standards.model import Code, CodeList, CrossRule, DataElement, IssueType, Schema, SchemaUse, Standards
from standards.reach import LISTS_OF_RULES, LISTS_READ, reach
from standards.spellings import SPELLED, readings
from standards.standardize import issues_of, sure_of, value_of
from standards.texts import LANGUAGES
from standards.value_types import SHARED_ISSUES
from standards.versions import digest
from tests.standards.proposals import copied, edited

STANDARDS = load_standards()
OPPOSITE = {"narrowing": "widening", "widening": "narrowing", "added": "removed", "removed": "added"}


def _lengthen(body: dict[str, Any]) -> None:
    body["max_length"] = 60


def _mask(body: dict[str, Any]) -> None:
    body["mask"] = "full"


def _rename(body: dict[str, Any]) -> None:
    body["title"]["zh"] = "名字"


def _fix(body: dict[str, Any]) -> None:
    body["fixes"]["0009"] = "9"


def _soften(body: dict[str, Any]) -> None:
    next(item for item in body["items"] if item["id"] == "wrong-check-character")["severity"] = "warning"


def _forgo_rule(body: dict[str, Any]) -> None:
    body["items"] = [item for item in body["items"] if item["id"] != "sex-agrees-with-resident-id"]


def _require(body: dict[str, Any]) -> None:
    next(use for use in body["uses"] if use["element"] == "sex_code")["required"] = True


def _give_up(body: dict[str, Any]) -> None:
    body["uses"] = [use for use in body["uses"] if use["element"] != "employer_name"]


# File, edit, and what is to be found: kind, id, part, item, change, effect, and a piece of each sentence.
EDITS: dict[str, tuple[str, Callable[[Any], None], tuple[str, str, str, str, str, str], str, str]] = {
    "length": (
        "data_elements/person_name.yml",
        _lengthen,
        ("element", "person_name", "max_length", "", "changed", "widening"),
        "greatest length changes from 50 to 60",
        "最大长度由 50 改为 60",
    ),
    "mask": (
        "data_elements/sex_code.yml",
        _mask,
        ("element", "sex_code", "mask", "", "changed", "handling"),
        "mask changes",
        "脱敏方式由",
    ),
    "title": (
        "data_elements/person_name.yml",
        _rename,
        ("element", "person_name", "title", "", "changed", "wording"),
        "from 姓名 to 名字",
        "由 姓名 改为 名字",
    ),
    "fix": ("code_lists/sex.yml", _fix, ("code_list", "sex", "fixes", "0009", "added", "widening"), "0009 is now read as 9", "读作 9"),
    "a code that says nothing": (
        "code_lists/marital_status.yml",
        lambda body: body["says_nothing"]["codes"].append("40"),
        ("code_list", "marital_status", "says_nothing", "40", "added", "meaning"),
        "code 40 (离婚) says nothing",
        "代码 40（离婚）表示未知或未说明",
    ),
    "why a code says nothing": (
        "code_lists/marital_status.yml",
        lambda body: body["says_nothing"]["source"].update(clause="表 1"),
        ("code_list", "marital_status", "says_nothing.source", "", "changed", "wording"),
        "source of the codes that say nothing",
        "表示未知或未说明的代码的标准依据",
    ),
    "severity": (
        "issue_types.yml",
        _soften,
        ("issue_type", "wrong-check-character", "severity", "", "changed", "widening"),
        "from error to warning",
        "由 错误 改为 警告",
    ),
    "rule": (
        "cross_rules.yml",
        _forgo_rule,
        ("cross_rule", "sex-agrees-with-resident-id", "", "", "removed", "widening"),
        "is gone",
        "取消",
    ),
    "required": (
        "schemas/population.yml",
        _require,
        ("schema", "population", "uses.required", "sex_code", "changed", "narrowing"),
        "sex_code: required changes from no to yes",
        "sex_code：必填由 否 改为 是",
    ),
    "use": (
        "schemas/population.yml",
        _give_up,
        ("schema", "population", "uses", "employer_name", "removed", "narrowing"),
        "gives up the element employer_name",
        "移出数据元 employer_name",
    ),
}


def key(item: Difference) -> tuple[str, str, str, str, str, str]:
    return item.kind, item.id, item.part, item.item, item.change, item.effect


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_a_file_is_told_in_words_and_the_way_back_is_its_opposite(name: str, tmp_path: Path) -> None:
    file, edit, expected, english, chinese = EDITS[name]
    proposed = read_standards(edited(copied(tmp_path), file, edit))
    (found,) = differences(STANDARDS, proposed)
    assert key(found) == expected
    assert english in sentence(found, "en")
    assert chinese in sentence(found, "zh")
    assert found.id in subject(found, "en")
    assert found.id in subject(found, "zh")
    (back,) = differences(proposed, STANDARDS)
    assert key(back) == (*expected[:4], *(OPPOSITE.get(word, word) for word in expected[4:]))


def test_a_code_that_is_withdrawn_renamed_new_or_spelled_otherwise(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    table = folder / "code_lists" / "marital_status.csv"
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    columns = header.split(",")
    body = [dict(zip(columns, row.split(","), strict=True)) for row in rows]
    withdrawn, renamed, spelled = body[-2], body[-3], body[-4]  # the last one says nothing, which the list would still say of it
    old_name = renamed["name_zh"]
    renamed["name_zh"] = "新名"
    spelled["aliases"] = ";".join(filter(None, [spelled.get("aliases", ""), "别写"]))
    body[-2] = {**withdrawn, "code": "77", "name_zh": "新码", "name_en": "", "aliases": ""}
    named = list(dict.fromkeys([*columns, "aliases"]))
    table.write_text("\n".join([",".join(named), *(",".join(row.get(c, "") for c in named) for row in body)]) + "\n", encoding="utf-8")
    found = {
        (item.part, item.item, item.change): (item.effect, sentence(item, "zh")) for item in differences(STANDARDS, read_standards(folder))
    }
    assert found[("code", withdrawn["code"], "removed")] == ("narrowing", f"停用代码 {withdrawn['code']}（{withdrawn['name_zh']}）")
    assert found[("code", "77", "added")] == ("widening", "新增代码 77（新码）")
    assert found[("code.title", renamed["code"], "changed")] == ("meaning", f"代码 {renamed['code']} 由“{old_name}”改名为“新名”")
    assert found[("code.aliases", spelled["code"], "added")][0] == "widening"
    assert len(found) == 4


def test_a_code_that_ends_is_withdrawn_and_not_told_twice() -> None:
    sex = STANDARDS.code_lists["sex"]
    last = sex.codes[-1].model_copy(update={"valid_to": "2026-01-01"})
    ended = sex.model_copy(update={"codes": (*sex.codes[:-1], last)})
    (found,) = differences(STANDARDS, STANDARDS.model_copy(update={"code_lists": {**STANDARDS.code_lists, "sex": ended}}))
    assert key(found) == ("code_list", "sex", "code", last.code, "removed", "narrowing")


def test_the_same_is_no_difference_and_comments_change_nothing(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    path = folder / "data_elements" / "sex_code.yml"
    path.write_text("# a remark\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    again = read_standards(folder)
    assert differences(STANDARDS, again) == ()
    assert digest(again) == digest(STANDARDS)


def _other(attribute: str, value: Any) -> Any:
    if attribute == "definition":
        return STANDARDS.elements["birth_date"].title
    return (value or 0) + 1 if attribute == "max_length" else (*value, "other") if attribute == "aliases" else "other"


def _changed_elements() -> Iterator[tuple[str, str, Standards]]:
    for name, element in STANDARDS.elements.items():
        for attribute in ("definition", "type", "max_length", "pattern", "classification", "mask", "code_list", "maximum", "aliases"):
            other = element.model_copy(update={attribute: _other(attribute, getattr(element, attribute))})
            yield name, attribute, STANDARDS.model_copy(update={"elements": {**STANDARDS.elements, name: other}})


def test_no_change_of_any_element_is_overlooked() -> None:
    for name, attribute, changed in _changed_elements():
        (found,) = differences(STANDARDS, changed)
        assert (found.kind, found.id, found.part) == ("element", name, attribute)
        told = found.effect in TELLING
        assert (name in reach([found], STANDARDS, changed).elements) == told


def test_every_attribute_has_a_name_in_both_languages_and_a_rule() -> None:
    named = attributes()
    models: dict[str, tuple[type[Any], set[str]]] = {
        "element": (DataElement, {"id"}),
        "code_list": (CodeList, {"id", "codes"}),
        "code_list.code": (Code, {"code", "valid_to"}),
        "schema": (Schema, {"id"}),
        "schema.uses": (SchemaUse, {"element"}),
        "issue_type": (IssueType, {"id"}),
        "cross_rule": (CrossRule, {"id"}),
    }
    paths = {f"{kind}.{name}" for kind, (model, known) in models.items() for name in model.model_fields if name not in known}
    assert paths - set(named) == set()
    assert all(set(entry) == {"zh", "en", "rule"} for entry in named.values())


def test_many_changes_of_one_kind_are_cut_and_counted() -> None:
    divisions = STANDARDS.code_lists["division"]
    fewer = divisions.model_copy(update={"codes": divisions.codes[:-40]})
    found = differences(STANDARDS, STANDARDS.model_copy(update={"code_lists": {**STANDARDS.code_lists, "division": fewer}}))
    assert len(found) == 40
    for language in LANGUAGES:
        told = list(lines(found, language))
        assert len(told) < 25
        assert any("more of this kind" in text or "项同类变化" in text for _, _, text in told)


class _Recorded(dict[str, CodeList]):
    """Code lists that remember which of them were asked for."""

    def __init__(self, lists: dict[str, CodeList]) -> None:
        super().__init__(lists)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> CodeList:
        self.asked.add(name)
        return super().__getitem__(name)


def _forget() -> None:
    """Empty everything that the standards' modules have worked out from a standard."""
    for item in gc.get_objects():
        if isinstance(item, functools._lru_cache_wrapper) and item.__module__.startswith("standards.") and "loader" not in item.__module__:
            item.cache_clear()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Recorded]:
    lists = _Recorded(STANDARDS.code_lists)
    watched = STANDARDS.model_copy(update={"code_lists": lists})
    monkeypatch.setattr("standards.loader._substitutes", {Path(load_standards.__globals__["FOLDER"]): watched})
    yield lists
    _forget()


@pytest.mark.long
@pytest.mark.slow
def test_which_lists_a_value_type_reads_is_stated(recorded: _Recorded) -> None:
    assert set(LISTS_READ) <= set(SHARED_ISSUES)
    raw = ibis.table({"raw": "string"}, name="given").raw
    # One element for each type and kind of list is enough: what a type reads does not depend on the element.
    elements = {item.type: item for item in STANDARDS.elements.values() if item.type in LISTS_READ}
    for element in elements.values():
        _forget()
        recorded.asked.clear()
        value_of(raw, element)
        sure_of(raw, element)
        issues_of(raw, element)
        if element.type in SPELLED:
            readings(element, ["北京市东城区", "110101"])
        allowed = {*LISTS_READ[element.type], *([element.code_list] if element.code_list else [])}
        assert recorded.asked <= allowed, (element.id, recorded.asked)


@pytest.mark.long
@pytest.mark.slow
def test_which_lists_a_rule_over_several_elements_reads_is_stated(recorded: _Recorded) -> None:
    for rule in STANDARDS.cross_rules:
        _forget()
        recorded.asked.clear()
        broken(rule, ibis.table(dict.fromkeys(rule.needs, "string"), name="given"))
        own = {coded(rule.needs)} if rule.expression in OF_LISTS else set()
        assert recorded.asked == {*LISTS_OF_RULES.get(rule.expression, ()), *own}, rule.id


def test_a_change_of_the_divisions_reaches_what_reads_them() -> None:
    divisions = STANDARDS.code_lists["division"]
    more = divisions.model_copy(update={"codes": (*divisions.codes, Code.model_validate({"code": "998877", "title": {"zh": "新县"}}))})
    changed = STANDARDS.model_copy(update={"code_lists": {**STANDARDS.code_lists, "division": more}})
    reached = reach(differences(STANDARDS, changed), STANDARDS, changed)
    assert "credit-code-fits-address" in reached.rules
    found = reached.elements
    assert {"resident_id", "household_division_code", "residence_address", "unified_social_credit_code"} <= found
    assert not {"person_name", "sex_code", "birth_date"} & found

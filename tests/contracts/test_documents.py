"""What the text of a contract may be: YAML or JSON, as people and programs write it, and what is wrong with it told by its line."""

import json

import pytest
import yaml

from contracts.loader import load_contract
from core.errors import DefinitionError
from core.yaml_text import NotYaml, parsed
from standards.loader import load_standards
from tests.contracts.examples import RESIDENT, changed
from tests.contracts.test_loader import faults


def test_keys_are_text_whatever_yaml_makes_of_them(written):
    text = (
        yaml.safe_dump(changed("ignore", []), allow_unicode=True).replace("SFZH: resident_id", "1: resident_id").replace("- SFZH", '- "1"')
    )
    contract = load_contract(written(text), load_standards())
    assert "1" in contract.columns


def test_a_key_that_stands_twice_is_a_fault(written):
    path = written("id: a__b\nid: a__c\n")
    with pytest.raises(DefinitionError, match='line 2: is not valid YAML: "id" stands twice'):
        load_contract(path, load_standards())


@pytest.mark.parametrize(("content", "words"), [("a: [", "not valid YAML"), ("", "expected keys with values")])
def test_a_file_that_is_no_document_is_a_fault(written, content, words):
    with pytest.raises(DefinitionError, match=words):
        load_contract(written(content), load_standards())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("columns:\n\tSFZH: resident_id\n", 2, "a tab stands before it"),
        ("columns:\n  SFZH: resident_id\n \tXM: person_name\n", 3, "a tab stands before it"),
        ("id: a__b\nfeeds：[population]\nsource: {}\n", 2, "a colon in full width"),
        ("id: a__b\nfeeds： population\n", 2, "a colon in full width"),
        ("columns:\n  证号： resident_id\n  姓名: person_name\n", 2, "a colon in full width"),
        # One inside a value, or in a key that has its own, is no fault.
        ("title: {zh: 说明：甲}\n- id\n", 2, "expected"),
        ("columns:\n  备注：甲: remark\n- id\n", 3, "expected"),
    ],
)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_what_a_keyboard_does_to_yaml_is_told_where_it_stands(monkeypatch, loader, text, line, words):
    """YAML itself tells the line behind a colon in full width, and of a tab only that it cannot start a token."""
    monkeypatch.setattr("core.yaml_text.SafeLoader", loader)
    with pytest.raises(NotYaml) as error:
        parsed(text)
    assert error.value.place == f"line {line}"
    assert words in error.value.problem


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("[" * 250 + "]" * 250, "more than 50 lists and keys"),
        ("[" * 100_000, "more than 50 lists and keys"),
        ("&a [*a]", "stands inside what it stands for"),
        ("&a {<<: *a}", "stands inside what it stands for"),
        ("&a [&b [*a]]", "stands inside what it stands for"),
        *((value, "put a text in quotes") for value in ("!!int abc", '!!int ""', "!!float x", "0b_", "0x_", "!!bool maybe")),
        *((value, "put a text in quotes") for value in ("!!timestamp foo", "!!map x", "!!set x")),
        *((digits, "a number has more than 100 digits") for digits in ("1" * 5_000, "0x" + "f" * 5_000, "1_" + "0" * 300, "1:2" * 200)),
        ("!!omap x", "expected a sequence"),
        ('"\\U00110000"', "invalid Unicode"),
        ('"\a"', "cannot be printed"),
        ("{[a, b]: c}", "a key is a word or a number"),
        ("{{a: b}: c}", "a key is a word or a number"),
    ],
    ids=lambda text: text[:20],
)
@pytest.mark.parametrize("place", ["zz", "id"])
def test_what_yaml_itself_stumbles_over_is_a_fault_with_its_line(written, place, value, words):
    """Not a traceback, and no value of the file in it."""
    text = yaml.safe_dump({name: part for name, part in RESIDENT.items() if name != place}, allow_unicode=True)
    with pytest.raises(DefinitionError) as error:
        load_contract(written(f"{place}: {value}\n{text}"), load_standards())
    (fault,) = error.value.faults
    assert fault.key in ("line 1", "line 2")  # a bracket without end is seen behind it
    assert words in fault.message
    assert len(fault.message) < 200
    assert "Node(" not in fault.message


@pytest.mark.parametrize(
    ("cycle", "words"),
    [("每天", "yearly, irregular (How often"), ("dayly", 'yearly, irregular; did you mean "daily"? (How often')],
)
def test_what_may_stand_there_is_named_once(cycle, words):
    told = faults(changed("update_cycle", cycle))["update_cycle"]
    assert words in told
    assert "there is" not in told


def test_a_document_that_is_inside_itself_is_a_fault(written):
    with pytest.raises(DefinitionError, match=r"line 2: is not valid YAML: \*a stands inside what it stands for"):
        load_contract(written("&a\nid: *a\n"), load_standards())


def test_a_character_that_there_is_not_is_a_fault_without_libyaml_too(written, monkeypatch):
    monkeypatch.setattr("core.yaml_text.SafeLoader", yaml.SafeLoader)
    with pytest.raises(DefinitionError, match=r"a number .* that no character has"):
        load_contract(written('id: "\\U00110000"'), load_standards())


@pytest.mark.parametrize("title", ["𠮷野家", "\\ud842\\udfb7", "一", '"\\"'])
def test_a_contract_may_be_json_however_it_writes_its_characters(written, title):
    document = yaml.safe_load(yaml.safe_dump(changed("ignore", []))) | {"title": {"zh": title, "en": title}}
    for ascii_only in (True, False):
        assert load_contract(written(json.dumps(document, ensure_ascii=ascii_only)), load_standards()).title.zh == title


def test_an_alias_stands_for_what_has_its_anchor(written):
    text = yaml.safe_dump(changed("ignore", []), allow_unicode=True)
    document = f"{text}\n".replace("feeds:\n- population", "feeds: &f\n- population").replace("ignore: []", "ignore: *f")
    assert load_contract(written(document), load_standards()).ignore == ("population",)


@pytest.mark.parametrize("way", ["[{}]", "{{<<: [{}]}}"])
def test_aliases_that_multiply_are_refused_before_they_are_written_out(written, way):
    """Each of nine lines holds the one before nine times: 400 bytes for 400 million values."""
    lines = ["a0: &a0 {x: 1}", *(f"a{line}: &a{line} {way.format(', '.join([f'*a{line - 1}'] * 9))}" for line in range(1, 10))]
    with pytest.raises(DefinitionError, match=r"line \d: is not valid YAML: aliases \(\*\) stand for more than 100000 characters"):
        load_contract(written("\n".join(lines)), load_standards())


def test_aliases_nest_no_deeper_than_brackets(written):
    lines = ["a0: &a0 [x]", *(f"a{line}: &a{line} [*a{line - 1}]" for line in range(1, 60))]
    with pytest.raises(DefinitionError, match="more than 50 lists and keys"):
        load_contract(written("\n".join(lines)), load_standards())

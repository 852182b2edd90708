import json
from pathlib import Path
from time import process_time

import pytest
import yaml

from contracts.loader import contract_from_document, load_contract, load_contracts
from core.errors import DefinitionError
from core.yaml_text import NotYaml, parsed
from standards.loader import load_standards
from tests.contracts.examples import RESIDENT, changed


@pytest.fixture
def written(tmp_path):
    def write(content, name="resident.yml"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return path

    return write


def faults(document) -> dict[str, str]:
    with pytest.raises(DefinitionError) as error:
        contract_from_document(document, load_standards(), file="resident.yml")
    return {fault.key: fault.message for fault in error.value.faults}


def test_a_right_contract_loads(written):
    contract = load_contract(written(RESIDENT), load_standards())
    assert contract.id == "public_security__resident"
    assert contract.feeds == ("population",)


def test_all_faults_of_the_form_come_at_once():
    document = changed("titel", {})
    document["source"]["kind"] = "postgres"
    document["columns"]["CSRQ"] = {"element": "birth_date", "format": ["%Y"]}
    document["schedule"]["cron"] = "x"
    found = faults(document)
    assert set(found) == {"titel", "source", "columns.CSRQ.format", "schedule.cron"}
    assert 'did you mean "title"?' in found["titel"]
    assert 'did you mean "postgresql"?' in found["source"]
    assert 'did you mean "formats"?' in found["columns.CSRQ.format"]


def test_what_should_have_keys_is_told_which():
    found = faults(changed("schedule", "0 2 * * *"))
    assert found["schedule"].startswith("expected keys with values: cron, retries, retry_seconds")


def test_a_fault_of_the_form_hides_no_other():
    """Whatever breaks the form, everything else that can be told is told in the same round."""
    document = changed("titel", {})
    document |= {"id": "health__resident", "sharing": {"class": "none"}, "record_key": ["SFZ"], "ignore": ["XM"]}
    document["source"] = {"kind": "csv", "connection": "drop", "path": "../a.csv", "encoding": "zip", "heder": True}
    document["columns"] |= {"XM": "employer_name", "XB": {"element": "sex_code", "lookup": {"M": "7"}}, "CSRQ": "birth_dat"}
    document["assertions"]["fill_rates"] = {"death_date": 0.5}
    found = faults(document)
    assert set(found) == {
        "titel",
        "id",
        "sharing.legal_basis",
        "source.heder",
        "source.path",
        "source.encoding",
        "columns",
        "columns.XB.lookup.M",
        "columns.CSRQ",
        "assertions.fill_rates.death_date",
        "record_key[0]",
        "ignore[0]",
    }
    assert "person_name" in found["columns"]


@pytest.mark.parametrize(
    "path", [*RESIDENT, "source.kind", "source.object", "department.id", "title.zh", "columns.XM", "columns.XB.element"]
)
@pytest.mark.parametrize("value", ["absent", 7, [], {}, "postgresql://hub:s3cret@db/x"], ids=str)
def test_what_a_fault_of_the_form_takes_away_is_not_held_against_the_author(path, value):
    """A part that is missing or broken is named itself, and nothing that only follows from it."""
    document = changed(path, remove=True) if value == "absent" else changed(path, value)
    try:
        contract_from_document(document, load_standards(), file="resident.yml")
    except DefinitionError as error:
        told = [fault.key for fault in error.faults]
        assert [key for key in told if not (key.startswith(path) or path.startswith(key))] == []


@pytest.mark.parametrize(
    ("wrong", "right"), [("ignor", "ignore"), ("column", "columns"), ("constant", "constants"), ("sharin", "sharing"), ("feds", "feeds")]
)
def test_a_misspelt_key_is_one_fault(wrong, right):
    document = changed("constants", {"marital_status_code": "10"})
    document |= {"record_key": ["SFZH", "BZ"], "sharing": {"class": "none", "legal_basis": "a law"}}
    document[wrong] = document.pop(right)
    assert set(faults(document)) - {right} == {wrong}


@pytest.mark.parametrize(
    ("path", "value", "key", "words"),
    [
        ("id", "health__resident", "id", "public_security__"),
        ("feeds", ["populations"], "feeds[0]", 'did you mean "population"?'),
        ("columns.XM", "person_nam", "columns.XM", 'did you mean "person_name"?'),
        ("columns.DW", "organization_type_code", "columns.DW", "is not part of population"),
        ("columns.XM2", "person_name", "columns.XM2", "2 places"),
        ("constants", {"person_name": "x"}, "constants.person_name", "2 places"),
        ("columns.XM", "employer_name", "columns", '"person_name", which population requires'),
        ("columns.XM", {"element": "person_name", "formats": ["%Y"]}, "columns.XM.formats", "not a date"),
        ("columns.CSRQ", {"element": "birth_date", "formats": ["%Y-%m"]}, "columns.CSRQ.formats[0]", "each needed once"),
        ("columns.CSRQ", {"element": "birth_date", "formats": ["%y(1930)%m%d%d"]}, "columns.CSRQ.formats[0]", "each needed once"),
        (
            "columns.XB",
            {"element": "sex_code", "written_in": "entity_status_36104"},
            "columns.XB.written_in",
            "leads to the codes of sex_code",
        ),
        ("columns.HK", {"element": "household_type_code", "written_in": "x"}, "columns.HK.written_in", "household_type_two_digit"),
        ("columns.XB", {"element": "sex_code", "unit": "万元"}, "columns.XB.unit", "not counted in 万元"),
        ("columns.XB", {"element": "sex_code", "lookup": {"M": "7"}}, "columns.XB.lookup.M", "not a code of"),
        ("constants", {"marital_status_code": "x"}, "constants.marital_status_code", "not a code of"),
        ("record_key", ["SFZ"], "record_key[0]", 'did you mean "SFZH"?'),
        ("record_key", ["*", "SFZH"], "record_key[0]", "stands alone"),
        ("change_tracking", "cursor", "cursor", "names the column"),
        ("cursor", {"column": "GXSJ"}, "cursor", "says nothing unless"),
        ("ignore", ["XM"], "ignore[0]", "either used or ignored"),
        ("assertions.fill_rates", {"death_date": 0.5}, "assertions.fill_rates.death_date", "not mapped"),
        ("sharing", {"class": "none"}, "sharing.legal_basis", "law or policy"),
        ("source", {"kind": "csv", "connection": "drop", "path": "../a.csv"}, "source.path", "leads out"),
        ("source", {"kind": "csv", "connection": "drop", "path": "a.csv", "encoding": "gbq"}, "source.encoding", "not an encoding"),
        ("schedule.cron", "0 2 31 2,4 *", "schedule.cron", "would never come due"),
        ("reading.window", "22:00-22:00", "reading.window", "would never be open"),
        ("columns.CSRQ.formats", ["%Y%m%d", "%Y-%Q"], "columns.CSRQ.formats[1]", "%Q cannot be used; use %Y %m %d"),
        ("columns.CSRQ.formats", ["%y%m%d"], "columns.CSRQ.formats[0]", "does not have the expected form"),
        ("columns.CSRQ.formats", ["%Y-%m"], "columns.CSRQ.formats[0]", "each needed once"),
        ("columns.CSRQ.formats", ["%Y-%m-%d %"], "columns.CSRQ.formats[0]", "does not have the expected form"),
        ("as_of", {"column": "GXSJ", "formats": ["%Y-%m-%d %T"]}, "as_of.formats[0]", "%T cannot be used"),
        ("as_of", {"column": "GXSJ", "formats": ["%Y-%m", "%Y/%m %Y"]}, "as_of.formats[1]", "%Y is needed once"),
        ("as_of", {"column": "GXSJ", "formats": ["%Y-%m-%m"]}, "as_of.formats[0]", "%m stands there more than once"),
    ],
)
def test_references_that_do_not_resolve_are_faults(path, value, key, words):
    assert words in faults(changed(path, value))[key]


def test_a_column_with_the_name_of_the_hubs_own_can_only_be_left_out(written):
    assert "columns._position" in faults(changed("columns._position", "person_name"))
    document = yaml.safe_dump(changed("ignore", ["_position"]), allow_unicode=True)
    assert load_contract(written(document), load_standards()).ignore == ("_position",)


FILE = {"kind": "csv", "connection": "drop", "path": "a.csv"}
# What Python knows as text encodings, and codecs that are something else: compression, escapes, internet names.
ENCODINGS = ("utf-8", "UTF8", "utf-8-sig", "gb18030", "gbk", "gb2312", "hz", "big5", "big5hkscs", "utf-16", "utf-16-le", "utf-32", "cp1252")
NO_ENCODINGS = (
    "zip",
    "bz2",
    "base64",
    "hex",
    "uu",
    "quopri",
    "rot13",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "aliases",
    "",
    "a\0",
)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings_of_text_are_accepted(encoding):
    assert load_source({**FILE, "encoding": encoding}) == {}


@pytest.mark.parametrize("encoding", NO_ENCODINGS)
def test_other_codecs_are_faults(encoding):
    assert "not an encoding of text files" in load_source({**FILE, "encoding": encoding})["source.encoding"]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|", "^", " ", "\x01", "\x1f", "~"])
def test_delimiters_of_one_byte_are_accepted(delimiter):
    assert load_source({**FILE, "delimiter": delimiter}) == {}


@pytest.mark.parametrize("delimiter", ['"', "\n", "\r", "\0", "，", "¦"])
def test_what_cannot_separate_values_is_a_fault(delimiter):
    assert "cannot separate values" in load_source({**FILE, "delimiter": delimiter})["source.delimiter"]


def test_changes_are_tracked_in_databases_by_a_key_only():
    cursor = {"change_tracking": "cursor", "cursor": {"column": "GXSJ"}}
    assert contract_from_document(changed() | cursor, load_standards(), file="resident.yml").cursor
    assert (
        "a source of kind csv is only read whole"
        in faults(changed("source", {"kind": "csv", "connection": "drop", "path": "a.csv"}) | cursor)["change_tracking"]
    )
    assert "known as the same record" in faults(changed("record_key", "*") | cursor)["record_key"]


def test_a_log_is_followed_in_postgresql_itself():
    log = {"change_tracking": "log", "log": {"publication": "govhub"}}
    assert contract_from_document(changed() | log, load_standards(), file="resident.yml").log
    assert "names the publication" in faults(changed("change_tracking", "log"))["log"]
    assert "says nothing unless" in faults(changed("log", {"publication": "govhub"}))["log"]
    assert "of postgresql only" in faults(changed("source.kind", "mysql") | log)["change_tracking"]
    assert "leave it out" in faults(changed("reading.replica", "copy_db") | log)["reading.replica"]


def load_source(source) -> dict[str, str]:
    """The faults of the resident contract with another source."""
    try:
        contract_from_document(changed("source", source), load_standards(), file="resident.yml")
    except DefinitionError as error:
        return {fault.key: fault.message for fault in error.faults}
    return {}


@pytest.mark.parametrize("form", ["%y%m%d", "%y(30)%m%d", "%y(1930)-%y-%m", "%m%d"])
def test_a_year_of_two_digits_names_its_century(form):
    (message,) = faults(changed("columns.CSRQ", {"element": "birth_date", "formats": [form]})).values()
    assert "from which year on its hundred years run" in message
    contract_from_document(
        changed("columns.CSRQ", {"element": "birth_date", "formats": ["%y(1930)%m%d"]}), load_standards(), file="resident.yml"
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("source.connection", "postgresql://hub:s3cret@10.0.0.1/db"),
        ("source.object", "t; password=s3cret"),
        ("department.contact", "mysql://hub:s3cret@db/x"),
        ("source.password", "s3cret"),
        ("source.密码", "s3cret"),
        ("source.api_key", "s3cret"),
        ("department.contact", "数据库密码：s3cret"),
        ("department.contact", "口令 ＝ s3cret"),
        ("department.contact", "信息中心，密码是s3cret"),
        ("department.contact", "ｐａｓｓｗｏｒｄ：s3cret"),
        ("department.contact", "https://hub:s3cret@h/x"),
        ("department.contact", "office http://h/ok and x2+http://h?s3cret"),
        ("source", {"kind": "csv", "connection": "drop", "path": "https://h/x?key=s3cret"}),
        ("source", {"kind": "csv", "connection": "drop", "path": "ftp://h/s3cret"}),
        ("source.object", "db_password=s3cret"),
        ("sharing", {"class": "none", "legal_basis": "https://www.example.org/law?token_s3cret"}),
        ("title.zh", "jdbc:oracle://h/s3cret"),
    ],
)
def test_a_secret_is_a_fault_and_is_not_repeated(path, value):
    found = faults(changed(path, value))
    assert [key for key, message in found.items() if key.startswith(path) and "never holds an address or a secret" in message]
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sharing", {"class": "none", "legal_basis": "政务信息资源共享管理暂行办法 https://www.example.gov/content_5115.htm 第十条"}),
        ("department.contact", "信息中心 http://example.gov/office, 010-00000000"),
        ("title.zh", "密码管理单位名录"),
        ("department.contact", "密码管理局"),
    ],
)
def test_what_is_no_secret_is_accepted(path, value):
    contract_from_document(changed(path, value), load_standards(), file="resident.yml")


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


@pytest.mark.parametrize(
    ("text", "is_secret"), [("a" * 50_000, False), ("a1." * 20_000, False), ("http://" * 10_000 + "@", True), ("http://a " * 10_000, False)]
)
def test_a_long_text_is_looked_through_once(text, is_secret):
    document = changed("department.contact", text)
    started = process_time()
    if is_secret:
        assert "never holds an address" in faults(document)["department.contact"]
    else:
        contract_from_document(document, load_standards(), file="resident.yml")
    assert process_time() - started < 1


def test_a_file_that_is_too_large_for_a_contract_is_a_fault(written):
    with pytest.raises(DefinitionError, match=r"resident\.yml: is larger than 1 MB"):
        load_contract(written("# " + "x" * 1_000_000), load_standards())


def test_a_missing_file_is_a_fault(tmp_path):
    with pytest.raises(DefinitionError, match=r"none\.yml: cannot be read"):
        load_contract(tmp_path / "none.yml", load_standards())


def test_the_faults_of_all_files_come_together(written):
    paths = [
        written(changed("feeds", ["x"]), "a.yml"),
        written(changed("update_cycle", "x"), "b.yml"),
        written(RESIDENT, "c.yml"),
        written(RESIDENT, "d.yml"),
    ]
    with pytest.raises(DefinitionError) as error:
        load_contracts(paths, load_standards())
    assert {fault.file for fault in error.value.faults} == {"a.yml", "b.yml", "d.yml"}


DELIVERED = sorted(Path(__file__).parents[2].glob("demo/contracts/*.yml")) + sorted(Path(__file__).parents[2].glob("examples/**/*.yml"))


@pytest.mark.parametrize("path", DELIVERED, ids=lambda path: path.stem)
def test_every_contract_in_the_repository_loads(path):
    load_contract(path, load_standards())

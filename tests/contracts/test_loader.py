from pathlib import Path
from time import process_time

import pytest
import yaml

from contracts.loader import contract_from_document, load_contract, load_contracts
from core.errors import DefinitionError
from standards.loader import load_standards
from tests.contracts.examples import RESIDENT, changed


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

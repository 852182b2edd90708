"""Value types: made-up vectors, agreement with python-stdnum, and properties that hold for any text."""

import csv
import subprocess
import sys
from pathlib import Path

import duckdb
import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.expr import operations as ops
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc

from core.errors import RequestError
from core.portable import OPERATIONS
from standards.cross_rules import broken
from standards.date_formats import format_patterns
from standards.loader import load_standards
from standards.model import DataElement
from standards.single import normalize_values
from standards.spellings import lookup_table, spelling_key
from standards.standardize import issues_of, value_of
from standards.types import code
from standards.value_types import issue_kinds
from tests.standards.behavior import one_per_behavior
from tests.standards.identifiers import make_certificate_identifier, make_resident_id, make_uscc

STANDARDS = load_standards()
TODAY = "2026-01-01"
ELEMENTS = list(STANDARDS.elements.values())
TYPES = list({element.type: element for element in ELEMENTS}.values())
every_behavior = pytest.mark.parametrize("element", one_per_behavior(ELEMENTS), ids=lambda element: element.id)
every_type = pytest.mark.parametrize("element", TYPES, ids=lambda element: element.type)


def vectors() -> dict[str, list[dict[str, str]]]:
    with (Path(__file__).parent / "vectors.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [row for row in rows if row["element"] == name] for name in dict.fromkeys(row["element"] for row in rows)}


@pytest.mark.parametrize(("name", "rows"), vectors().items(), ids=vectors().keys())
def test_vectors(name: str, rows: list[dict[str, str]]) -> None:
    found = normalize_values(STANDARDS, name, [row["raw"] for row in rows], today=TODAY)
    for row, answer in zip(rows, found, strict=True):
        assert (answer.value or "", answer.status) == (row["value"], row["status"]), row
        if row["issue"]:
            assert row["issue"] in answer.issues, row


@every_behavior
def test_a_type_finds_exactly_the_issues_it_declares(element: DataElement) -> None:
    table = ibis.table({"raw": "string"}, name="t")
    assert list(issues_of(table.raw, element, TODAY)) == list(issue_kinds(element))


def test_expressions_use_only_the_portable_operations() -> None:
    table = ibis.table({"raw": "string"}, name="t")
    used: set[str] = set()
    for element in TYPES:
        formats = ("%d/%m/%Y",) if element.type == "date" else ()
        used |= _operations(table.select(x=value_of(table.raw, element, formats, {"a": "b"})))
        used |= _operations(table.select(**issues_of(table.raw, element, TODAY)))
    for rule in STANDARDS.cross_rules:
        record = ibis.table(dict.fromkeys(rule.needs, "string"), name="t")
        used |= _operations(record.select(x=broken(rule, record)))
    assert used <= set(OPERATIONS)


def _operations(table: ibis.Table) -> set[str]:
    return {type(node).__name__ for node in table.op().find(ops.Node)}


def test_resident_ids_agree_with_stdnum() -> None:
    bodies = [f"110101{1950 + n % 60}{1 + n % 12:02}{1 + n % 28:02}{n:03}" for n in range(0, 1000, 37)]
    numbers = [body + last for body in bodies for last in "0123456789X"]
    found = normalize_values(STANDARDS, "resident_id", numbers, today=TODAY)
    assert [answer.status == "valid" for answer in found] == [ric.is_valid(number) for number in numbers]
    assert [answer.value for answer in found if answer.value] == [make_resident_id(body) for body in bodies]


def test_credit_codes_agree_with_stdnum() -> None:
    right = [make_uscc(f"9{1 + n % 3}{11 + n % 5}0108", f"MA{n * 7919 % 1000000:06}") for n in range(60)]
    wrong = [code[:-1] + ("1" if code[-1] != "1" else "2") for code in right]
    found = normalize_values(STANDARDS, "unified_social_credit_code", right + wrong)
    assert [answer.status == "valid" for answer in found] == [stdnum_uscc.is_valid(code) for code in right + wrong]
    assert all(answer.issues == ("wrong-check-character",) for answer in found[60:])


def test_certificate_identifiers_have_the_right_check() -> None:
    issuers = [make_uscc("11310000", f"EXAMP{n:03}"[:8]) for n in range(5)]
    right = [make_certificate_identifier("11100000000013127D001", issuer, f"EXAMPLE{n:0{5 + n}}") for n, issuer in enumerate(issuers)]
    wrong = [text[:-1] + ("0" if text[-1] != "0" else "1") for text in right]
    found = normalize_values(STANDARDS, "certificate_identifier", right + wrong)
    assert [answer.status for answer in found] == ["valid"] * 5 + ["rejected"] * 5


JUNK = st.text(
    alphabet=st.one_of(
        st.characters(exclude_characters="\x00", exclude_categories=["Cs"]),
        st.sampled_from("0123456789XOIl-/.年月日 　张三·（）()有限公司ＡＢ１２'\"=:：*�长期男女"),
    ),
    max_size=24,
)


@pytest.mark.slow
@every_type
@settings(max_examples=2, suppress_health_check=list(HealthCheck), derandomize=True)
@given(texts=st.lists(JUNK, min_size=150, max_size=150))
def test_junk_never_crashes_and_normalizing_twice_equals_once(element: DataElement, texts: list[str]) -> None:
    once = [answer.value for answer in normalize_values(STANDARDS, element.id, texts, today=TODAY)]
    twice = [answer.value for answer in normalize_values(STANDARDS, element.id, once, today=TODAY)]
    assert once == twice


@pytest.mark.slow
@every_type
def test_a_missing_value_has_no_issue_and_no_condition_is_null(element: DataElement) -> None:
    texts = [None, "", "无", "x", "１", "110101199003079980"]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest(?) AS raw", [texts])
    table = ibis.table({"raw": "string"}, name="t")
    connection.execute(f"CREATE TABLE v AS {ibis.to_sql(table.select(value=value_of(table.raw, element)), dialect='duckdb')}")
    stored = ibis.table({"value": "string"}, name="v")
    query = ibis.to_sql(stored.select("value", **issues_of(stored.value, element, TODAY)), dialect="duckdb")
    for value, *flags in connection.execute(query).fetchall():
        assert None not in flags
        assert value is not None or not any(flags)


def test_declared_formats_and_lookups_come_first() -> None:
    dates = normalize_values(STANDARDS, "birth_date", ["01/02/1990", "1990-03-04", "00000000"], formats=("%d/%m/%Y",), today=TODAY)
    assert [answer.value for answer in dates] == ["1990-02-01", "1990-03-04", None]
    assert dates[2].issues == ("missing",)
    sexes = normalize_values(STANDARDS, "sex_code", ["1", " 0", "男"], lookup={"1": "2", "0": "1"})
    assert [answer.value for answer in sexes] == ["2", "1", "1"]
    with pytest.raises(ValueError, match="%y does not say the century"):
        format_patterns("%y%m%d")


@pytest.mark.parametrize(
    ("declared", "raw", "value"),
    [
        ("%y(1930)%m%d", "900307", "1990-03-07"),
        ("%y(1930)%m%d", "300307", "1930-03-07"),
        ("%y(1930)%m%d", "290307", "2029-03-07"),
        ("%y(1900)%m%d", "000307", "1900-03-07"),
        ("%d/%m/%y(1935)", "7/3/34", "2034-03-07"),
        ("%d/%m/%y(1935)", "07/03/35", "1935-03-07"),
        ("%y(1930).%m.%d %H:%M:%S", "98.3.7 00:00:00", "1998-03-07"),
        ("%y(1930)%m%d", "1990-03-07", "1990-03-07"),
        ("%y(1930)%m%d", "000000", None),
        ("%y(1930)%m%d", "900230", None),
        ("%y(1930)%m%d", "9003", None),
    ],
)
def test_two_digit_years_are_read_with_the_century_that_is_declared(declared: str, raw: str, value: str | None) -> None:
    (answer,) = normalize_values(STANDARDS, "calendar_date", [raw], formats=(declared,), today=TODAY)
    assert answer.value == value
    assert normalize_values(STANDARDS, "calendar_date", ["900307"], today=TODAY)[0].issues == ("wrong-form", "ambiguous-date")


def test_a_format_belongs_to_a_date_and_can_be_used() -> None:
    with pytest.raises(RequestError, match="is not a date"):
        normalize_values(STANDARDS, "sex_code", ["1"], formats=("%Y%m%d",))
    with pytest.raises(RequestError, match="century"):
        normalize_values(STANDARDS, "birth_date", ["900307"], formats=("%y%m%d",))


def test_spelling_keys_agree_in_engine_and_python() -> None:
    texts = ["男", " 滿 族 ", "ｈａ", "存续（在营、开业、在册）", "Han", "吊销，未注销"]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest(?) AS raw", [texts])
    query = ibis.to_sql(ibis.table({"raw": "string"}, name="t").select(key=code.spelling_key(ibis.table({"raw": "string"}, name="t").raw)))
    assert [key for (key,) in connection.execute(query).fetchall()] == [spelling_key(text) for text in texts]


def test_lookup_tables_lead_to_current_codes() -> None:
    for element in ELEMENTS:
        if element.code_list:
            code_list = STANDARDS.code_lists[element.code_list]
            known = {code.code for code in code_list.codes} if element.type == "historic_division" else set(code_list.current)
            assert set(lookup_table(element).values()) == known


def test_definitions_load_without_the_engine() -> None:
    program = "import sys; import standards.checks, standards.single; print('ibis' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]

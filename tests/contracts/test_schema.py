import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contracts.model import Contract
from contracts.schema import SCHEMA_FILE, schema_faults, to_json_schema, to_text
from tests.contracts.examples import RESIDENT, changed

ACCEPTED = [
    RESIDENT,
    changed("record_key", "*"),
    changed("as_of", {"column": "GXSJ", "formats": ["%Y-%m-%d"]}),
    changed("as_of", remove=True),
    changed("columns.XM", ["person_name", {"element": "employer_name"}]),
    changed("source", {"kind": "csv", "connection": "drop", "path": "rk_*.csv", "encoding": "gb18030", "delimiter": "|", "header": False}),
    changed("source", {"kind": "xlsx", "connection": "drop", "path": "a.xlsx", "sheet": "表一", "header_row": 3}),
    changed("source", {"kind": "jsonl", "connection": "drop", "path": "rk_*.jsonl.gz"}),
    changed(
        "source",
        {"kind": "fixed", "connection": "drop", "path": "a.txt", "unit": "bytes", "fields": [{"name": "SFZH", "start": 1, "width": 18}]},
    ),
    changed("source", {"kind": "xml", "connection": "drop", "path": "a.xml", "record": "row"}),
    changed("schedule.cron", "*/15 8-18 * * 1-5"),
    changed("reading.window", None),
    changed("sharing", remove=True),
]
REFUSED = [
    changed("id", "resident"),
    changed("id", remove=True),
    changed("title.zh", ""),
    changed("feeds", []),
    changed("feeds", "population"),
    changed("source.kind", "oracle"),
    changed("source.path", "x.csv"),
    changed("source", {"kind": "xml", "connection": "drop", "path": "a.xml"}),
    changed("source", {"kind": "fixed", "connection": "drop", "path": "a.txt", "fields": [{"name": "SFZH", "start": 0, "width": 18}]}),
    changed("source", {"kind": "fixed", "connection": "drop", "path": "a.txt", "fields": []}),
    changed("source.password", "x"),
    changed("source.connection", "postgresql://user:word@host/db"),
    changed("record_key", []),
    changed("columns", {}),
    changed("columns.XM", []),
    changed("columns.XM", 7),
    changed("columns.XM", {"element": "person_name", "format": []}),
    changed("columns.XB.lookup.M", 1),
    changed("columns.CSRQ.formats", ["yyyymmdd"]),
    changed("columns.CSRQ.formats", "%Y%m%d"),
    changed("change_tracking", "guess"),
    changed("assertions.least_rows", -1),
    changed("assertions.least_rows", "100"),
    changed("assertions.fill_rates.resident_id", 1.5),
    changed("schedule.cron", "0 25 * * *"),
    changed("schedule.cron", "daily"),
    changed("reading.window", "22:00"),
    changed("update_cycle", "often"),
    changed("sharing.class", "public"),
    changed("retention.landing_days", 0),
    changed("columnz", {}),
    ["not", "a", "contract"],
]


def test_the_published_schema_is_valid_and_says_what_the_model_says():
    published = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)
    assert SCHEMA_FILE.read_text(encoding="utf-8") == to_text(to_json_schema()), "run: python -m contracts.schema"


def test_every_key_of_a_contract_has_a_description_for_editors():
    schema = to_json_schema()
    assert [key for key, entry in schema["properties"].items() if "description" not in entry] == []


@pytest.mark.parametrize("document", ACCEPTED)
def test_model_and_schema_accept_the_same(document):
    assert schema_faults(document) == []
    Contract.model_validate(document)


@pytest.mark.parametrize("document", REFUSED)
def test_model_and_schema_refuse_the_same(document):
    assert schema_faults(document)
    with pytest.raises(ValidationError):
        Contract.model_validate(document)

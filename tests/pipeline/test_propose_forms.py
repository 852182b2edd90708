"""Tables in files of every form are proposed for as those in CSV are, and the draft reads them."""

import json

import pytest
import yaml

from contracts.model import Contract
from core.errors import SourceError
from pipeline.delivery.check import check_source
from tests.factories import Hub
from tests.pipeline.test_propose import PEOPLE, hub, proposed

__all__ = ["hub"]


def as_xml(rows: list[dict[str, str]]) -> str:
    records = "".join("<person>" + "".join(f"<{name}>{value}</{name}>" for name, value in row.items()) + "</person>" for row in rows)
    return f'<?xml version="1.0"?><reply xmlns:g="urn:g"><head><code>0</code></head><people>{records}</people></reply>'


FORMS = {
    "people.jsonl": lambda rows: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(),
    "people.xml": lambda rows: as_xml(rows).encode(),
    "people.txt": lambda rows: "".join("".join(_filled(value) for value in row.values()) + "\r\n" for row in rows).encode("gb18030"),
}


def _filled(value: str) -> str:
    return value + " " * (30 - len(value.encode("gb18030")))


@pytest.mark.parametrize("name", FORMS)
def test_records_of_every_form_are_read_and_their_draft_reads_them(hub: Hub, name: str) -> None:
    people = [{**row, "XM": row["XM"][:3]} for row in PEOPLE]
    hub.home  # noqa: B018
    (hub.drop / name).write_bytes(FORMS[name](people))
    proposal = proposed(hub, f"drop:{name}", department="public_security")
    contract = Contract.model_validate(yaml.safe_load(proposal.draft))
    assert contract.source.kind == {"jsonl": "jsonl", "xml": "xml", "txt": "fixed"}[name.rpartition(".")[2]]
    # Places have no names, and what looks like a person's name may be many things.
    assert {"resident_id"} | (set() if name.endswith("txt") else {"person_name", "sex_code"}) <= contract.elements.keys()
    assert len(proposal.decisions.columns) == len(people[0])
    checked = check_source(hub.home, contract)
    assert (checked.error, checked.rows_seen) == (None, len(people))


def test_json_that_is_no_lines_is_called_so(hub: Hub) -> None:
    hub.home  # noqa: B018
    (hub.drop / "all.json").write_text(json.dumps(PEOPLE[:3], indent=1))
    with pytest.raises(SourceError, match="is JSON, but not one object a line"):
        proposed(hub, "drop:all.json")

"""What the demo tells a program: everything that it tells a person."""

import json

import pytest

from cli.output import print_json
from demo.story import Day, document
from demo.truth import Account, ElementAccount, RegistryAccount, TableAccount
from pipeline.ledger import Equation
from registries.publications import nothing_yet
from tests.factories import PATIENTS, Hub, person


def test_ledger_elements_and_failures_are_in_the_document(hub: Hub, without_suite: None, capsys: pytest.CaptureFixture[str]) -> None:
    hub.register(PATIENTS)
    batch = hub.sync(PATIENTS, [person(1), person(2)])
    name = ElementAccount("person_name", right=8, wrong=1, missing=1, invented=0)
    published = TableAccount("base_population", 10, 9, 9, 0, 0, 0, (name,))
    account = Account(1, (RegistryAccount("population", published, None),))
    batches = {PATIENTS["id"]: batch, "tax__payer": None}
    beside = {"population": {"residence_address": {"property": 3}}}
    failed = ("collect__tax__payer", "publish__population")
    day = Day(account, batches, (nothing_yet("population"),), failed, ("publish__population",), beside)
    equations = [Equation("a", "x = y", 1, 1), Equation("b", "x = y", 1, 2)]
    print_json(document([day], equations, {"day 1": 1.5}))
    told = json.loads(capsys.readouterr().out)
    (first,) = told["days"]
    assert [(row["dataset"], row["status"], row.get("accepted")) for row in first["ledger"]] == [
        (PATIENTS["id"], "accepted", 2),
        ("tax__payer", None, None),
    ]
    assert first["registries"][0]["published"]["elements"] == [
        {"element": "person_name", "right": 8, "wrong": 1, "missing": 1, "invented": 0}
    ]
    assert (first["registries"][0]["found_share"], first["registries"][0]["best_source"]) == (0.9, None)
    assert (first["failed"], first["unexpected"]) == (["collect__tax__payer", "publish__population"], ["publish__population"])
    assert first["publications"][0]["digest"] is None
    assert first["beside"] == beside
    assert told["equations"] == {"recomputed": 2, "broken": [{"subject": "b", "words": "x = y", "left": 1, "right": 2}]}
    assert told["seconds"] == {"day 1": 1.5}

"""The page on how the hub runs, and the figures for a monitoring system."""

import json
import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from typer.testing import CliRunner

from catalog.tables import batch
from cli.app import app
from core.database import writing
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.portal.conftest import Portal, open_portal


def figures(portal: Portal) -> dict[tuple[str, ...], float]:
    """Samples by name and labels, read by another's parser."""
    answer = portal.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


def test_the_figures_are_those_of_the_ledger(filled: Portal) -> None:
    found, name = figures(filled), RESIDENTS["id"]
    last = filled.hub.batch(f"{name}@2")
    assert found[("govhub_dataset_records", name)] == last.records
    assert found[("govhub_dataset_waiting_rows", name)] == last.waiting == 2
    assert found[("govhub_batch_rows", "landed", name)] == last.landed
    assert found[("govhub_batch_status", "stopped", "transport__permit")] == 1
    assert found[("govhub_quarantine_rows", "missing", "person_name", name)] == 1
    assert found[("govhub_registry_publication", "population")] == 1
    assert found[("govhub_registry_records", "linked", "population")] > 0
    assert 0 < found[("govhub_disk_free_bytes",)] <= found[("govhub_disk_size_bytes",)]
    assert found[("govhub_alerts", "late-dataset")] == 0


def test_an_empty_hub_has_figures_too(empty: Portal) -> None:
    assert ("govhub_disk_free_bytes",) in figures(empty)


def test_the_figures_hold_no_person_and_are_for_those_with_the_token(filled: Portal) -> None:
    text = filled.client.get("/metrics").text
    assert not any(resident_id(n) in text for n in range(7))
    assert filled.stranger.get("/metrics").status_code == 401


@pytest.mark.parametrize(("lang", "words"), [("zh", ("距上次读取", "下次采集", "最近回执")), ("en", ("Age", "Next run", "Last receipt"))])
def test_the_page_shows_age_receipt_and_next_run(filled: Portal, lang: str, words: tuple[str, ...]) -> None:
    page = filled.client.get(f"/operations?lang={lang}").text
    assert all(word in page for word in words)
    assert f"/batches/{RESIDENTS['id']}@2" in page
    (row,) = [r for r in filled.client.get("/operations?format=json").json() if r["id"] == RESIDENTS["id"]]
    assert row["age_seconds"] >= 0
    assert row["last_receipt"] == f"{RESIDENTS['id']}@2"


@pytest.mark.parametrize(("lang", "words"), [("zh", ("待发布", "姓名", "缺失")), ("en", ("Unpublished", "Name of a person", "Missing"))])
def test_lag_and_what_waits_by_rule_stand_on_the_page_and_in_the_status(
    hub: Hub, without_suite: None, lang: str, words: tuple[str, ...]
) -> None:
    hub.register(PATIENTS, RESIDENTS)
    hub.sync(PATIENTS, [person(0), person(1, XM=""), person(2, XM="")])
    hub.sync(RESIDENTS, [person(0)])
    client = open_portal(hub).client
    rows = {row["id"]: row for row in client.get("/operations?format=json").json()}
    assert rows[PATIENTS["id"]]["unpublished_since"]
    page = client.get(f"/operations?lang={lang}").text
    assert all(word in page for word in words)
    assert f"/datasets/{PATIENTS['id']}/quarantine?rule=person_name:missing" in page
    hub.publish("population")
    assert [row["unpublished_since"] for row in client.get("/operations?format=json").json()] == [None, None]
    hub.sync(RESIDENTS, [person(0), person(5)])
    rows = {row["id"]: row for row in client.get("/operations?format=json").json()}
    assert [bool(rows[name]["unpublished_since"]) for name in (PATIENTS["id"], RESIDENTS["id"])] == [False, True]
    told = json.loads(_status(hub, "--json"))
    assert {row["dataset"]: bool(row["unpublished_since"]) for row in told["datasets"]} == {PATIENTS["id"]: False, RESIDENTS["id"]: True}
    assert [(row["contract_id"], row["element"], row["issue_type"], row["rows"]) for row in told["quarantine"]] == [
        (PATIENTS["id"], "person_name", "missing", 2)
    ]
    said = _status(hub)
    assert re.search(rf"waits in quarantine +element +issue +rows +oldest *\n{PATIENTS['id']} +person_name +missing +2 +[0-9]+ s", said)
    assert re.search(rf"{RESIDENTS['id']} +#2 accepted .* [0-9]+ s +#2 ", said)


def _status(hub: Hub, *options: str) -> str:
    done = CliRunner().invoke(app, ["status", *options], env={"HUB_HOME": str(hub.settings.home), "COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("lang", "words"), [("zh", "已停止采集：系统关闭"), ("en", "is collected no more: 系统关闭")])
def test_a_dataset_that_has_ended_says_so_and_is_no_trouble(hub: Hub, without_suite: None, lang: str, words: str) -> None:
    hub.register(PATIENTS)
    assert hub.sync(PATIENTS, [person(0), person(1, XM="")]).waiting == 1
    client = open_portal(hub).client
    assert f'govhub_quarantine_rows{{dataset="{PATIENTS["id"]}"' in client.get("/metrics").text
    hub.register({**PATIENTS, "schedule": {"cron": "0 2 * * *"}, "ended": {"reason": "系统关闭", "records": "kept"}})
    assert words in client.get(f"/datasets/{PATIENTS['id']}?lang={lang}").text
    for page in ("/", "/datasets", "/operations"):
        assert client.get(f"{page}?lang={lang}").status_code == 200
    assert PATIENTS["id"] not in client.get("/metrics").text
    (row,) = client.get("/operations?format=json").json()
    assert (row["state"], row["freshness"], row["next_run_at"]) == ("ended", "ended", None)


def test_a_batch_whose_process_has_died_is_abandoned_in_the_figures_too(hub: Hub) -> None:
    """Nobody writes that down before the next batch begins, and the pages tell it from the start."""
    hub.register(PATIENTS)
    hub.land(PATIENTS, [person(0)])
    with writing(hub.home.catalog) as connection:
        connection.execute(batch.update().values(status="landing"))
    client = open_portal(hub).client
    (row,) = client.get("/operations?format=json").json()
    assert row["last_status"] == "abandoned"
    found = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}
    assert [sample.labels["status"] for sample in found["govhub_batch_status"].samples if sample.value] == ["abandoned"]

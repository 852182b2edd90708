"""What somebody has to be told is told once, by whichever way; lineage events are as their specification says, and sent on."""

import json
import os
import time
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from catalog.alerts import alerts, unsent
from catalog.tables import batch, lease
from core.clock import now
from core.database import writing
from core.errors import GateFailed, SourceError
from core.leases import holding
from pipeline.land import land
from pipeline.operation.alerts import FINDERS, Rule, find, load_rules
from pipeline.operation.datasets import dataset_states
from pipeline.operation.watch import watch
from tests.factories import PATIENTS, Hub, hub_in, person, resident_id, with_assertions
from tests.pipeline.openlineage import RUN_EVENT
from tests.pipeline.receivers import garbling_server, mail_server, silent_server, web_server
from tests.pipeline.sources import connect

pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")
ID = PATIENTS["id"]
DAILY = {**PATIENTS, "update_cycle": "daily"}


def told(hub: Hub, **variables: str) -> Hub:
    """The same hub with more settings."""
    again = hub_in(hub.settings.home, **variables)
    assert again.home
    return again


def time_passes(patch: pytest.MonkeyPatch, **length: float) -> None:
    moment = now() + timedelta(**length)
    for module in ("pipeline.operation.datasets", "pipeline.operation.alerts", "pipeline.operation.schedule", "catalog.alerts"):
        patch.setattr(f"{module}.now", lambda: moment)


def test_an_alert_is_told_once_and_so_is_its_end(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as (url, posts), mail_server() as (address, mails):
        hub = told(hub, alerts="ops_web, ops_mail")
        connect(hub, ops_web=url, ops_mail=address)
        hub.register(DAILY)
        hub.sync(DAILY, [person(n) for n in range(3)])
        hub.publish("population")
        assert watch(hub.home).open == ()
        with monkeypatch.context() as patch:
            time_passes(patch, days=2)
            first, again = watch(hub.home), watch(hub.home)
        assert [(item.rule, item.subject) for item in first.open] == [("late-dataset", ID)]
        assert (first.sent, again.sent, again.open[0].id) == (2, 0, first.open[0].id)
        over = watch(hub.home)
        assert (over.open, over.sent) == ((), 2)
        assert watch(hub.home).sent == 0
        assert [(post["event"], post["rule"], post["subject"]) for post in posts] == [
            ("opened", "late-dataset", ID),
            ("closed", "late-dataset", ID),
        ]
        assert posts[0]["authorization"] == "Basic aHViOnNlY3JldA=="
        assert "逾期" in posts[0]["message"]["zh"]
        subjects = [str(message["Subject"]) for _, message in mails]
        assert subjects == [f"[Govhub] 告警 late-dataset {ID}", f"[Govhub] 已恢复 late-dataset {ID}"]
        assert mails[0][0] == ["ops@city.example", "duty@city.example"]
        assert "was last read" in mails[0][1].get_content()
        assert all(abs(message["Date"].datetime.timestamp() - time.time()) < 600 for _, message in mails)
        assert len({message["Message-ID"] for _, message in mails if message["Message-ID"].endswith("@city.example>")}) == 2
    assert len(alerts(hub.home.catalog, is_open=False)) == 1


def test_a_receiver_that_is_down_is_told_later_and_one_that_never_knew_is_not_told_the_end(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server(503) as (broken, none), web_server() as (url, posts):
        hub = told(hub, alerts="broken,ops")
        connect(hub, broken=broken, ops=url)
        hub.register({**DAILY, "id": "health__gone", "source": {**DAILY["source"], "path": "gone.csv"}})
        with pytest.raises(SourceError):
            land("health__gone", hub.home)
        first = watch(hub.home)
        assert (first.sent, first.unsent) == (1, ("connection broken answered with status 503",))
        assert [notice.channel for notice in unsent(hub.home.catalog)] == ["broken"]
        (hub.drop / "gone.csv").write_text("SFZH,XM,DH,XB,CSRQ,DZ,GXSJ\n" + f"{resident_id(1)},王芳,13800000001,,,,\n")
        from pipeline.accept import accept

        accept(land("health__gone", hub.home), hub.home)
        second = watch(hub.home)
        assert (second.open, second.sent, second.unsent) == ((), 1, ())
        assert [post["event"] for post in posts] == ["opened", "closed"]
        assert none == []
    assert "secret" not in json.dumps([*first.unsent, *second.unsent])


def test_a_receiver_that_is_set_later_is_told_what_is_open_and_the_others_not_again(hub: Hub) -> None:
    with web_server() as (first, posts), web_server() as (second, later):
        hub = told(hub, alerts="ops")
        connect(hub, ops=first)
        hub.register({**DAILY, "id": "health__gone", "source": {**DAILY["source"], "path": "gone.csv"}})
        with pytest.raises(SourceError):
            land("health__gone", hub.home)
        assert watch(hub.home).sent == 1
        hub = told(hub, alerts="ops,duty")
        connect(hub, ops=first, duty=second)
        assert [watch(hub.home).sent for _ in range(2)] == [1, 0]
        assert ([post["event"] for post in posts], [post["event"] for post in later]) == (["opened"], ["opened"])


def test_a_receiver_that_is_named_twice_is_told_once(hub: Hub) -> None:
    """Nobody was told anything then, and no alert was written down."""
    with web_server() as (url, posts):
        hub = told(hub, alerts="ops, ops,")
        connect(hub, ops=url)
        hub.register({**DAILY, "id": "health__gone", "source": {**DAILY["source"], "path": "gone.csv"}})
        with pytest.raises(SourceError):
            land("health__gone", hub.home)
        assert [watch(hub.home).sent for _ in range(2)] == [1, 0]
        assert [post["event"] for post in posts] == ["opened"]


def test_a_receiver_that_refuses_one_document_gets_the_others(hub: Hub) -> None:
    with web_server(refused="health__gone") as (url, posts):
        hub = told(hub, alerts="ops", lineage_connection="ops")
        connect(hub, ops=url)
        gone = [{**DAILY, "id": f"health__gone{n}", "source": {**DAILY["source"], "path": "gone.csv"}} for n in ("", "_too")]
        other = {**gone[0], "id": "health__lost"}
        hub.register(*gone, other)
        for document in (*gone, other):
            with pytest.raises(SourceError):
                land(document["id"], hub.home)
        found = watch(hub.home)
    assert [(post["subject"], post["alert"]) for post in posts if "rule" in post] == [
        ("health__lost", {item.subject: item.id for item in found.open}["health__lost"])
    ]
    assert [post["job"]["name"] for post in posts if "job" in post] == ["land.health__lost"] * 2
    assert (found.sent, found.events, found.unsent) == (1, 2, ("connection ops answered with status 422",))


def test_a_receiver_that_stalls_is_left_and_holds_no_batch_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.operation.channels.SECONDS", 0.3)
    with silent_server() as url:
        hub = told(hub, alerts="mute,mute_mail", lineage_connection="mute")
        connect(hub, mute=url, mute_mail=url.replace("http", "smtp") + "?from=a@x&to=b@x")
        strict = with_assertions(DAILY, least_rows=10)
        hub.register(strict)
        began = time.monotonic()
        with pytest.raises(GateFailed):
            hub.sync(strict, [person(1)])
        found = watch(hub.home)
        assert time.monotonic() - began < 30
        assert [item.rule for item in found.open] == ["failed-batch"]
        assert (found.sent, len(found.unsent)) == (0, 3)


def test_receivers_that_are_no_receivers_keep_nobody_else_from_being_told(hub: Hub) -> None:
    with garbling_server() as garbling, web_server() as (url, posts), mail_server() as (address, mails):
        unsafe = {"plain": f"{address}&tls=STARTTLS", "misspelled": f"{address}&starttls=yes", "letters": address.replace("//", "//u:密@")}
        hub = told(hub, alerts=",".join(["garbling", *unsafe, "ops"]))
        connect(hub, garbling=garbling, ops=url, **unsafe)
        strict = with_assertions(DAILY, least_rows=10)
        hub.register(strict)
        with pytest.raises(GateFailed):
            hub.sync(strict, [person(1)])
        found = watch(hub.home)
    assert [post["rule"] for post in posts] == ["failed-batch"]
    assert mails == []
    assert (found.sent, len(found.unsent)) == (1, 4)
    assert any("tls that is not starttls" in words for words in found.unsent)
    assert "密" not in "".join(found.unsent)


def test_receivers_that_a_server_refuses_are_told_of_and_the_others_get_one_mail(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server(refused="duty@city.example") as (address, mails):
        hub = told(hub, alerts="ops_mail")
        connect(hub, ops_mail=address)
        hub.register(DAILY)
        hub.sync(DAILY, [person(0)])
        hub.publish("population")
        time_passes(monkeypatch, days=2)
        assert [watch(hub.home).sent for _ in range(2)] == [1, 0]
    assert [to for to, _ in mails] == [["ops@city.example"]]
    assert "connection ops_mail took a mail for some of its receivers only; it refused 1" in caplog.text


def test_a_channel_that_leads_nowhere_is_told_on_a_quiet_day(hub: Hub) -> None:
    (reason,) = watch(told(hub, alerts="nowhere").home).unsent
    assert 'connection "nowhere" is not set up' in reason


def test_the_quarantine_before_is_found_behind_any_number_of_failures(hub: Hub) -> None:
    hub.register(DAILY)
    hub.sync(DAILY, [person(1)])
    hub.sync(DAILY, [person(1), *(person(n, XM="") for n in range(20, 45))])
    with writing(hub.home.catalog) as connection:
        connection.execute(batch.update().where(batch.c.seq == 2).values(seq=102))
    assert [item.rule for item in find(hub.home) if "quarantine" in item.rule] == ["growing-quarantine"]


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.id)
def test_every_rule_names_a_finder_and_finds_nothing_in_an_empty_hub(hub: Hub, rule: Rule) -> None:
    assert rule.find in FINDERS
    calm = rule.model_copy(update={"numbers": {**rule.numbers, **({"free_gb": 0, "free_share": 0} if rule.find == "short_disk" else {})}})
    assert find(hub.home, [calm]) == []


def test_each_rule_finds_what_it_is_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(DAILY)
    hub.sync(DAILY, [*(person(n) for n in range(40)), person(90, XM="")])
    hub.publish("population")
    hub.sync(DAILY, [*(person(n) for n in range(8)), *(person(n, XM="") for n in range(90, 115))])
    with pytest.raises(GateFailed):
        hub.publish("population")
    rules = {rule.id: rule for rule in load_rules()}
    short = rules["short-disk"].model_copy(update={"numbers": {"free_gb": 10**9, "free_share": 0}})
    with monkeypatch.context() as patch:
        time_passes(patch, days=31)
        found = {item.rule: item for item in find(hub.home, [*(r for r in rules.values() if r.id != "short-disk"), short])}
    assert set(found) == {"late-dataset", "stopped-publication", "growing-quarantine", "old-quarantine", "short-disk"}
    assert found["growing-quarantine"].message_en.endswith("went from 1 to 25 rows")
    assert found["old-quarantine"].message_en.endswith("waited for 31 days")
    stopped = found["stopped-publication"]
    assert stopped.message_en.startswith("A publication was stopped: population: 32 of 40"), "that it was stopped is said once"
    assert stopped.message_zh.startswith("发布未完成：population：40")
    assert "would" not in stopped.message_zh
    assert not any(resident_id(n) in json.dumps([vars(item) for item in found.values()]) for n in range(115))


def test_what_was_accepted_and_is_not_published_is_told_until_it_is(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(n) for n in range(3)])
    with monkeypatch.context() as patch:
        assert find(hub.home) == []
        time_passes(patch, minutes=61)
        assert [(item.rule, item.subject) for item in find(hub.home)] == [("unpublished-changes", "population")]
        hub.publish("population")
        hub.sync(PATIENTS, [person(n) for n in range(3)])  # nothing new
        assert find(hub.home) == []
        hub.sync(PATIENTS, [person(n) for n in range(4)])
        (item,) = find(hub.home)
    assert item.message_en == f"Changes are not published: population lacks what was accepted from {ID}; ./hub publish population brings it"


def test_a_schedule_that_has_begun_nothing_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when Airflow does not run, or the dataset's DAG is paused."""
    hourly = {**PATIENTS, "schedule": {"cron": "0 * * * *"}}
    hub.register(hourly, {**hourly, "id": "health__windowed", "reading": {"window": "22:00-06:00"}})
    with monkeypatch.context() as patch:
        time_passes(patch, minutes=59)
        assert find(hub.home) == []
    with monkeypatch.context() as patch:
        time_passes(patch, minutes=121)
        assert [(item.rule, item.subject) for item in find(hub.home)] == [("overdue-dataset", ID)]
        state = dataset_states(hub.home.catalog)[ID]
        assert state.overdue_since is not None
        assert state.overdue_since.minute == 0
    hub.sync(hourly, [person(1)])
    assert [item.rule for item in find(hub.home)] == []


@pytest.mark.parametrize("status", ["landing", "landed"])
def test_a_batch_that_nobody_is_at_any_more_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """As when its process was killed and no other comes after it."""
    hub.register(PATIENTS)
    batch_id = hub.land(PATIENTS, [person(1)])
    with writing(hub.home.catalog) as connection:
        connection.execute(batch.update().values(status=status))
    with monkeypatch.context() as patch:
        time_passes(patch, hours=3)
        with holding(hub.home.catalog, lease, f"dataset/{ID}", "somebody"):
            assert (find(hub.home), dataset_states(hub.home.catalog)[ID].state) == ([], status)
        (item,) = find(hub.home)
        assert (item.rule, item.message_en) == (
            "failed-batch",
            f"A batch did not make it: {batch_id}: the process ended half-way",
        )
        state = dataset_states(hub.home.catalog)[ID]
        assert (state.state, state.row()["last_status"]) == ("abandoned", "abandoned")
    # What has landed may wait for its turn; what lands does not wait.
    assert dataset_states(hub.home.catalog)[ID].state == ("abandoned" if status == "landing" else "landed")


def events(hub: Hub) -> list[dict[str, Any]]:
    assert hub.settings.lineage_file is not None
    return [json.loads(line) for line in hub.settings.lineage_file.read_text().splitlines()]


def test_lineage_tells_of_every_run_as_the_specification_says_and_is_sent_on_in_order(hub: Hub) -> None:
    with web_server() as (url, posts):
        hub = told(hub, lineage_connection="marquez")
        connect(hub, marquez=url)
        hub.register(DAILY, {**DAILY, "id": "health__gone", "source": {**DAILY["source"], "path": "gone.csv"}})
        hub.sync(DAILY, [*(person(n) for n in range(3)), person(90, XM="")])
        with pytest.raises(SourceError):
            land("health__gone", hub.home)
        hub.publish("population")
        written = events(hub)
        assert watch(hub.home).events == len(written)
        assert watch(hub.home).events == 0
        assert [post["run"] for post in posts] == [event["run"] for event in written]
    for event in written:
        jsonschema.validate(event, RUN_EVENT, cls=jsonschema.Draft202012Validator)
    told_of = [(event["job"]["name"], event["eventType"]) for event in written]
    assert told_of == [
        (f"land.{ID}", "START"),
        (f"land.{ID}", "COMPLETE"),
        (f"accept.{ID}", "START"),
        (f"accept.{ID}", "COMPLETE"),
        ("land.health__gone", "START"),
        ("land.health__gone", "FAIL"),
        ("publish.population", "START"),
        ("publish.population", "COMPLETE"),
    ]
    runs = [event["run"]["runId"] for event in written]
    assert runs[::2] == runs[1::2]
    assert len(set(runs)) == 4
    rows = {
        event["job"]["name"]: [d["outputFacets"]["outputStatistics"]["rowCount"] for d in event["outputs"]] for event in written[1:8:2][:2]
    }
    assert rows == {f"land.{ID}": [4], f"accept.{ID}": [3]}
    assert [field["name"] for field in written[1]["outputs"][0]["facets"]["schema"]["fields"]][:2] == ["SFZH", "XM"]
    assert written[5]["run"]["facets"]["errorMessage"]["message"].startswith("health__gone: no file matches gone.csv")
    assert (written[2]["inputs"][0]["name"], written[6]["inputs"][0]["name"]) == (f"landing/{ID}", f"std/{ID}")
    assert not any(person(n)[name] in json.dumps(written, ensure_ascii=False) for n in (*range(3), 90) for name in ("SFZH", "DH"))


@pytest.mark.parametrize("change", ["eventType", "run", "producer", "facet"])
def test_the_check_of_events_can_fail(hub: Hub, change: str) -> None:
    hub = told(hub, lineage_file=str(hub.settings.home / "events.ndjson"))
    hub.register(DAILY)
    hub.land(DAILY, [person(1)])
    event = events(hub)[1]
    if change == "facet":
        del event["outputs"][0]["outputFacets"]["outputStatistics"]["_producer"]
    elif change == "eventType":
        event[change] = "DONE"
    else:
        del event[change]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(event, RUN_EVENT)


def test_half_a_line_of_lineage_is_passed_over(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with web_server() as (url, posts):
        hub = told(hub, lineage_connection="marquez")
        connect(hub, marquez=url)
        hub.register(DAILY)
        whole = os.write
        with monkeypatch.context() as patch:  # as on a full disk
            patch.setattr("pipeline.operation.lineage.os.write", lambda handle, line: whole(handle, line[:40]))
            hub.land(DAILY, [person(1)])
        hub.land(DAILY, [person(1)])
        assert watch(hub.home).events == len(posts) == 2
        assert watch(hub.home).events == 0


def test_a_lineage_file_that_cannot_be_written_costs_no_batch(hub: Hub) -> None:
    hub = told(hub, lineage_file="/proc/nowhere/events.ndjson")
    hub.register(DAILY)
    assert hub.sync(DAILY, [person(1)]).status == "accepted"

"""Gates: a delivery that cannot be right stops, says why, and leaves everything as it was."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from catalog.batches import checks_of, end_batch, fills_of, start_batch
from catalog.datasets import contract_in_force
from catalog.tables import lease
from core.errors import GateFailed, RequestError
from core.leases import holding
from pipeline.accept import accept
from pipeline.land import land
from pipeline.publish import publish
from pipeline.quarantine.listing import export_rows, listed_rows, rule_counts
from pipeline.quarantine.replay import replay
from registries.attempts import Attempt, standing_attempt
from registries.publications import latest
from standards.loader import load_standards
from tests.conftest import both_databases
from tests.factories import ENTERPRISES, PATIENTS, Hub, Row, organization, person, with_assertions, wrong_check

PEOPLE = [person(number) for number in range(10)]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")


def stopped(hub: Hub, document: dict[str, Any], rows: list[Row]) -> GateFailed:
    """Deliver what the gate has to stop; what was accepted and published before stays."""
    before = hub.state(document)
    with pytest.raises(GateFailed) as raised:
        hub.sync(document, rows)
    newest = hub.batch(f"{document['id']}@{_newest(hub, document)}")
    assert newest.status == "stopped"
    assert newest.error == raised.value.message
    assert newest.hint
    assert newest.accepted is not None
    assert hub.state(document) == before
    assert hub.unbalanced() == []
    return raised.value


def _newest(hub: Hub, document: dict[str, Any]) -> int:
    from catalog.batches import batches_of

    return batches_of(hub.home.catalog, document["id"])[0].seq


def test_too_few_rows(hub: Hub) -> None:
    document = with_assertions(PATIENTS, least_rows=5)
    hub.register(document)
    error = stopped(hub, document, PEOPLE[:4])
    assert "4 rows arrived" in error.message
    assert error.exit_status == 1
    assert not error.transient
    assert hub.sync(document, PEOPLE[:5]).status == "accepted"


def test_too_many_records_disappear(hub: Hub) -> None:
    document = with_assertions(PATIENTS, largest_shrink=0.2)
    hub.register(document)
    hub.sync(document, PEOPLE)
    assert "3 of 10 records disappeared" in stopped(hub, document, PEOPLE[:7]).message
    assert hub.publish("population").entities == 10
    assert hub.sync(document, PEOPLE[:8]).deleted == 2


def test_what_is_advised_of_too_few_rows_leads_on(hub: Hub) -> None:
    """A shrink that was let pass is not to be let pass again; what else stops is said with it."""
    document = with_assertions(PATIENTS, least_rows=5, largest_shrink=0.2)
    hub.register(document)
    hub.sync(document, PEOPLE)
    few = "if so few rows are right: set assertions: {least_rows: 4} in the contract and register it"
    hint = stopped(hub, document, PEOPLE[:4]).hint
    assert few in hint
    assert "--accept-shrink" in hint
    with pytest.raises(GateFailed) as raised:
        accept(hub.land(document, PEOPLE[:4]), hub.home, accept_shrink="closed")
    assert few in raised.value.hint
    assert "--accept-shrink" not in raised.value.hint
    hub.register(with_assertions(PATIENTS, least_rows=4, largest_shrink=0.2))
    assert accept(hub.land(document, PEOPLE[:4]), hub.home, accept_shrink="closed").records == 4


def test_another_record_key_is_told_as_such(hub: Hub) -> None:
    document = with_assertions(PATIENTS, largest_shrink=0.2)
    hub.register(document)
    hub.sync(document, PEOPLE)
    other = {**document, "record_key": ["XM", "SFZH"]}
    hub.register(other)
    message = stopped(hub, other, PEOPLE).message
    assert (
        "stopped: the record key changed with version 2 of the contract, by which every record counts as new; 10 of 10 records" in message
    )


def test_too_many_rows_would_be_quarantined_and_the_findings_stay(any_hub: Hub) -> None:
    hub = any_hub
    document = with_assertions(PATIENTS, largest_quarantine=0.2)
    hub.register(document)
    hub.sync(document, PEOPLE)
    bad = [person(number, SFZH=wrong_check(person(number)["SFZH"])) for number in range(10, 13)]
    error = stopped(hub, document, [*PEOPLE, *bad])
    assert "3 of 13 rows would be quarantined" in error.message
    assert bad[0]["SFZH"] not in str(error)
    assert hub.issues(hub.batch(f"{document['id']}@2")) == {("resident_id", "wrong-check-character"): 3}
    assert len(fills_of(hub.home.catalog, f"{document['id']}@2")) == 3
    assert hub.sync(document, [*PEOPLE, *bad[:2]]).quarantined == 2


@pytest.mark.parametrize("torn", [2, 9])
def test_rows_that_cannot_be_read_are_set_aside_like_those_that_break_a_rule(hub: Hub, torn: int) -> None:
    """A first delivery as well, of which hardly anything may be readable; blank lines are no rows."""
    document = with_assertions(PATIENTS, largest_quarantine=0.2)
    hub.register(document)
    hub.deliver(document, PEOPLE)
    with (hub.drop / document["source"]["path"]).open("a") as file:
        file.write("one,two\n" * torn + "\n" * 9)
    batch_id = land(document["id"], hub.home)
    if torn == 2:
        assert accept(batch_id, hub.home).accepted == 10
        return
    with pytest.raises(GateFailed, match=r"9 of 19 rows could not be read, 0 would be quarantined \(47\.4%, limit 20%\)"):
        accept(batch_id, hub.home)


def test_the_rows_of_a_stopped_batch_are_listed_and_handed_out_but_wait_nowhere(any_hub: Hub, tmp_path: Path) -> None:
    hub = any_hub
    document = with_assertions(PATIENTS, largest_quarantine=0.2)
    hub.register(document)
    waiting = person(9, SFZH=wrong_check(person(9)["SFZH"]))
    hub.sync(document, [*PEOPLE[:9], waiting])
    bad = [person(number, SFZH=wrong_check(person(number)["SFZH"])) for number in range(10, 13)]
    batch_id = f"{document['id']}@2"
    assert f"./hub quarantine {batch_id} --rows 20" in stopped(hub, document, [*PEOPLE[:9], waiting, *bad]).hint
    listed = listed_rows(hub.home, batch_id, 10)
    assert [(row.batch_id, row.position) for row in listed.rows] == [(batch_id, place) for place in (11, 12, 13, 14)]
    assert {(item.issue_type, column) for row in listed.rows for item in row.broken for column, _ in item.values} == {
        ("wrong-check-character", "SFZH")
    }
    assert [(item.issue_type, item.rows, item.since) for item in rule_counts(hub.home, batch_id)] == [("wrong-check-character", 4, None)]
    assert export_rows(hub.home, batch_id, tmp_path / "out.csv").rows == 4
    assert all(row["SFZH"] in (tmp_path / "out.csv").read_text(encoding="utf-8-sig") for row in bad)
    # What waits is what the accepted batch set aside, and nothing of the other can be run again.
    assert listed_rows(hub.home, document["id"], 10).total == 1
    with pytest.raises(RequestError, match="no rows in quarantine") as raised:
        replay(batch_id, hub.home)
    assert "stopped" in raised.value.hint
    hub.sync(document, [*PEOPLE[:9], waiting])
    assert listed_rows(hub.home, batch_id, 0).total == 4, "what a stopped batch shows is kept beside those after it"


def test_too_few_values(hub: Hub) -> None:
    document = with_assertions(PATIENTS, fill_rates={"phone_number": 0.8})
    hub.register(document)
    error = stopped(hub, document, [*PEOPLE[:7], *(person(number, DH="") for number in (7, 8, 9))])
    assert "phone_number is filled in 70.0% of 10" in error.message
    assert hub.sync(document, [*PEOPLE[:8], *(person(number, DH="") for number in (8, 9))]).accepted == 10


def test_a_refused_value_does_not_fill(hub: Hub) -> None:
    document = with_assertions(PATIENTS, fill_rates={"phone_number": 0.8})
    hub.register(document)
    hub.sync(document, PEOPLE)
    batch_id = f"{document['id']}@2"
    told = stopped(hub, document, [*PEOPLE[:7], *(person(number, DH="12") for number in (7, 8, 9))])
    # The rows pass, only without that value: which ones they are is what somebody has to know.
    assert f"./hub quarantine {batch_id} --warnings --rows 20" in told.hint
    listed = listed_rows(hub.home, batch_id, 10, warnings=True)
    assert [(row.position, {item.values[0][0] for item in row.broken}) for row in listed.rows] == [(place, {"DH"}) for place in (9, 10, 11)]
    assert listed_rows(hub.home, batch_id, 10).total == 0
    # None of it is said of the state that stands.
    assert listed_rows(hub.home, document["id"], 10, warnings=True).total == 0


def test_fill_rates_are_of_the_whole_delivery_not_of_what_changed(hub: Hub) -> None:
    """One changed row without a value is nothing to stop a delivery of ten for."""
    document = with_assertions(PATIENTS, fill_rates={"phone_number": 0.8})
    hub.register(document)
    hub.sync(document, PEOPLE)
    batch = hub.sync(document, [*PEOPLE[:9], person(9, DH="")])
    assert (batch.status, batch.updated) == ("accepted", 1)
    # And many unchanged rows without one do not hide behind the few that are new.
    error = stopped(hub, document, [*PEOPLE[:7], *(person(number, DH="") for number in (7, 8, 9))])
    assert "phone_number is filled in 70.0% of 10" in error.message


@pytest.mark.parametrize("seed", [1, 2])
def test_a_delivery_is_stopped_where_counting_it_would_stop_it(hub: Hub, seed: int) -> None:
    """Whether what the files say is enough or rows have to be counted: over deliveries that change little or much."""
    document, dice = with_assertions(PATIENTS, fill_rates={"phone_number": 0.7}), Random(seed)
    hub.register(document)
    without = set[int]()
    ends = []
    for _ in range(8):
        changed = {number for number in range(20) if dice.random() < dice.choice((0.05, 0.3))}
        tried = without ^ changed
        rows = [person(number, DH="" if number in tried else f"1380000{number:04}") for number in range(dice.randint(17, 20))]
        filled = sum(bool(row["DH"]) for row in rows)
        if filled < 0.7 * len(rows):
            assert f"in {filled / len(rows):.1%} of {len(rows)} rows" in stopped(hub, document, rows).message
        else:
            assert hub.sync(document, rows).status == "accepted"
            without = tried
        ends.append(filled < 0.7 * len(rows))
    assert set(ends) == {True, False}


def test_of_a_large_state_no_row_is_counted_for_a_change_of_few(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor for as many more as come with values of their own on the days after."""
    document = with_assertions(PATIENTS, fill_rates={"phone_number": 0.8})
    hub.register(document)
    hub.sync(document, [*PEOPLE, *(person(number) for number in range(10, 20))])
    monkeypatch.setattr("pipeline.fill_rates._counted", lambda *_: pytest.fail("rows were counted"))
    assert hub.sync(document, [person(0, DH=""), *(person(number) for number in range(1, 20))]).updated == 1
    for day in (3, 6, 9):
        rows = [person(number, DH=f"139{day if number < day else 0:08}") for number in range(20)]
        assert hub.sync(document, rows).updated >= 3


def test_several_reasons_are_given_at_once(hub: Hub) -> None:
    document = with_assertions(PATIENTS, least_rows=3, largest_shrink=0.1, largest_quarantine=0.1)
    hub.register(document)
    hub.sync(document, PEOPLE)
    message = stopped(hub, document, [PEOPLE[0], person(1, XM="")]).message
    assert message.count(";") == 2


def test_a_stopped_batch_has_no_files_and_the_next_one_follows_the_last_good_state(hub: Hub) -> None:
    document = with_assertions(PATIENTS, largest_shrink=0.2)
    hub.register(document)
    hub.sync(document, PEOPLE)
    stopped(hub, document, PEOPLE[:2])
    assert {path.stem[-8:] for path in (hub.settings.lake_dir / "std_health__patient").iterdir()} == {"00000001"}
    batch = hub.sync(document, PEOPLE)
    assert (batch.seq, batch.previous, batch.unchanged) == (3, 10, 10)
    assert checks_of(hub.home.catalog, batch.batch_id) == []


def test_records_that_may_be_in_unreadable_rows_are_kept_until_the_file_is_whole(hub: Hub) -> None:
    hub.register(PATIENTS)
    hub.sync(PATIENTS, PEOPLE)
    torn = hub.drop / "patient.csv"

    def tear() -> None:
        hub.deliver(PATIENTS, PEOPLE[:9])
        torn.write_text(torn.read_text() + "too,few\n")

    for _ in range(2):  # as long as the row cannot be read, not only the first time
        tear()
        batch = _collect(hub)
        assert (batch.unreadable, batch.deleted, batch.records) == (1, 0, 10)
        assert "deletes-held-back" in {note["kind"] for note in batch.notes}
        assert hub.unbalanced() == []
    batch = hub.sync(PATIENTS, PEOPLE[:9])
    assert (batch.unreadable, batch.deleted, batch.records) == (0, 1, 9)


def test_a_blank_line_before_is_no_torn_row_now(hub: Hub) -> None:
    """One blank line in a delivery made the next one's torn row count for nothing, and its record was deleted."""
    hub.register(PATIENTS)
    path = hub.drop / "patient.csv"
    hub.deliver(PATIENTS, PEOPLE)
    path.write_text((whole := path.read_text()) + "," * whole.partition("\n")[0].count(",") + "\n")
    assert _collect(hub).unreadable == 1
    hub.deliver(PATIENTS, PEOPLE[:9])
    path.write_text(path.read_text() + "too,few\n")
    batch = _collect(hub)
    assert (batch.unreadable, batch.deleted, batch.records) == (1, 0, 10)


def test_what_was_unreadable_before_is_known_however_many_deliveries_have_failed_since(hub: Hub) -> None:
    hub.register(PATIENTS)
    torn = hub.drop / "patient.csv"
    for rows, fails in ((PEOPLE, 51), (PEOPLE[:9], 0)):
        hub.deliver(PATIENTS, rows)
        torn.write_text(torn.read_text() + "too,few\n")
        batch = _collect(hub)
        assert (batch.unreadable, batch.records) == (1, len(rows))
        for _ in range(fails):
            _fails(hub)


def _fails(hub: Hub) -> None:
    """A batch whose source could not be read."""
    version = contract_in_force(hub.home.catalog, "health__patient")[0]
    with holding(hub.home.catalog, lease, "dataset/health__patient") as held:
        batch = start_batch(hub.home.catalog, held, "health__patient", version, load_standards().version, "test")
    end_batch(hub.home.catalog, batch.batch_id, "failed", "not there", "")


def _collect(hub: Hub) -> Any:
    from pipeline.accept import accept
    from pipeline.land import land

    return accept(land("health__patient", hub.home), hub.home)


def test_a_registry_does_not_lose_many_entities_at_once(hub: Hub) -> None:
    hub.register(ENTERPRISES)
    hub.sync(ENTERPRISES, [organization(number) for number in range(10)])
    first = hub.publish("legal_entity")
    hub.sync(ENTERPRISES, [organization(number) for number in range(7)])
    with pytest.raises(GateFailed, match="3 of 10 entities would disappear"):
        hub.publish("legal_entity")
    assert len(hub.served("base_legal_entity")) == 10
    assert hub.unbalanced() == []
    hub.sync(ENTERPRISES, [organization(number) for number in range(9)])
    second = hub.publish("legal_entity")
    assert (second.number, second.deleted, second.entities) == (first.number + 1, 1, 9)


def _shrunk(hub: Hub, rows: int) -> GateFailed:
    """Publish ten enterprises, then try to publish only so many."""
    hub.register(ENTERPRISES)
    hub.sync(ENTERPRISES, [organization(number) for number in range(10)])
    hub.publish("legal_entity")
    hub.sync(ENTERPRISES, [organization(number) for number in range(rows)])
    with pytest.raises(GateFailed) as raised:
        hub.publish("legal_entity")
    return raised.value


def _attempt(hub: Hub) -> Attempt | None:
    return standing_attempt(hub.home.serving, latest(hub.home.serving, "legal_entity"))


def test_a_stopped_publication_is_kept_until_a_good_one_settles_it(any_hub: Hub) -> None:
    hub = any_hub
    error = _shrunk(hub, 7)
    found = _attempt(hub)
    assert found is not None
    assert (found.registry, found.number, found.outcome, found.actor) == ("legal_entity", 2, "stopped", "test")
    assert (found.reason, found.hint) == (error.message, error.hint)
    assert (found.previous, found.inserted, found.updated, found.deleted) == (10, 0, 0, 3)
    assert "records are gone from market_regulation__enterprise (3)" in found.hint
    assert 'publish legal_entity --accept-shrink "' in found.hint
    hub.sync(ENTERPRISES, [organization(number) for number in range(10)])
    assert hub.publish("legal_entity").shrink_accepted is None
    assert _attempt(hub) is None


@both_databases
def test_a_person_may_let_the_shrink_pass_that_was_stopped(any_hub: Hub) -> None:
    hub = any_hub
    _shrunk(hub, 7)
    published = publish("legal_entity", hub.home, accept_shrink="moved to the next district").publication
    assert (published.number, published.deleted, published.entities) == (2, 3, 7)
    assert (published.shrink_accepted, published.actor) == ("moved to the next district", "test")
    assert latest(hub.home.serving, "legal_entity") == published
    assert _attempt(hub) is None
    assert hub.unbalanced() == []
    hub.sync(ENTERPRISES, [organization(0)])
    with pytest.raises(GateFailed):  # the decision was about that shrink, not about the next
        hub.publish("legal_entity")


def test_nobody_accepts_more_than_was_shown(any_hub: Hub) -> None:
    hub = any_hub
    _shrunk(hub, 7)
    hub.sync(ENTERPRISES, [organization(number) for number in range(5)])
    with pytest.raises(GateFailed, match=r"5 of 10 entities .* goes no further than a stopped attempt has shown"):
        publish("legal_entity", hub.home, accept_shrink="moved")
    assert publish("legal_entity", hub.home, accept_shrink="moved").publication.entities == 5


def test_an_error_of_a_publication_is_kept_as_well(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(ENTERPRISES)
    hub.sync(ENTERPRISES, [organization(1)])

    def failing(*_: object) -> None:
        raise ValueError(f"cannot merge {organization(1)['MC']}")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.publication.merging.merged", failing)
        with pytest.raises(ValueError, match="cannot merge"):
            hub.publish("legal_entity")
    found = _attempt(hub)
    assert found is not None
    assert (found.number, found.outcome, found.deleted) == (1, "failed", None)
    assert found.reason.startswith("ValueError in ")
    assert organization(1)["MC"] not in found.reason
    assert hub.publish("legal_entity").number == 1
    assert _attempt(hub) is None

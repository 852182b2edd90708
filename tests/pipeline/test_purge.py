"""What is kept no longer is removed with an account of it; what is needed stays."""

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from catalog.batches import get_batch
from catalog.purges import get_purge
from catalog.tables import batch as batches
from catalog.tables import lease
from core.database import writing
from core.errors import RequestError
from core.leases import holding
from core.space import held
from pipeline.answers.why import why
from pipeline.landing import batch_folder
from pipeline.operation.purge import purge
from pipeline.publication.replay import replay_publication
from pipeline.quarantine.replay import replay
from pipeline.receipts import purged_by, receipt_of, verify_receipt
from registries.publications import history
from tests.factories import PATIENTS, RESIDENTS, Hub, person, resident_id
from tests.marks import rest_long
from tests.pipeline.handing_back import edited, filling, handed_out
from tests.portal.conftest import open_portal

pytestmark = [pytest.mark.usefixtures("without_suite"), pytest.mark.slow]
ID = PATIENTS["id"]
SHORT = {**PATIENTS, "retention": {"landing_days": 10}}


def grow_old(hub: Hub, days: int) -> None:
    """Let everything that is there be from some days ago."""
    with writing(hub.home.catalog) as connection:
        for row in connection.execute(sa.select(batches.c.batch_id, batches.c.started_at)).all():
            older = row.started_at - timedelta(days=days)
            connection.execute(batches.update().where(batches.c.batch_id == row.batch_id).values(started_at=older))
    moment = time.time() - days * 86_400
    for path in hub.settings.home.rglob("*"):
        os.utime(path, (moment, moment))


def folders(hub: Hub, contract_id: str = ID) -> set[int]:
    return {int(path.name) for path in (hub.settings.landing / contract_id).iterdir()}


def test_old_deliveries_go_with_a_receipt_and_what_rests_on_them_is_marked(hub: Hub) -> None:
    hub.register(SHORT, RESIDENTS)
    hub.sync(RESIDENTS, [person(n) for n in range(3)])
    hub.sync(SHORT, [person(n) for n in range(3)])
    hub.publish("population")
    hub.sync(SHORT, [person(n, DH=f"1390000000{n}") for n in range(3)])
    grow_old(hub, 20)
    hub.publish("population")
    before, sizes = hub.served("base_population"), held(batch_folder(hub.settings, ID, 1))
    done = purge(hub.home)
    assert [(item.subject, item.layer, item.reason, (item.files, item.bytes)) for item in done.items if item.layer == "landing"] == [
        (f"{ID}@1", "landing", "retention", sizes)
    ]
    assert (done.files, done.bytes) == (sum(i.files for i in done.items), sum(i.bytes for i in done.items))
    assert done.finished_at is not None
    assert get_purge(hub.home.catalog, done.number) == done
    assert folders(hub) == {2}
    assert folders(hub, RESIDENTS["id"]) == {1}  # kept a year
    # Its receipt is what is left of it: that holds, and the rows that it set aside cannot be handed out any more.
    first = get_batch(hub.home.catalog, f"{ID}@1")
    assert [fault for fault in verify_receipt(hub.home, first, receipt_of(hub.home, first.batch_id)) if "started" not in fault] == []
    assert purged_by(hub.home, first) == done.number
    assert purged_by(hub.home, get_batch(hub.home.catalog, f"{ID}@2")) is None
    marks = {item.number: item.not_replayable_since for item in history(hub.home.serving, "population")}
    assert marks[2] is None
    assert marks[1] is not None
    assert hub.served("base_population") == before
    assert hub.unbalanced() == []
    # The next publication begins with a clean mark, and the last delivery still says why.
    hub.sync(SHORT, [person(n, DH=f"1380000000{n}") for n in range(3)])
    assert hub.publish("population").not_replayable_since is None
    (row,) = [row for row in hub.served("base_population") if row["resident_id"] == resident_id(1)]
    assert why(hub.home, "population", row["_canonical_id"]).number == 3
    assert [item.subject for item in purge(hub.home).items if item.layer == "landing"] == [f"{ID}@2"]
    assert [item.number for item in history(hub.home.serving, "population") if item.not_replayable_since is None] == [3]


def test_what_is_needed_stays_whatever_its_age(hub: Hub) -> None:
    hub.register(SHORT)
    rows = [*(person(n) for n in range(3)), person(50, XM="")]
    first = hub.sync(SHORT, rows)
    (made,) = replay(first.batch_id, hub.home, repaired=edited(handed_out(hub), filling("XM", "王芳")))
    hub.sync(SHORT, rows)
    grow_old(hub, 400)
    done = purge(hub.home)
    # The repair stands for a row that the source still sends wrong.
    assert [item.subject for item in done.items if item.layer == "landing"] == [first.batch_id]
    assert folders(hub) == {made.seq, 3}
    assert "still needed" in done.notes[0]["message"]
    assert hub.sync({**SHORT, "update_cycle": "daily"}, rows).quarantined == 0
    mended = [*rows[:3], person(50, XM="王方")]
    hub.sync(SHORT, mended)
    hub.sync(SHORT, mended)
    grow_old(hub, 400)
    purge(hub.home)
    assert folders(hub) == {6}
    assert hub.unbalanced() == []


def test_why_says_of_a_row_that_it_is_purged_and_not_that_it_was_empty(hub: Hub) -> None:
    """The record is as it came first, and that delivery is kept no longer."""
    hub.register(SHORT)
    for _ in range(2):
        hub.sync(SHORT, [person(1, DH="")])
    hub.publish("population")
    (row,) = hub.served("base_population")

    def told() -> dict[str, tuple[str | None, bool]]:
        answers = why(hub.home, "population", row["_canonical_id"]).answers
        return {item.element: (word.raw, word.has_raw) for item in answers for word in item.candidates}

    before = told()
    assert (before["person_name"], before["phone_number"]) == ((person(1)["XM"], True), ("", True))
    grow_old(hub, 20)
    assert f"{ID}@1" in [item.subject for item in purge(hub.home).items]
    after = told()
    assert (after["person_name"], after["phone_number"]) == ((None, False), (None, False))
    page = open_portal(hub).client.get(f"/registries/population/records/{row['_canonical_id']}", headers={"accept-language": "en"}).text
    assert "purged at the end of its retention" in page or "原始数据已按保留期限清除" in page


def test_without_the_row_as_received_a_lookup_that_gives_the_value_may_have_applied(hub: Hub) -> None:
    """To a code that the lookup does not give, it did not."""
    columns = {**SHORT["columns"], "XB": {"element": "sex_code", "lookup": {"男": "1"}}}
    with_lookup = {**SHORT, "columns": columns, "ignore": ["CSRQ", "DZ"]}
    hub.register(with_lookup)
    for _ in range(2):
        hub.sync(with_lookup, [person(1, XB="男"), person(2, XB="2")])
    hub.publish("population")

    def lookups() -> list[list[str]]:
        found = []
        for row in hub.served("base_population", "resident_id"):
            answers = why(hub.home, "population", row["_canonical_id"]).answers
            words = [word for item in answers if item.element == "sex_code" for word in item.candidates]
            found.append([rule.kind for word in words for rule in word.rules if rule.kind.startswith("lookup")])
        return sorted(found)

    assert lookups() == [[], ["lookup"]]
    grow_old(hub, 20)
    assert f"{ID}@1" in [item.subject for item in purge(hub.home).items]
    assert lookups() == [[], ["lookup-possible"]]


def test_leftovers_and_old_metadata_go_and_the_lake_reads_as_before(hub: Hub) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    from core.database import driver_url

    hub.register(SHORT)
    for day in range(4):
        hub.sync(SHORT, [person(n, DH=f"139000{day:02}{n:03}") for n in range(3)])

    def lake_rows() -> list[tuple[object, ...]]:
        catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
        table = catalog.load_table(f"std.std_{ID}").scan().to_arrow()
        catalog.close()
        return sorted(map(str, table.to_pylist()))  # type: ignore[arg-type]

    lost = hub.settings.lake_dir / f"std_{ID}" / "log-00000099.parquet"
    shutil.copy(hub.settings.lake_dir / f"std_{ID}" / "log-00000001.parquet", lost)
    torn = hub.settings.landing / ID / ".draft-00000077"
    torn.mkdir()
    (torn / "rows.parquet").write_bytes(b"half")
    before, metadata = lake_rows(), hub.settings.lake_dir / "std" / f"std_{ID}" / "metadata"
    files = len(list(metadata.iterdir()))
    young = {item.path for item in purge(hub.home).items}
    assert young == {f"landing/{ID}/.draft-00000077"}  # the others may be under way
    grow_old(hub, 2)
    done = purge(hub.home)
    assert f"lake/std_{ID}/log-00000099.parquet" in {item.path for item in done.items}
    assert not lost.exists()
    assert not torn.exists()
    assert len(list(metadata.iterdir())) < files
    assert {item.layer for item in done.items} == {"lake", "metadata"}
    assert lake_rows() == before
    hub.sync(SHORT, [person(7)])
    assert len(lake_rows()) > len(before)
    assert hub.unbalanced() == []


def test_a_purge_that_died_is_ended_by_the_next_and_one_at_work_is_not_disturbed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.register(SHORT)
    hub.sync(SHORT, [person(1)])
    hub.sync(SHORT, [person(2)])
    grow_old(hub, 20)
    with monkeypatch.context() as patch:

        def dying(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr("pipeline.operation.purge._remove", dying)
        with pytest.raises(KeyboardInterrupt):
            purge(hub.home)
    assert folders(hub) == {1, 2}
    purge(hub.home)
    assert folders(hub) == {2}
    assert get_purge(hub.home.catalog, 1).finished_at is not None
    hub.sync(SHORT, [person(3)])
    grow_old(hub, 20)
    with holding(hub.home.catalog, lease, f"dataset/{ID}", "somebody"):
        assert "left for the next" in purge(hub.home).notes[0]["message"]
    assert folders(hub) == {2, 3}


class Killed(BaseException):
    """Ends a run as a kill does: nothing is tidied up."""


def dies(*_arguments: object) -> None:
    raise Killed


def left_by_a_dead_publication(hub: Hub, patch: pytest.MonkeyPatch) -> list[Path]:
    """What the second publication wrote before it was killed, and has lain since for two days."""
    hub.register(PATIENTS)
    hub.sync(PATIENTS, [person(1)])
    hub.publish("population")
    hub.sync(PATIENTS, [person(1), person(2)])
    before = set(hub.settings.lake_dir.rglob("*.parquet"))
    with patch.context() as killing:
        killing.setattr("pipeline.publish.commit", dies)
        with pytest.raises(Killed):
            hub.publish("population")
    left = sorted(set(hub.settings.lake_dir.rglob("*.parquet")) - before)
    for path in left:
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    assert left
    return left


@pytest.mark.parametrize("when", rest_long(["the purge dies and is ended later", "it is published in the middle"]))
def test_what_was_nobodys_and_is_committed_meanwhile_is_not_removed(hub: Hub, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """A publication that is repeated gives its files the names that they had."""
    left = left_by_a_dead_publication(hub, monkeypatch)
    with monkeypatch.context() as patch:
        if "dies" in when:
            patch.setattr("pipeline.operation.purge._remove", dies)
            with pytest.raises(Killed):
                purge(hub.home)
        else:
            patch.setattr("pipeline.operation.purge.get_purge", lambda *which: (hub.publish("population"), get_purge(*which))[1])
            purge(hub.home)
    assert hub.publish("population").number == 2
    if "dies" in when:
        for path in hub.settings.lake_dir.rglob("*.parquet"):
            os.utime(path, (time.time() - 2 * 86_400,) * 2)
        purge(hub.home)
    assert all(path.exists() for path in left)
    first = get_purge(hub.home.catalog, 1)
    assert (first.items, first.files, first.finished_at is not None) == ((), 0, True)
    hub.sync(PATIENTS, [person(1), person(2), person(3)])
    assert (hub.publish("population").entities, hub.unbalanced()) == (3, [])


@pytest.mark.long
def test_old_states_go_where_the_contract_says_so_and_all_that_is_current_stays(hub: Hub) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    from catalog.files import files_of
    from core.database import driver_url

    table = f"std_{ID}"
    brief = {**PATIENTS, "retention": {"landing_days": 1000, "history_days": 30}}
    hub.register(brief)

    def day(number: int) -> None:
        hub.sync(brief, [*(person(n, DH=f"13{number:03}00{n:04}") for n in range(4)), *([person(50, XM="")] if number % 2 else [])])

    def in_the_lake() -> dict[str, str]:
        """The newest row of each record in the Iceberg table, by a reader who knows nothing of the hub."""
        catalog = SqlCatalog("hub", uri=driver_url(hub.settings.lake_url), warehouse=hub.settings.lake_warehouse)
        rows = catalog.load_table(f"std.{table}").scan().to_arrow().to_pylist()
        catalog.close()
        newest = {row["resident_id"]: row for row in sorted(rows, key=lambda row: row["_batch_seq"])}
        return {name: row["phone_number"] for name, row in newest.items()}

    for number in range(4):
        day(number)
        hub.publish("population")
    grow_old(hub, 60)
    for number in range(4, 6):
        day(number)
    hub.publish("population")
    state, lake, served = hub.state(brief), in_the_lake(), hub.served("base_population")
    files = [file.path for file in files_of(hub.home.catalog, table, ("log", "compact"))]
    done = purge(hub.home)
    gone = {item.path.removeprefix("lake/") for item in done.items if item.reason == "retention"}
    kept = [file.path for file in files_of(hub.home.catalog, table, ("log", "compact"))]
    assert gone
    assert set(kept) | gone == set(files)
    assert not any((hub.settings.lake_dir / path).exists() for path in gone)
    assert all((hub.settings.lake_dir / path).exists() for path in kept)
    assert (hub.state(brief), in_the_lake(), hub.served("base_population")) == (state, lake, served)
    with pytest.raises(RequestError, match="no longer kept"):
        hub.state(brief, 1)
    assert len(hub.state(brief, 5)) == 4
    marks = {item.number: item.not_replayable_since is not None for item in history(hub.home.serving, "population")}
    assert (marks[1], marks[5]) == (True, False)
    assert hub.unbalanced() == []
    assert [item for item in purge(hub.home).items if item.reason == "retention"] == []
    day(6)
    hub.publish("population")
    assert {row["phone_number"] for row in hub.served("base_population")} == {f"1300600{n:04}" for n in range(4)}
    assert in_the_lake() == {row["resident_id"]: row["phone_number"] for row in hub.state(brief)}
    assert hub.unbalanced() == []


@pytest.mark.long
def test_history_that_publications_rest_on_stays_whatever_its_age(hub: Hub) -> None:
    from catalog.files import files_of

    brief = {**PATIENTS, "retention": {"landing_days": 1000, "history_days": 1}}
    hub.register(brief)
    for number in range(4):
        hub.sync(brief, [person(n, DH=f"13{number:03}00{n:04}") for n in range(4)])
        if number == 0:
            hub.publish("population")
    grow_old(hub, 60)
    before = files_of(hub.home.catalog, f"std_{ID}", ("log", "compact"))
    assert [item for item in purge(hub.home).items if item.reason == "retention"] == []
    assert files_of(hub.home.catalog, f"std_{ID}", ("log", "compact")) == before
    assert hub.publish("population").updated == 4


@pytest.mark.long
def test_a_publication_to_which_the_step_is_gone_is_marked(hub: Hub) -> None:
    """Its own state is kept, compacted; the logs since the publication before it are not."""
    document = {**RESIDENTS, "retention": {"landing_days": 3650, "history_days": 10}}
    hub.register(document)
    for day in range(5):
        hub.sync(document, [person(n, DH=f"138{day if n % 3 == 0 else 9:08}") for n in range(20 + day)])
        if day in (0, 4):
            hub.publish("population")
    grow_old(hub, 20)
    purge(hub.home)
    with pytest.raises(RequestError, match="publication 2 of population is not replayable"):
        replay_publication("population", 2, hub.home)
    hub.sync(document, [person(n) for n in range(30)])
    assert hub.publish("population").not_replayable_since is None
    purge(hub.home)
    assert replay_publication("population", 3, hub.home).is_same

"""A file of the hub's that is damaged or gone: it is named, and what does not need it goes on."""

import shutil
from pathlib import Path

import pytest

from core.engine import Engine, parquet
from core.errors import StoreError
from pipeline.landing import batch_folder, rows_path
from pipeline.ledger import check_ledger
from pipeline.receipts import compare_source, receipt_of, verify_receipt
from tests.factories import RESIDENTS, Hub, person, wrong_check
from tests.pipeline.sources import People, connect, sync, tracked

pytestmark = [pytest.mark.usefixtures("without_suite", "without_lake"), pytest.mark.slow]


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.chmod(0o600)
    match how:
        case "gone":
            path.unlink()
        case "garbage":
            path.write_bytes(b"PAR1garbage")
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(content[:-5])
        case "footer":
            path.write_bytes(content[:-8] + (2**30).to_bytes(4, "little") + content[-4:])


DAMAGES = ("gone", "garbage", "empty", "cut", "footer")


@pytest.mark.parametrize("how", DAMAGES)
def test_the_engine_names_the_file(hub: Hub, tmp_path: Path, how: str) -> None:
    path = tmp_path / "it's one.parquet"
    with Engine(hub.settings) as engine:
        engine.run(f"COPY (SELECT i AS secret FROM range(1000) r(i)) TO '{tmp_path}/one.parquet' (FORMAT parquet)")
        (tmp_path / "one.parquet").rename(path)
        damage(path, how)
        with pytest.raises(StoreError, match="is missing or damaged, as was found while counting") as caught:
            engine.row(f"SELECT sum(secret) FROM {parquet([path])}", doing="counting")
    assert str(path) in caught.value.message
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("how", ["gone", pytest.param("garbage", marks=pytest.mark.long)])
def test_the_ledger_says_which_equation_cannot_be_computed_and_computes_the_others(hub: Hub, tmp_path: Path, how: str) -> None:
    people, document = People(tmp_path), tracked("sqlite", "snapshot")
    connect(hub, patients=people.url)
    hub.register(document, RESIDENTS)
    for number in range(4):
        people.put(number, 0)
    batch = sync(hub, document)
    hub.sync(RESIDENTS, [person(n) for n in range(4)])
    hub.publish("population")
    before = check_ledger(hub.home)
    assert [equation for equation in before if not equation.holds] == []
    path = rows_path(hub.settings, batch)
    damage(path, how)
    after = check_ledger(hub.home)
    (broken,) = [equation for equation in after if not equation.holds]
    assert (len(after), broken.subject, broken.left) == (len(before), batch.batch_id, 4)
    assert str(path) in str(broken.right)
    # Who verifies the batch reads it there as well, and the source, which has it all, is not blamed.
    faults = verify_receipt(hub.home, batch, receipt_of(hub.home, batch.batch_id))
    assert any("rows.parquet" in fault or "rows" in fault for fault in faults), faults
    said, is_different = compare_source(hub.home, batch)
    assert (said.startswith("not compared: "), is_different) == (True, False)
    (log,) = hub.settings.lake_dir.glob(f"std_{document['id']}/log-*.parquet")
    damage(log, how)
    broken_now = [equation for equation in check_ledger(hub.home) if not equation.holds]
    assert {equation.subject for equation in broken_now} == {batch.batch_id, document["id"], *(["lake"] if how == "gone" else [])}
    people.put(7, 1)
    with pytest.raises(StoreError, match="is missing or damaged") as caught:
        sync(hub, document)
    assert log.name in caught.value.message
    # Another department is not held up.
    assert hub.sync(RESIDENTS, [person(n) for n in range(5)]).records == 5


def test_the_ledger_looks_for_what_was_set_aside_and_for_the_delivery(hub: Hub) -> None:
    """Not at the list of files that there should be."""
    hub.register(RESIDENTS)
    batch = hub.sync(RESIDENTS, [person(0), person(1, SFZH=wrong_check(person(1)["SFZH"]))])
    assert [equation for equation in check_ledger(hub.home) if not equation.holds] == []
    (aside,) = hub.settings.lake_dir.rglob("quarantine-*.parquet")
    aside.unlink()
    broken, lost = [equation for equation in check_ledger(hub.home) if not equation.holds]
    assert (broken.subject, broken.words, broken.left) == (batch.batch_id, "quarantined = rows in quarantine", 1)
    assert (lost.subject, lost.words) == ("lake", "files named = files that are there")
    assert str(lost.right).endswith(f"not {aside.relative_to(hub.settings.lake_dir)}")
    shutil.rmtree(batch_folder(hub.settings, batch.contract_id, batch.seq))
    broken_now = {equation.words for equation in check_ledger(hub.home) if not equation.holds}
    assert broken_now == {"quarantined = rows in quarantine", "landed = rows in landing", "files named = files that are there"}


@pytest.mark.long
def test_the_ledger_looks_at_every_batch_however_many_there_are(hub: Hub) -> None:
    hub.register(RESIDENTS)
    first = hub.sync(RESIDENTS, [person(0), person(1)])
    for _ in range(51):
        hub.sync(RESIDENTS, [person(0), person(1)])
    assert [equation for equation in check_ledger(hub.home) if not equation.holds] == []
    damage(rows_path(hub.settings, first), "gone")
    (broken,) = [equation for equation in check_ledger(hub.home) if not equation.holds]
    assert (broken.subject, broken.words) == (first.batch_id, "landed = rows in landing")

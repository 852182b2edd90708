"""Bundles: what a department packs without a line to the hub arrives whole or is refused, with a word that says why."""

import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.batches import batches_of
from connectors.offline import bundle as packing
from connectors.offline.bundle import Bundle, BundleError, make_key, pack
from core.errors import RequestError, SourceError
from core.settings import REPOSITORY
from core.signing import load_signer
from exchange.verify_receipt import check
from pipeline.accept import accept
from pipeline.bundles import pack_here, register_key, terms_of
from pipeline.land import land
from pipeline.receipts import receipt_of
from tests.factories import RESIDENTS, Hub, person, to_csv
from tests.pipeline.offices import MANY, Office, office, rewritten
from tests.pipeline.sources import COLUMNS, connect, sync, tracked

__all__ = ["office"]
pytestmark = pytest.mark.usefixtures("without_suite")
PROGRAM = REPOSITORY / "connectors" / "offline" / "bundle.py"


def test_a_bundle_of_rows_arrives_with_the_receipt_of_the_wire(office: Office) -> None:
    batch = office.take(office.pack())
    assert (batch.status, batch.records, batch.origin.split(":")[:2]) == ("accepted", MANY, ["bundle", "1"])
    signed = receipt_of(office.hub.home, batch.batch_id)
    source = signed["receipt"]["source"]
    assert (source["verdict"], source["rows"], source["engine"]) == ("equal", MANY, "the department's packing program")
    assert source["said"]["digest"] == signed["receipt"]["landing"]["digest"]
    assert check(signed, load_signer(office.hub.settings).public_key) == []
    # On the wire, the same table has the same digests.
    connect(office.hub, patients=office.people.url)
    wired = receipt_of(office.hub.home, sync(office.hub, office.document).batch_id)["receipt"]
    assert wired["source"]["said"] == source["said"]
    assert wired["rows"]["unchanged"] == MANY


def test_a_bundle_of_files_arrives_and_its_records_are_counted(office: Office) -> None:
    batch = office.take(office.pack_file(), dataset=RESIDENTS["id"])
    source = receipt_of(office.hub.home, batch.batch_id)["receipt"]["source"]
    assert (batch.records, source["verdict"], source["rows"]) == (MANY, "counted", MANY)
    assert "records and digests bytes" in source["reason"]
    assert next(note["message"] for note in batch.notes if note["kind"] == "bundle").startswith("bundle 1, packed 20")
    assert list((office.hub.settings.home / "work").glob("bundle*")) == []


def test_a_file_whose_name_looks_unfinished_is_refused_and_not_passed_over(office: Office) -> None:
    """A drop folder leaves such files aside; of a bundle everything was signed."""
    document = {**RESIDENTS, "source": {**RESIDENTS["source"], "path": "*"}}
    office.hub.register(document)
    with pytest.raises(SourceError, match=r"has a file that the contract's path \* does not match"):
        office.take(office.pack_file("resident.csv.tmp"))


def test_a_file_that_the_hub_would_not_take_is_not_packed(office: Office) -> None:
    with pytest.raises(packing.BundleError, match=r"people\.csv is not named as the terms want it: resident\.csv; rename it"):
        office.pack_file("people.csv")
    assert office.take(office.pack_file(), dataset=RESIDENTS["id"]).records == MANY


def test_blank_lines_and_broken_rows_of_a_file_are_rows_that_were_read(office: Office) -> None:
    text = to_csv([person(number) for number in range(3)], list(person(0))) + "\n,,,,,,\nonly one value\n"
    batch = office.take(office.pack_file(text=text))
    source = receipt_of(office.hub.home, batch.batch_id)["receipt"]["source"]
    assert batch.landed == 3
    assert batch.unreadable >= 1
    assert source["verdict"] == "counted"
    assert source["rows"] == batch.read


def test_a_file_whose_records_are_not_those_counted_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "count_records", lambda file, terms: (MANY + 1, 0))
    path = office.pack_file()
    with pytest.raises(SourceError, match=f"the source says {MANY + 1} rows, {MANY} were read, and they are not the same"):
        office.take(path)
    # It is not taken: packed again without the count, under the same number, it is.
    path.unlink()
    again = office.pack_file(count=False, sequence=1)
    batch = office.take(again)
    receipt = receipt_of(office.hub.home, batch.batch_id)["receipt"]
    assert (receipt["source"]["verdict"], receipt["source"]["rows"]) == ("not comparable", None)
    assert "has not counted" in receipt["source"]["reason"]


def test_lost_rows_are_not_made_up_for_by_blank_ones(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a row that is lost on the way a blank line says nothing."""
    counted = packing.count_records
    monkeypatch.setattr(packing, "count_records", lambda file, terms: (counted(file, terms)[0] + 1, 1))
    text = to_csv([person(number) for number in range(3)], list(person(0))) + ",,,,,,\n"
    with pytest.raises(SourceError, match="the source says 5 rows, 4 were read"):
        office.take(office.pack_file(text=text))


def test_a_bundle_of_many_like_rows_is_a_delivery(office: Office) -> None:
    text = to_csv([person(0)] * 60_000, list(person(0)))
    path = office.pack_file(text=text)
    assert path.stat().st_size < len(text) / 100
    assert office.take(path).read == 60_000


@pytest.mark.parametrize("until", ["landing", "landed"])
def test_a_bundle_whose_process_died_may_be_given_again(office: Office, until: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = office.pack()
    with monkeypatch.context() as patched:
        # A process that is killed writes nothing more down.
        patched.setattr("pipeline.land.end_batch", lambda *_, **__: None)
        patched.setattr("pipeline.land._manifest" if until == "landing" else "pipeline.bundles.accept", dying)
        with pytest.raises(Killed):
            office.take(path)
    assert [batch.status for batch in batches_of(office.hub.home.catalog, office.document["id"])] == [until]
    batch = office.take(path)
    assert (batch.status, batch.records) == ("accepted", MANY)
    with pytest.raises(RequestError, match="was taken in before"):
        office.take(path)


class Killed(BaseException):
    """A death, which nothing catches."""


def dying(*_: Any, **__: Any) -> None:
    raise Killed


def test_what_a_driver_says_of_a_value_is_not_passed_on(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    terms = office.folder / "terms.json"
    terms.write_text(json.dumps(terms_of(office.hub.home, office.document["id"])))
    arguments = ["pack", "--terms", str(terms), "--key", str(office.key), "--out", str(office.folder), "--sqlite", str(office.people.path)]
    assert packing.main([*arguments, "--query", "SELECT ZHANG FROM patient"]) == 1
    said = capsys.readouterr()
    assert "OperationalError" in said.err
    assert "ZHANG" not in said.err + said.out
    assert list(office.folder.glob("*.bundle")) == []


def test_bytes_that_are_no_text_cost_their_value_only_packed_or_on_the_wire(office: Office) -> None:
    """SQLite keeps them; the receipt compares rows as they landed."""
    connect(office.hub, patients=office.people.url)
    office.people.write("UPDATE patient SET XM = CAST(X'5A48414E47C328' AS TEXT) WHERE rowid = 7")
    office.people.write("UPDATE patient SET XM = CAST(X'C328' AS TEXT) || XM WHERE rowid = 9")
    packed = office.take(pack_here(office.hub.home, office.document["id"], office.key, office.folder))
    wired = sync(office.hub, office.document)
    assert (wired.unchanged, wired.quarantined, wired.records) == (packed.accepted, packed.quarantined, packed.records)
    assert packed.quarantined + packed.accepted == MANY
    assert {note["message"] for note in wired.notes if note["kind"] == "undecodable"} == {"2 values are not UTF-8"}
    for batch in (packed, wired):
        assert receipt_of(office.hub.home, batch.batch_id)["receipt"]["source"]["verdict"] == "equal"


def test_columns_that_the_hub_does_not_read_do_not_travel(office: Office) -> None:
    ignored = next(name for name in COLUMNS if name not in terms_of(office.hub.home, office.document["id"])["columns"])
    office.hub.register({**office.document, "ignore": [ignored]})
    with packing.Bundle(office.pack()) as bundle:
        assert ignored not in bundle.manifest["names"]
        assert len(bundle.manifest["names"]) == len(COLUMNS) - 1


def test_bundles_come_in_their_order_and_once(office: Office) -> None:
    first, second, third = office.pack(), office.pack(), office.pack()
    with pytest.raises(RequestError, match="the bundle has number 2, the next one is number 1"):
        office.take(second)
    assert office.take(first).seq == 1
    with pytest.raises(RequestError, match=r"bundle 1 was taken in before, as batch health__patient@1"):
        office.take(first)
    with pytest.raises(RequestError, match="the bundle has number 3, the next one is number 2") as raised:
        office.take(third)
    assert "--accept-gap" in raised.value.hint
    batch = office.take(third, accept_gap="the second medium was lost")
    assert any(note["message"].endswith("passed over: the second medium was lost") for note in batch.notes)
    with pytest.raises(RequestError, match="the bundle has number 2, and number 3 was taken in already"):
        office.take(second)
    first.unlink()
    other = office.pack(sequence=4, state=office.folder / "another.json")
    with pytest.raises(RequestError, match="does not follow the one that was taken in as number 3"):
        office.take(other)


def test_a_gap_that_was_not_there_is_not_told_as_accepted(office: Office) -> None:
    """The note is signed with the receipt: it is not to say that bundles are missing where none is."""
    batches = [office.take(office.pack(), accept_gap="just in case") for _ in range(2)]
    assert [note for batch in batches for note in batch.notes if "passed over" in note["message"]] == []


def test_a_bundle_is_not_newer_than_what_was_read_since_it_was_packed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the wire what came after it has been read already: it would put back what has changed."""
    connect(office.hub, patients=office.people.url)
    office.take(office.pack())
    path = office.pack()
    later = datetime(2124, 1, 2, 3, 4, 5)
    monkeypatch.setattr("catalog.batches.now", lambda: later)
    office.people.remove(1)
    batch_id = land(office.document["id"], office.hub.home)
    monkeypatch.undo()
    assert accept(batch_id, office.hub.home).records == MANY - 1
    with pytest.raises(RequestError, match=r"and health__patient@2 read the source at 2124-01-02 11:04:05") as raised:
        office.take(path)
    assert "--accept-older" in raised.value.hint
    batch = office.take(path, accept_older="its clock stood still")
    assert [note["message"] for note in batch.notes if note["kind"] == "bundle-older"] == [
        "it was taken in although it was packed before the newest reading: its clock stood still"
    ]


def test_a_bundle_that_a_gate_has_stopped_may_be_given_again(office: Office) -> None:
    from core.errors import GateFailed
    from tests.factories import with_assertions

    path = office.pack()
    office.hub.register(with_assertions(office.document, least_rows=MANY + 1))
    with pytest.raises(GateFailed):
        office.take(path)
    office.hub.register(office.document)
    assert office.take(path).status == "accepted"


def test_keys_datasets_and_departments_have_to_fit(office: Office, tmp_path: Path) -> None:
    home = office.hub.home
    path = office.pack()
    with pytest.raises(RequestError, match="the bundle is one of health__patient, not of public_security__resident"):
        office.take(path, dataset=RESIDENTS["id"])
    stranger = tmp_path / "stranger.pem"
    make_key(stranger)
    with pytest.raises(BundleError, match="is there already: a key is never replaced"):
        make_key(stranger)
    with sqlite3.connect(office.people.path) as connection:
        strange = pack(terms_of(home, office.document["id"]), stranger, tmp_path, cursor=connection.cursor())
    connection.close()
    with pytest.raises(RequestError, match="signed by a key that is none of health"):
        office.take(strange)
    with pytest.raises(RequestError, match="is a private key"):
        register_key(home, "health", stranger)
    with pytest.raises(RequestError, match="has no public key of Ed25519"):
        register_key(home, "health", _text(tmp_path))
    with pytest.raises(RequestError, match="is there already"):
        register_key(home, "health", office.key.with_suffix(".pub"))
    from catalog.department_keys import withdraw_key

    withdraw_key(home.catalog, "health", packing.key_id_of(office.key.with_suffix(".pub").read_text()), "test")
    with pytest.raises(RequestError, match="was withdrawn"):
        office.take(path)


def _text(folder: Path) -> Path:
    path = folder / "no.pub"
    path.write_text("-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----\n")
    return path


def test_what_the_hub_packs_is_what_the_department_packs(office: Office, tmp_path: Path) -> None:
    connect(office.hub, patients=office.people.url)
    out = tmp_path / "here"
    out.mkdir()
    theirs = office.pack(state=tmp_path / "theirs.json")
    ours = pack_here(office.hub.home, office.document["id"], office.key, out)
    with Bundle(theirs) as first, Bundle(ours) as second:
        assert {**first.manifest, "packed_at": ""} == {**second.manifest, "packed_at": ""}
    office.hub.deliver(RESIDENTS, [person(number) for number in range(4)])
    path = pack_here(office.hub.home, RESIDENTS["id"], office.key, out)
    assert office.take(path).records == 4
    with pytest.raises(RequestError, match="is not a folder"):
        pack_here(office.hub.home, RESIDENTS["id"], office.key, out / "none")


def test_a_table_of_postgresql_packed_and_on_the_wire_is_the_same(hub: Hub, postgresql_server: str, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bundled")
        connection.execute("CREATE TABLE bundled (sfzh text, xm text, dh numeric(14,2), gxsj date, t timestamptz, b boolean, f real)")
        for number in range(120):
            values = (person(number)["SFZH"], person(number)["XM"], Decimal(number) / 4, date(1949, 10, 1 + number % 28))
            connection.execute("INSERT INTO bundled VALUES (%s, %s, %s, %s, '2024-01-01 00:00:00.5+00', true, 0.1)", values)
    columns = {
        "sfzh": "resident_id",
        "xm": "person_name",
        "dh": "phone_number",
        "t": "residence_address",
        "b": "sex_code",
        "f": "nation_code",
    }
    document = tracked("postgresql", "snapshot", columns={**columns, "f": "birth_date"}, record_key=["sfzh"], as_of={"column": "gxsj"})
    document["source"] = {"kind": "postgresql", "connection": "patients", "object": "bundled"}
    hub.register(document)
    connect(hub, patients=postgresql_server)
    key = tmp_path / "k.pem"
    make_key(key)
    register_key(hub.home, "health", key.with_suffix(".pub"))
    from pipeline.land import land

    with Bundle(pack_here(hub.home, document["id"], key, tmp_path)) as bundle:
        packed = bundle.manifest
    landed = land(document["id"], hub.home)
    from pipeline.landing import read_manifest

    manifest = read_manifest(hub.settings, hub.batch(landed))
    assert manifest is not None
    assert packed["partitions"] == manifest["source"]["partitions"]
    assert set(packed["not_comparable"]) == set(manifest["source"]["not_comparable"]) == {"f"}


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_server_that_does_not_answer_is_told_as_by_a_sync(hub: Hub, tmp_path: Path, kind: str) -> None:
    document = tracked(kind, "snapshot")
    hub.register(document)
    connect(hub, patients=f"{kind}://nobody@127.0.0.1:1/none")
    make_key(tmp_path / "k.pem")
    with pytest.raises(SourceError) as packed:
        pack_here(hub.home, document["id"], tmp_path / "k.pem", tmp_path)
    with pytest.raises(SourceError) as read:
        land(document["id"], hub.home)
    assert packed.value.transient
    assert read.value.transient
    assert str(packed.value).split(" (")[0] == str(read.value).split(" (")[0]
    assert not list(tmp_path.glob("*.bundle"))


def test_many_rows_make_several_parts(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PART_ROWS", 100)
    path = office.pack()
    with Bundle(path) as bundle:
        assert [part["rows"] for part in bundle.manifest["parts"]] == [100, 100, 30]
    assert office.take(path).records == MANY
    rewritten(second := office.pack(), lambda contents: contents.pop("parts/00002.jsonl"))
    with pytest.raises(SourceError, match=r"parts are missing: parts/00002\.jsonl"):
        office.take(second)


def test_the_program_runs_alone(office: Office, tmp_path: Path) -> None:
    """One file, copied to a machine that has none of the hub."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(PROGRAM, alone)
    (alone / "terms.json").write_text(json.dumps(terms_of(office.hub.home, office.document["id"])))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "bundle.py", *arguments], cwd=alone, capture_output=True, text=True, env={}, check=False
        )

    made = run("keygen", "--key", "office.pem")
    public = (alone / "office.pub").read_text()
    assert f"fingerprint {packing.fingerprint(public)}" in made.stdout
    packed = run("pack", "--terms", "terms.json", "--key", "office.pem", "--out", ".", "--sqlite", str(office.people.path))
    assert (packed.returncode, packed.stdout) == (0, "health__patient-000001.bundle\n")
    checked = run("check", packed.stdout.strip(), "--key", "office.pub")
    assert checked.stdout == f"health__patient number 1: whole; rows {MANY}\n"
    assert run("pack", "--terms", "terms.json", "--key", "none.pem", "--out", ".", "--sqlite", str(office.people.path)).returncode == 1
    assert "nothing is named to pack" in run("pack", "--terms", "terms.json", "--key", "office.pem", "--out", ".").stderr
    register_key(office.hub.home, "health", alone / "office.pub")
    assert office.take(alone / packed.stdout.strip()).records == MANY
    imports = {line.split()[1].split(".")[0] for line in PROGRAM.read_text().splitlines() if line.strip().startswith(("import ", "from "))}
    assert imports - sys.stdlib_module_names - {"__future__"} == {"cryptography"}

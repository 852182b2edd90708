"""Signed receipts: what they say, and what is found when somebody alters one."""

import base64
import copy
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.receipts import stored_receipt, without_receipt
from core.errors import GateFailed, RequestError, StoreError
from core.settings import REPOSITORY
from core.signing import algorithm_of, load_signer, public_keys
from exchange.verify_receipt import canonical, check, equations, sm2_point
from exchange.verify_receipt import main as verify_alone
from pipeline.land import land
from pipeline.landing import batch_folder
from pipeline.receipts import compare_source, receipt_of, verify_receipt
from tests.factories import RESIDENTS, Hub, hub_in, person, with_assertions
from tests.pipeline.receipted import MANY, Filled, filled
from tests.pipeline.sources import connect, sync

__all__ = ["filled"]
pytestmark = pytest.mark.usefixtures("without_suite", "without_lake")
VERIFIER = REPOSITORY / "exchange" / "verify_receipt.py"


def parts(account: dict[str, Any]) -> list[int]:
    return [part["rows"] for part in account["partitions"]]


def test_a_receipt_tells_ledger_digests_source_versions_durations_and_who(filled: Filled) -> None:
    batch = filled.sync()
    signed = stored_receipt(filled.hub.home.catalog, batch.batch_id)
    assert signed is not None
    receipt = signed["receipt"]
    assert receipt["batch"]["status"] == "accepted"
    assert receipt["batch"]["actor"] == "test"
    assert {"land", "compare", "standardize", "write"} <= receipt["batch"]["milliseconds"].keys()
    assert (receipt["contract"]["version"], receipt["standard"]["version"]) == (1, batch.standard_version)
    assert {len(receipt[name]["digest"]) for name in ("contract", "standard")} == {64}
    assert receipt["rows"] == {name: getattr(batch, name) for name in receipt["rows"]}
    assert (receipt["rows"]["read"], receipt["records"]["records"]) == (MANY, MANY)
    source, landing = receipt["source"], receipt["landing"]
    assert (source["verdict"], source["rows"], source["not_comparable"]) == ("equal", MANY, [])
    assert source["said"] == source["landed"]
    assert source["said"]["digest"] == landing["digest"]
    assert sum(parts(landing)) == MANY
    assert min(parts(landing)) >= 100
    manifest = batch_folder(filled.hub.settings, batch.contract_id, batch.seq) / "manifest.json"
    assert landing["manifest_sha256"] == hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert check(signed, filled.key) == []
    assert verify_receipt(filled.hub.home, batch, signed) == []
    text = json.dumps(signed, ensure_ascii=False)
    assert [name for name in (person(3)["SFZH"], person(3)["XM"], person(3)["DH"], "department.db") if name in text] == []


def test_digests_are_those_of_the_rows(filled: Filled) -> None:
    """The oracle: texts of the table, hashed in plain Python."""
    receipt = filled.signed(filled.sync())["receipt"]
    columns = receipt["landing"]["columns"]
    with sqlite3.connect(filled.people.path) as connection:
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM patient").fetchall()
    connection.close()
    total = sum(int.from_bytes(hashlib.sha256("\x1f".join(map(str, row)).encode()).digest()[:16], "big") for row in rows)
    assert receipt["landing"]["digest"] == f"{total % (1 << 128):032x}"
    bits = len(receipt["landing"]["partitions"]).bit_length() - 1
    keys = [f"{hashlib.sha256(row[columns.index('SFZH')].encode()).digest()[0]:08b}"[:bits] for row in rows]
    assert {part["part"]: part["rows"] for part in receipt["landing"]["partitions"]} == {part: keys.count(part) for part in set(keys)}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a document stand."""
    if isinstance(value, dict | list) and value:
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, name))
    else:
        yield path


def other(value: Any) -> Any:
    """A value of the same kind that is another one."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return ("0" if value[:1] != "0" else "1") + value[1:]
        case None:
            return 0
    return [0]


def test_whatever_is_altered_is_found(filled: Filled) -> None:
    signed = filled.signed(filled.sync())
    found = list(places(signed))
    assert len(found) > 60
    for path in found:
        altered = copy.deepcopy(signed)
        inner = altered
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = other(inner[path[-1]])
        assert check(altered, filled.key), path
        removed = copy.deepcopy(signed)
        inner = removed
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]
        assert check(removed, filled.key), path
    assert check({**signed, "more": 1}, filled.key)
    for junk in ({}, [], None, 7, "x", {"receipt": None, "signature": ""}, {"receipt": {"format": "govhub receipt 1"}, "signature": ""}):
        assert check(junk, filled.key)


# What must not hold although its signature does: the hub itself has signed it.
UNSOUND = {
    "read": (("rows", "read"), 1, "read = landed"),
    "landed": (("rows", "landed"), 1, "read = landed"),
    "unreadable": (("rows", "unreadable"), 1, "read = landed"),
    "accepted": (("rows", "accepted"), 1, "landed = accepted"),
    "unchanged": (("rows", "unchanged"), 1, "landed = accepted"),
    "repeated": (("rows", "repeated"), 1, "landed = accepted"),
    "quarantined": (("rows", "quarantined"), 1, "landed = accepted"),
    "previous": (("records", "previous"), 1, "records = previous"),
    "inserted": (("records", "inserted"), 1, "records = previous"),
    "deleted": (("records", "deleted"), 1, "records = previous"),
    "records": (("records", "records"), 1, "records = previous"),
    "landing's rows": (("landing", "rows"), 1, "landing: its rows"),
    "rows of a partition": (("landing", "partitions", 0, "rows"), 1, "landing: rows ="),
    "the digest of all": (("landing", "digest"), "0" * 32, "landing: digest ="),
    "the digest of a partition": (("landing", "partitions", 1, "digest"), "0" * 32, "landing: digest ="),
    "a partition's name": (("landing", "partitions", 1, "part"), "0", "landing: partitions are missing"),
    "what the source counted": (("source", "rows"), 1, "source: the verdict"),
    "what the source added up": (("source", "said", "digest"), "0" * 32, "source: digest ="),
    "what landed of it": (("source", "landed", "partitions", 0, "rows"), 1, "landed of the source's columns"),
    "the verdict": (("source", "verdict"), "equal in part", "source: the verdict"),
    "a column left out": (("source", "not_comparable"), [{"column": "x", "reason": "y"}], "source: the verdict"),
    "a count that is none": (("rows", "unreadable"), 0.0, "read = landed"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A receipt, without its signature."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        from pipeline.validate import count_issues

        patch.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        filled = Filled(hub_in(folder / "home"), folder)
        return dict(filled.signed(filled.sync())["receipt"])


@pytest.mark.parametrize("case", UNSOUND)
def test_every_equation_is_checked_by_itself(sound: dict[str, Any], case: str) -> None:
    path, change, words = UNSOUND[case]
    receipt = copy.deepcopy(sound)
    assert list(equations(receipt)) == []
    inner: Any = receipt
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = inner[path[-1]] + change if isinstance(change, int) else change
    assert any(found.startswith(words) for found in equations(receipt)), list(equations(receipt))


def test_the_verifier_runs_alone(filled: Filled, tmp_path: Path) -> None:
    """Copied away from the hub, without its packages in sight."""
    signed = filled.signed(filled.sync())
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(VERIFIER, alone)
    (alone / "key.pub").write_text(filled.key)
    (alone / "receipt.json").write_text(json.dumps(signed, ensure_ascii=False), encoding="utf-8")
    signed["receipt"]["rows"]["landed"] += 1
    (alone / "false.json").write_text(json.dumps(signed, ensure_ascii=False), encoding="utf-8")

    def run(receipt: str, key: str = "key.pub") -> tuple[int, str]:
        program = ["verify_receipt.py", receipt, "--key", key]
        done = subprocess.run([sys.executable, "-P", *program], cwd=alone, capture_output=True, text=True, env={}, check=False)
        return done.returncode, done.stdout

    assert run("receipt.json") == (0, "signature, digests and equations hold\n")
    status, words = run("false.json")
    assert status == 1
    assert "signature: it is not that of this document" in words
    assert "read = landed + unreadable: 420 and 421 + 0" in words
    assert run("none.json")[0] == 2
    imports = [line.split()[1] for line in VERIFIER.read_text().splitlines() if line.strip().startswith(("import ", "from "))]
    standard = sys.stdlib_module_names
    assert {name.split(".")[0] for name in imports} - standard == {"cryptography"}


def test_few_rows_show_no_digest_and_a_file_is_compared_by_its_bytes(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.register(RESIDENTS)
    batch = hub.sync(RESIDENTS, [person(number) for number in range(5)])
    signed = receipt_of(hub.home, batch.batch_id)
    receipt = signed["receipt"]
    assert (receipt["landing"]["rows"], receipt["landing"]["digest"], receipt["landing"]["partitions"]) == (5, None, [])
    assert (receipt["source"]["verdict"], receipt["source"]["rows"]) == ("not comparable", None)
    assert "files have no engine" in receipt["source"]["reason"]
    assert check(signed, public_keys(hub.settings)[receipt["key_id"]]) == []
    file = hub.drop / "resident.csv"
    as_read = file.read_bytes()
    assert receipt["source"]["files"] == [{"name": file.name, "bytes": len(as_read), "sha256": hashlib.sha256(as_read).hexdigest()}]
    assert compare_source(hub.home, batch) == ("byte for byte the same files: resident.csv", False)
    (tmp_path / "receipt.json").write_text(json.dumps(signed), encoding="utf-8")
    (tmp_path / "hub.pub").write_text(public_keys(hub.settings)[receipt["key_id"]])
    verifier = [str(tmp_path / "receipt.json"), "--key", str(tmp_path / "hub.pub"), "--file", str(file)]
    assert verify_alone(verifier) == 0
    file.write_bytes(as_read + b"\n")
    assert compare_source(hub.home, batch) == ("files that are not those of the batch: resident.csv", True)
    assert verify_alone(verifier) == 1
    assert "is none of the files that the hub read" in capsys.readouterr().out
    # Whoever reads the file by eye sees the first of two values, the verifier checks the last.
    (tmp_path / "receipt.json").write_text('{"receipt": {"rows": 999}, ' + json.dumps(signed)[1:], encoding="utf-8")
    assert verify_alone(verifier) == 2
    assert "receipt stands more than once in one object" in capsys.readouterr().err
    (tmp_path / "receipt.json").write_text("[" * 200_000, encoding="utf-8")
    assert verify_alone(verifier) == 2


def test_files_of_one_name_in_several_folders_are_each_compared(hub: Hub) -> None:
    """Told by their names alone, the last of them stood for all."""
    document = {**RESIDENTS, "source": {**RESIDENTS["source"], "path": "2026/**/resident.csv"}}
    hub.register(document)
    for number, folder in enumerate(("01", "02")):
        (hub.drop / "2026" / folder).mkdir(parents=True)
        hub.deliver({**document, "source": {"path": f"2026/{folder}/resident.csv"}}, [person(number)])
    batch = sync(hub, document)
    files = receipt_of(hub.home, batch.batch_id)["receipt"]["source"]["files"]
    assert [file["name"] for file in files] == ["01/resident.csv", "02/resident.csv"]
    assert compare_source(hub.home, batch) == ("byte for byte the same files: 01/resident.csv, 02/resident.csv", False)
    with (hub.drop / "2026" / "01" / "resident.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert compare_source(hub.home, batch) == ("files that are not those of the batch: 01/resident.csv", True)


def test_what_was_altered_in_catalog_or_landing_is_named(filled: Filled) -> None:
    batch = filled.sync()
    signed = filled.signed(batch)
    home = filled.hub.home
    with home.catalog.begin() as connection:
        connection.exec_driver_sql("UPDATE batch SET accepted = accepted - 1, unchanged = unchanged + 1")
    assert verify_receipt(home, filled.hub.batch(batch.batch_id), signed) == [
        "catalog: rows.accepted is not what the receipt says",
        "catalog: rows.unchanged is not what the receipt says",
    ]
    path = batch_folder(home.settings, batch.contract_id, batch.seq) / "rows.parquet"
    table = pq.read_table(path)
    names = table.column("XM").to_pylist()
    place = table.schema.get_field_index("XM")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(["改名", *names[1:]])), path)
    part = hashlib.sha256(table.column("SFZH")[0].as_py().encode()).hexdigest()[:2]
    found = verify_receipt(home, batch, signed)
    assert any(words.startswith("rows: 1 are not what landed any more") for words in found)
    assert any(words.startswith("seal:") for words in found)
    # The digests in the file are as they were: it is the seal and the rows themselves that tell.
    altered = table.set_column(
        table.schema.get_field_index("_row_digest"), "_row_digest", table.column("_row_digest").take([1, *range(1, MANY)])
    )
    pq.write_table(altered, path)
    found = verify_receipt(home, batch, signed)
    assert any(words.startswith("landing: partitions that differ: ") and part in words for words in found), found


def test_every_batch_that_ended_gets_its_receipt(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    home, name = filled.hub.home, filled.document["id"]
    landed = land(name, home)
    with pytest.raises(RequestError, match="is landed: it has no receipt yet"):
        receipt_of(home, landed)
    filled.sync()
    filled.hub.register(with_assertions(filled.document, least_rows=MANY + 1))
    with pytest.raises(GateFailed):
        filled.sync()
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.accept.issue_missing", lambda *_: None)  # as if the process had died before it came to it
        filled.hub.register(filled.document)
        filled.sync()
    assert without_receipt(home.catalog, name) == [f"{name}@4"]
    filled.sync()
    assert without_receipt(home.catalog, name) == []
    said = {number: receipt_of(home, f"{name}@{number}") for number in range(1, 6)}
    states = {number: signed["receipt"]["batch"]["status"] for number, signed in said.items()}
    assert states == {1: "superseded", 2: "accepted", 3: "stopped", 4: "accepted", 5: "accepted"}
    assert [problem for signed in said.values() for problem in check(signed, filled.key)] == []
    # Asked again, it is the same document.
    assert receipt_of(home, f"{name}@2") == said[2]


def test_keys_stay_and_another_one_takes_over(filled: Filled) -> None:
    batch = filled.sync()
    first = filled.signed(batch)
    settings = filled.hub.settings
    private = settings.home / "keys" / "receipt-ed25519-1.pem"
    assert private.stat().st_mode & 0o777 == 0o600
    assert algorithm_of(filled.key) == "Ed25519"
    next_hub = hub_in(settings.home, signing_key="receipt-ed25519-2")
    connect(next_hub, patients=filled.people.url)
    second = receipt_of(next_hub.home, sync(next_hub, filled.document).batch_id)
    assert (first["receipt"]["key_id"], second["receipt"]["key_id"]) == ("receipt-ed25519-1", "receipt-ed25519-2")
    assert verify_receipt(next_hub.home, batch, first) == []
    assert check(second, public_keys(settings)["receipt-ed25519-1"])
    private.unlink()
    with pytest.raises(StoreError, match="the private half of the key receipt-ed25519-1 is gone"):
        load_signer(settings)
    assert not private.exists()
    with pytest.raises(RequestError, match="is no id of a key"):
        hub_in(settings.home, signing_key="../x")


def openssl_has_sm2() -> bool:
    try:
        return subprocess.run(["openssl", "genpkey", "-algorithm", "SM2"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not openssl_has_sm2(), reason="the program openssl is missing or has no SM2")
def test_receipts_are_signed_with_sm2_where_that_is_demanded(tmp_path: Path) -> None:
    filled = Filled(hub_in(tmp_path / "home", signature="sm2"), tmp_path)
    batch = filled.sync()
    signed = filled.signed(batch)
    assert (signed["receipt"]["algorithm"], signed["receipt"]["key_id"]) == ("SM2", "receipt-sm2-1")
    assert check(signed, filled.key) == []
    assert verify_receipt(filled.hub.home, batch, signed) == []
    for path in [("receipt", "rows", "read"), ("receipt", "batch", "actor"), ("signature",)]:
        altered = copy.deepcopy(signed)
        inner = altered
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = other(inner[path[-1]]) if path != ("signature",) else signed["signature"][:-8] + "AAAAAAA="
        assert check(altered, filled.key), path
    # OpenSSL, of which the verifier uses nothing, agrees.
    (tmp_path / "m").write_bytes(canonical(signed["receipt"]))
    (tmp_path / "s").write_bytes(base64.b64decode(signed["signature"]))
    (tmp_path / "k").write_text(filled.key)
    options = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    files = ["-inkey", str(tmp_path / "k"), "-in", str(tmp_path / "m"), "-sigfile", str(tmp_path / "s")]
    assert subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", *files, *options], capture_output=True, check=False).returncode == 0
    ed25519 = load_signer(hub_in(tmp_path / "other").settings).public_key
    with pytest.raises(ValueError, match="no SM2 key"):
        sm2_point(ed25519)

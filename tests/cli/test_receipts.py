"""Receipts, keys and bundles as a person at a shell meets them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.settings import REPOSITORY
from tests.cli.conftest import Command
from tests.factories import RESIDENTS, Hub, person

DATASET = RESIDENTS["id"]


@pytest.fixture
def command(hub: Hub, command_in: Callable[[Path], Command]) -> Command:
    """Runs commands on a hub with one batch of many people."""
    hub.register(RESIDENTS)
    hub.sync(RESIDENTS, [person(number) for number in range(130)])
    return command_in(hub.settings.home)


@pytest.mark.usefixtures("without_suite")
def test_a_receipt_is_written_and_checked_without_the_hub(command: Command, tmp_path: Path) -> None:
    receipt, key = tmp_path / "receipt.json", tmp_path / "hub.pub"
    answer = command("receipt", f"{DATASET}@1", "--verify", "--out", str(receipt))
    assert answer.status == 0, answer.err
    assert "read 130 = landed 130 + unreadable 0" in answer.out
    assert "source   not comparable (files have no engine that could count their rows)" in answer.out
    assert "signed   Ed25519, key receipt-ed25519-1" in answer.out
    assert "verified signature, equations, catalog and landing hold" in answer.out
    assert answer.out.endswith("with the key that ./hub keys --export receipt-ed25519-1 gives\n")
    assert command("keys", "--export", "receipt-ed25519-1", "--out", str(key)).status == 0
    program = [sys.executable, str(REPOSITORY / "exchange" / "verify_receipt.py"), str(receipt), "--key", str(key)]
    assert subprocess.run(program, capture_output=True, text=True, check=False).stdout == "signature, digests and equations hold\n"
    assert command("receipt", f"{DATASET}@1", "--out", str(receipt)).status == 2  # nothing is written over
    signed = command("receipt", f"{DATASET}@1", "--json").json["signed"]
    assert signed == json.loads(receipt.read_text(encoding="utf-8"))
    assert command("keys", "--export", "none").status == 2
    for said in (
        ("--out", "new.pub"),
        ("--department", "tax"),
        ("--export", "receipt-ed25519-1", "--withdraw", "x", "--department", "tax"),
    ):
        assert command("keys", *said).status == 2  # one of them would be passed over


@pytest.mark.usefixtures("without_suite")
def test_a_bundle_from_terms_to_receipt(command: Command, hub: Hub, tmp_path: Path) -> None:
    terms, key = tmp_path / "terms.json", tmp_path / "office.pem"
    assert command("bundle", DATASET, "--terms", str(terms)).status == 0
    program = [sys.executable, str(REPOSITORY / "connectors" / "offline" / "bundle.py")]
    subprocess.run([*program, "keygen", "--key", str(key)], check=True, capture_output=True)
    hub.deliver(RESIDENTS, [person(number) for number in range(140)])
    packed = subprocess.run(
        [*program, "pack", "--terms", str(terms), "--key", str(key), "--out", str(tmp_path), "--files", str(hub.drop / "resident.csv")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    refused = command("unbundle", packed)
    assert refused.status == 2
    assert "signed by a key that is none of public_security" in refused.err
    assert command("keys", "--add", str(key.with_suffix(".pub"))).status == 2  # whose is it?
    added = command("keys", "--add", str(key.with_suffix(".pub")), "--department", "public_security", "--json")
    assert [entry["department_id"] for entry in added.json["departments"]] == ["public_security"]
    taken = command("unbundle", packed, "--dataset", DATASET)
    assert taken.status == 0, taken.err
    assert "records  140 = previous 130 + inserted 10" in taken.out
    again = command("unbundle", packed)
    assert again.status == 2
    assert "was taken in before, as batch public_security__resident@2" in again.err
    told = command("receipt", f"{DATASET}@2").out
    assert "source   140 rows by the department's packing program, counted" in told
    here = command("bundle", DATASET, "--key", str(key), "--out", str(tmp_path), "--json")
    assert here.json["bundle"].endswith("-000002.bundle")
    key_id = added.json["departments"][0]["key_id"]
    assert "withdrawn by tester" in command("keys", "--withdraw", key_id, "--department", "public_security").out
    assert "was withdrawn" in command("unbundle", here.json["bundle"]).err
    assert command("bundle", DATASET).status == 2


@pytest.mark.usefixtures("without_suite")
def test_of_a_batch_that_never_landed_no_landing_is_said_to_hold(command: Command, hub: Hub) -> None:
    (hub.drop / "resident.csv").unlink()
    assert command("sync", DATASET).status == 3
    answer = command("receipt", f"{DATASET}@2", "--verify")
    assert answer.status == 0, answer.err
    assert answer.out.endswith("  verified signature, equations and catalog hold\n           nothing of the batch landed\n")

"""The commands `standards versions` and `standards diff`: operands, words, statuses, and what is written down."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.audit import entries
from standards.loader import load_standards
from tests.factories import PATIENTS, Hub, hub_in, person, with_assertions
from tests.standards.proposals import copied, edited, released

Command = Callable[..., tuple[int, str, str]]
VERSION = load_standards().version
STRICT = with_assertions(PATIENTS, largest_quarantine=0.05)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    hub = hub_in(tmp_path_factory.mktemp("city") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pipeline.accept.validate", lambda *_: ([], []))
        hub.register(STRICT)
        hub.sync(STRICT, [person(number) for number in range(40)])
        hub.publish("population")
    return hub


@pytest.fixture
def command(city: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        from cli.__main__ import main

        monkeypatch.setenv("HUB_HOME", str(city.settings.home))
        monkeypatch.setattr(sys, "argv", ["hub", "standards", *arguments])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as leave:
            status = int(leave.code or 0)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def proposal(tmp_path: Path) -> Path:
    """A working copy with shorter names, still under the number of the installed standard."""
    return edited(copied(tmp_path), "data_elements/person_name.yml", lambda body: body.update(max_length=2))


def test_versions_are_listed_with_their_batches(command: Command) -> None:
    status, out, _ = command("versions", "--json")
    (kept,) = json.loads(out)
    assert (status, kept["version"], kept["batches"]) == (0, VERSION, 1)
    assert VERSION in command("versions")[1]


def test_a_difference_is_told_in_both_languages_and_changes_nothing(command: Command, proposal: Path) -> None:
    status, out, _ = command("diff", "current", str(proposal))
    assert status == 0
    assert "greatest length changes from 50 to 2" in out
    assert f"Both are called {VERSION}" in out
    status, out, _ = command("diff", VERSION, str(released(proposal, "77.0")), "--lang", "zh")
    assert status == 0
    assert "最大长度由 50 改为 2" in out
    assert f"标准 {VERSION} → 77.0" in out
    assert "提高版本号" not in out
    document: Any = json.loads(command("diff", "current", str(proposal), "--json")[1])
    (found,) = document["differences"]
    assert (found["kind"], found["id"], found["part"], found["old"], found["new"], found["effect"]) == (
        "element",
        "person_name",
        "max_length",
        50,
        2,
        "narrowing",
    )
    assert set(found["words"]) == {"zh", "en"}
    assert document["impact"] is None
    assert command("diff", "current", VERSION)[:2] == (0, command("diff", VERSION, "current")[1])


def test_operands_that_name_nothing_and_faulty_folders_end_with_2(command: Command, proposal: Path, tmp_path: Path) -> None:
    for operand in ("9.9.9", "nowhere", str(tmp_path)):
        status, out, err = command("diff", "current", operand)
        assert (status, out) == (2, "")
        assert "what to do" in err
    edited(proposal, "data_elements/sex_code.yml", lambda body: body.update(colour="red"))
    edited(proposal, "schemas/population.yml", lambda body: body["uses"].append({"element": "nothing"}))
    status, _, err = command("diff", "current", str(proposal))
    assert status == 2
    assert "colour" in err
    assert "uses.nothing" in err


@pytest.mark.long
def test_the_blast_radius_ends_with_1_where_a_delivery_would_be_stopped(command: Command, city: Hub, proposal: Path) -> None:
    status, out, _ = command("diff", "current", str(released(proposal, "77.0")), "--impact")
    assert status == 1
    assert "would be stopped" in out
    assert f"Wrong length (error): 0 → {sum(len(person(number)['XM']) > 2 for number in range(40))}" in out
    assert not [row["XM"] for row in map(person, range(40)) if f" {row['XM']} " in out]
    newest = entries(city.home.audit)[0]
    assert (newest["action"], newest["subject"]) == ("standards-diff", STRICT["id"])
    status, out, _ = command("diff", "current", str(released(copied(proposal, "same"), "78.0")), "--impact", "--json")
    found = json.loads(out)["impact"]
    assert (status, found["stops"], found["datasets"]) == (0, False, [])

"""Runs commands in this process, as a shell would."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.factories import LICENCES, PATIENTS, RESIDENTS, Hub, certificate, hub_in, person


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Answer]

LEAN = {**RESIDENTS, "columns": {"SFZH": "resident_id", "XM": "person_name"}, "ignore": ["XB", "CSRQ", "DH", "DZ"]}


@pytest.fixture
def command_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Path], Command]:
    """A way to run commands on one HUB_HOME."""

    def of(home: Path) -> Command:
        def run(*arguments: str) -> Answer:
            from cli.__main__ import main

            monkeypatch.setenv("HUB_HOME", str(home))
            monkeypatch.setenv("HUB_ACTOR", "tester")
            monkeypatch.setattr(sys, "argv", ["hub", *arguments])
            capsys.readouterr()
            status = 0
            try:
                main()
            except SystemExit as leave:
                status = int(leave.code or 0)
            printed = capsys.readouterr()
            return Answer(status, printed.out, printed.err)

        return run

    return of


@pytest.fixture
def empty(command_in: Callable[[Path], Command], tmp_path: Path) -> Command:
    """Runs a command where nothing is registered."""
    return command_in(tmp_path / "home")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A tiny city: two departments that know some of the same people, and one that issues licences; published."""
    hub = hub_in(tmp_path_factory.mktemp("city") / "home")
    with pytest.MonkeyPatch.context() as patched:
        from pipeline.validate import count_issues

        patched.setattr("pipeline.accept.validate", lambda engine, plan, standards: ([], count_issues(engine, plan, standards)))
        hub.register(LEAN, PATIENTS, LICENCES)
        hub.sync(LEAN, [*(person(number) for number in range(6)), person(9, XM="")])
        hub.sync(PATIENTS, [person(number, XM="李卫", DH=f"138 0000 {number:04}") for number in range(3, 8)])
        hub.sync(PATIENTS, [person(number, XM="李卫", DH="12345" if number == 7 else f"138 0000 {number:04}") for number in range(3, 8)])
        hub.sync(PATIENTS, [person(number, XM="李卫", DH="12345" if number == 7 else f"138 0000 {number:04}") for number in range(3, 8)])
        hub.sync(LICENCES, [certificate(1), certificate(2)])
        hub.publish("population")
        hub.publish("certificate")
    return hub


@pytest.fixture
def command(city: Hub, command_in: Callable[[Path], Command]) -> Command:
    """Runs a command on the city."""
    return command_in(city.settings.home)

"""Runs commands in this process, as a shell would."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


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

"""`./hub standards render`: all targets are listed, texts are printed, files are written, and a wrong wish says what there is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import REPOSITORY
from quality.render import TARGETS


def hub(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-m", "cli", "standards", "render", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)


def test_all_targets_are_listed() -> None:
    assert [item["target"] for item in json.loads(hub("--json").stdout)] == list(TARGETS)


def test_a_text_is_printed_and_a_folder_filled(tmp_path: Path) -> None:
    printed = hub("sqlite", "population").stdout
    written = hub("sqlite", "--out", str(tmp_path / "new"), "--json")
    assert json.loads(written.stdout)["files"] == [
        "base_certificate.sqlite.sql",
        "base_credit.sqlite.sql",
        "base_geography.sqlite.sql",
        "base_legal_entity.sqlite.sql",
        "base_population.sqlite.sql",
    ]
    assert (tmp_path / "new" / "base_population.sqlite.sql").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize("arguments", [("no_such_target",), ("sqlite", "no_such_schema"), ("excel",), ("dictionary",)])
def test_a_wrong_wish_is_a_wrong_request(arguments: tuple[str, ...]) -> None:
    answer = hub(*arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "what to do" in answer.stderr

"""`./hub standards render`: all targets are listed, texts are printed, files are written, and a wrong wish says what there is."""

from pathlib import Path

import pytest

from quality.render import TARGETS
from tests.cli.conftest import Command

RENDER = ("standards", "render")


def test_all_targets_are_listed(empty: Command) -> None:
    assert [item["target"] for item in empty(*RENDER, "--json").json] == list(TARGETS)


def test_a_text_is_printed_and_a_folder_filled(empty: Command, tmp_path: Path) -> None:
    printed = empty(*RENDER, "sqlite", "population").out
    written = empty(*RENDER, "sqlite", "--out", str(tmp_path / "new"), "--json")
    assert written.json["files"] == [
        "base_certificate.sqlite.sql",
        "base_credit.sqlite.sql",
        "base_geography.sqlite.sql",
        "base_legal_entity.sqlite.sql",
        "base_population.sqlite.sql",
    ]
    assert (tmp_path / "new" / "base_population.sqlite.sql").read_text(encoding="utf-8") == printed


@pytest.mark.parametrize("arguments", [("no_such_target",), ("sqlite", "no_such_schema"), ("excel",), ("dictionary",)])
def test_a_wrong_wish_is_a_wrong_request(empty: Command, arguments: tuple[str, ...]) -> None:
    answer = empty(*RENDER, *arguments)
    assert (answer.status, answer.out) == (2, "")
    assert "what to do" in answer.err

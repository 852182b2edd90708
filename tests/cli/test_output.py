"""What a person sees in a terminal: a table where it fits, its rows one by one where it does not."""

import re
import sys

import pytest

from cli.output import print_table

COLUMNS = ("dataset", "last batch", "started (Beijing)", "next run (Beijing)", "records", "waiting")
ROWS = [
    ("public_security__resident", "#2 accepted", "2026-11-28 17:42", "2026-11-29 02:00", 970_928, None),
    ("education__student", "#1 stopped", "2026-11-28 17:42", "2026-11-29 02:30", 3, 12),
]


def printed(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    print_table(COLUMNS, ROWS, "datasets")
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in capsys.readouterr().out.splitlines()]


def test_a_wide_terminal_has_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    title, header, *lines = (line.split() for line in printed(160, monkeypatch, capsys))
    assert title == ["datasets"]
    assert header == " ".join(COLUMNS).split()
    assert [(line[0], line[-2], line[-1]) for line in lines] == [(ROWS[0][0], "970,928", "–"), (ROWS[1][0], "3", "12")]


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_one_has_every_row_by_itself_and_no_word_is_broken(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(width, monkeypatch, capsys)
    assert [line for line in lines if not line.startswith(" ")] == ["datasets", ROWS[0][0], ROWS[1][0]]
    said = [[part.strip() for part in line.strip().split("  ", 1)] for line in lines if line.startswith(" ")]
    assert said[:4] == [
        list(pair) for pair in zip(COLUMNS[1:5], ("#2 accepted", "2026-11-28 17:42", "2026-11-29 02:00", "970,928"), strict=True)
    ]
    assert [value for name, value in said if name == "waiting"] == ["12"], "what is absent is left out"

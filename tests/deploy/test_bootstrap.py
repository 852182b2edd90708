"""The script `hub` on a bare machine: what it makes its environment with, and what it says where it cannot."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from core.settings import REPOSITORY

# A Python as some distributions ship it: its venv lacks ensurepip. `-c` asks for its version.
PYTHON = """#!/bin/sh
case "$1" in
    -c) exit 0 ;;
    -m) echo "ensurepip is not available" >&2; exit 1 ;;
esac
"""
INSIDE = """#!/bin/sh
echo "inside: $*"
"""
UV = """#!/bin/sh
echo "uv $*" >>"$UV_CALLS"
if [ "$1" = venv ]; then
    for folder; do :; done
    mkdir -p "$folder/bin"
    cp "$UV_INSIDE" "$folder/bin/python"
    touch "$folder/pyvenv.cfg"
fi
"""


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """A copy of what the script reads, and programs to find: the environment of a shell."""
    for name in ("hub", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    (tmp_path / "programs").mkdir()
    put(tmp_path / "programs" / "bare-python", PYTHON)
    put(tmp_path / "inside", INSIDE)
    return {
        "PATH": f"{tmp_path / 'programs'}:/usr/bin:/bin",
        "HUB_PYTHON": "bare-python",
        "UV_CALLS": str(tmp_path / "calls"),
        "UV_INSIDE": str(tmp_path / "inside"),
        "HOME": str(tmp_path),
    }


def put(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(folder / "hub"), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_with_uv_a_python_without_ensurepip_will_do(tmp_path: Path, machine: dict[str, str]) -> None:
    put(tmp_path / "programs" / "uv", UV)
    first, second = run(tmp_path, machine, "status"), run(tmp_path, machine, "status", "--json")
    assert (first.returncode, first.stdout.splitlines()[-1]) == (0, "inside: -m cli status")
    assert second.stdout == "inside: -m cli status --json\n"  # made once
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[:2] for call in calls] == [["uv", "venv"], ["uv", "pip"]]
    assert calls[0].endswith(f"--python {tmp_path}/programs/bare-python {tmp_path}/.venv")
    assert "--require-hashes" in calls[1]


@pytest.mark.skipif(any(os.access(Path(folder) / "uv", os.X_OK) for folder in ("/usr/bin", "/bin")), reason="uv is always there")
def test_without_uv_it_says_what_to_install(tmp_path: Path, machine: dict[str, str]) -> None:
    done = run(tmp_path, machine, "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert "bare-python cannot make an environment" in done.stderr
    assert "python3-venv" in done.stderr

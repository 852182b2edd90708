"""Working copies of the standard, as a person makes them who wants to propose a change."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from standards.loader import FOLDER

PARTS = ("data_elements", "code_lists", "schemas")


def copied(parent: Path, name: str = "proposed") -> Path:
    """A copy of the installed definitions."""
    folder = parent / name
    for part in PARTS:
        shutil.copytree(FOLDER / part, folder / part)
    for path in FOLDER.glob("*.yml"):
        shutil.copy(path, folder)
    return folder


def edited(folder: Path, file: str, edit: Callable[[Any], None]) -> Path:
    """The folder, after an edit of what one file says: of its document, or of the lines of a table."""
    path = folder / file
    if path.suffix == ".csv":
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        edit(lines)
        path.write_text("".join(lines), encoding="utf-8")
        return folder
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(body)
    path.write_text(yaml.safe_dump(body, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder


def released(folder: Path, version: str) -> Path:
    """The folder, after its version was raised."""
    return edited(folder, "version.yml", lambda body: body.update(version=version))

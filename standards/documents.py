"""The files of a standard as they are read: text in UTF-8, YAML without a key that stands twice, tables without a row too long or too short.

What is wrong with a file is returned with the place where it is, and nothing is raised: the reader goes on to the next file.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from core.yaml_text import Document, NotYaml, parsed

Finding = tuple[str, str]


class _Standard(Document):
    """YAML that knows which keys stand twice in one place (the last would win without a word)."""

    def __init__(self, twice: list[Finding], text: str) -> None:
        super().__init__(text)
        self.twice = twice

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping as YAML means it."""
        first: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line = key.start_mark.line + 1
            if (key.tag, key.value) in first:
                known = first[key.tag, key.value]
                self.twice.append((f"line {line}", f"{key.value} already stands in line {known}, and the last would win: keep one"))
            first.setdefault((key.tag, key.value), line)
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def read_yaml(path: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The mapping that a file holds, None where it holds none, and what is wrong with the file."""
    text, findings = read_text(path)
    if text is None:
        return None, findings
    twice: list[Finding] = []
    try:
        body = parsed(text, partial(_Standard, twice))
    except NotYaml as error:
        return None, [(error.place, f"is not valid YAML: {error.problem}")]
    if not isinstance(body, dict):
        return None, [*twice, ("", "a mapping is expected: lines of the form `key: value`")]
    return {str(key): value for key, value in body.items()}, twice


def read_text(path: Path) -> tuple[str | None, list[Finding]]:
    """The text of a file, or why there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, [("", "the file is missing")]
    except OSError as error:
        return None, [("", f"cannot be read: {error.strerror}")]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return None, [(f"line {line}", "is not UTF-8: save the file in that encoding")]


@dataclass(frozen=True)
class Row:
    """A row of a table, with the line it begins in."""

    line: int
    cells: dict[str, str]


def read_table(path: Path, needed: Sequence[str], possible: Iterable[str] | None) -> tuple[list[Row], list[Finding]]:
    """The rows of a CSV with a header, and what is wrong with it; columns beyond the needed are the possible ones, None allows any."""
    text, findings = read_text(path)
    if text is None:
        return [], findings
    lines = Lines(text)
    try:
        head, *rows = list(lines) or [(1, [])]
    except csv.Error as error:
        return [], [(f"line {lines.begin}", f"is not valid CSV ({error}): quotation marks stand around a whole cell, doubled inside it")]
    names = head[1]
    findings = [*_columns(names, needed, possible), *(finding for line, cells in rows for finding in _width(line, cells, names))]
    return [Row(line, dict(zip(names, cells, strict=False))) for line, cells in rows], findings


class Lines:
    """The rows of a CSV with the line each begins in; a cell may hold line ends. Raises csv.Error, then `begin` is the line at fault."""

    def __init__(self, text: str) -> None:
        self.begin = 1
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        for cells in self._reader:
            yield self.begin, cells
            self.begin = self._reader.line_num + 1


def _columns(names: Sequence[str], needed: Sequence[str], possible: Iterable[str] | None) -> Iterator[Finding]:
    for name in needed:
        if name not in names:
            yield f"line 1, column {name}", "the column is missing: add it to the header and to every row"
    known = set(names) - {""} if possible is None else {*needed, *possible}
    for place, name in enumerate(names, start=1):
        if name in names[: place - 1]:
            yield f"line 1, column {place}", f"{name or 'a column without a name'} stands in the header already: keep one"
        elif name not in known:
            yield f"line 1, column {name or place}", f"no such column; there are {', '.join(sorted(known))}"


def _width(line: int, cells: Sequence[str], names: Sequence[str]) -> Iterator[Finding]:
    if len(cells) < len(names):
        what = f"the row ends after {len(cells)} of {len(names)} cells: add the missing commas, or delete the line if it is empty"
        yield f"line {line}, column {names[len(cells)]}", what
    if len(cells) > len(names):
        what = f"the row has {len(cells)} cells and the header {len(names)}: put a text that holds a comma into quotation marks"
        yield f"line {line}, column {len(names) + 1}", what

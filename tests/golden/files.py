"""What the golden files hold: every rendering of every schema, as text that a person can read in a diff."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import yaml

from quality.render import TARGETS
from standards.loader import load_standards
from standards.model import Standards
from standards.render.text import to_json_text

FOLDER = Path(__file__).parent
AGAIN = "the rendering changed; if it should have: python -m tests.golden, and look at the difference"
LONGEST, MOST = 300, 100


def golden_files(targets: Iterable[str] = tuple(TARGETS)) -> dict[str, str]:
    """The golden files of some forms, by name."""
    standards = load_standards()
    return {name: text for target in targets for name, text in _of_target(target, standards)}


def _of_target(target: str, standards: Standards) -> Iterator[tuple[str, str]]:
    if target == "dictionary":
        pages = TARGETS[target].render([], standards)
        yield from ((f"{schema.table}.dictionary.html", str(pages[f"schemas/{schema.id}.html"])) for schema in standards.schemas.values())
        return
    for schema in standards.schemas.values():
        ((name, content),) = TARGETS[target].render([schema], standards).items()
        yield (name, _as_text(target, content)) if isinstance(content, str) else (f"{name}.txt", _as_text(target, content))


def _as_text(target: str, content: str | bytes) -> str:
    if isinstance(content, bytes):
        return "\n".join(workbook_lines(content)) + "\n"
    if target == "gx":
        return to_json_text(_shortened(json.loads(content)))
    if target == "contract":
        return yaml.safe_dump(_shortened(yaml.safe_load(content)), allow_unicode=True, sort_keys=False, width=140)
    return content


def _shortened(value: Any) -> Any:
    """Long queries and lists of codes by their digest: that they changed is seen here, what they do in tests of their own."""
    if isinstance(value, dict) and len(value) > MOST:
        return f"{len(value)} keys, sha256 {_digest(json.dumps(value, ensure_ascii=False))}"
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return f"{len(value)} characters, sha256 {_digest(value)}" if isinstance(value, str) and len(value) > LONGEST else value


def workbook_lines(content: bytes) -> Iterator[str]:
    """A workbook sheet by sheet: its cells, the widths and formats of its columns, its drop-downs. Long columns by their digest."""
    for sheet in openpyxl.load_workbook(BytesIO(content)).worksheets:
        yield f"== {sheet.title} (frozen at {sheet.freeze_panes})"
        if sheet.title.endswith("Codes"):
            for column in sheet.iter_cols(values_only=True):
                values = [str(value) for value in column if value is not None]
                yield " | ".join([*values[:5], "…", values[-1], f"{len(values)} cells, sha256 {_digest(chr(10).join(values))}"])
            continue
        for row in sheet.iter_rows(values_only=True):
            yield " | ".join("" if value is None else str(value) for value in row)
        for letter, column in sheet.column_dimensions.items():
            yield f"column {letter}: width {column.width:g}, format {column.number_format}"
        for rule in sheet.data_validations.dataValidation:
            limits = " ".join(str(part) for part in (rule.operator, rule.formula1, rule.formula2) if part)
            yield f"{rule.sqref}: {rule.type} {limits}; {rule.errorStyle}; {rule.promptTitle}: {rule.prompt!r}; {rule.error!r}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]

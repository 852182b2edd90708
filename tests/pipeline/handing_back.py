"""Files of rejected rows as a department gets them, edits them and hands them back."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook

from catalog.batches import Batch
from pipeline.quarantine.listing import export_rows
from pipeline.quarantine.replay import refused_rows, replay
from tests.factories import PATIENTS, Hub, person

ID = PATIENTS["id"]
GOOD = [person(n) for n in range(3)]
NAMELESS = [person(50, XM=""), person(51, XM="", DZ='=HYPERLINK("http://x")')]
Edit = Callable[[list[str], list[list[str]]], None]


def handed_out(hub: Hub, name: str = "out.csv", contract: str = ID) -> Path:
    path = hub.drop / name
    export_rows(hub.home, contract, path)
    return path


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    if path.suffix == ".xlsx":
        rows = [["" if cell is None else str(cell) for cell in row] for row in load_workbook(path).active.iter_rows(values_only=True)]
    else:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    return rows[0], rows[1:]


def edited(path: Path, edit: Edit, encoding: str = "utf-8-sig") -> Path:
    """The file as an officer saves it after an edit."""
    header, rows = read(path)
    edit(header, rows)
    back = path.with_name(f"back-{path.name}")
    if path.suffix == ".xlsx":
        book = Workbook()
        for row in [header, *rows]:
            book.active.append(row)
        for row in book.active.iter_rows():
            for cell in row:
                cell.data_type = "s" if cell.value else cell.data_type
        book.save(back)
    else:
        with back.open("w", encoding=encoding, newline="") as out:
            csv.writer(out).writerows([header, *rows])
    return back


def filling(name: str, *values: str) -> Edit:
    def fill(header: list[str], rows: list[list[str]]) -> None:
        for row, value in zip(rows, values, strict=False):
            row[header.index(name)] = value

    return fill


def counts(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in ("read", "landed", "unreadable", "accepted", "quarantined", "inserted", "waiting")}


def refusal(hub: Hub, batch: Batch, edit: Edit) -> dict[int, str]:
    path = handed_out(hub)
    back = edited(path, edit)
    path.unlink()
    (made,) = replay(batch.batch_id, hub.home, repaired=back)
    assert hub.unbalanced() == []
    return {row["position"]: row["reason"] for row in refused_rows(hub.home, made)}

"""How commands answer: a table or sentences for a person, one JSON document with `--json` for a program."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from core.clock import utc_text

if TYPE_CHECKING:
    from rich.console import Console

ABSENT = "–"
LONGEST_WORD = 27  # columns of a terminal; a longer word may be broken
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def wants_json() -> bool:
    """Whether this call asked for JSON; for errors, which happen before a command has its options."""
    return "--json" in sys.argv[: sys.argv.index("--")] if "--" in sys.argv else "--json" in sys.argv


def print_json(document: Any) -> None:
    """Print one JSON document; dates are ISO texts, and so are times, which are kept in UTC and say so."""
    print(json.dumps(document, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Print a table for a person; numbers are right-aligned and grouped by thousands. Where a terminal is too narrow for it, row by row."""
    from rich.console import Console
    from rich.table import Table

    # Into a pipe or a file, Rich would fold every table to 80 columns.
    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200)
    cells = [[_cell(value) for value in row] for row in rows]
    if _needed(columns, cells) > console.width:
        _print_rows(console, columns, cells, title)
        return
    table = Table(title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _needed(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """The width in which no word of a table is broken but very long ones."""
    from rich.cells import cell_len

    widest = (max((cell_len(word) for text in texts for word in text.split()), default=0) for texts in zip(columns, *cells, strict=True))
    return sum(min(width, LONGEST_WORD) + 2 for width in widest)


def _print_rows(console: "Console", columns: Sequence[str], cells: Sequence[Sequence[str]], title: str) -> None:
    """Each row as a heading and the named values below it; what is absent is left out."""
    if title:
        console.print(title, style="italic")
    width = max(map(len, columns))
    for first, *others in cells:
        console.print(first, style="bold")
        for name, text in zip(columns[1:], others, strict=True):
            if text != ABSENT:
                console.print(f"  {name:<{width}}  {text}", soft_wrap=True)


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def answer(as_json: bool, document: Any, columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Give the document or the table."""
    if as_json:
        print_json(document)
    else:
        print_table(columns, rows, title)


def plain(fields: Mapping[str, Any]) -> None:
    """Print named values one below the other."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        print(f"{name:<{width}}  {'–' if value is None else value}")

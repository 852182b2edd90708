"""How commands answer: a table or sentences for a person, one JSON document with `--json` for a program."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def wants_json() -> bool:
    """Whether this call asked for JSON; for errors, which happen before a command has its options."""
    return "--json" in sys.argv[: sys.argv.index("--")] if "--" in sys.argv else "--json" in sys.argv


def print_json(document: Any) -> None:
    """Print one JSON document; dates are ISO texts, and so are times, which are kept in UTC and say so."""
    print(json.dumps(document, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Print a table for a person; numbers are right-aligned and grouped by thousands."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for position, name in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    # Into a pipe or a file, Rich would fold every table to 80 columns.
    Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200).print(table)


def _cell(value: Any) -> str:
    from rich.markup import escape

    if value is None:
        return "–"
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

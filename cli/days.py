"""A day as an option of a command."""

from datetime import date

import typer


def day(text: str) -> date:
    """A day as it is written on a command line. Raises BadParameter where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("a day is written 2021-06-01") from None

"""The cells of an OpenDocument spreadsheet where they are written, each with how often it comes again: many stand for a few characters."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, NamedTuple
from xml.parsers import expat

MEMBER = "content.xml"  # of the archive
TYPE = "office:value-type"
_BLOCK = 4 << 20
_DIGITS = 9  # more say nothing more


class Cell(NamedTuple):
    """A cell as it is written: in which table of the document, its first row and column (from 0), in how many of each it stands, its attributes,
    and whether it shows a text without saying of what type its value is."""

    table: int
    name: str
    row: int
    rows: int
    column: int
    columns: int
    attributes: Mapping[str, str]
    shows_text: bool = False


def cells(content: IO[bytes]) -> Iterator[Cell]:
    """Every cell, by and by. Elements and attributes are known by the prefixes that all programs write, as the reader of workbooks knows them.

    Of a document that is none, those before it ends to be one: what it is, its reader says.
    """
    found: list[Cell] = []
    table, name, row, rows, column, is_untyped = -1, "", 0, 1, 0, False
    path: list[str] = []  # elements that are open, from the cell on: what is drawn or remarked upon a cell is no text of it

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal table, name, row, rows, column, is_untyped
        if path:
            path.append(tag)
        match tag.rpartition(":")[2]:
            case "table":
                table, name, row = table + 1, attributes.get("table:name", ""), 0
            case "table-row":
                rows, column = _times(attributes.get("table:number-rows-repeated")), 0
            case "table-cell" | "covered-table-cell":
                columns = _times(attributes.get("table:number-columns-repeated"))
                found.append(Cell(table, name, row, rows, column, columns, attributes))
                column, is_untyped = column + columns, TYPE not in attributes
                path[:] = [tag]

    def text(said: str) -> None:
        if is_untyped and len(path) > 1 and said.strip() and all(tag.startswith("text:") for tag in path[1:]):
            found[-1] = found[-1]._replace(shows_text=True)

    def end(tag: str) -> None:
        nonlocal row
        if path:
            path.pop()
        if tag.rpartition(":")[2] == "table-row":
            row += rows

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    with suppress(expat.ExpatError):
        while block := content.read(_BLOCK):
            parser.Parse(block, False)
            # The last may go on in the next block.
            yield from found[:-1]
            del found[:-1]
        parser.Parse(b"", True)
    yield from found


def _times(text: str | None) -> int:
    return int(text[:_DIGITS]) if text and text.isascii() and text.isdigit() else 1

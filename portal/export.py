"""Lists as files: CSV that a spreadsheet opens rightly, and JSON."""

import csv
import io
import json
from collections.abc import Container, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from fastapi.responses import Response

from core.clock import utc_text
from pipeline.quarantine.repair_file import FORMULA
from portal.context import EXPORTED, Page

_LANGUAGES = {"zh", "en"}


def exported(page: Page, name: str, rows: Sequence[Mapping[str, Any]]) -> Response | None:
    """The rows as the file that the query asks for (`format=csv` or `format=json`), or None where it asks for a page.

    A file with the first of more rows than an export holds says so in its name.
    """
    asked = page.request.query_params.get("format")
    if len(rows) > EXPORTED:
        # The name of the file is what is left of the answer once it is on somebody's disk.
        rows, name = rows[:EXPORTED], f"{name}-first-{EXPORTED}"
    if asked == "json":
        body = json.dumps([dict(row) for row in rows], ensure_ascii=False, default=_plain, indent=1)
        return Response(body, media_type="application/json", headers=_attachment(f"{name}.json"))
    if asked == "csv":
        return Response(_csv(rows), media_type="text/csv; charset=utf-8", headers=_attachment(f"{name}.csv"))
    return None


def document_file(document: Mapping[str, Any], name: str) -> Response:
    """A document as a JSON file."""
    body = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    return Response(body, media_type="application/json", headers=_attachment(f"{name}.json"))


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if rows:
        titles = {name for row in rows for name, value in row.items() if isinstance(value, Mapping) and set(value) == _LANGUAGES}
        flat = [_without_titles(row, titles) for row in rows]
        writer.writerow(flat[0])
        writer.writerows([_cell(value) for value in row.values()] for row in flat)
    # Spreadsheets take a file without the mark for one in the local encoding and garble Chinese.
    return out.getvalue().encode("utf-8-sig")


def _without_titles(row: Mapping[str, Any], titles: Container[str]) -> dict[str, Any]:
    """The row with a column for each language of a title."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= (
            {f"{name}_{language}": (value or {}).get(language) for language in sorted(_LANGUAGES, reverse=True)}
            if name in titles
            else {name: value}
        )
    return flat


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    text = "" if value is None else " ".join(map(str, value)) if isinstance(value, list | tuple) else str(_plain(value))
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}

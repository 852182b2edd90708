"""What an API gives that nobody has described yet: where in its answer the records stand, how many it says there are, how it goes on."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connectors.apis.calls import Api
from contracts.sources import HttpSource, Paging
from core.connections import Connections
from core.errors import SourceError
from core.nouns import noun

_TOTAL = re.compile(r"total|count|总", re.IGNORECASE)
_NEXT = re.compile(r"next|cursor", re.IGNORECASE)


@dataclass(frozen=True)
class ApiPreview:
    """How the first answer is read (`first`), what a contract can say (`source`), and what it has to be asked for (`remarks`)."""

    first: HttpSource
    source: HttpSource
    remarks: tuple[str, ...]


def preview(contract_id: str, connection: str, path: str, connections: Connections) -> ApiPreview:
    """Call an API once. Raises SourceError where it gives no list of objects."""
    plain = HttpSource(kind="http", connection=connection, path=path)
    with Api(contract_id, plain, connections) as api:
        answer = api.call({})
    document = json.loads(answer.document)
    lists = [
        (pointer, value)
        for pointer, value in _walk("", document)
        if isinstance(value, list) and any(isinstance(item, dict) for item in value)
    ]
    if not lists:
        raise SourceError(f"{contract_id}: the API gives no list of records as its answer", hint="name the path of a list of objects")
    records, items = max(lists, key=lambda found: len(found[1]))
    total = next((pointer for pointer, value in _walk("", document) if _is_total(pointer, value, len(items))), None)
    paging = Paging(by="link") if answer.next_url else None
    first = plain.model_copy(update={"records": records})
    source = first.model_copy(update={"total": total, "paging": paging})
    return ApiPreview(first, source, tuple(_remarks(document, source, len(items))))


def _walk(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value outside of lists, with its pointer."""
    yield pointer, value
    if isinstance(value, dict):
        for name, inner in value.items():
            if "/" not in name and "~" not in name:
                yield from _walk(f"{pointer}/{name}", inner)


def _is_total(pointer: str, value: Any, found: int) -> bool:
    name = pointer.rpartition("/")[2]
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and value >= found
        and bool(_TOTAL.search(name))
        and "page" not in name.lower()
    )


def _remarks(document: Any, source: HttpSource, found: int) -> Iterator[str]:
    yield f"The first answer was read, {found} {noun(found, 'record')}."
    if source.paging is None:
        cursors = [pointer for pointer, value in _walk("", document) if isinstance(value, str) and _NEXT.search(pointer.rpartition("/")[2])]
        more = f"; {cursors[0]} may be its cursor" if cursors else ""
        yield f"If the API has more, say under source how: paging: {{by: page | offset | cursor | link, parameter: …}}{more}."

"""Records of an HTTP API that answers in JSON, page by page: `https://[user:password@]host/base?[token=…][&header.X-Key=…][&ca=/file]`.

All pages are fetched before the first row is handed on, into a private file with a record a line. So a read that breaks off, that is shorter
than the API says, or over which the API's data changed ends the batch, and what was not fetched is never taken for deleted.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pyarrow as pa

from connectors.apis.calls import Answer, Api, Call
from connectors.extraction import TRY_LATER, Extraction, Note, text_schema
from connectors.files import json_lines
from connectors.files.text import damage
from connectors.json_records import POINTER, member_path
from connectors.storage.fetched import Fetched, removing
from contracts.model import Contract
from contracts.sources import HttpSource, JsonLinesSource, Paging
from core.connections import Connections
from core.errors import SourceError, StoreError
from core.nouns import noun
from core.work import make_folder_in

_FILE = "the API"  # messages about the records name it
_COMPARE = "compare paging in the contract with the API"
_DIGITS = 18  # of a number of records; more are none


def extract(contract: Contract, connections: Connections) -> Extraction:
    """Fetch all pages, then read them; raises SourceError where the API does not give all of it or gives something else."""
    source = contract.source
    assert isinstance(source, HttpSource)
    folder = make_folder_in(connections.work, "fetched")
    fetched = Fetched(folder, connections.leading(source.connection, folder.resolve().as_uri()))
    try:
        with Api(contract.id, source, connections, contract.reading) as api:
            pages = _Pages(contract, source, api)
            found = _write(contract.id, pages.records(), folder / _FILE)
        notes = [Note("pages", f"{pages.number} pages were fetched", pages.number)]
        if api.encodings != {"utf-8"}:
            notes.append(Note("encoding", f"read as {', '.join(sorted(api.encodings))}"))
        notes += damage(api.damaged, " and ".join(sorted(api.encodings)), _FILE)
        if found == 0:
            fetched.remove()
            return Extraction(text_schema(contract.source_columns), iter(()), notes=notes)
        lines = JsonLinesSource(kind="jsonl", connection=source.connection, path=_FILE, encoding="utf-8")
        extraction = json_lines.extract(contract.model_copy(update={"source": lines}), fetched.connections)
    except json_lines.NoObjects:
        fetched.remove()
        raise SourceError(
            f"{contract.id}: the API gives records that are no JSON objects with members",
            hint="compare records in the contract with what the API answers",
        ) from None
    except BaseException:
        fetched.remove()
        raise
    extraction.notes[:] = [*notes, *(note for note in extraction.notes if note.kind != "encoding")]
    extraction.batches = removing(extraction.batches, fetched)
    return extraction


def _write(contract_id: str, records: Iterator[list[str | None]], path: Path) -> int:
    found = 0
    try:
        with path.open("x", encoding="utf-8") as file:
            for some in records:
                file.writelines(f"{'null' if record is None else record}\n" for record in some)
                found += len(some)
    except OSError as error:
        raise StoreError(
            f"{contract_id}: the answers of the API cannot be kept on the hub's disk ({error.strerror})",
            hint="make room in the hub's home, then collect the dataset again",
        ) from None
    return found


class _Pages:
    """The pages of an API, one after the other; `number` says how many there were."""

    def __init__(self, contract: Contract, source: HttpSource, api: Api) -> None:
        self._contract_id, self._source, self._api = contract.id, source, api
        self._key = contract.source_columns if contract.whole_row_is_key else contract.record_key
        self._totals: list[int] = []
        self._found = 0
        self._cursors = set[str]()
        self._before: tuple[list[str | None], set[tuple[str, ...]]] = [], set()  # the page before, and its keys
        self.number = 0

    def records(self) -> Iterator[list[str | None]]:
        """The records of each page as JSON; raises SourceError behind the last if they are not as many as the API says."""
        call: Call | None = _first(self._source.paging)
        most = self._source.most_pages
        for self.number in count(1):
            assert call is not None
            answer = self._api.call(call)
            some = self._records(answer)
            # Where nothing else says so, an empty page behind the last says that it was the last.
            if self.number > most + (not some):
                raise self._api.refusal(f"the API has more than {most} pages", "compare paging and most_pages in the contract")
            if self._is_again(some):
                raise self._api.refusal(f"page {self.number} is the same as the one before", _COMPARE)
            self._found += len(some)
            yield some
            call = self._next(answer, len(some))
            if call is None:
                break
        self._check()
        paging = self._source.paging
        # Only the API's number of records says that the first page was all; some mean by it those of the page.
        if paging is not None and paging.by in ("page", "offset") and self.number == 1 and some:
            self._look_behind(some)

    def _look_behind(self, first: list[str | None]) -> None:
        """Raise SourceError where there are records behind those that the API says are all. A page too far may be empty, refused, an error of the
        server, the same page again, or something else than records.
        """
        try:
            some = self._records(self._api.call(self._behind(), attempts=1))
        except SourceError:
            return
        if self._keys(some) - self._keys(first):
            self._check()  # it may have more since
            raise self._api.refusal(
                f"the API says it has {self._found} {noun(self._found, 'record')} and gives more behind them",
                "compare total in the contract with what the API answers",
            )

    def _is_again(self, page: list[str | None]) -> bool:
        """Whether a page has the records of the one before: beside them an answer may say when it was given, and so may a record."""
        (before, known), keys = self._before, self._keys(page) if page else set()
        self._before = page, keys
        return bool(page) and len(page) == len(before) and (page == before or (len(keys) > 1 and keys == known))

    def _keys(self, records: list[str | None]) -> set[tuple[str, ...]]:
        """The keys of those records that have one: what else stands in them may be another with every call."""
        texts = pa.array(["null" if record is None else record for record in records], pa.string())
        found = self._api.reader.records(texts, [name if name.startswith(POINTER) else member_path(name) for name in self._key])
        rows = zip(*(column.to_pylist() for column in found.columns), strict=True)
        return {row for row in rows if None not in row}

    def _records(self, answer: Answer) -> list[str | None]:
        source, reader = self._source, self._api.reader
        if source.total is not None:
            self._totals.append(self._total(answer, source.total))
        kind = reader.kind(answer.document, source.records)
        if kind == "ARRAY":
            return reader.elements(answer.document, source.records)
        if kind in (None, "NULL") and self._is_complete():
            return []  # some give nothing in place of an empty list
        where = f"under {source.records}" if source.records else "as its answer"
        raise self._api.refusal(f"the API gives no list of records {where}", "compare records in the contract with what the API answers")

    def _total(self, answer: Answer, pointer: str) -> int:
        text = self._api.reader.text(answer.document, pointer) or ""
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
            raise self._api.refusal(f"the API gives no number under {pointer}", "compare total in the contract with what the API answers")
        return int(text)

    def _is_complete(self) -> bool:
        return bool(self._totals) and self._found >= self._totals[-1]

    def _next(self, answer: Answer, found: int) -> Call | None:
        """The next call; None where there is none. A page shorter than asked for is no end: servers have limits of their own."""
        paging = self._source.paging
        if paging is None:
            return None
        if paging.by == "link":
            return answer.next_url
        if paging.by == "cursor":
            return self._cursor(answer, paging)
        return None if not found or self._is_complete() else self._behind()

    def _behind(self) -> Call:
        """The call for what is behind the records found so far, where pages are told by their number."""
        paging = self._source.paging
        assert paging is not None
        return {paging.parameter: self._found if paging.by == "offset" else paging.first + self.number}

    def _cursor(self, answer: Answer, paging: Paging) -> Call | None:
        cursor = self._api.reader.text(answer.document, paging.cursor or "")
        if cursor and cursor in self._cursors:
            raise self._api.refusal("the API gives the same cursor again", _COMPARE)
        self._cursors.add(cursor or "")
        return {paging.parameter: cursor} if cursor else None

    def _check(self) -> None:
        if not self._totals:
            return
        if len(set(self._totals)) > 1:
            raise SourceError(
                f"{self._contract_id}: the API's data changed while it was read ({min(self._totals)} to {max(self._totals)} records)",
                hint=TRY_LATER,
                transient=True,
            )
        if self._found != self._totals[-1]:
            raise SourceError(
                f"{self._contract_id}: the API gave {self._found} {noun(self._found, 'record')} and says it has {self._totals[-1]}",
                hint="compare paging in the contract with the API; if they agree, ask the department",
            )


def _first(paging: Paging | None) -> Call:
    if paging is None or paging.by in ("cursor", "link"):
        return {}
    return {paging.parameter: paging.first if paging.by == "page" else 0}

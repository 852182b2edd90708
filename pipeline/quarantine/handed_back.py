"""Repaired rows as a department hands them back: each is matched to the row in quarantine that it repairs, or refused with the reason."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa

from catalog.batches import contract_of
from connectors.extraction import Extraction, text_schema
from connectors.unreadable import Unreadable
from contracts.model import Contract
from core.digests import record_id
from core.engine import Engine
from core.errors import RequestError
from core.keys import RECORD_KEY, load_key
from pipeline.home import Home
from pipeline.quarantine.handed_file import ROUNDED, HandedFile, HandedRow
from pipeline.quarantine.repair_file import BATCH, NOTE, PLACE, POSITION, RECORD, is_as_handed_out, unescaped
from pipeline.quarantine.row_issues import concerned
from pipeline.quarantine.set_aside import RECORD_ID, SetAside, SetAsideRow, rows_at, waiting_records
from pipeline.state import Sought, standardized_table, state
from standards.loader import load_standards

HEADER = "leave the header as it was handed out"
_BATCH = re.compile(r"([a-z0-9_]{1,100})@[0-9]{1,9}")
_ROUNDED = re.compile(r"-?[0-9](\.[0-9]+)?E\+[0-9]+")
_CHOSEN = (
    "one row was handed back for all with this key, and waits; correct that one in a file exported anew, or mend this one in the source"
)
_DIGITS = 19  # of a position; more are no number of the engine's


@dataclass(frozen=True)
class HandedBack:
    """A file that came back: what of it can be run again, what is refused, and what identifies the file.

    `corrected` has the rows whose key was corrected by their number in the file: where the row repaired waits, and the new record id.
    `unchanged` is how many of the rows that can be run again are as they were handed out.
    """

    extraction: Extraction
    rows: int
    unchanged: int
    file: str
    sha256: str
    corrected: Mapping[int, tuple[tuple[int, int], UUID]]


@dataclass(frozen=True)
class _Repaired:
    """A row of the file with the row it repairs, the id of the record that it is then (another one where the key was corrected), and where the
    row waits by now.
    """

    row: HandedRow
    origin: SetAsideRow
    record_id: UUID
    waits: tuple[int, int]

    @property
    def is_corrected(self) -> bool:
        return self.record_id != self.origin.record_id


@dataclass(frozen=True)
class _Fit:
    """The rows of a file for one batch, those of them that repair a row, and why others do not, by number in the file."""

    found: SetAside
    handed: Sequence[HandedRow]
    repaired: Mapping[int, _Repaired]
    refused: Mapping[int, str]


def take_back(home: Home, engine: Engine, found: Sequence[SetAside], contract: Contract, file: HandedFile) -> list[HandedBack]:
    """Match the rows of a file with those that some batches set aside. A row that fits none is `unreadable`, with its number in the file and the
    reason. What is of none of the batches is told of with the first.
    """
    names = frozenset(item.batch.batch_id for item in found)
    others = [names - {item.batch.batch_id} if number == 0 else None for number, item in enumerate(found)]
    fits = [_fit(home, engine, item, contract, file, skipped) for item, skipped in zip(found, others, strict=True)]
    # One row may have been handed out with several batches, so what stands beside it is looked for in all of the file.
    repaired = {line: item for fit in fits for line, item in fit.repaired.items()}
    corrected = [item.record_id for item in repaired.values() if item.is_corrected]
    refused = _refused(file.rows, repaired, known_records(home, contract, corrected) | waiting_records(engine, corrected))
    return [_back(fit, refused, file) for fit in fits]


def _fit(home: Home, engine: Engine, found: SetAside, contract: Contract, file: HandedFile, others: frozenset[str] | None) -> _Fit:
    """Match the rows for one batch: those that say they are of none of `others` (batch ids); with None, only those that say they are of it."""
    handed = [row for row in file.rows if _is_for(found.batch.batch_id, row.place[0], others)]
    missing = [name for name in found.columns if name not in file.columns]
    if missing and handed:
        raise RequestError(f"{file.name} lacks the columns {', '.join(missing)}", hint=HEADER)
    origins = rows_at(engine, found, [int(row.place[1]) for row in handed if _is_position(row.place[1])])
    foreign = [name for name in file.columns if name and name not in (*PLACE, *found.columns) and not name.endswith(NOTE)]
    matched = {row.line: _matched(found, origins, contract, row, foreign) for row in handed}
    repaired = _identified(home, contract, [(row, matched[row.line][0]) for row in handed])
    return _Fit(found, handed, repaired, {line: reason for line, (_, reason) in matched.items() if reason})


def _back(fit: _Fit, refused: Mapping[int, str], file: HandedFile) -> HandedBack:
    schema = text_schema((*fit.found.columns, RECORD_ID))
    extraction = Extraction(schema, iter(()), is_whole=False, has_record_ids=True)
    good = []
    for row in fit.handed:
        if reason := fit.refused.get(row.line) or refused.get(row.line, ""):
            extraction.unreadable.append(Unreadable(row.line, reason))
        else:
            good.append(fit.repaired[row.line])
    extraction.batches = iter([_batch(fit.found, good, schema)] if good else [])
    places = {item.row.line: (item.waits, item.record_id) for item in good if item.is_corrected}
    unchanged = sum(all(_value(item.row, item.origin, name) == item.origin.raw[name] for name in fit.found.columns) for item in good)
    return HandedBack(extraction, len(fit.handed), unchanged, file.name, file.sha256, places)


def check_header(file: HandedFile, found: Sequence[SetAside]) -> None:
    """Raise RequestError where a file has columns that were not handed out with any of some batches, or is one of another dataset."""
    known = {*PLACE, *(name for item in found for name in item.columns)}
    foreign = [name for name in file.columns if name and name not in known and not name.endswith(NOTE)]
    owners = {owner[1] if (owner := _BATCH.fullmatch(row.place[0])) else "" for row in file.rows}
    if foreign and len(owners) == 1 and (other := owners.pop()) and other not in {item.batch.contract_id for item in found}:
        # Its header is as it was handed out: to leave it so would not help.
        raise RequestError(f"{file.name} holds rows of {other}", hint=f"hand it to that dataset: ./hub replay {other} --repaired FILE")
    if foreign:
        raise RequestError(f"{file.name} has columns that were not handed out: {', '.join(foreign)}", hint=HEADER)


def known_records(home: Home, contract: Contract, ids: Sequence[UUID]) -> set[UUID]:
    """Those of several record ids that the dataset holds."""
    if not ids:
        return set()
    with Engine(home.settings) as engine:
        held = state(home, standardized_table(contract.id), {RECORD_ID: "UUID"}, only=Sought(engine, ids))
        return {found for (found,) in engine.rows(f"SELECT {RECORD_ID} FROM {held}", doing="looking for records of the same key")}


def _refused(handed: Sequence[HandedRow], repaired: Mapping[int, _Repaired], known: set[UUID]) -> dict[int, str]:
    """Why rows cannot be taken beside the others, by number in the file: their record is there or waits already, or stands in the file twice."""
    exists = {
        line: f"column {POSITION}: a record with the corrected key exists already; correct the key again, or mend it in the source"
        for line, item in repaired.items()
        if item.is_corrected and item.record_id in known
    }
    places = Counter(_place(row) for row in handed)
    waiting = Counter(item.waits for item in repaired.values())
    records = Counter(item.record_id for line, item in repaired.items() if line not in exists)
    double = {
        line: f"column {RECORD}: the record stands in the file more than once; keep the row that is right"
        for line, item in repaired.items()
        if records[item.record_id] > 1 or waiting[item.waits] > 1 or places[_place(item.row)] > 1
    }
    return {**exists, **double}


def _place(row: HandedRow) -> tuple[str, ...]:
    return tuple(text.lower() for text in row.place)


def _is_for(batch_id: str, named: str, others: frozenset[str] | None) -> bool:
    return named == batch_id if others is None else named not in others


def _is_position(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < _DIGITS


def _matched(
    found: SetAside, origins: Mapping[tuple[UUID, int], SetAsideRow], contract: Contract, row: HandedRow, foreign: Sequence[str]
) -> tuple[SetAsideRow | None, str]:
    """The row in quarantine that a row of the file repairs, or the reason why it repairs none."""
    batch, position, record = row.place
    if batch != found.batch.batch_id:
        is_of_another = contract_of(batch) != found.batch.contract_id
        if is_of_another:
            return None, f"column {BATCH}: the row is not of dataset {found.batch.contract_id}"
        return None, f"column {BATCH}: the row is not from {found.batch.batch_id}; if its batch is no longer kept, export the file anew"
    origin = origins.get((_uuid(record), int(position))) if _uuid(record) and _is_position(position) else None
    if origin is None:
        return None, f"columns {POSITION} and {RECORD}: the batch has set no such row aside"
    if origin.waits is None:
        return None, f"column {RECORD}: the row does not wait in quarantine any more: the source has sent another since, or it was repaired"
    if beyond := [name for name in foreign if row.text(name).strip()]:
        return None, f"column {', '.join(beyond)}: the row had no such column"
    if row.unusable:
        return None, _unusable(row.unusable)
    # A program for tables that opened a CSV file has written a long number its own way, also where nobody had complained of it.
    if rounded := [
        name for name in found.columns if _ROUNDED.fullmatch(row.text(name).strip()) and _value(row, origin, name) != origin.raw[name]
    ]:
        return None, _unusable(dict.fromkeys(rounded, ROUNDED))
    changed = _changed_key(contract, row, origin)
    if changed and not _is_key_wrong(contract, origin):
        return None, f"column {', '.join(changed)}: the key of the record was changed; a record with another key comes from the source"
    emptied = [name for name in changed if not (_value(row, origin, name) or "").strip()]
    if emptied:
        return None, f"column {', '.join(emptied)}: the key of the record was removed; write the right one, or leave the row out"
    if changed and origin.is_shared:
        return None, f"column {', '.join(changed)}: {_CHOSEN}"
    return origin, ""


def _changed_key(contract: Contract, row: HandedRow, origin: SetAsideRow) -> list[str]:
    return [name for name in _key(contract) if _value(row, origin, name) != origin.raw[name]]


def _is_key_wrong(contract: Contract, origin: SetAsideRow) -> bool:
    """Whether a rule that the row breaks is about its key: then the key may be corrected."""
    standards = load_standards()
    broken = (rule.partition(":") for rule in origin.rules)
    columns = {column for element, _, issue in broken for column, _ in concerned(contract, element, issue, standards)}
    return bool(columns & set(_key(contract)))


def _identified(home: Home, contract: Contract, rows: Sequence[tuple[HandedRow, SetAsideRow | None]]) -> dict[int, _Repaired]:
    """The rows that repair one, by number in the file, each with the id of its record; where the key was corrected, worked out from the key."""
    found = [(row, origin, origin.waits) for row, origin in rows if origin is not None and origin.waits is not None]
    ids = _new_ids(home, contract, [(row, origin) for row, origin, _ in found if _changed_key(contract, row, origin)])
    return {row.line: _Repaired(row, origin, ids.get(row.line, origin.record_id), waits) for row, origin, waits in found}


def _new_ids(home: Home, contract: Contract, rows: Sequence[tuple[HandedRow, SetAsideRow]]) -> dict[int, UUID]:
    if not rows:
        return {}
    keys = {name: pa.array([_value(row, origin, name) for row, origin in rows], pa.string()) for name in _key(contract)}
    bound = {"record_key": load_key(home.settings, RECORD_KEY), "dataset": contract.id}
    with Engine(home.settings) as engine:
        engine.register("corrected", pa.table({**keys, "_position": pa.array([row.line for row, _ in rows], pa.int64())}))
        query = f"SELECT _position, {record_id(_key(contract))} FROM corrected"
        return dict(engine.rows(query, bound, doing="working out record ids"))


def _unusable(reasons: Mapping[str, str]) -> str:
    """Why cells of a row cannot be used, each reason with its columns; "" stands for cells that no column has."""
    told = {why: [name for name, other in reasons.items() if other == why and name] for why in dict.fromkeys(reasons.values())}
    return "; ".join(f"column {', '.join(names)}: {why}" if names else why for why, names in told.items())


def _key(contract: Contract) -> Sequence[str]:
    return () if contract.whole_row_is_key else contract.record_key


def _value(row: HandedRow, origin: SetAsideRow, name: str) -> str | None:
    """The value of a cell. One that is as it was handed out is what it was, absent or empty."""
    text, before = row.text(name), origin.raw[name]
    return before if is_as_handed_out(text, before) else unescaped(text) or None


def _uuid(text: str) -> Any:
    try:
        return UUID(text)
    except ValueError:
        return None


def _batch(found: SetAside, good: Sequence[_Repaired], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([_value(item.row, item.origin, name) for item in good], pa.string()) for name in found.columns]
    ids = pa.array([str(item.record_id) for item in good], pa.string())
    return pa.RecordBatch.from_arrays([*columns, ids, pa.array([item.row.line for item in good], pa.int64())], schema=schema)

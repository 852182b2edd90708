"""Drift: what is different in a source since it was last accepted, what that most likely means, and what the contract says to do.

Columns that the contract needs and that are gone are found before anything is read: the delivery is then opened without them, and each new
column is held against each missing one. A name alone proves little and equal values alone neither (two columns may be full of zeros), so
both count: how many records say the same under the new name as they said under the old one, and how much the names have in common.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import chain
from typing import Any

import pyarrow as pa

from catalog.batches import Batch, latest_accepted, latest_delivery, latest_whole
from connectors.columns import ColumnsMissing, listed, quotable, shown
from connectors.extract import Extraction
from connectors.extraction import POSITION, TOLD
from connectors.profile import profile
from contracts.drift import Drift
from contracts.model import Contract
from contracts.proposal.match import Column, Table, match_names, match_table
from core.engine import Engine, quote
from core.errors import SourceError
from core.nouns import noun
from pipeline.home import Home
from pipeline.landing import landed_rows, read_manifest, rows_path
from standards.loader import load_standards

# A new name is likely from here on; of the score, values make up more than names.
LIKELY, _OF_VALUES = 0.75, 0.7
_LEAST_RECORDS = 5  # fewer that are known say nothing
_LEAST_AGREEMENT = 0.5
_SAMPLE = 20_000
FORM_CHANGE, _LEAST_FILLED = 0.5, 20


@dataclass(frozen=True)
class Change:
    """One thing that is different: its kind as in the contract, and what it is and likely means, in words."""

    kind: str
    message: str

    def note(self, policy: str) -> dict[str, Any]:
        """As it is kept with the batch."""
        return {"kind": f"drift-{self.kind}", "message": self.message, "policy": policy}


@dataclass(frozen=True)
class Renamed:
    """A missing column, the one that most likely took its place, and how sure that is (0 to 1)."""

    old: str
    new: str
    agreement: float
    score: float


def without_missing(contract: Contract, error: ColumnsMissing) -> Contract:
    """The contract without columns that are gone, so that the delivery can be opened. Raises the error where the record key is among them
    and every row of the source would be another record."""
    gone = set(error.missing)
    left = {name: mappings for name, mappings in contract.columns.items() if name not in gone}
    key = contract.record_key if contract.whole_row_is_key else tuple(name for name in contract.record_key if name not in gone)
    if not left or not key:
        raise error
    as_of = None if contract.as_of and contract.as_of.column in gone else contract.as_of
    # Made anew: a copy would keep what the contract has worked out from its columns.
    parts = {name: getattr(contract, name) for name in Contract.model_fields}
    return Contract.model_construct(**(parts | {"columns": left, "record_key": key, "as_of": as_of}))


def adapted(home: Home, contract: Contract, extraction: Extraction, error: ColumnsMissing) -> tuple[Extraction, list[dict[str, Any]]]:
    """A delivery that lacks columns, with those that were likely renamed under their old names and the others empty; and what is noted.

    Raises SourceError, with the likely new mapping, where the contract says stop or no record could be known again.
    """
    first = next(extraction.batches, None)
    found = renames(home, contract, extraction.schema, first, error)
    policy = contract.drift_policy
    taken = {item.new: item.old for item in found if policy.renamed == "accept"}
    changes = [Change("renamed", _renamed_text(contract, item)) for item in found]
    gone = [name for name in error.missing if name not in {item.old for item in found}]
    if gone:
        changes.append(Change("missing", f"columns of the contract are not in the source any more: {listed(gone)}"))
    stops = [change for change in changes if getattr(policy, change.kind) == "stop"]
    empty = [name for name in error.missing if name not in taken.values()]
    if stops or set(empty) & set(contract.record_key):
        extraction.close()
        if not found:
            raise error
        words = "; ".join(change.message for change in stops or changes)
        raise SourceError(f"{contract.id}: {words}", hint=_hint(error, found))
    batches = extraction.batches if first is None else chain([first], extraction.batches)
    # Another extraction: a reader that is at work goes by the columns that it has opened. What the source says of its rows is said of these.
    schema, batches = _under_old_names(extraction.schema, batches, taken, empty)
    renamed = replace(extraction, schema=schema, batches=batches, claims=[])
    return renamed, [change.note(getattr(policy, change.kind)) for change in changes]


def _hint(error: ColumnsMissing, found: Sequence[Renamed]) -> str:
    if not found:
        return error.hint
    pairs = ", ".join(f"{item.old} → {quotable(item.new)}" for item in found)
    return f"change the contract's columns ({pairs}), or write drift: {{renamed: accept}} in it"


def _renamed_text(contract: Contract, item: Renamed) -> str:
    elements = ", ".join(mapping.element for mapping in contract.columns.get(item.old, ())) or "record key"
    return (
        f"column {item.old} is gone, {quotable(item.new)} most likely took its place ({item.agreement:.0%} of the known values agree): "
        f"it would be mapped to {elements}"
    )


def _under_old_names(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], taken: Mapping[str, str], empty: Sequence[str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    names = [taken.get(name, name) for name in schema.names if name != POSITION]
    whole = pa.schema([*(pa.field(name, pa.string()) for name in (*names, *empty)), pa.field(POSITION, pa.int64())])

    def renamed(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [column for name, column in zip(schema.names, batch.columns, strict=True) if name != POSITION]
        nothing = [pa.nulls(batch.num_rows, pa.string()) for _ in empty]
        return pa.RecordBatch.from_arrays([*columns, *nothing, batch.column(POSITION)], schema=whole)

    return whole, (renamed(batch) for batch in batches)


def renames(home: Home, contract: Contract, schema: pa.Schema, first: pa.RecordBatch | None, error: ColumnsMissing) -> list[Renamed]:
    """For each missing column the new one that most likely took its place, if there is one; none stands for two."""
    before = latest_whole(home.catalog, contract.id)
    if first is None or before is None or not rows_path(home.settings, before).exists():
        return []
    known = {*contract.source_columns, *contract.tracking_columns, *contract.ignore}
    new = [name for name in schema.names if name not in known and name != POSITION]
    with Engine(home.settings) as engine:
        engine.register("probe", pa.table(first.slice(0, _SAMPLE)))
        engine.run(f"CREATE VIEW before AS SELECT * FROM {landed_rows(home.settings, before)}")
        pairs = [_pair(engine, contract, old, name, error.missing) for old in error.missing for name in new]
    likely = sorted((item for item in pairs if item.score >= LIKELY), key=lambda item: (-item.score, item.old, item.new))
    chosen: list[Renamed] = []
    for item in likely:
        if not any(item.old == other.old or item.new == other.new for other in chosen):
            chosen.append(item)
    return chosen


def _pair(engine: Engine, contract: Contract, old: str, new: str, missing: Sequence[str]) -> Renamed:
    agreement = _agreement(engine, contract, old, new, missing)
    score = _OF_VALUES * agreement + (1 - _OF_VALUES) * _likeness(contract, old, new) if agreement >= _LEAST_AGREEMENT else 0.0
    return Renamed(old, new, agreement, score)


def _agreement(engine: Engine, contract: Contract, old: str, new: str, missing: Sequence[str]) -> float:
    """Share of the records known from before whose value is the same; where no record can be told, share of the values that are known."""
    key = [] if contract.whole_row_is_key or set(contract.record_key) & set(missing) else list(contract.record_key)
    if key:
        on = " AND ".join(f"p.{quote(name)} = b.{quote(name)}" for name in key)
        filled = f"WHERE p.{quote(new)} IS NOT NULL OR b.{quote(old)} IS NOT NULL"
        same, records = engine.row(
            f"SELECT count(*) FILTER (p.{quote(new)} IS NOT DISTINCT FROM b.{quote(old)}), count(*) FROM probe p JOIN before b ON {on} {filled}",
            doing="comparing columns",
        )
        if records >= _LEAST_RECORDS:
            return float(same / records)
    same, values = engine.row(
        f"SELECT count(*) FILTER (value IN (SELECT {quote(old)} FROM before)), count(*) FROM (SELECT DISTINCT {quote(new)} AS value FROM probe) "
        "WHERE value IS NOT NULL",
        doing="comparing columns",
    )
    return float(same / values) if values >= _LEAST_RECORDS else 0.0


def _likeness(contract: Contract, old: str, new: str) -> float:
    """How much two names have in common: letters, or that the new one alone says which data element it is."""
    fed = {mapping.element for mapping in contract.columns.get(old, ())}
    said = match_names(Table((), (Column((new,)),)), load_standards()).columns[0].element
    return 1.0 if said and said in fed else SequenceMatcher(None, old.casefold(), new.casefold()).ratio()


def shape_of(engine: Engine, contract: Contract, rows: str, columns: Sequence[str]) -> dict[str, list[float]]:
    """Of a sample of rows, per mapped column: how many have a value, and which share of these is written in digits (a number, 2024-01-31). No
    value is kept."""
    mapped = [name for name in contract.source_columns if name in columns]
    if not mapped:
        return {}
    # A FILTER would have the engine set every column aside for each of them.
    numbers = "count(CASE WHEN regexp_full_match({0}, '[0-9.+-]+') THEN 1 END)"
    select = ", ".join(f"count({quote(name)}), {numbers.format(quote(name))}" for name in mapped)
    measured = engine.row(f"SELECT {select} FROM (SELECT * FROM {rows} LIMIT {_SAMPLE})", doing="looking at the form of values")
    pairs = zip(mapped, measured[::2], measured[1::2], strict=True)
    return {each: [count, round(digits / count, 3) if count else 0.0] for each, count, digits in pairs}


def described_source(engine: Engine, contract: Contract, extraction: Extraction, rows: str) -> dict[str, Any]:
    """What the manifest of a delivery keeps of its source, for the next one to be held against: types, encodings, the form of values."""
    read_as = {note.message.rpartition("read as ")[2] for note in extraction.notes if note.kind == "encoding"}
    return {
        "types": {name: kind for name, kind in extraction.types.items() if name in extraction.schema.names},
        "encodings": sorted(read_as),
        "forms": shape_of(engine, contract, rows, extraction.schema.names),
    }


def landed_drift(engine: Engine, home: Home, contract: Contract, now: Mapping[str, Any], rows: str) -> list[dict[str, Any]]:
    """Notes of what the manifest of a batch says otherwise than that of the last accepted delivery, each with the contract's policy."""
    last = latest_delivery(home.catalog, contract.id)
    before = read_manifest(home.settings, last) if last else None
    if before is None:
        return []
    return policies(contract, [*_new_columns(engine, contract, before, now, rows), *_retyped(before, now), *_encoded(before, now)])


def accepted_drift(home: Home, contract: Contract, batch: Batch, unknown: Mapping[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Notes of what shows only when rows are looked at: how many there are, and how many codes nobody knows.

    `unknown` holds by element which share of the rows has a code that is in no list, and which share had one before.
    """
    if batch.kind != "delivery":
        return []
    return policies(contract, [*_volume(home, contract, batch), *_codes(contract, unknown)])


def _volume(home: Home, contract: Contract, batch: Batch) -> Iterator[Change]:
    whole, last = latest_whole(home.catalog, contract.id), latest_accepted(home.catalog, contract.id)
    is_now = batch.landed or 0 if batch.is_whole else _told_rows(home, batch)
    if whole is None or last is None or is_now is None or not whole.landed:
        return
    # As many as were read whole, and as have come and gone in parts since.
    was = whole.landed + (last.records or 0) - (whole.records or 0)
    if was > 0 and abs(is_now - was) > contract.drift_policy.volume_change * was:
        yield Change(
            "volume",
            f"{is_now} {noun(is_now, 'row')} arrived, {was} did before ({(is_now - was) / was:+.0%}): ask the department whether it is right",
        )


def _told_rows(home: Home, batch: Batch) -> int | None:
    """How many rows the source has by its own account, where only those that differ were read; None where it gave none."""
    told = (read_manifest(home.settings, batch) or {}).get(TOLD)
    return None if told is None else int(told["rows"])


def _codes(contract: Contract, unknown: Mapping[str, tuple[float, float]]) -> Iterator[Change]:
    for element, (share, before) in unknown.items():
        if share - before > contract.drift_policy.code_jump:
            column = next((source.column for name, source in contract.elements.items() if name == element), element)
            yield Change(
                "codes",
                f"{share:.0%} of the values of column {column} are in no code list and no lookup, {before:.0%} were: "
                f"add what they mean to the lookup of {element}",
            )


def _new_columns(engine: Engine, contract: Contract, before: Mapping[str, Any], now: Mapping[str, Any], rows: str) -> Iterator[Change]:
    known = {*before["columns"], *contract.source_columns}
    new = [name for name in now["columns"] if name not in known]
    if not new:
        return
    sample = engine.arrow(f"SELECT {', '.join(map(quote, new))}, _position FROM {rows} LIMIT {_SAMPLE}", doing="looking at new columns")
    seen = profile(Extraction(sample.schema, iter(sample.combine_chunks().to_batches())), engine)
    columns = tuple(Column((name,), seen.column(name)) for name in new)
    likely = [
        f"{quotable(match.column.names[0])} may be {match.element}"
        for match in match_table(Table((contract.title.zh, contract.title.en), columns), load_standards()).columns
        if match.element and match.element not in contract.elements
    ]
    proposal = f"; {listed(likely)}" if likely else "; none is like a data element that the contract lacks"
    yield Change("new", f"columns that were not there before: {shown(new)}{proposal}")


def _retyped(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    old, new = before.get("types") or {}, now.get("types") or {}
    for name in new.keys() & old.keys():
        (was, _), (is_now, _) = _type(old[name]), _type(new[name])
        if was != is_now:
            yield Change(
                "retyped", f"column {quotable(name)} was of type {was} and is of type {is_now}: look whether its mapping still fits"
            )
    forms, earlier = now.get("forms") or {}, before.get("forms") or {}
    for name in forms.keys() & earlier.keys():
        (filled, share), (filled_before, share_before) = forms[name], earlier[name]
        if min(filled, filled_before) >= _LEAST_FILLED and abs(share - share_before) > FORM_CHANGE:
            yield Change(
                "retyped",
                f"{share:.0%} of the values of column {quotable(name)} are written in digits, {share_before:.0%} were: "
                "look whether its mapping still fits",
            )


def _encoded(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    old, new = before.get("encodings") or [], now.get("encodings") or []
    if old and new and old != new:
        yield Change("encoding", f"the files were read as {listed(old)} and are read as {listed(new)}")
    types, earlier = now.get("types") or {}, before.get("types") or {}
    changed = [name for name in types if name in earlier and _type(types[name])[1] != _type(earlier[name])[1]]
    if changed:
        yield Change("encoding", f"columns have another collation than before: {shown(changed)}")


def _type(text: str) -> tuple[str, str]:
    """Type and collation of a column."""
    kind, _, collation = text.partition(", collation ")
    return kind, collation


def policies(contract: Contract, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes as notes, each with what the contract says of its kind."""
    policy: Drift = contract.drift_policy
    return [change.note(getattr(policy, change.kind)) for change in changes]

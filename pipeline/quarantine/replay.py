"""Replay: run rows of quarantine again, as the department has repaired them or as they were, under today's standard or another."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from catalog.batches import Batch, contract_of, get_batch, latest_accepted, latest_batch
from catalog.datasets import contract_at, contract_in_force
from catalog.standards import get_standard
from connectors.extraction import Extraction
from contracts.model import Contract
from core.clock import BEIJING
from core.engine import Engine
from core.errors import LeaseHeld, RequestError
from core.nouns import noun
from core.settings import Settings
from pipeline.accept import accept
from pipeline.home import Home, open_home
from pipeline.impact.trial import trying
from pipeline.land import Arrival, land
from pipeline.quarantine.handed_back import HandedBack, check_header, take_back
from pipeline.quarantine.handed_file import HandedFile, read_handed_file
from pipeline.quarantine.repairs import CORRECTED, REPAIR
from pipeline.quarantine.set_aside import SetAside, as_they_were, count_waiting, find_set_aside, find_waiting, waiting_there
from pipeline.standard import CURRENT

# Of refused rows: so many reasons are told, each with so many places.
_REASONS, _PLACES = 20, 10


def replay(subject: str, home: Home | None = None, *, repaired: Path | None = None, standard: str = CURRENT) -> list[Batch]:
    """Run the rows that a batch set aside and that still wait again, and return the batches that this made; each has its receipt.

    `subject` is a batch, or a dataset: then it is whatever waits. With `repaired`, the rows are those of a file that was handed back.
    `standard` is the number of a version that batches have used: it judges as on the day of the batch. A run that died before its rows were
    accepted is ended first. Raises RequestError where nothing can be run again, and LeaseHeld where another batch is accepted meanwhile.
    """
    home = home or open_home()
    contract_id = contract_of(subject)
    left = _left_landed(home, contract_id)
    newest = latest_accepted(home.catalog, contract_id)
    _, contract = contract_in_force(home.catalog, contract_id)
    with Engine(home.settings) as engine:
        asked = _asked(home, engine, subject)
        if not asked and left:
            return left
        _refuse_nothing(contract_id, asked)
        if standard != CURRENT:
            get_standard(home.catalog, standard)  # says which versions there are, before anything is landed
        found = [_fitting(home, batch, contract) for batch in asked]
        if repaired is None:
            runs = [(item.batch, *_unchanged(engine, item if "@" in subject else waiting_there(item))) for item in found]
        else:
            file = read_handed_file(repaired)
            if "@" not in subject:
                found += _named(home, contract, file, {batch.batch_id for batch in asked})
            backs = _backs(home, engine, found, contract, file)
            runs = [(batch, back.extraction, _arrival(home, batch, back)) for batch, back in backs]
        done: list[Batch] = []
        for batch, extraction, arrival in runs:
            unless_overtaken = replace(arrival, check=partial(_refuse_overtaken, home, contract_id, done[-1] if done else newest))
            done.append(_run(home, batch, extraction, unless_overtaken, standard))
        return [*left, *done]


def check_replay(home: Home, subject: str, *, repaired: bool) -> None:
    """Raise RequestError as `replay` does where nothing waits, for whoever writes it down before it is run."""
    contract_id = contract_of(subject)
    _, contract = contract_in_force(home.catalog, contract_id)
    if _is_left(latest_batch(home.catalog, contract_id)):
        return  # whatever waits, that is ended
    with Engine(home.settings) as engine:
        asked = _asked(home, engine, subject)
        _refuse_nothing(contract_id, asked)
        if "@" in subject and not repaired:
            _unchanged(engine, _fitting(home, asked[0], contract))


def _asked(home: Home, engine: Engine, subject: str) -> list[Batch]:
    """The batches that are meant; what waits of the dataset is left as tables of the engine."""
    waiting = find_waiting(home, engine, contract_of(subject))
    return [get_batch(home.catalog, subject)] if "@" in subject else waiting


def _refuse_nothing(contract_id: str, asked: Sequence[Batch]) -> None:
    if not asked:
        raise RequestError(f"nothing of {contract_id} waits in quarantine", hint="./hub status says what waits where")


def _refuse_overtaken(home: Home, contract_id: str, before: Batch | None) -> None:
    """What waits was read when others could write the dataset: by now the source may have sent another row, or somebody else has repaired it."""
    newest = latest_accepted(home.catalog, contract_id)
    if newest is not None and (before is None or newest.seq != before.seq):
        raise LeaseHeld(
            f"{newest.batch_id} was accepted while the rows to run again were read", hint="try again: then what still waits is run again"
        )


def _left_landed(home: Home, contract_id: str) -> list[Batch]:
    """Accept rows that were run again by a process that died with them landed: nobody else asks for them, a delivery would supersede what the
    department has repaired, and of a dataset that has ended none comes.
    """
    newest = latest_batch(home.catalog, contract_id)
    return [accept(newest.batch_id, home)] if newest is not None and _is_left(newest) else []


def _is_left(newest: Batch | None) -> bool:
    return newest is not None and newest.kind != "delivery" and newest.status == "landed"


def _fitting(home: Home, batch: Batch, contract: Contract) -> SetAside:
    """What a batch set aside. Raises RequestError where the contract in force would read its rows as others."""
    found, then = find_set_aside(home, batch), contract_at(home.catalog, batch.contract_id, batch.contract_version)
    missing = [name for name in contract.source_columns if name not in found.columns]
    if missing or then.record_key != contract.record_key:
        said = f"columns {', '.join(missing)}, which it has not" if missing else "another record key"
        raise RequestError(f"the contract asks for {said} since {batch.batch_id}", hint="sync the dataset, and use the rows rejected then")
    return found


def _named(home: Home, contract: Contract, file: HandedFile, known: set[str]) -> list[SetAside]:
    """Further batches of which a file has rows: what waits may have come again, unchanged, in a later batch than when it was handed out."""
    found = []
    for batch_id in sorted(name for name in file.batch_ids - known if name.startswith(f"{contract.id}@")):
        # Of a batch that there is not, or whose rows are not kept any more, the rows of the file are told as foreign.
        with suppress(RequestError):
            found.append(_fitting(home, get_batch(home.catalog, batch_id), contract))
    return found


def _unchanged(engine: Engine, found: SetAside) -> tuple[Extraction, Arrival]:
    batch, waiting = found.batch, count_waiting(engine, found)
    if not waiting:
        raise RequestError(
            f"no row of {batch.batch_id} waits in quarantine any more",
            hint="the source has sent others since, or they were repaired: ./hub status",
        )
    again = noun(waiting, "is run again as it was", "are run again as they were")
    message = f"{waiting} {noun(waiting, 'row')} that {batch.batch_id} had set aside {again}"
    return as_they_were(engine, found), Arrival("replay", batch.batch_id, {"kind": "replay", "message": message})


def _backs(home: Home, engine: Engine, found: Sequence[SetAside], contract: Contract, file: HandedFile) -> list[tuple[Batch, HandedBack]]:
    """What a file has for each batch. Raises RequestError, with the reasons, where no row of it is taken."""
    check_header(file, found)
    backs = [(item.batch, back) for item, back in zip(found, take_back(home, engine, found, contract, file), strict=True)]
    refused = sorted((item for _, back in backs for item in back.extraction.unreadable), key=lambda item: item.position)
    total = sum(back.rows for _, back in backs)
    if not total:
        raise RequestError(f"{file.name} has no rows", hint="hand back the rows that were repaired")
    if total == len(refused):
        reasons = "\n".join(f"  {line}" for line in refusals([(item.position, item.reason) for item in refused]))
        raise RequestError(
            f"no row of {file.name} can be taken back:\n{reasons}", hint="hand back the rows of the file as it was handed out"
        )
    return [(batch, back) for batch, back in backs if back.rows]


def _arrival(home: Home, batch: Batch, back: HandedBack) -> Arrival:
    taken, at = back.rows - len(back.extraction.unreadable), datetime.now(UTC).replace(microsecond=0)
    message = f"{taken} repaired {noun(taken, 'row')} of {batch.batch_id}, handed back in {back.file} by {home.settings.actor}"
    if back.unchanged:
        message += f"; in {back.unchanged} nothing was changed"
    more = {"file": back.file, "sha256": back.sha256, "actor": home.settings.actor, "at": at.isoformat()}
    places = [[line, position, seq] for line, ((seq, position), _) in back.corrected.items()]
    corrected = {CORRECTED: places} if places else {}
    return Arrival("repair", batch.batch_id, {"kind": REPAIR, "message": message, **more, **corrected})


def _run(home: Home, origin: Batch, extraction: Extraction, arrival: Arrival, standard: str) -> Batch:
    batch_id = land(origin.contract_id, home, extraction, arrival=arrival)
    if standard != CURRENT:
        day = (origin.landed_at or origin.started_at).replace(tzinfo=UTC).astimezone(BEIJING).date().isoformat()
        # What value types work out from the standard is kept by the process, so another version has one of its own.
        with trying(get_standard(home.catalog, standard)) as process:
            process.submit(accept_there, home.settings, batch_id, day).result()
    # Accepted already, this brings the lake to the columns of the standard in force.
    return accept(batch_id, home)


def accept_there(settings: Settings, batch_id: str, day: str) -> None:
    """Accept a batch, in a process in which another version of the standard stands in for the installed one."""
    accept(batch_id, open_home(settings), day=day)


def refusals(rows: Sequence[tuple[int, str]]) -> list[str]:
    """What to say of refused rows (position and reason): a line per reason, the most frequent first, with the first rows that it holds for."""
    by_reason: dict[str, list[int]] = {}
    for position, reason in rows:
        by_reason.setdefault(reason, []).append(position)
    ordered = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    told = [f"{_where(places)}: {reason}" for reason, places in ordered[:_REASONS]]
    if others := ordered[_REASONS:]:
        count = sum(len(places) for _, places in others)
        told.append(f"{count:,} more {noun(count, 'row')} for {len(others):,} other {noun(len(others), 'reason')}")
    return told


def _where(places: Sequence[int]) -> str:
    if len(places) == 1:
        return f"row {places[0]}"
    more = ", …" if len(places) > _PLACES else ""
    return f"{len(places):,} {noun(len(places), 'row')} ({', '.join(map(str, sorted(places)[:_PLACES]))}{more})"


def refused_rows(home: Home, batch: Batch) -> list[dict[str, Any]]:
    """The rows of a file that were refused: position and reason, as the batch's manifest has them."""
    from pipeline.landing import read_manifest

    manifest = read_manifest(home.settings, batch)
    told = manifest["unreadable_rows"] if manifest else []
    return [
        {"position": row["position"] + number * row.get("step", 1), "reason": row["reason"]}
        for row in told
        for number in range(row.get("rows", 1))
    ]

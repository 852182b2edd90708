"""Check a contract against its live source: can it be read, are its columns there, and do its first rows make sense?"""

from contextlib import closing
from dataclasses import dataclass

from catalog.datasets import other_source
from connectors.databases.increment import Increment
from connectors.extract import extract
from contracts.model import Contract
from core.connections import Connections, load_connections
from core.faults import described
from pipeline.delivery.notes import unreadable_notes
from pipeline.home import Home
from pipeline.land import check_columns


@dataclass(frozen=True)
class SourceCheck:
    """What a look at the source showed: the fault, if there is one, and what else is worth knowing.

    `rows_seen` are those of the first part that the source gives, readable or not; `is_all`, whether it has no more.
    """

    contract_id: str
    rows_seen: int
    is_all: bool
    notes: tuple[str, ...]
    error: str | None
    transient: bool
    exit_status: int


def check_followed(contract: Contract, connections: Connections) -> None:
    """Raise SourceError where the log of changes of the contract's table cannot be followed; the driver is loaded for nothing else."""
    from connectors.databases.postgresql_slots import check_followed as check

    check(contract, connections)


def check_source(home: Home, contract: Contract) -> SourceCheck:
    """Open the source and read its first part; nothing is kept. Whatever goes wrong is part of the answer, so that others are looked at too."""
    try:
        connections = load_connections(settings=home.settings)
        if contract.change_tracking == "log":
            check_followed(contract, connections)
        cursor = contract.cursor
        with closing(extract(contract, connections, Increment(cursor.column, cursor.overlap) if cursor else None)) as extraction:
            check_columns(contract, extraction)
            first = next(extraction.batches, None)
            unreadable = extraction.unreadable.stretches
            is_all = first is None or next(extraction.batches, None) is None
            unreadable = (
                extraction.unreadable.stretches if is_all else unreadable
            )  # at the end of a file some come to light behind its rows
    except Exception as error:
        fault = described(error)
        return SourceCheck(contract.id, 0, False, (), str(fault), fault.transient, fault.exit_status)
    moved = other_source(home.catalog, contract)
    readable = first.num_rows if first is not None else 0
    notes = (
        *((moved,) if moved else ()),
        *(note.message for note in extraction.notes),
        *(f"cannot be read: {note['message']}" for note in unreadable_notes(unreadable)),
    )
    return SourceCheck(contract.id, readable + sum(row.rows for row in unreadable), is_all, notes, None, False, 0)

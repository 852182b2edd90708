"""A table of which only the rows that differ from what is known are read, whichever server it lies in."""

from collections.abc import Callable, Sequence

from connectors.databases.increment import MUCH_DIFFERS, Chosen
from connectors.extraction import TOLD, Extraction, Note, text_schema
from core.errors import SourceError, StoreError
from core.nouns import noun

STATE = "one read-only transaction (repeatable read): digests of all rows, then the rows that were not known as they are now"


def or_whole(ask: Callable[[], Extraction], whole: Callable[[], Extraction]) -> Extraction:
    """What asking brings; the whole table where the source cannot be asked. Raises SourceError where a later try may succeed.

    Who may read some columns only may not ask for places, and the digests of very many rows may need more room than there is. What is wrong
    with the table itself, reading it says better.
    """
    try:
        return ask()
    except (SourceError, StoreError) as error:
        if error.transient:
            raise
        return _noted(whole(), f"the source cannot be asked what differs, so that the whole table was read: {error.message}")


def much_differs(whole: Extraction) -> Extraction:
    """The whole table, with the reason."""
    return _noted(whole, "so many rows differ from the accepted ones that the whole table was read")


def _noted(whole: Extraction, message: str) -> Extraction:
    whole.notes.append(Note(MUCH_DIFFERS, message))
    return whole


def of_chosen(chosen: Chosen, names: tuple[str, ...], notes: Sequence[Note], types: dict[str, str]) -> Extraction:
    """The delivery of the rows that were chosen, with the records that are gone; its batches are still to come."""
    message = (
        f"of {chosen.told.rows} rows of the source {len(chosen.places)} were read: by its own digests all others are as they were accepted; "
        f"{chosen.gone.num_rows} {noun(chosen.gone.num_rows, 'record is', 'records are')} not there any more"
    )
    return Extraction(
        text_schema(names),
        iter(()),
        notes=[*notes, Note(TOLD, message)],
        is_whole=False,
        types=types,
        deleted=chosen.gone.to_batches() if chosen.gone.num_rows else [],
        told=chosen.told,
    )

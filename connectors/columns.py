"""Which of the columns found in a source are read, and what is said about the others."""

import re
from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from connectors.extraction import POSITION, Note
from connectors.files.drop import DeliveredFile
from contracts.model import Contract
from core.errors import SourceError
from core.nouns import noun

# Byte-order marks and zero-width characters stand invisibly before the first header of many exports.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
_OUTER = re.compile(rf"^[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+$")
_SHOWN = 12
# Parquet keeps a buffer for each column: twice as many need more memory than a task is given. Real tables have some hundreds.
MOST_COLUMNS = 1000
UNNAMED = "unnamed_"  # begins the name of a column that has none
# What has so many digits may be a number of a person or a day of birth: a row of data taken for names, or a table imported that way.
_DIGITS_OF_A_VALUE = 6


Looked = TypeVar("Looked")


class ColumnsMissing(SourceError):
    """Columns that the contract needs are not in the source; which, and with hints at what they may be called now."""

    def __init__(self, message: str, *, hint: str, missing: Sequence[str], found: Sequence[str]) -> None:
        super().__init__(message, hint=hint)
        self.missing, self.found = tuple(missing), tuple(found)


@dataclass(frozen=True)
class ColumnPlan:
    """The columns that are read, as places in the source's list and as names."""

    places: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[Note, ...]


def clean_name(name: str) -> str:
    """A column's name without blanks and invisible characters around it; a line break inside stays, written as one character."""
    return _OUTER.sub("", name).replace("\r\n", "\n").replace("\r", "\n")


def free_name(name: str, taken: Container[str], last: Counter[str]) -> str:
    """The name, or the name with the next number that is not taken; `last` holds the highest number of each, so that none is tried again."""
    unique, number = name, max(last[name], 1)
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    last[name] = number
    return unique


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Cleaned names, each different: a repeated one gets a number, one that is missing its place."""
    taken, last = {POSITION}, Counter[str]()
    result = []
    for place, name in enumerate(map(clean_name, names), start=1):
        base = name or f"{UNNAMED}{place}"
        unique = free_name(base, taken, last)
        taken.add(unique)
        result.append(unique)
    return tuple(result)


def landed_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of the members of records, each different already, as they can be landed: that of nothing, of which a record has one at most, and
    the hub's own get the names that columns of a text file would get."""
    taken = {POSITION, *names}
    return tuple(name if name not in ("", POSITION) else free_name(name or f"{UNNAMED}1", taken, Counter()) for name in names)


def plan_columns(contract: Contract, found: Sequence[str], where: str) -> ColumnPlan:
    """Decide what is read; raises ColumnsMissing, with likely new names, if a column the contract needs is not there, and SourceError for a
    column that would be read and has no name, or the one of the hub's own."""
    missing = [name for name in contract.source_columns if name not in found]
    if missing:
        raise ColumnsMissing(
            _missing_text(contract, missing, found, where), hint=_rename_hint(contract, missing, found), missing=missing, found=found
        )
    places = tuple(place for place, name in enumerate(found) if contract.is_read(name))
    _refuse_unlandable(contract, [found[place] for place in places], where)
    known = {*contract.source_columns, *contract.tracking_columns, *contract.ignore}
    unmapped = [found[place] for place in places if found[place] not in known]
    absent = [name for name in contract.ignore if name not in found]
    notes = (
        *(
            [
                Note(
                    "unmapped_columns",
                    f"{len(unmapped)} {noun(len(unmapped), 'column is', 'columns are')} neither mapped nor ignored: {shown(unmapped)}",
                    len(unmapped),
                )
            ]
            if unmapped
            else ()
        ),
        *(
            [
                Note(
                    "absent_columns",
                    f"{len(absent)} {noun(len(absent), 'column under ignore is', 'columns under ignore are')} not in the source: {listed(absent)}",
                    len(absent),
                )
            ]
            if absent
            else ()
        ),
    )
    return ColumnPlan(places, tuple(found[place] for place in places), notes)


def _refuse_unlandable(contract: Contract, names: Sequence[str], where: str) -> None:
    if "" in names:
        raise SourceError(f"{contract.id}: {where} has a column without a name", hint="read it through a view that gives the column a name")
    own = next((name for name in names if name.lower() == POSITION), None)
    if own is not None:
        raise SourceError(
            f"{contract.id}: {where} has a column {own}, a name that the hub uses itself",
            hint="list it under ignore in the contract, or read it through a view that gives it another name",
        )


def look_at_each(contract_id: str, files: Sequence[DeliveredFile], look: Callable[[DeliveredFile], Looked]) -> list[Looked]:
    """Look at every file of a delivery. Raises ColumnsMissing where all of them lack the same columns: then the source has changed; and
    SourceError where only some do: nobody can say which of them is right.
    """
    looked, lacking = [], list[tuple[DeliveredFile, ColumnsMissing]]()
    for file in files:
        try:
            looked.append(look(file))
        except ColumnsMissing as error:
            lacking.append((file, error))
    if lacking and not looked and len({frozenset(error.found) for _, error in lacking}) == 1:
        raise lacking[0][1]
    if lacking:
        file, shortfall = lacking[0]
        raise SourceError(
            f"{contract_id}: the files of the delivery differ in their columns: {file.name} lacks {listed(shortfall.missing)}",
            hint="ask the department for all of them with the same columns",
        )
    return looked


def shown(names: Sequence[str]) -> str:
    """The first of many names that were found in a source, as they may stand in a message."""
    return listed([*map(quotable, names)])


def listed(names: Sequence[str]) -> str:
    """The first of many names."""
    first = ", ".join(" ".join(name.split()) for name in names[:_SHOWN])
    return f"{first} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else first


def quotable(name: str) -> str:
    """A column's name without its digits where it has many."""
    return re.sub(r"\d+", "#", name) if len(re.findall(r"\d", name)) >= _DIGITS_OF_A_VALUE else name


def _missing_text(contract: Contract, missing: Sequence[str], found: Sequence[str], where: str) -> str:
    return f"{contract.id}: {where} lacks the {noun(len(missing), 'column')} {listed(missing)}; it has {shown(found) or 'none'}"


def _rename_hint(contract: Contract, missing: Sequence[str], found: Sequence[str]) -> str:
    free = [name for name in found if name not in contract.source_columns]
    renames = [f"{name} may now be {quotable(close[0])}" for name in missing if (close := get_close_matches(name, free, n=1, cutoff=0.5))]
    return "; ".join([*renames, "change the contract's columns, or ask the department what happened"])

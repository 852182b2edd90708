"""What is left of a document that is not yet a contract: enough of one to hold it against the standards in the same round.

Whoever mends the form of a contract should not be told only afterwards what else is wrong with it. So everything that breaks the form is
taken out, what a contract cannot do without gets a stand-in, and the places that are then not the author's own are remembered: a rule that
looks at one of them says nothing.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from contracts.model import Contract
from contracts.schema import Offense, Place, offenses

_ROUNDS = 50
_STAND_IN: dict[str, Any] = {
    "id": "none__none",
    "title": {"zh": "none", "en": "none"},
    "department": {"id": "none", "title": {"zh": "none", "en": "none"}},
    "feeds": ["none"],
    "source": {"kind": "csv", "connection": "none", "path": "none"},
    "record_key": "*",
    "columns": {"none": "none"},
}
# How an element is read does not change which elements are there.
_MANNERS = frozenset({"formats", "lookup"})


@dataclass(frozen=True)
class Salvage:
    """A contract of what could be kept, and the places that are not the author's."""

    contract: Contract
    lost: frozenset[Place]

    def has(self, *place: str) -> bool:
        """Whether what stands at a place is the author's, though parts of it may be missing."""
        return not any(place[: len(lost)] == lost for lost in self.lost)

    def has_whole(self, *place: str) -> bool:
        """Whether what stands at a place is the author's, and all of it."""
        return self.has(*place) and not any(lost[: len(place)] == place and not _MANNERS.intersection(lost[2:]) for lost in self.lost)


def salvage(document: Any, refused: Iterable[Place] = ()) -> Salvage | None:
    """Keep what can be kept of a document, without the places that are refused for another reason; None where that is nothing."""
    if not isinstance(document, dict):
        return None
    kept, lost = deepcopy(document), set[Place]()
    for place in sorted(refused, key=_last_first, reverse=True):
        lost.add(_take_out(kept, place))
    for _ in range(_ROUNDS):
        found = offenses(kept)
        if not found:
            break
        for offense in sorted(found, key=lambda offense: _last_first(offense.path), reverse=True):
            lost |= _mend(kept, offense)
    try:
        return Salvage(Contract.model_validate(kept), frozenset(lost))
    except ValidationError:
        return None


def _last_first(place: Place) -> tuple[str, ...]:
    """Later positions of a list are taken out before earlier ones, which would move them."""
    return tuple(f"{step:09}" if isinstance(step, int) else step for step in place)


def _mend(kept: dict[str, Any], offense: Offense) -> set[Place]:
    """Take one offense out; returns the places that are no longer the author's."""
    if offense.kind == "missing":
        return {_stand_in(kept, offense.path)}
    place = _take_out(kept, offense.path)
    if offense.kind == "unknown":
        # Perhaps another name was meant; then that one is there, only not to be read.
        return {(*place[:-1], offense.meant)} if offense.meant else set()
    return {place}


def _take_out(kept: dict[str, Any], place: Place) -> Place:
    parent = _at(kept, place[:-1])
    if isinstance(parent, dict):
        parent.pop(place[-1], None)
    elif isinstance(parent, list) and isinstance(place[-1], int) and place[-1] < len(parent):
        del parent[place[-1]]
    return place


def _stand_in(kept: dict[str, Any], place: Place) -> Place:
    """Put a stand-in where something is missing; where there is none, what lacks it is taken out."""
    value = _at(_STAND_IN, place)
    parent = _at(kept, place[:-1])
    if value is None or not isinstance(parent, dict):
        return _take_out(kept, place[:-1])
    parent[str(place[-1])] = deepcopy(value)
    return place


def _at(document: Any, place: Place) -> Any:
    for step in place:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document

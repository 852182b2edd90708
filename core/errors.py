"""What can go wrong, in the hub's own words.

Trouble in data is an issue, not an error: an error here means "this cannot go on". Messages carry the names involved and what to do,
never a value from a record.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.nouns import noun


class HubError(Exception):
    """Base of every error the hub raises on purpose. `transient` tells a scheduler whether a retry can help."""

    exit_status = 1

    def __init__(self, message: str, *, hint: str = "", transient: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.message}\n  what to do: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """An error comes out of another process as it was, whatever it is made of."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[HubError], args: tuple[Any, ...], state: dict[str, Any]) -> HubError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class RequestError(HubError):
    """The request was wrong: an unknown id, a missing file, an option that does not fit."""

    exit_status = 2


class NoSuchEntity(RequestError):
    """No entity of the registry has the name that was asked for."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of a definition: where it stands and what was expected there."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"


class DefinitionError(HubError):
    """Definitions (standards, contracts) with faults; all of them at once, so that one round of editing mends them."""

    exit_status = 2

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(set(faults))
        count = len(self.faults)
        super().__init__(f"{count} {noun(count, 'fault')}:\n" + "\n".join(f"  {fault}" for fault in self.faults))


class SourceError(HubError):
    """A department's source could not be read as the contract says. Only what may pass by itself is worth another try, some of it not
    before a certain time."""

    def __init__(self, message: str, *, hint: str = "", transient: bool = False, not_before: datetime | None = None) -> None:
        super().__init__(message, hint=hint, transient=transient)
        self.not_before = not_before
        self.exit_status = 3 if transient else 2


class StoreError(HubError):
    """One of the hub's own stores could not be reached or would not take a write."""

    exit_status = 3


class LeaseHeld(HubError):
    """Someone else is writing this dataset or registry at this moment."""

    exit_status = 3

    def __init__(self, message: str, *, hint: str = "wait for the other run to end, then try again") -> None:
        super().__init__(message, hint=hint, transient=True)


class GateFailed(HubError):
    """A gate of the contract stopped the batch; what was published before stays as it is."""

    exit_status = 1

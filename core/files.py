"""Files that a request names: what the system says against one is an answer to the request, not a fault of the hub."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import RequestError
from core.faults import is_full


@contextmanager
def requested(path: Path) -> Iterator[None]:
    """Raises RequestError, with the system's own word, where the file cannot be read or written."""
    try:
        yield
    except OSError as error:
        hint = (
            "free space on the disk of that file, or name one on another"
            if is_full(error)
            else "name one in a folder that is there and yours"
        )
        raise RequestError(f"{path}: {error.strerror}", hint=hint) from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8", hint="save it in that encoding") from None


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner can read; there whole or not at all. Raises RequestError where it cannot be made."""
    with requested(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as out:
                yield out
        except BaseException:
            path.unlink(missing_ok=True)  # half of it would pass for all, and stand in the way of another try
            raise


def check_new_file(path: Path, endings: tuple[str, ...] = ()) -> None:
    """Raise RequestError where a file cannot be made: it is there already, its folder is not there or is not to be written to, or its name ends
    in none of what can be written."""
    if endings and path.suffix.lower() not in endings:
        raise RequestError(f"{path} is neither of {', '.join(endings)}", hint="the name of the file says what is written")
    if path.exists():
        raise RequestError(f"{path} exists already", hint="name a new file")
    with requested(path):
        path.touch(mode=0o600)
        path.unlink()

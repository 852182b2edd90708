"""Files that a request names: what the system says against one is an answer to the request, not a fault of the hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import RequestError


@contextmanager
def requested(path: Path) -> Iterator[None]:
    """Raises RequestError, with the system's own word, where the file cannot be read or written."""
    try:
        yield
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror}", hint="name a file in a folder that is there and yours") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8", hint="save it in that encoding") from None


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

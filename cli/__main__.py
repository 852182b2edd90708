"""The command line's outer edge: errors become one clear text and an exit status."""

import io
import sys
from pathlib import Path

import typer

from cli.app import app
from cli.output import print_json, wants_json
from core.errors import DefinitionError, HubError, RequestError
from core.faults import described

INTERRUPTED = 130


def main() -> None:
    """Run one command. Exit status: 0 done, 1 done but not all is well, 2 wrong request, 3 a source or store could not be reached,
    70 a fault of the hub, 130 interrupted.

    With --json standard output is one JSON document whatever happens: the answer, or the error. Standard error is for a person.
    """
    sys.exit(_status())


def _status() -> int:
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal's encoding does not have is written by its numbers
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # A command that ends with typer.Exit does not raise it here: its status is what comes back.
        status = app(prog_name="hub", standalone_mode=False)
    except typer.Abort:
        status = INTERRUPTED
    except typer._click.exceptions.ClickException as error:  # typer's own words for a wrong option
        error.show()
        return _report(RequestError(error.format_message(), hint="--help lists what there is"), "UsageError", shown=True)
    except OSError as error:
        return _report(_of_a_named_path(error) or described(error), type(error).__name__)
    except Exception as error:  # its text may quote a record, so only its kind and place are shown
        return _report(described(error), type(error).__name__)
    if status == INTERRUPTED:
        return _report(HubError("interrupted"), "Interrupted", status=INTERRUPTED)
    return status if isinstance(status, int) else 0


def _of_a_named_path(error: OSError) -> HubError | None:
    """That a path cannot be read or written is no fault of the hub where the caller named it."""
    named = [Path(argument.partition("=")[2] or argument) for argument in sys.argv[1:]]
    if error.filename is None or Path(error.filename) not in {*named, *(path.absolute() for path in named)}:
        return None
    return RequestError(f"{error.filename}: {error.strerror}", hint="look at the path and at who may read and write there")


def _report(error: HubError, kind: str, *, status: int | None = None, shown: bool = False) -> int:
    """Say what went wrong, to a person on standard error and to a program as its one document, and return the exit status."""
    if not shown:
        print(f"hub: {error}", file=sys.stderr)
    if wants_json():
        faults = [vars(fault) for fault in error.faults] if isinstance(error, DefinitionError) else []
        print_json({"error": kind, "message": error.message, "hint": error.hint, "transient": error.transient, "faults": faults})
    return error.exit_status if status is None else status


if __name__ == "__main__":
    main()

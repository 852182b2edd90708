"""The command line's outer edge: errors become one clear text and an exit status."""

import sys
import traceback
from pathlib import Path

import typer

from cli.app import app
from cli.output import print_json, wants_json
from core.errors import DefinitionError, HubError, RequestError
from core.settings import REPOSITORY

# Neither done nor a wrong request nor a matter of trying again: what sysexits calls EX_SOFTWARE.
INTERNAL_FAULT = 70
INTERRUPTED = 130


def main() -> None:
    """Run one command. Exit status: 0 done, 1 done but not all is well, 2 wrong request, 3 a source or store could not be reached.

    With --json standard output is one JSON document whatever happens: the answer, or the error. Standard error is for a person.
    """
    sys.exit(_status())


def _status() -> int:
    try:
        # A command that ends with typer.Exit does not raise it here: its status is what comes back.
        status = app(prog_name="hub", standalone_mode=False)
    except typer.Abort:
        status = INTERRUPTED
    except typer._click.exceptions.ClickException as error:  # typer's own words for a wrong option
        error.show()
        return _report(RequestError(error.format_message(), hint="--help lists what there is"), "UsageError", shown=True)
    except HubError as error:
        return _report(error, type(error).__name__)
    except Exception as error:  # its text may quote a record, so only its kind and place are shown
        return _report(_unforeseen(error), type(error).__name__, None if _is_about_arguments(error) else INTERNAL_FAULT)
    if status == INTERRUPTED:
        return _report(HubError("interrupted"), "Interrupted", INTERRUPTED)
    return status if isinstance(status, int) else 0


def _unforeseen(error: Exception) -> HubError:
    if isinstance(error, OSError) and _is_about_arguments(error):
        return RequestError(f"{error.filename}: {error.strerror}", hint="look at the path and at who may read and write there")
    return HubError(f"{type(error).__name__} in {_place(error)}: a fault of the hub, not of the request", hint="report it with this line")


def _is_about_arguments(error: Exception) -> bool:
    """Whether a file that the caller named, or its folder, could not be read or written."""
    named = [Path(argument.partition("=")[2] or argument) for argument in sys.argv[1:]]
    return (
        isinstance(error, OSError) and error.filename is not None and Path(error.filename) in {*named, *(path.absolute() for path in named)}
    )


def _place(error: Exception) -> str:
    """File and line of the innermost frame that is the hub's own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(REPOSITORY))]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f"{own[-1].filename.removeprefix(f'{REPOSITORY}/')}:{own[-1].lineno}" if own else "an unknown place"


def _report(error: HubError, kind: str, status: int | None = None, *, shown: bool = False) -> int:
    """Say what went wrong, to a person on standard error and to a program as its one document, and return the exit status."""
    if not shown:
        print(f"hub: {error}", file=sys.stderr)
    if wants_json():
        faults = [vars(fault) for fault in error.faults] if isinstance(error, DefinitionError) else []
        body = {"error": kind, "message": error.message, "hint": error.hint, "transient": error.transient, "faults": faults}
        print_json(body)
    return error.exit_status if status is None else status


if __name__ == "__main__":
    main()

"""The command line's outer edge: errors become one clear text and an exit status."""

import io
import os
import sys
from pathlib import Path

import typer

from cli.app import app
from cli.output import print_json, wants_json
from cli.usage import usage_fault
from core.errors import DefinitionError, HubError, RequestError, StoreError
from core.faults import described, is_full

INTERRUPTED = 130
UNREAD = 141  # what a shell says of a program that writes into a pipe nobody reads any more


def main() -> None:
    """Run one command. Exit status: 0 done, 1 done but not all is well, 2 wrong request, 3 a source or store could not be reached,
    70 a fault of the hub, 130 interrupted, 141 whoever reads its output has stopped before the end.

    With --json standard output is one JSON document whatever happens: the answer, or the error. Standard error is for a person.
    """
    sys.exit(_told())


def _told() -> int:
    """The status of the command, or that its answer could not be given."""
    if sys.stdout is None:  # closed by the caller, who wants no answer
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it is open until the end
    try:
        status = _status()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _leave_output()
    except SystemExit as leave:  # what typer and Rich make of it
        if not isinstance(leave.__context__, BrokenPipeError):
            raise
        _leave_output()
    except OSError as error:
        _leave_output()
        unwritten = f"standard output cannot be written: {error.strerror}"
        hint = "what was asked for may be done and only not be told; write the answer to where there is space"
        return _report(StoreError(unwritten, hint=hint), type(error).__name__)
    return UNREAD


def _leave_output() -> None:
    """Let go of what standard output does not take: at its end Python would try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
        error.message = usage_fault(error)
        error.show()
        return _report(RequestError(error.format_message(), hint="--help lists what there is"), "UsageError", shown=True)
    except OSError as error:
        # If standard output itself is full, this raises again; a long text that it has refused has left nothing behind to try with.
        print(end="\n" if is_full(error) else "", flush=True)
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

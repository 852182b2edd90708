"""The command line's outer edge: errors become one clear text and an exit status."""

import json
import sys
import traceback

import typer

from cli.app import app
from cli.output import wants_json
from core.errors import DefinitionError, HubError
from core.settings import REPOSITORY

# Neither done nor a wrong request nor a matter of trying again: what sysexits calls EX_SOFTWARE.
INTERNAL_FAULT = 70


def main() -> None:
    """Run one command. Exit status: 0 done, 1 done but not all is well, 2 wrong request, 3 a source or store could not be reached."""
    try:
        # A command that ends with typer.Exit does not raise it here: its status is what comes back.
        status = app(prog_name="hub", standalone_mode=False)
    except typer.Abort:
        sys.exit(130)
    except typer._click.exceptions.ClickException as error:  # typer's own words for a wrong option
        error.show()
        sys.exit(2)
    except HubError as error:
        _report(error)
        sys.exit(error.exit_status)
    except Exception as error:  # its text may quote a record, so only its kind and place are shown
        _report(
            HubError(f"{type(error).__name__} in {_place(error)}: a fault of the hub, not of the request", hint="report it with this line"),
            error,
        )
        sys.exit(INTERNAL_FAULT)
    sys.exit(status if isinstance(status, int) else 0)


def _place(error: Exception) -> str:
    """File and line of the innermost frame that is the hub's own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(REPOSITORY))]
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f"{own[-1].filename.removeprefix(f'{REPOSITORY}/')}:{own[-1].lineno}" if own else "an unknown place"


def _report(error: HubError, cause: Exception | None = None) -> None:
    if wants_json():
        faults = [vars(fault) for fault in error.faults] if isinstance(error, DefinitionError) else []
        body = {
            "error": type(cause or error).__name__,
            "message": error.message,
            "hint": error.hint,
            "transient": error.transient,
            "faults": faults,
        }
        print(json.dumps(body, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"hub: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()

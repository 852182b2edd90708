"""The command line's outer edge: errors become one clear text and an exit status."""

import json
import sys

import typer

from cli.app import app
from cli.output import wants_json
from core.errors import DefinitionError, HubError
from core.faults import described


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
        fault = described(error)
        _report(fault, error)
        sys.exit(fault.exit_status)
    sys.exit(status if isinstance(status, int) else 0)


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

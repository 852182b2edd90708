"""The command line's outer edge: errors become one clear text and an exit status."""

import json
import sys

import typer

from cli.app import app
from cli.output import wants_json
from core.errors import DefinitionError, HubError


def main() -> None:
    """Run one command. Exit status: 0 done, 1 done but not all is well, 2 wrong request, 3 a source or store could not be reached."""
    try:
        app(standalone_mode=False)
    except typer.Exit as leave:
        sys.exit(leave.exit_code)
    except typer.Abort:
        sys.exit(130)
    except typer._click.exceptions.ClickException as error:  # typer's own words for a wrong option
        error.show()
        sys.exit(2)
    except HubError as error:
        _report(error)
        sys.exit(error.exit_status)


def _report(error: HubError) -> None:
    if wants_json():
        faults = [vars(fault) for fault in error.faults] if isinstance(error, DefinitionError) else []
        body = {"error": type(error).__name__, "message": error.message, "hint": error.hint, "transient": error.transient, "faults": faults}
        print(json.dumps(body, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"hub: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()

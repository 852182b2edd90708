"""Commands about backups: backup and restore."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import Json, print_json
from core.nouns import noun


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)


def backup(folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")], as_json: Json = False) -> None:
    """Back up databases, landing and lake to one moment, while the hub runs. Keys and connections are kept apart from backups."""
    from exchange import audit
    from pipeline.home import open_home
    from pipeline.operation.backup import backup as take
    from pipeline.operation.backup import check_place
    from registries.definition import load_definitions

    home = open_home()
    check_place(folder, home.settings)  # a backup that there is not is not to stand in the audit log
    for name in load_definitions():
        audit.record(home.audit, actor=home.settings.actor, action="backup", subject=name, purpose="backup")
    done = take(folder, home)
    _tell(done, as_json, "backed up to")
    if not as_json:
        print("not in it: the folder keys/ and connections.yml; keep both where secrets are kept, a restore needs them")


def restore(folder: Annotated[Path, typer.Argument(exists=True, help="A folder that backup has written.")], as_json: Json = False) -> None:
    """Put a backup into an empty HUB_HOME (with its keys/ in place); everything is verified before anything is changed."""
    from core.settings import load_settings
    from pipeline.home import open_home
    from pipeline.ledger import check_ledger
    from pipeline.operation.backup import restore as put_back

    settings = load_settings()
    done = put_back(folder, settings)
    equations = check_ledger(open_home(settings))
    broken = [item for item in equations if not item.holds]
    if as_json:
        print_json({**asdict(done), "equations": len(equations), "broken": [asdict(item) for item in broken]})
    else:
        _tell(done, False, "restored from")
        print(f"{len(equations)} {noun(len(equations), 'equation')} recomputed, {len(broken)} {noun(len(broken), 'does', 'do')} not hold")
    if broken:
        raise typer.Exit(1)


def _tell(done: Any, as_json: bool, verb: str) -> None:
    if as_json:
        print_json(asdict(done))
        return
    numbers = ", ".join(f"{name} #{number}" for name, number in done.publications.items()) or "nothing published"
    print(f"{verb} {done.folder}: {done.files:,} {noun(done.files, 'file')}, {done.bytes / 1e6:,.1f} MB, as of {done.at} ({numbers})")

"""Commands about the keys of signatures."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Json, answer, print_json
from core.errors import RequestError

if TYPE_CHECKING:
    from pipeline.home import Home


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(keys)


def keys(
    export: Annotated[str | None, typer.Option("--export", metavar="ID", help="Give the public key of this id, as PEM.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")] = None,
    add: Annotated[
        Path | None, typer.Option("--add", metavar="FILE", help="Register a department's public key, which signs its bundles.")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", metavar="ID", help="Refuse from now on what this key of a department signs.")
    ] = None,
    department: Annotated[str | None, typer.Option("--department", metavar="ID", help="Whose key it is.")] = None,
    as_json: Json = False,
) -> None:
    """Public keys: the hub's own, with which anybody can check its receipts, and those with which departments sign bundles."""
    from catalog.department_keys import department_keys
    from core.files import check_new_file
    from core.signing import algorithm_of, fingerprint, load_signer, public_keys
    from pipeline.home import open_home

    _check_said(export, out, add, withdraw, department)
    home = open_home()
    settings = home.settings
    if add or withdraw:
        _change(home, add, withdraw, department)
    signs = load_signer(settings).key_id
    known = public_keys(settings)
    if export is not None:
        if export not in known:
            raise RequestError(f"there is no key {export}", hint=f"there are: {', '.join(known)}")
        if out:
            check_new_file(out)
            out.write_text(known[export])
        print_json({"id": export, "public_key": known[export]}) if as_json else print(
            str(out) if out else known[export], end="\n" if out else ""
        )
        return
    document: list[dict[str, Any]] = [
        {"id": name, "algorithm": algorithm_of(text), "fingerprint": fingerprint(text), "signs": name == signs}
        for name, text in known.items()
    ]
    rows = [("the hub", item["id"], item["algorithm"], item["fingerprint"], "signs now" if item["signs"] else "") for item in document]
    theirs = department_keys(home.catalog)
    for key in theirs:
        state = f"withdrawn by {key.withdrawn_by}" if key.withdrawn_at else f"added by {key.added_by}"
        rows.append((key.department_id, key.key_id, algorithm_of(key.public_key), fingerprint(key.public_key), state))
    answer(
        as_json, {"hub": document, "departments": [asdict(key) for key in theirs]}, ("whose", "key", "algorithm", "fingerprint", ""), rows
    )


def _check_said(export: str | None, out: Path | None, add: Path | None, withdraw: str | None, department: str | None) -> None:
    """Raise RequestError for options that do not go together, before anything is done."""
    if out and export is None:
        raise RequestError("which key is to be written?", hint="./hub keys --export ID --out FILE")
    if export is not None and (add or withdraw):
        raise RequestError("a key is given out, or keys of a department are changed", hint="ask for one after the other")
    if department is not None and not (add or withdraw):
        raise RequestError("--department says whose key is added or withdrawn", hint="./hub keys --add FILE --department ID")


def _change(home: "Home", add: Path | None, withdraw: str | None, department: str | None) -> None:
    from catalog.department_keys import withdraw_key
    from pipeline.bundles import register_key

    if department is None:
        raise RequestError("whose key is it?", hint="name the department: --department ID, as in the contract")
    if add:
        register_key(home, department, add)
    if withdraw:
        withdraw_key(home.catalog, department, withdraw, home.settings.actor)

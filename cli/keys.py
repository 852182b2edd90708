"""Commands about the keys of signatures."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Json, answer, print_json
from core.errors import RequestError


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(keys)


def keys(
    export: Annotated[str | None, typer.Option("--export", metavar="ID", help="Give the public key of this id, as PEM.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")] = None,
    as_json: Json = False,
) -> None:
    """Public keys of the hub: with them anybody can check its receipts. Private halves are in HUB_HOME/keys and never leave it."""
    from core.files import check_new_file
    from core.signing import algorithm_of, fingerprint, load_signer, public_keys
    from pipeline.home import open_home

    settings = open_home().settings
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
    document = [
        {"id": name, "algorithm": algorithm_of(text), "fingerprint": fingerprint(text), "signs": name == signs}
        for name, text in known.items()
    ]
    rows = [(item["id"], item["algorithm"], item["fingerprint"], "signs now" if item["signs"] else "") for item in document]
    answer(as_json, document, ("key", "algorithm", "sha256 of the public key", ""), rows)

"""Commands about bundles, for departments that have no line to the hub."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Json, print_json
from cli.receipts import print_batch
from core.errors import RequestError


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (bundle, unbundle):
        app.command()(command)


def bundle(
    contract: Annotated[str, typer.Argument(help="Id of a registered dataset.")],
    terms: Annotated[Path | None, typer.Option("--terms", help="Write to this file what the packing program has to know.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="The department's private key: pack here, as the department would.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder that the bundle is put into.")] = Path(),
    sequence: Annotated[
        int | None, typer.Option("--sequence", min=1, help="Number of the bundle, where the next one is not known.")
    ] = None,
    count: Annotated[bool, typer.Option("--count/--no-count", help="Count the records of files.")] = True,
    as_json: Json = False,
) -> None:
    """Pack a dataset for a way without a line: the terms for connectors/offline/bundle.py, or a bundle made here from the contract's source."""
    from catalog.datasets import contract_in_force
    from core.files import check_new_file
    from pipeline.bundles import pack_here, write_terms
    from pipeline.home import open_home

    home = open_home()
    contract_in_force(home.catalog, contract)  # an unknown one is said to be so, before anything is said of the options
    if terms is None and key is None:
        raise RequestError(
            "neither terms nor a bundle is asked for",
            hint="--terms FILE writes the terms for the department, --key FILE packs a bundle here",
        )
    if terms:
        check_new_file(terms)
        write_terms(home, contract, terms)
    notes: list[str] = []
    path = pack_here(home, contract, key, out, sequence=sequence, count=count, tell=notes.append) if key else None
    if as_json:
        print_json({"terms": str(terms) if terms else None, "bundle": str(path) if path else None, "notes": notes})
        return
    if terms:
        print(f"terms written to {terms}: hand them to the department with connectors/offline/bundle.py")
    if path:
        print(*notes, sep="\n", end="\n" if notes else "")
        print(f"{path}\nit holds records as they are and is not encrypted: the medium has to be")


def unbundle(
    file: Annotated[Path, typer.Argument(help="The bundle.")],
    dataset: Annotated[str | None, typer.Option("--dataset", help="Refuse it if it is one of another dataset.")] = None,
    accept_gap: Annotated[
        str, typer.Option("--accept-gap", metavar="WHY", help="Take it in although bundles before it are missing; why is kept.")
    ] = "",
    accept_older: Annotated[
        str, typer.Option("--accept-older", metavar="WHY", help="Take it in although the source was read since it was packed; why is kept.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Take a bundle in: signature, parts, number and counts are checked, then it is landed and accepted like any delivery."""
    from pipeline.bundles import unbundle as take_in
    from pipeline.home import open_home

    batch = take_in(open_home(), file, dataset=dataset, accept_gap=accept_gap.strip(), accept_older=accept_older.strip())
    print_json(asdict(batch)) if as_json else print_batch(batch)

"""The account of a batch: its ledger, and the command that shows, writes and verifies its receipt."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import Json, print_json
from core.nouns import noun


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(receipt)


def receipt(
    batch: Annotated[str, typer.Argument(help="Batch id, as in dataset@number.")],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compute everything again from the landed rows, and ask the source whether it still says the same."),
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the signed receipt to this file.")] = None,
    as_json: Json = False,
) -> None:
    """The account of a batch: what was read, what became of it, what the source says of it, and under which versions; signed."""
    from catalog.batches import OPEN, get_batch
    from core.files import check_new_file, new_file
    from pipeline.home import open_home
    from pipeline.landing import shown_manifest
    from pipeline.receipts import compare_source, purged_by, receipt_of, verify_receipt

    if out:
        check_new_file(out)
    home = open_home()
    found = get_batch(home.catalog, batch)
    document = receipt_of(home, batch) if out or found.status not in OPEN else None
    differences = verify_receipt(home, found, document) if verify else []
    source, is_other = compare_source(home, found) if verify and found.landed is not None else (None, False)
    if out:
        with new_file(out) as file:
            file.write((json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode())
    if as_json:
        answers = {"differences": differences, "purged_by": purged_by(home, found), "source_now": source, "source_differs": is_other}
        answers["written"] = str(out) if out else None
        print_json({"batch": asdict(found), "manifest": shown_manifest(home.settings, found), "signed": document, **answers})
    else:
        print_batch(found)
        _print_receipt(document)
        if verify:
            _print_verified(differences, purged_by(home, found), source, is_other, has_landed=found.landed is not None)
        if out and document:
            key = document["receipt"]["key_id"]
            print(f"written to {out}; exchange/verify_receipt.py checks it with the key that ./hub keys --export {key} gives")
    if differences:
        raise typer.Exit(1)


def _print_receipt(document: Mapping[str, Any] | None) -> None:
    """What landing and source add up to, and who has signed it."""
    if document is None:
        print("  receipt  none yet: it is signed when the batch has ended")
        return
    signed = document["receipt"]
    landing, source = signed["landing"], signed["source"]
    if landing:
        parts = (
            f"in {len(landing['partitions'])} {noun(len(landing['partitions']), 'partition')}"
            if landing["partitions"]
            else "not shown, there are fewer than 100 rows"
        )
        rows = f"{landing['rows']:,} {noun(landing['rows'], 'row')}"
        print(f"  landing  {rows}, digest {landing['digest'] or ''}{' ' if landing['digest'] else ''}{parts}")
    if source:
        rows = "" if source["rows"] is None else f"{source['rows']:,} {noun(source['rows'], 'row')} by {source['engine']}, "
        reason = f" ({source['reason']})" if source["reason"] else ""
        print(f"  source   {rows}{source['verdict']}{reason}")
        for item in source["not_comparable"]:
            print(f"           not comparable: {item['column']} ({item['reason']})")
        for file in source.get("files", []):
            print(f"  file     {file['name']}, {file['bytes']:,} {noun(file['bytes'], 'byte')}, sha256 {file['sha256']}")
    print(f"  signed   {signed['algorithm']}, key {signed['key_id']}, {signed['issued_at']}")


def _print_verified(differences: Sequence[str], purge: int | None, source: str | None, is_other: bool, *, has_landed: bool) -> None:
    is_there = has_landed and purge is None
    held = "signature, equations, catalog and landing hold" if is_there else "signature, equations and catalog hold"
    print("  verified " + ("; ".join(differences) or held))
    if not has_landed:
        print("           nothing of the batch landed")
    elif purge is not None:
        print(f"           the delivery itself was removed when its retention had run out: ./hub purge --receipt {purge}")
    if source is not None:
        print(f"  source now: {source}")
    if is_other:
        print(
            "           a source that has changed since the batch was read is no fault of the batch: ask the department what changed; the next "
            "batch will bring it"
        )


def print_batch(batch: Any) -> None:
    """The ledger of a batch for a person."""
    print(
        f"{batch.batch_id}: {batch.status} (contract version {batch.contract_version}, standard {batch.standard_version}, by {batch.actor})"
    )
    if batch.landed is not None:
        print(f"  rows     read {batch.read:,} = landed {batch.landed:,} + unreadable {batch.unreadable:,}")
    if batch.accepted is not None:
        print(
            f"           landed {batch.landed:,} = accepted {batch.accepted:,} + unchanged {batch.unchanged:,} "
            f"+ repeated {batch.repeated:,} + quarantined {batch.quarantined:,}"
        )
        if batch.status != "accepted":
            print("           it was not taken in: these figures are what would have become of it")
        print(f"  records  {batch.records:,} = previous {batch.previous:,} + inserted {batch.inserted:,} - deleted {batch.deleted:,}")
        print(f"           updated {batch.updated:,}")
    for note in batch.notes:
        print(f"  note     {note['kind']}: {note['message']}")
    if batch.error:
        print(f"  error    {batch.error}\n  to do    {batch.hint}")

"""Commands about publications: publish, replay-publication."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.output import Json, print_json
from cli.reasons import reason_given
from core.nouns import noun

Registry = Annotated[str, typer.Argument(help="Id of a base registry: population, legal_entity, certificate, …")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(publish)
    app.command()(replay_publication)


def publish(
    registry: Registry,
    accept_shrink: Annotated[
        str | None,
        typer.Option(
            "--accept-shrink", metavar="WHY", help="Let as many entities disappear as the stopped attempt has shown; why is kept."
        ),
    ] = None,
    accept_change: Annotated[
        str | None,
        typer.Option("--accept-change", metavar="WHY", help="Let sources change as much as the stopped attempt has shown; why is kept."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish everything accepted since the last publication of a base registry."""
    from pipeline.home import open_home
    from pipeline.publish import publish as publish_registry
    from registries.publications import shown

    outcome = publish_registry(
        registry, open_home(), accept_shrink=reason_given(accept_shrink), accept_change=reason_given(accept_change, "--accept-change")
    )
    now = outcome.publication
    if as_json:
        print_json({**shown(now), "is_new": outcome.is_new})
        return
    if not outcome.is_new:
        since = f"nothing new since publication {now.number} of {registry}"
        print(
            since
            if now.number
            else f"nothing to publish: no accepted batch feeds {registry} yet; ./hub status says where its datasets stand"
        )
        if accept_shrink or accept_change:
            print("no attempt was stopped that could be let pass: the reason was not kept")
        return
    entities = f"{now.entities:,} {noun(now.entities, 'entity', 'entities')}"
    print(f"publication {now.number} of {registry}: {entities} ({now.inserted:,} new, {now.updated:,} changed, {now.deleted:,} gone)")
    print(f"records {now.records:,} = linked {now.linked:,} + waiting for matching {now.unlinked:,} + withheld {now.withheld:,}")
    if now.apart or now.contradictions:
        print(
            f"{now.apart:,} of those that wait are kept apart from their identifier's entity; {now.contradictions:,} contradictions among judgements"
        )
        print(_who_decides(registry, open_home()))
    if now.shrink_accepted:
        print(f"the shrink was accepted by {now.actor}: {now.shrink_accepted}")
    elif accept_shrink:
        print("no shrink had to be accepted")
    if now.change_accepted:
        print(f"what sources changed was accepted by {now.actor}: {now.change_accepted}")
    elif accept_change:
        print("no change of a source had to be accepted")


def _who_decides(registry: str, home: Any) -> str:
    """What becomes of records that are kept apart: not all of them are a pair that a person can look at."""
    from registries.candidates import open_pairs

    if open_pairs(home.serving, registry, 1):
        return f"./hub judgements {registry} --open lists what a person has to decide"
    return (
        "nobody has to decide: where one source has one identifier for many, another has to show whose it is; then these find their places"
    )


def replay_publication(
    registry: Registry,
    number: Annotated[int, typer.Argument(min=1, help="Number of the publication.")],
    as_json: Json = False,
) -> None:
    """Work a publication out again from its pinned inputs, and compare rows and files with what was published."""
    from pipeline.home import open_home
    from pipeline.publication.replay import replay_publication as replay

    found = replay(registry, number, open_home())
    if as_json:
        print_json(found.shown())
    else:
        same = "the same" if found.published == found.replayed else "DIFFERENT"
        print(f"publication {number} of {registry}: {found.replayed[0]:,} of {found.published[0]:,} entities, row digests {same}")
        for file in found.files:
            print(f"  {file.outcome.replace('-', ' ')}  {file.path} ({file.rows:,} {noun(file.rows, 'row')})")
        if found.bytes_expected:
            print(f"rows and bytes were compared: files are written by {found.replayed_by['engine']} under the same settings")
        else:
            by, again = _writer(found.written_by), _writer(found.replayed_by)
            told = f"{by} in another form of file" if by == again else f"{by}, replayed by {again}"
            print(f"rows were compared, not bytes: written by {told}")
    if not found.is_same:
        raise typer.Exit(1)


def _writer(written_by: Mapping[str, Any] | None) -> str:
    """An engine and its settings in words."""
    return (
        "an engine that was not written down" if written_by is None else "{engine}, {threads} threads, {memory_mb} MB".format(**written_by)
    )

"""Commands about versions of the standard: standards versions, and standards diff with the blast radius of a change."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.output import Json, answer, print_json, print_table

if TYPE_CHECKING:
    from pipeline.home import Home
    from pipeline.impact.blast_radius import Impact
    from standards.model import Standards

Operand = Annotated[str, typer.Argument(help="current (installed), a version that batches have used, or a folder.")]
Lang = Annotated[Literal["zh", "en"], typer.Option("--lang", help="Language of the sentences.")]


def add_to(group: typer.Typer) -> None:
    """Add these commands."""
    group.command()(versions)
    group.command()(diff)


def versions(as_json: Json = False) -> None:
    """The versions of the standard that batches have used."""
    from catalog.standards import standard_versions
    from core.clock import beijing_text
    from pipeline.home import open_home

    found = standard_versions(open_home().catalog)
    rows = [(v.version, v.in_force_from, v.title_en, v.batches, beijing_text(v.recorded_at), v.recorded_by, v.digest[:12]) for v in found]
    answer(as_json, [asdict(item) for item in found], ("version", "in force from", "title", "batches", "first used", "by", "digest"), rows)


def diff(
    old: Operand,
    new: Operand,
    impact: Annotated[bool, typer.Option("--impact", help="Try the change on the last accepted delivery of every dataset.")] = False,
    rows: Annotated[int, typer.Option("--rows", min=100, help="Most rows looked at per dataset; more are sampled.")] = 200_000,
    lang: Lang = "en",
    as_json: Json = False,
) -> None:
    """What changed between two standards, in words, and what adopting the second would do to the data that is here.

    To propose a change: copy the folder standards/, edit the copy, raise its version, then ./hub standards diff current COPY --impact.
    Ends with 0; with 1 where by --impact a delivery or a publication would be stopped, or a contract would no longer fit.
    """
    from functools import cache

    from pipeline.home import open_home
    from pipeline.standard import standard_named

    opened = cache(open_home)
    before, after = standard_named(old, opened), standard_named(new, opened)
    radius = None
    if impact:
        from pipeline.impact.blast_radius import impact as try_out

        radius = try_out(opened(), before, after, rows)
        _audit(opened(), radius, f"standards diff {before.version} {after.version}")
    if as_json:
        print_json(_document(before, after, radius))
    else:
        _print_differences(before, after, lang)
        if radius is not None:
            from cli.impact import print_impact

            print_impact(radius, rows, before.issue_types | after.issue_types, lang)
    if radius is not None and radius.stops:
        raise typer.Exit(1)


def _audit(home: "Home", radius: "Impact", purpose: str) -> None:
    """Write down that records were looked at, masked, before any is shown."""
    from exchange import audit

    for item in radius.datasets:
        audit.record(home.audit, actor=home.settings.actor, action="standards-diff", subject=item.contract_id, purpose=purpose)


def _document(old: "Standards", new: "Standards", radius: "Impact | None") -> dict[str, Any]:
    from standards.difference_words import sentence
    from standards.differences import differences
    from standards.texts import LANGUAGES

    found = [
        {
            **{name: _plain(getattr(item, name)) for name in item.__dataclass_fields__},
            "words": {one: sentence(item, one) for one in LANGUAGES},
        }
        for item in differences(old, new)
    ]
    releases = {side: standard.release.model_dump(mode="json") for side, standard in (("old", old), ("new", new))}
    return {**releases, "differences": found, "impact": None if radius is None else _plain(asdict(radius) | {"stops": radius.stops})}


def _plain(value: Any) -> Any:
    """A value with models as dictionaries."""
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _print_differences(old: "Standards", new: "Standards", lang: Literal["zh", "en"]) -> None:
    from cli.impact import texts
    from standards.difference_words import lines, words
    from standards.differences import EFFECTS, differences
    from standards.versions import digest

    t, w, release = texts(lang), words(lang), new.release
    print(t("standard", old=old.version, new=new.version, day=release.in_force_from, title=getattr(release.title, lang)))
    found = differences(old, new)
    if not found:
        print(t("none"))
        return
    if old.version == new.version and digest(old) != digest(new):
        print(t("same_number", version=new.version))
    rows = [(w(f"effect.{effect}"), subject, text) for effect, subject, text in lines(found, lang)]
    print_table((t("effect"), t("definition"), t("change")), rows)
    for effect in EFFECTS:
        if any(item.effect == effect for item in found):
            print(f"{w(f'effect.{effect}')}: {w(f'explained.{effect}')}")

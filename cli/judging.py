"""Commands about pairs of records: link, judge, judgements. A decision counts from the next publication on."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.output import Json, answer, print_json
from core.errors import RequestError
from core.nouns import noun

Registry = Annotated[str, typer.Argument(help="The registry, such as population or legal_entity.")]
Record = Annotated[str | None, typer.Argument(metavar="RECORD", help="A record id, as ./hub why and ./hub judgements show them.")]
Why = Annotated[str, typer.Option("--why", help="Why; it is kept with the judgement.")]
LISTED = 100
SHORTEST_WHY = 2  # characters: 同人


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(link)
    app.command()(judge)
    app.command()(judgements)


def link(registry: Registry, as_json: Json = False) -> None:
    """Look for the entities of records without an identifier: what earlier codes and the model are sure of is judged, the rest waits for a person."""
    from pipeline.link import link as run_link

    _schema(registry)
    found = run_link(registry)
    if as_json:
        print_json(asdict(found))
        return
    print(
        f"{found.unlinked:,} {noun(found.unlinked, 'record')} waited: {found.judged:,} {noun(found.judged, 'pair')} judged the same, "
        f"{found.offered:,} {noun(found.offered, 'waits', 'wait')} for a person"
    )
    if found.model is None:
        print(f"{registry} has no trained model: only earlier codes were compared, all other records without an identifier wait")
    if found.judged:
        print(f"./hub publish {registry} follows the judgements")


def judge(
    registry: Registry,
    left: Record = None,
    right: Record = None,
    verdict: Annotated[str | None, typer.Argument(help="same, different or unsure.")] = None,
    withdraw: Annotated[int | None, typer.Option("--withdraw", metavar="NUMBER", help="Instead, take this judgement back.")] = None,
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Say that two records are the same or different, or take a judgement back; the next publication follows it."""
    from pipeline.home import open_home
    from registries.judgements import get_judgement
    from registries.judgements import withdraw as take_back

    home = open_home()
    schema = _schema(registry)
    if withdraw is not None and left is not None:
        raise RequestError("a judgement is taken back by its number alone", hint=f"./hub judge {registry} --withdraw {withdraw} --why …")
    pair = _pair(schema.id, left, right, verdict) if withdraw is None else None
    if len(why.strip()) < SHORTEST_WHY:
        raise RequestError(
            f"say why, in at least {SHORTEST_WHY} characters: --why", hint="it is kept with the judgement, for whoever wonders later"
        )
    if withdraw is not None:
        take_back(home.serving, registry, withdraw, home.settings.actor, why)
        number = withdraw
    if pair is not None:
        number = _judged(home, schema, *pair, why)
    found = get_judgement(home.serving, registry, number)
    if as_json:
        print_json(asdict(found))
        return
    print(
        f"judgement {number} of {registry}: {found.verdict}{', withdrawn' if found.withdrawn else ''}; ./hub publish {registry} follows it"
    )


def _pair(registry: str, left: str | None, right: str | None, verdict: str | None) -> tuple[str, str, str]:
    """Two records and what is said of them. Raises RequestError where one of the three is missing."""
    from registries.judgements import VERDICTS

    if left is None or right is None or verdict not in VERDICTS:
        raise RequestError("name two records and a verdict", hint=f"./hub judge {registry} RECORD RECORD {'|'.join(VERDICTS)} --why …")
    return left, right, verdict


def _judged(home: Any, schema: Any, left: str, right: str, verdict: str, why: str) -> int:
    from exchange import audit
    from pipeline.answers.review import find_side
    from registries.judgements import VERDICTS, Decision, ordered
    from registries.judgements import judge as write

    said = next(name for name in VERDICTS if name == verdict)
    sides = ordered(*(find_side(home, schema, name) for name in (left, right)))
    subject = audit.part_subject(schema.id, "+".join(side.record_id for side in sides))
    audit.record(home.audit, actor=home.settings.actor, action="judge", subject=subject, purpose=why[: audit.LONGEST_PURPOSE])
    return write(home.serving, schema.id, [Decision(*sides, said, why)], home.settings.actor)


def judgements(
    registry: Registry,
    open_only: Annotated[bool, typer.Option("--open", help="Instead, the pairs that wait for a decision.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = LISTED,
    as_json: Json = False,
) -> None:
    """What has been judged about pairs of records, the newest first, or what waits for it."""
    from core.clock import beijing_text
    from pipeline.home import open_home
    from registries.candidates import count_open, open_pairs
    from registries.judgements import judgements as told
    from registries.publications import latest

    home = open_home()
    _schema(registry)
    if open_only:
        pairs = open_pairs(home.serving, registry, limit)
        rows = [(p.left.record_id, p.right.record_id, p.method, round(p.score, 1), p.left.contract_id, p.right.contract_id) for p in pairs]
        document = {"open": count_open(home.serving, registry), "pairs": [asdict(pair) for pair in pairs]}
        answer(as_json, document, ("record", "record", "found by", "score", "dataset", "dataset"), rows)
        return
    found = told(home.serving, registry, limit)
    current = latest(home.serving, registry)
    if as_json:
        print_json(
            {"published": current.judgements, "contradictions": current.contradictions, "judgements": [asdict(item) for item in found]}
        )
        return
    lines = [
        (
            item.number,
            item.verdict
            + (", withdrawn" if item.withdrawn else ", from the next publication on" if item.number > current.judgements else ""),
            item.left.record_id,
            item.right.record_id,
            item.method,
            item.actor,
            beijing_text(item.at),
            item.why,
        )
        for item in found
    ]
    answer(False, None, ("number", "verdict", "record", "record", "by", "actor", "at (Beijing)", "why"), lines)


def _schema(registry: str) -> Any:
    from registries.definition import get_definition
    from standards.loader import load_standards

    return load_standards().schemas[get_definition(registry).id]

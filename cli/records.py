"""Commands about base records: show and why. Each reading is written to the audit log first."""

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from cli.days import day
from cli.output import Json, answer, plain, print_json
from core.nouns import noun

Registry = Annotated[str, typer.Argument(help="Id of a base registry: population, legal_entity, certificate, …")]
Name = Annotated[str, typer.Argument(metavar="ID", help="Canonical id, or the registry's own identifier (a certificate: type/number).")]
Purpose = Annotated[str, typer.Option("--purpose", help="Why you read this record; it is kept in the audit log.")]
KnownAt = Annotated[int | None, typer.Option("--known-at", help="As it was known by this publication.")]
ValidAt = Annotated[date | None, typer.Option("--valid-at", parser=day, metavar="DAY", help="As it was in the world on this day.")]
NO_PURPOSE = "not stated"
PURGED = "(purged)"  # in the place of a row as received that is kept no longer


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(show)
    app.command()(why)


def show(
    registry: Registry,
    name: Name,
    valid_at: ValidAt = None,
    known_at: KnownAt = None,
    purpose: Purpose = NO_PURPOSE,
    as_json: Json = False,
) -> None:
    """A record of a base registry: as it is published now, or as of any two times."""
    from pipeline.answers.why import show as show_entity
    from pipeline.home import open_home
    from registries.further_values import COLUMN, as_document, further_values

    home = open_home()
    canonical_id, number = _audited(home, "show", registry, name, purpose, known_at)
    row = show_entity(home, registry, canonical_id, _moment(valid_at, number))
    if as_json:
        print_json({**row, COLUMN: as_document(row[COLUMN])})
        return
    filled = {key: value for key, value in row.items() if value is not None}
    plain({key: value for key, value in filled.items() if key != COLUMN})
    for item in further_values(row[COLUMN]):
        since = f", since {item.valid_from}" if item.valid_from else ""
        print(f"beside {item.element}: {item.value} ({item.role}{since}; {', '.join(item.sources)})")
    empty = len(row) - len(filled)
    print(f"\n{empty} more {noun(empty, 'column is', 'columns are')} empty; --json prints all")


def why(
    registry: Registry,
    name: Name,
    element: Annotated[str | None, typer.Argument(help="One data element; by default all.")] = None,
    valid_at: ValidAt = None,
    known_at: KnownAt = None,
    purpose: Purpose = NO_PURPOSE,
    as_json: Json = False,
) -> None:
    """Why a record's values are what they are: source, batch, raw form, and the values that lost."""
    from contracts.schema import suggestion
    from core.clock import beijing_text
    from core.errors import RequestError
    from pipeline.answers.why import why_at
    from pipeline.home import open_home

    home = open_home()
    canonical_id, number = _audited(home, "why", registry, name, purpose, known_at)
    found = why_at(home, registry, canonical_id, _moment(valid_at, number))
    answers = [item for item in found.answers if element in (None, item.element)]
    if not answers:
        known = [item.element for item in found.answers]
        raise RequestError(f"{registry} has no element {element}{suggestion(element or '', known)}", hint=f"it has {', '.join(known)}")
    if as_json:
        print_json({**asdict(found), "answers": [asdict(item) for item in answers]})
        return
    print(
        f"{registry} {found.canonical_id}, publication {found.number} of {beijing_text(found.published_at)} (Beijing) by {found.published_by}"
    )
    print(f"standard {found.standard_version}, definition {registry}/{found.definition_version}; receipts: ./hub receipt BATCH")
    rows = [
        (item.element if not place else "", c.value, verdict, c.batch_id, c.position, c.raw if c.has_raw else PURGED, _rules(c), c.link)
        for item in answers
        for place, (c, verdict) in enumerate(_words(item))
    ]
    answer(False, None, ("element", "value", "verdict", "batch", "row", "as received", "rules", "linked by"), rows)
    for item in found.judgements:
        gone = f", withdrawn by {item.withdrawn.actor}: {item.withdrawn.why}" if item.withdrawn else ""
        by = f"{item.method}, {item.score:.1f}" if item.score is not None else item.method
        print(
            f"judgement {item.number}: {item.left.record_id} {item.verdict} {item.right.record_id} ({by}; {item.actor}: {item.why}){gone}"
        )
    for name in found.placed:
        print(f"record {name} is here by judgement")


def _words(answer: Any) -> list[tuple[Any, str]]:
    """Every word on an element with what became of it; behind them those that the values beside the chosen one come from."""
    beside = [(word, f"{_verdict(word)}: {further.value.role}") for further in answer.further for word in further.words]
    return [*((candidate, _verdict(candidate)) for candidate in answer.candidates), *beside]


def _verdict(candidate: Any) -> str:
    """What became of a value, and that its row was repaired, where it was."""
    repair = candidate.repair
    return f"{candidate.verdict}; repaired in {repair.file}, handed in by {repair.actor}" if repair else str(candidate.verdict)


def _rules(candidate: Any) -> str:
    """The rules on the way of a value, each with its version."""
    return "; ".join(f"{rule.kind} {rule.name} ({rule.version})" for rule in candidate.rules)


def _moment(valid_at: date | None, known_at: int | None) -> Any:
    from pipeline.answers.why import Moment

    return Moment(valid_at, known_at)


def _audited(home: Any, action: str, registry: str, name: str, purpose: str, known_at: int | None = None) -> tuple[str, int]:
    """Find the entity and write down who reads it; nothing is shown before that. Returns it with the publication that knows it so."""
    from core.errors import RequestError
    from exchange import audit
    from pipeline.answers.why import find_entity, publication_number
    from registries.definition import get_definition

    get_definition(registry)  # what was typed in a registry's place may be the number of a person, and is not written down
    try:
        number = publication_number(home, registry, known_at)
        canonical_id = find_entity(home, registry, name, number)
    except RequestError:
        # Asking for someone who is not there says something as well; the name asked for is not kept.
        audit.record(home.audit, actor=home.settings.actor, action=f"{action}-without-result", subject=registry, purpose=purpose)
        raise
    audit.record(
        home.audit, actor=home.settings.actor, action=action, subject=audit.entity_subject(registry, canonical_id), purpose=purpose
    )
    return canonical_id, number

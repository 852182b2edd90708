"""The change feed as a command. Reading it is reading persons' rows, so each page is written to the audit log first."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.output import Json, answer, print_json
from cli.records import NO_PURPOSE, Purpose, Registry

LIMIT = 1000


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(changes)


def changes(
    registry: Registry,
    after: Annotated[int, typer.Option("--after", min=0, help="The number of the last change you have; 0: from the first on.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Most changes, or rows, of one answer.")] = LIMIT,
    anew: Annotated[bool, typer.Option("--anew", help="The whole table instead, in pages, and the number to go on from.")] = False,
    publication: Annotated[int | None, typer.Option("--publication", help="With --anew: the publication of the first page.")] = None,
    after_id: Annotated[str, typer.Option("--after-id", help="With --anew: where the page before ended.")] = "",
    purpose: Purpose = NO_PURPOSE,
    as_json: Json = False,
) -> None:
    """What changed in a base registry after a number: inserts, updates with the changed elements, deletes, and merges, splits and re-keys."""
    from core.errors import RequestError
    from pipeline.home import open_home

    if not anew and (publication is not None or after_id):
        raise RequestError(
            "--publication and --after-id are about the whole table", hint="give them with --anew, or --after NUMBER for changes"
        )
    if anew and after:
        raise RequestError("--after is about changes", hint="leave it out with --anew: the last page says from which number to go on")
    home = open_home()
    if anew:
        _print_state(home, registry, publication, after_id, limit, purpose, as_json)
    else:
        _print_changes(home, registry, after, limit, purpose, as_json)


def _print_changes(home: Any, registry: str, after: int, limit: int, purpose: str, as_json: bool) -> None:
    from registries.feed import read_changes

    definition, schema = _audited(home, registry, f"{after + 1}-{after + limit}", purpose)
    page = read_changes(home.serving, definition, schema, after, limit)
    if as_json:
        print_json(asdict(page))
        return
    rows = [(item.seq, item.publication, item.event, item.canonical_id, _told(item.values) or item.successor) for item in page.events]
    answer(False, None, ("number", "publication", "event", "canonical id", "values, or successor"), rows)
    print(f"\nread up to {page.last} of {page.newest}; go on: ./hub changes {registry} --after {page.last}")


def _print_state(home: Any, registry: str, number: int | None, after_id: str, limit: int, purpose: str, as_json: bool) -> None:
    from registries.feed import read_state

    _, schema = _audited(home, registry, "state", purpose)
    page = read_state(home.serving, schema, number, after_id, limit)
    if as_json:
        print_json(asdict(page))
        return
    answer(
        False, None, ("canonical id", "valid from", "values"), [(row.canonical_id, row.valid_from, _told(row.values)) for row in page.rows]
    )
    more = f"--anew --publication {page.publication} --after-id {page.after_id}" if page.after_id else f"--after {page.resume_after}"
    print(f"\npublication {page.publication}; go on: ./hub changes {registry} {more}")


def _told(values: Any) -> str:
    """Values of an entity in a line; those beside the chosen ones as `show` tells them."""
    from registries.further_values import COLUMN

    return ", ".join(
        _beside(value) if name == COLUMN else f"{name}={'–' if value is None else value}" for name, value in (values or {}).items()
    )


def _beside(document: Any) -> str:
    told = [f"beside {item['element']}: {item['value']} ({item['role']}; {', '.join(item['sources'])})" for item in document or ()]
    return ", ".join(told) or "nothing beside"


def _audited(home: Any, registry: str, part: str, purpose: str) -> tuple[Any, Any]:
    """The definition and schema of a registry, after writing down who reads which part of it."""
    from exchange import audit
    from registries.definition import get_definition
    from standards.loader import load_standards

    definition = get_definition(registry)
    audit.record(home.audit, actor=home.settings.actor, action="changes", subject=audit.part_subject(definition.id, part), purpose=purpose)
    return definition, load_standards().schemas[definition.id]

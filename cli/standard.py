"""Commands about the standard: normalize, and standards list, show, render."""

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from cli.output import Json, answer, print_json

group = typer.Typer(help="The standards: data elements, code lists, schemas.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(normalize)
    app.add_typer(group, name="standards")


def normalize(
    value: Annotated[str | None, typer.Argument(help="One value.")] = None,
    element: Annotated[str | None, typer.Option("--element", "-e", help="Data element, by id or alias.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", exists=True, help="File with columns element,raw.")] = None,
    as_json: Json = False,
) -> None:
    """The standard's answer for one value, or for a CSV file: the same rows on standard output with value,status,issues added."""
    from core.errors import RequestError
    from standards.loader import load_standards
    from standards.single import normalize_values

    if csv_file is not None:
        _normalize_csv(csv_file)
        return
    if element is None or value is None:
        raise RequestError("give --element and a value, or --csv FILE", hint="./hub normalize --element resident_id VALUE")
    (found,) = normalize_values(load_standards(), element, [value])
    row = {"value": found.value, "status": found.status, "issues": list(found.issues)}
    print_json(row) if as_json else answer(
        False, None, ("value", "status", "issues"), [(found.value, found.status, ", ".join(found.issues))]
    )


def _normalize_csv(path: Path) -> None:
    from core.errors import RequestError
    from standards.loader import load_standards
    from standards.single import normalize_values

    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    if not {"element", "raw"} <= set(reader.fieldnames or ()):
        raise RequestError(f"{path.name} has no columns element,raw", hint=f"its header line is: {', '.join(reader.fieldnames or ())}")
    by_element: dict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        by_element[row["element"]].append(position)
    for element, positions in by_element.items():
        try:
            answers = normalize_values(load_standards(), element, [rows[position]["raw"] for position in positions])
        except RequestError:
            for position in positions:
                rows[position] |= {"value": "", "status": "unknown-element", "issues": "unknown-element"}
            continue
        for position, found in zip(positions, answers, strict=True):
            rows[position] |= {"value": found.value or "", "status": found.status, "issues": ";".join(found.issues)}
    writer = csv.DictWriter(sys.stdout, [*(reader.fieldnames or ()), "value", "status", "issues"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


@group.command("list")
def list_elements(as_json: Json = False) -> None:
    """All data elements."""
    from standards.loader import load_standards

    elements = load_standards().elements.values()
    rows = [(e.id, e.title.zh, e.title.en, e.type, e.source.standard, e.classification) for e in elements]
    answer(as_json, [e.model_dump() for e in elements], ("id", "名称", "title", "type", "standard", "classification"), rows)


@group.command("show")
def show(name: Annotated[str, typer.Argument(help="A data element, a code list or a schema.")], as_json: Json = False) -> None:
    """One definition, whole."""
    import yaml

    from core.errors import RequestError
    from standards.loader import load_standards

    standards = load_standards()
    found = standards.elements.get(name) or standards.code_lists.get(name) or standards.schemas.get(name)
    if found is None:
        raise RequestError(f"the standard has no {name}", hint="./hub standards list")
    document = found.model_dump(mode="json", exclude_defaults=True)
    print_json(document) if as_json else print(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120), end="")


@group.command("render")
def render(
    schema: Annotated[str, typer.Argument(help="population, legal_entity or certificate.")],
    target: Annotated[str, typer.Argument(help="arrow, sqlite, postgresql, json-schema, checks, gx or dictionary.")],
) -> None:
    """A schema in another form: Arrow, DDL, JSON Schema, checks, Great Expectations suite, data dictionary."""
    from core.errors import RequestError
    from quality.render import RENDERERS
    from standards.loader import load_standards

    standards = load_standards()
    if schema not in standards.schemas:
        raise RequestError(f"there is no schema {schema}", hint=", ".join(standards.schemas))
    if target not in RENDERERS:
        raise RequestError(f"there is no rendering {target}", hint=", ".join(RENDERERS))
    print(RENDERERS[target](standards.schemas[schema], standards))

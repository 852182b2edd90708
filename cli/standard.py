"""Commands about the standard: standards list, show, render."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cli import standard_versions
from cli.output import Json, answer, print_json

group = typer.Typer(help="The standards: data elements, code lists, schemas.", no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="standards")
    standard_versions.add_to(group)


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
    target: Annotated[str | None, typer.Argument(help="A form; left out, all forms are listed.")] = None,
    schema: Annotated[str | None, typer.Argument(help="Id of a base registry: population, …; left out, all.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write files into, instead of standard output.")] = None,
    as_json: Json = False,
) -> None:
    """The standard in another form: DDL, JSON Schema, Excel template, data dictionary and others."""
    from core.errors import RequestError
    from quality.render import TARGETS
    from standards.loader import load_standards

    if target is None:
        titles = [(name, found.title) for name, found in TARGETS.items()]
        answer(as_json, [{"target": name, "title": title} for name, title in titles], ("target", "what it is"), titles)
        return
    if target not in TARGETS:
        raise RequestError(f"there is no rendering {target}", hint=", ".join(TARGETS))
    if out is None and not TARGETS[target].is_text:
        raise RequestError(f"{target} is not a text to print", hint=f"./hub standards render {target} --out FOLDER")
    standards = load_standards()
    if schema is not None and schema not in standards.schemas:
        raise RequestError(f"there is no schema {schema}", hint=", ".join(standards.schemas))
    chosen = [standards.schemas[schema]] if schema else list(standards.schemas.values())
    files = TARGETS[target].render(chosen, standards)
    _write(files, out, as_json) if out is not None else _print(files, as_json)


def _write(files: Mapping[str, str | bytes], folder: Path, as_json: bool) -> None:
    from core.files import requested

    for name, content in files.items():
        path = folder / name
        with requested(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    if as_json:
        print_json({"folder": str(folder), "files": list(files)})
    else:
        first = next(iter(files))
        print(f"{folder / first}" if len(files) == 1 else f"{len(files)} files in {folder}")


def _print(texts: Mapping[str, str | bytes], as_json: bool) -> None:
    print_json(texts) if as_json else print("".join(map(str, texts.values())), end="")

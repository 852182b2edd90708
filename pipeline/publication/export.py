"""Export: a base table as of one publication, as a file for bulk reuse, and a manifest that says what it is.

It has the columns of the standard that the publication was made with. Values of persons are masked unless a purpose is given; either way the
export is in the audit log before the first row is read. The folder is new and its owner's alone. Whoever loads the file follows the change
feed after the manifest's `resume_after`.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Literal, get_args

from core.clock import now, utc_text
from core.engine import Engine, literal, quote
from core.errors import RequestError
from core.files import requested
from exchange import audit
from pipeline.home import Home
from pipeline.publication.base import base_columns, base_state
from pipeline.standard import standard_of
from registries.definition import get_definition
from registries.feed import last_change
from registries.further_values import COLUMN, masked_column_sql
from registries.publications import Publication, get_publication, published, shown
from registries.versions import MEANINGS
from standards.loader import load_standards
from standards.masked import is_personal, masked_sql
from standards.model import DataElement, Schema

Format = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
MANIFEST = "manifest.json"
SYSTEM = {
    "_canonical_id": {"zh": MEANINGS["_canonical_id"], "en": "Id of the entity, which never changes and is never used again"},
    "_publication": {"zh": MEANINGS["_publication_from"], "en": "Publication that brought the row as it is"},
    "_valid_from": {"zh": MEANINGS["_valid_from"], "en": "Day from which it held in the world, as the sources say"},
    "_valid_to": {"zh": MEANINGS["_valid_to"], "en": "Day until which it held, exclusive; 9999-12-31 where it has not ended"},
}
FURTHER = {"zh": MEANINGS[COLUMN], "en": "Values beside those in the columns, as JSON: element, role, value, sources, valid_from"}
MASKED = "masked"


@dataclass(frozen=True)
class Column:
    """A column of the file: what it means, and whether its values are masked."""

    name: str
    type: str
    title: Mapping[str, str]
    masked: bool = False


@dataclass(frozen=True)
class Export:
    """What an export says of itself. `digest` is that of the whole table, as the publication has it."""

    registry: str
    publication: int
    published_at: datetime
    standard_version: str
    definition_version: int
    digest: str | None
    resume_after: int
    exported_at: datetime
    actor: str
    purpose: str
    format: Format
    file: str
    rows: int
    bytes: int
    sha256: str
    columns: tuple[Column, ...] = field(default=())


def export(home: Home, registry: str, folder: Path, *, form: str = "parquet", known_at: int | None = None, purpose: str = "") -> Export:
    """Write a base table and its manifest into a folder that is not there yet, all or nothing.

    Raises RequestError where the folder is there, the form is none of FORMATS, or there is no such publication.
    """
    definition = get_definition(registry)
    chosen = next((known for known in FORMATS if known == form), None)
    if chosen is None:
        raise RequestError(f"{form} is no form of an export", hint=", ".join(FORMATS))
    publication = published(home.serving, definition.id) if known_at is None else get_publication(home.serving, definition.id, known_at)
    if folder.exists():
        raise RequestError(f"{folder} exists already", hint="name a new folder")
    schema = standard_of(home, publication).schemas[definition.id]
    draft = folder.with_name(f".{folder.name}.draft")
    with requested(folder):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
    try:
        _write_down(home, publication, purpose)
        done = _write(home, schema, publication, draft, chosen, purpose)
        (draft / MANIFEST).write_text(json.dumps(asdict(done), ensure_ascii=False, indent=1, default=utc_text) + "\n", encoding="utf-8")
        with requested(folder):
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return done


def _write_down(home: Home, publication: Publication, purpose: str) -> None:
    subject = audit.part_subject(publication.registry, f"publication-{publication.number}")
    action = "export" if purpose else "export-masked"
    audit.record(home.audit, actor=home.settings.actor, action=action, subject=subject, purpose=purpose or MASKED)


def _write(home: Home, schema: Schema, publication: Publication, folder: Path, form: Format, purpose: str) -> Export:
    columns = tuple(_columns(schema, masked=not purpose))
    file = folder / f"{schema.table}-{publication.number:08d}.{form}"
    with Engine(home.settings) as engine:
        rows = f"SELECT {', '.join(_selected(schema, columns))} FROM {base_state(home, schema, publication.number, _names(columns))} ORDER BY 1"
        count = engine.value(f"COPY ({rows}) TO {literal(str(file))} ({_options(form, publication)})", doing=f"exporting {schema.id}")
    with file.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    return Export(
        registry=schema.id,
        publication=publication.number,
        published_at=publication.published_at,
        standard_version=publication.standard_version,
        definition_version=publication.definition_version,
        digest=shown(publication)["digest"],
        resume_after=last_change(home.serving, schema.id, publication.number),
        exported_at=now(),
        actor=home.settings.actor,
        purpose=purpose or MASKED,
        format=form,
        file=file.name,
        rows=count,
        bytes=file.stat().st_size,
        sha256=digest,
        columns=columns,
    )


def _columns(schema: Schema, *, masked: bool) -> Iterator[Column]:
    kinds = base_columns(schema)
    yield from (Column(name, kinds[name], title) for name, title in SYSTEM.items())
    for element in _guarded(schema):
        hidden = masked and is_personal(element)
        yield Column(element.id, "VARCHAR" if hidden else kinds[element.id], element.title.model_dump(), hidden)
    if get_definition(schema.id).several:
        yield Column(COLUMN, kinds[COLUMN], FURTHER, masked and any(map(is_personal, _guarded(schema))))


def _guarded(schema: Schema) -> tuple[DataElement, ...]:
    """The elements of then, but those of today where they say something about a person: what became personal since is masked too."""
    today = load_standards().elements
    return tuple(now if is_personal(now) else then for then, now in ((item, today.get(item.id, item)) for item in schema.elements))


def _names(columns: tuple[Column, ...]) -> list[str]:
    return [column.name for column in columns]


def _selected(schema: Schema, columns: tuple[Column, ...]) -> Iterator[str]:
    for column in columns:
        name = quote(column.name)
        yield f"{_masked(schema, column.name)} AS {name}" if column.masked else name


def _masked(schema: Schema, name: str) -> str:
    if name == COLUMN:
        return masked_column_sql(_guarded(schema))
    return masked_sql(f"{quote(name)}::varchar", next(element for element in _guarded(schema) if element.id == name))


def _options(form: Format, publication: Publication) -> str:
    if form == "csv":
        return "FORMAT csv, HEADER true"
    said = {"registry": publication.registry, "publication": str(publication.number), "standard_version": publication.standard_version}
    return f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{', '.join(f'{name}: {literal(value)}' for name, value in said.items())}}}"

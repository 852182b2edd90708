"""Replay of a publication: it is worked out again from its pinned inputs, and held against what was published.

Two ways, which must agree. The whole table is merged anew from the state of every dataset after its pinned batch: the rows must have the
digest that the publication's row states. And the step from the publication before is taken again, into a work folder: its files must hold the
same rows, and the same bytes where engine and settings are those that wrote them. Standard, contracts and definition are those of then.
"""

import filecmp
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from catalog.batches import batch_at
from catalog.datasets import contract_at, dataset_numbers
from catalog.standards import get_standard
from core import lake
from core.digests import digest_sums, row_digest
from core.engine import Engine, parquet, quote
from core.errors import RequestError
from core.settings import Settings
from core.sums import EMPTY, combine, shown_digest
from core.work import make_work_folder
from pipeline.home import Home, open_home
from pipeline.publication.base import base_digest
from pipeline.publication.merging import Merging
from pipeline.publication.pins import pins_of, was_withheld
from pipeline.resolve import schema_elements, xref_state
from pipeline.state import log_columns, standardized_table, state
from registries.definition import RegistryDefinition, get_definition
from registries.definition_versions import definition_at
from registries.publications import Publication, files_of_publication, get_publication, inputs_of, latest, nothing_yet
from registries.silent import silent_codes
from registries.survivorship import Contribution, keep_best, merged, provinces_of, supplied
from standards.model import Schema, Standards

SAME_BYTES, SAME_ROWS, DIFFERENT = "same-bytes", "same-rows", "different"


@dataclass(frozen=True)
class FileReplayed:
    """One file of the publication, and how it came out: `same-bytes`, `same-rows` or `different`."""

    path: str
    rows: int
    outcome: str


@dataclass(frozen=True)
class Replayed:
    """A publication and its replay: entities and digest as published and as merged anew, and its files.

    `bytes_expected`: engine and settings are those that wrote the files, so that bytes must be the same and not only rows.
    """

    registry: str
    number: int
    published: tuple[int, str]
    replayed: tuple[int, str]
    files: tuple[FileReplayed, ...]
    written_by: Mapping[str, Any] | None
    replayed_by: Mapping[str, Any]

    @property
    def bytes_expected(self) -> bool:
        """Whether the bytes of the files have been compared, and not their rows alone."""
        return self.written_by == self.replayed_by

    @property
    def is_same(self) -> bool:
        """Whether everything came out as published."""
        wanted = {SAME_BYTES} if self.bytes_expected else {SAME_BYTES, SAME_ROWS}
        return self.published == self.replayed and all(file.outcome in wanted for file in self.files)

    def shown(self) -> dict[str, Any]:
        """As it may be shown: the digest of few rows says too much."""
        sides = {"published": self.published, "replayed": self.replayed}
        plain = {name: {"entities": rows, "digest": shown_digest(digest, rows)} for name, (rows, digest) in sides.items()}
        files = [vars(file) for file in self.files]
        return {**vars(self), **plain, "files": files, "bytes_expected": self.bytes_expected, "is_same": self.is_same}


def replay_publication(registry: str, number: int, home: Home | None = None) -> Replayed:
    """Work a publication out again. Raises RequestError where it is not there, and where what it rests on is kept no longer."""
    home = home or open_home()
    if not latest(home.serving, registry).number:
        get_definition(registry)  # a name that is no registry's is said to be none, rather than to wait for its first publication
    after = get_publication(home.serving, registry, number)
    if after.not_replayable_since is not None:
        raise RequestError(
            f"publication {number} of {registry} is not replayable since {after.not_replayable_since:%Y-%m-%d}: what it rests on is kept no longer",
            hint="./hub purge --receipt says what was removed, and by which retention",
        )
    definition = definition_at(home.serving, registry, after.definition_version)
    standards = get_standard(home.catalog, after.standard_version)
    with _engine(home, after) as engine:
        again = _merge_anew(engine, home, definition, standards, after)
    with _engine(home, after) as engine:
        files, replayed_by = _step_again(engine, home, definition, standards, after), lake.written_by(engine)
    return Replayed(registry, number, (after.entities, after.digest), again, files, after.written_by, replayed_by)


def _engine(home: Home, after: Publication) -> Engine:
    """With the limits of then, where they are known."""
    then = after.written_by or {}
    return Engine(home.settings, threads=then.get("threads"), memory_limit_mb=then.get("memory_mb"))


def _merge_anew(engine: Engine, home: Home, definition: RegistryDefinition, standards: Standards, after: Publication) -> tuple[int, str]:
    """Entities, and the digest of all rows, merged from the pinned states without regard to any publication before."""
    schema = standards.schemas[definition.id]
    contributions = _everything(engine, home, schema, standards, after)
    elements = supplied([element.id for element in schema.elements], contributions)
    rows = merged(definition, elements, contributions, provinces_of(standards), silent_codes(standards))
    if not elements:
        return 0, EMPTY
    digest = base_digest(home, definition, standards, after.number, elements)
    query = f"SELECT count(*), {digest_sums('d')} FROM (SELECT {digest} AS d FROM ({rows}))"
    count, high, low = engine.row(query, doing="merging again")
    return count, f"{combine(high, low):032x}"


def _everything(engine: Engine, home: Home, schema: Schema, standards: Standards, after: Publication) -> list[Contribution]:
    """What every dataset that is not withheld has to say of all entities, by the links of the publication."""
    engine.run(f"CREATE TABLE links AS SELECT * FROM {xref_state(home, schema.id, after.number)}", doing="reading links")
    numbers, found = dataset_numbers(home.catalog), []
    for item in inputs_of(home.serving, schema.id, after.number).values():
        if was_withheld(home, schema.id, item):
            continue
        batch, dataset = batch_at(home.catalog, item.contract_id, item.batch_seq), numbers[item.contract_id]
        contract = contract_at(home.catalog, item.contract_id, batch.contract_version)
        elements = schema_elements(contract, schema, standards)
        wanted = {name: kind for name, kind in log_columns(contract, standards).items() if name in (*elements, "_record_id", "_valid_from")}
        rows = state(home, standardized_table(contract.id), wanted, batch.seq)
        engine.run(
            f"CREATE VIEW contribution_{dataset} AS SELECT l._canonical_id, r.* FROM {rows} r "
            f"JOIN (SELECT _record_id, _canonical_id FROM links WHERE _dataset = {dataset}) l USING (_record_id)",
            doing=f"gathering {contract.id}",
        )
        mine = Contribution(contract.id, contract.department.id, dataset, tuple(elements), f"contribution_{dataset}")
        found.append(keep_best(engine, mine, silent_codes(standards)))
    return found


def _step_again(
    engine: Engine, home: Home, definition: RegistryDefinition, standards: Standards, after: Publication
) -> tuple[FileReplayed, ...]:
    """Take the step from the publication before again, and compare its files with those that were published."""
    before = get_publication(home.serving, after.registry, after.number - 1) if after.number > 1 else nothing_yet(after.registry)
    pins, folder = pins_of(home, before, after), make_work_folder(home.settings, "replay")
    output = home.settings.model_copy(update={"home": folder})
    try:
        schema = standards.schemas[definition.id]
        merging = Merging(home, engine, definition, schema, standards, before, pins, output)
        base = merging.merge({})
        made = {file.path: file for file in (base, *merging.write_others(base))}
        published = files_of_publication(home.serving, after.registry, after.number)
        outcomes = {file.path: _outcome(engine, home.settings, output, file.path) for file in published if file.path in made}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tuple(FileReplayed(file.path, file.rows, outcomes.get(file.path, DIFFERENT)) for file in published)


def _outcome(engine: Engine, published: Settings, replayed: Settings, path: str) -> str:
    before, after = (settings.lake_dir / path for settings in (published, replayed))
    if filecmp.cmp(before, after, shallow=False):
        return SAME_BYTES
    one, other = (_file_digest(engine, file) for file in (before, after))
    return SAME_ROWS if one == other else DIFFERENT


def _file_digest(engine: Engine, path: Any) -> tuple[Any, ...]:
    """Columns, number of rows and digest of all rows of a file, whatever their order."""
    columns = engine.columns(f"SELECT * FROM {parquet([path])}")
    digest = row_digest([f"{quote(name)}::varchar" for name in columns])
    return (*columns, *engine.row(f"SELECT count(*), {digest_sums('d')} FROM (SELECT {digest} AS d FROM {parquet([path])})"))

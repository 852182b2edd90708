"""What a few records say, and since when, as a publication sees them: read from the logs of their datasets as it has pinned them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.files import LakeFile, files_of
from contracts.model import Contract
from core.engine import Engine, literal, quote
from core.keys import CANONICAL_KEY, load_key
from pipeline.home import Home
from pipeline.resolve import Pinned, schema_elements
from pipeline.state import Sought, log_columns, log_source, standardized_table, state
from registries.definition import RegistryDefinition
from registries.matching import canonical_id, canonical_key
from standards.model import Schema, Standards

IDS = "ids"  # table: _record_id of the records that are read
# Table: number, left_record, right_record, left_dataset, right_dataset, verdict, score, method, actor, judged_at, and whether it is_automatic.
STANDING = "standing"
SIDES = "sides"  # table: _record_id, _contract of their records
# Table: _record_id, _contract, _identity, is_live, and since when (changed_at; null where all of the dataset counts as changed), of records whose
# rows came anew; is_changed: false of one that says without an identifier what it said before.
CHANGED = "changed_sides"
LINES = "published_lines"  # table: _record_id, _dataset, _canonical_id, and what the identifier alone makes of it (_own), of some records
NEWCOMERS = "newcomers"  # table: _own, _entity, _dataset, _record_id of records that come into an entity with this publication


@dataclass(frozen=True)
class PinnedRecords:
    """Records of the datasets that feed a registry."""

    engine: Engine
    home: Home
    definition: RegistryDefinition
    schema: Schema
    standards: Standards

    @property
    def key(self) -> dict[str, str]:
        """Binds `$canonical_key`, which every query of `contents` needs."""
        return {"canonical_key": canonical_key(self.definition, load_key(self.home.settings, CANONICAL_KEY))}

    def came_anew(self, item: Pinned) -> str | None:
        """SQL for the records (with the batch of their last row, `_batch_seq`) of a dataset whose rows came since the current publication; None
        where all count as such.
        """
        if item.whole or item.withdrawn:
            return None
        columns = {"_record_id": "UUID", "_batch_seq": "INTEGER"}
        rows = log_source(self.home, standardized_table(item.contract.id), columns, self.new_files(item))
        return f"SELECT _record_id, max(_batch_seq) AS _batch_seq FROM {rows} GROUP BY _record_id"

    def new_files(self, item: Pinned) -> list[LakeFile]:
        """The logs of these rows."""
        found = files_of(self.home.catalog, standardized_table(item.contract.id), ("log",), item.seq)
        return [file for file in found if file.seq > item.previous_seq]

    def contents(self, contract: Contract, seq: int | None, ids: str = f"SELECT _record_id FROM {IDS}") -> str:
        """SQL for what some records are after a batch, or for nothing: all that a record says as `texts`, its _identity, and the earlier `codes`
        that it shows. `ids` is a query of their ids.
        """
        columns = log_columns(contract, self.standards)
        elements = {name: columns[name] for name in schema_elements(contract, self.schema, self.standards)}
        texts = ", ".join(f"{quote(name)}::varchar" for name in elements) or "NULL"
        identity = canonical_id(self.schema.identity) if set(self.schema.identity) <= elements.keys() else "NULL::uuid"
        codes = f"list_filter([{', '.join(self._codes(elements))}]::VARCHAR[], lambda code: code IS NOT NULL)"
        wanted = {"_record_id": "UUID", **elements}
        if seq is None:
            nothing = ", ".join(f"NULL::{kind} AS {quote(name)}" for name, kind in wanted.items())
            source = f"(SELECT {nothing} WHERE false)"
        else:
            source = state(self.home, standardized_table(contract.id), wanted, seq, Sought(self.engine, ids))
        # The key is bound also where a dataset has no identifier.
        return f"SELECT _record_id, [{texts}] AS texts, {identity} AS _identity, {codes} AS codes FROM {source} WHERE $canonical_key IS NOT NULL"

    def _codes(self, elements: Mapping[str, str]) -> Iterator[str]:
        """SQL for each code, behind the name of its rule."""
        for rule in self.definition.earlier_codes:
            if rule.element in elements:
                yield f"{literal(rule.name)} || ' ' || {quote(rule.element)}::varchar"
            if rule.part_of and rule.part_of.element in elements:
                yield f"{literal(rule.name)} || ' ' || substr({quote(rule.part_of.element)}, {rule.part_of.first}, {rule.part_of.length})"

"""What another version of the standard would do to a base table: entities that change, appear or vanish.

Records of the samples that would be published otherwise lead to the entities they belong to, now and then. All that any dataset says about
these entities is merged under both versions, by the code that publishes. An entity is found when one of its changed records is in a sample;
so it is known how probable that was, and for how many others it stands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.model import Contract
from core.engine import Engine, literal, quote
from core.keys import CANONICAL_KEY, load_key
from core.percent import limit_percent, part_of
from pipeline.home import Home
from pipeline.impact.comparison import EXAMPLES, Compared, shown
from pipeline.impact.sampling import Estimate, Sample, take_sample, weigh
from pipeline.impact.tried import SIDES, tried
from pipeline.resolve import schema_elements, xref_state
from pipeline.state import log_columns, standardized_table, state
from registries.definition import RegistryDefinition
from registries.further_values import COLUMN
from registries.matching import canonical_id, canonical_key
from registries.silent import Silent, silent_codes
from registries.survivorship import Contribution, keep_best, merged, provinces_of
from standards.model import Schema, Standards


@dataclass(frozen=True)
class ValueImpact:
    """One element of a base table: entities whose value changes, and some of them: canonical id, value before and after, masked."""

    element: str
    values: Estimate
    examples: tuple[tuple[str, str | None, str | None], ...]


@dataclass(frozen=True)
class RegistryImpact:
    """One base table. `moved` records would belong to another entity; where it is `reshaped`, its columns change.

    `gate` says in words why the publication would be stopped.
    """

    registry: str
    publication: int
    entities: int
    changed: Estimate
    appeared: Estimate
    vanished: Estimate
    moved: Estimate
    reshaped: bool
    gate: str
    values: tuple[ValueImpact, ...]


@dataclass(frozen=True)
class Member:
    """A dataset that feeds a registry; `compared` where its rows have been tried."""

    contract: Contract
    number: int
    compared: Compared | None


@dataclass(frozen=True)
class BaseTrial:
    """One published registry under two versions of the standard. Its tables are made in `engine`, under names that begin with the registry."""

    engine: Engine
    home: Home
    definition: RegistryDefinition
    versions: dict[str, Standards]
    publication: int
    members: Sequence[Member]

    def schema(self, side: str) -> Schema:
        """The registry's schema under one version."""
        return self.versions[side].schemas[self.definition.id]

    @property
    def reshaped(self) -> bool:
        """Whether the columns of the base table change."""
        old, new = ([(element.id, element.data_type) for element in self.schema(side).elements] for side in SIDES)
        return old != new

    def elements(self, member: Member, side: str) -> list[str]:
        """The elements that a dataset supplies to the registry under one version."""
        return schema_elements(member.contract, self.schema(side), self.versions[side])

    def table(self, name: str) -> str:
        """Name of a table of this registry."""
        return f"{self.definition.id}_{name}"

    def find_affected(self, most: int) -> Sample:
        """Table `affected`: the entities that changed records of the samples belong to; of more than `most`, a sample of them."""
        parts = ["SELECT NULL::uuid AS _canonical_id WHERE false"]
        for member in self.members:
            if member.compared is not None:
                self._find_changed(member)
                parts += [f"SELECT {side}_id FROM {self.table(f'changed_{member.number}')} WHERE _sampled" for side in SIDES]
        ids = " UNION ".join(parts)
        self.engine.run(
            f"CREATE TABLE {self.table('affected')} AS SELECT _canonical_id FROM ({ids}) WHERE _canonical_id IS NOT NULL",
            doing="finding affected entities",
        )
        sample = take_sample(self.engine.value(f"SELECT count(*) FROM {self.table('affected')}"), most)
        self.engine.run(f"DELETE FROM {self.table('affected')} WHERE NOT {sample.condition('_canonical_id')}")
        return sample

    def linked(self, member: Member) -> str:
        """SQL for the records of a dataset that the current publication links to affected entities."""
        links = xref_state(self.home, self.definition.id, self.publication)
        affected = f"(SELECT _canonical_id FROM {self.table('affected')})"
        return f"(SELECT _record_id FROM {links} WHERE _dataset = {member.number} AND _canonical_id IN {affected})"

    def outcome(self, entities: int, sample: Sample) -> RegistryImpact:
        """Merge the affected entities, of which there is a sample, under both versions and count what differs."""
        for member in self.members:
            if member.compared is not None:
                self._find_changed(member)
        for side in SIDES:
            self._merge(side)
        self._compare(sample)
        vanished = self._count("NOT _after", sample)
        return RegistryImpact(
            registry=self.definition.id,
            publication=self.publication,
            entities=entities,
            changed=self._count("_before AND _after", sample),
            appeared=self._count("NOT _before", sample),
            vanished=vanished,
            moved=weigh(dict(self._moved()), self._least),
            reshaped=self.reshaped,
            gate=self._gate(vanished, entities),
            values=tuple(self._values(sample)),
        )

    def _gate(self, vanished: Estimate, entities: int) -> str:
        limit = self.definition.largest_shrink
        if vanished.expected <= part_of(entities, limit):
            return ""
        return f"{vanished} of {entities:,} entities would disappear, which stops the publication (limit {limit_percent(limit)})"

    def _find_changed(self, member: Member) -> None:
        """Table `changed_<n>`: the tried records that would be published otherwise, with the entity they belong to under each version."""
        old, new = (self._identified(side, member, tried(side, member.number)) for side in SIDES)
        names = dict.fromkeys(["_valid_from", *(name for side in SIDES for name in self.elements(member, side))])
        differs = " OR ".join(
            [
                *(f"{self._text('old', member, name)} IS DISTINCT FROM {self._text('new', member, name)}" for name in names),
                *(f"{self._text('new', member, name)} IN ({', '.join(map(literal, codes))})" for name, codes in self._turned().items()),
            ]
        )
        self.engine.run(
            f"CREATE OR REPLACE TABLE {self.table(f'changed_{member.number}')} AS SELECT _record_id, "
            "coalesce(old._sampled, new._sampled) AS _sampled, old._canonical_id AS old_id, new._canonical_id AS new_id "
            f"FROM {old} old FULL JOIN {new} new USING (_record_id) WHERE (old._sampled IS NULL) <> (new._sampled IS NULL) "
            f"OR old._canonical_id IS DISTINCT FROM new._canonical_id OR {differs}",
            self._key(member),
            doing="comparing records",
        )

    def _turned(self) -> Silent:
        """The codes that say nothing under one version only: records that have one stay as they are, and count otherwise."""
        old, new = (silent_codes(self.versions[side]) for side in SIDES)
        turned = {name: {*old.get(name, ())} ^ {*new.get(name, ())} for name in {**old, **new}}
        return {name: tuple(sorted(codes)) for name, codes in turned.items() if codes}

    def _text(self, side: str, member: Member, name: str) -> str:
        known = name == "_valid_from" or name in self.elements(member, side)
        return f"{side}.{quote(name)}::varchar" if known else "NULL::varchar"

    def _identified(self, side: str, member: Member, rows: str) -> str:
        """SQL for rows of a dataset with the entity each belongs to."""
        known = set(self.schema(side).identity) <= set(self.elements(member, side))
        link = canonical_id(self.schema(side).identity) if known else "NULL::uuid"
        return f"(SELECT *, {link} AS _canonical_id FROM {rows})"

    def _key(self, member: Member) -> dict[str, str] | None:
        """The key that canonical ids are minted with, where a statement mints some."""
        used = any(set(self.schema(side).identity) <= set(self.elements(member, side)) for side in SIDES)
        return {"canonical_key": canonical_key(self.definition, load_key(self.home.settings, CANONICAL_KEY))} if used else None

    def _merge(self, side: str) -> None:
        """Table `merged_<side>`: the base rows of the affected entities under one version."""
        contributions = [self._contribution(side, member) for member in self.members]
        standards = self.versions[side]
        rows = merged(self.definition, self._supplied(side), contributions, provinces_of(standards), silent_codes(standards))
        self.engine.run(f"CREATE TABLE {self.table(f'merged_{side}')} AS {rows}", doing="merging")

    def _contribution(self, side: str, member: Member) -> Contribution:
        """What one dataset says about the affected entities: tried records as the version leaves them, others as they are."""
        elements, relation = self.elements(member, side), self.table(f"{side}_{member.number}")
        names = ", ".join(["_record_id", "_valid_from", *map(quote, elements)])
        columns = log_columns(member.contract, self.versions[side])
        known = f"{state(self.home, standardized_table(member.contract.id), columns)} WHERE _record_id IN {self.linked(member)}"
        rows = f"SELECT {names} FROM {known}"
        if member.compared is not None:
            mine = tried(side, member.number)
            rows += f" AND _record_id NOT IN (SELECT _record_id FROM old_{member.number}) UNION ALL SELECT {names} FROM {mine}"
        self.engine.run(
            f"CREATE TABLE {relation} AS SELECT * FROM {self._identified(side, member, f'({rows})')} "
            f"WHERE _canonical_id IN (SELECT _canonical_id FROM {self.table('affected')})",
            self._key(member),
            doing=f"gathering {member.contract.id}",
        )
        contribution = Contribution(member.contract.id, member.contract.department.id, member.number, tuple(elements), relation)
        return keep_best(self.engine, contribution, silent_codes(self.versions[side]))

    def _compare(self, sample: Sample) -> None:
        """Table `pairs`: the affected entities that differ, with the probability that they were found, and both values of each element."""
        names = self._both
        values = [f"{self._published(side, name)} AS {quote(f'{side}.{name}')}" for side in SIDES for name in names]
        further = [COLUMN] if self.definition.several else []
        compared = ["_valid_from", *names, *(f"_from_{name}" for name in names), *further]
        differs = " OR ".join(f"{self._published('old', name)} IS DISTINCT FROM {self._published('new', name)}" for name in compared)
        self.engine.run(
            f"CREATE TABLE {self.table('pairs')} AS SELECT _canonical_id, old._before IS NOT NULL AS _before, new._after IS NOT NULL AS _after, "
            f"w.probability, {', '.join(values)} FROM (SELECT *, true AS _before FROM {self.table('merged_old')}) old "
            f"FULL JOIN (SELECT *, true AS _after FROM {self.table('merged_new')}) new USING (_canonical_id) "
            f"JOIN ({self._weights(sample)}) w USING (_canonical_id) WHERE old._before IS NULL OR new._after IS NULL OR {differs}",
            doing="comparing entities",
        )

    def _supplied(self, side: str) -> list[str]:
        """The elements of the registry that any dataset supplies under one version."""
        having = {name for member in self.members for name in self.elements(member, side)}
        return [element.id for element in self.schema(side).elements if element.id in having]

    @property
    def _both(self) -> list[str]:
        return list(dict.fromkeys(name for side in SIDES for name in self._supplied(side)))

    def _published(self, side: str, name: str) -> str:
        known = name in ("_valid_from", COLUMN) or name.removeprefix("_from_") in self._supplied(side)
        return f"{side}.{quote(name)}::varchar" if known else "NULL::varchar"

    def _weights(self, sample: Sample) -> str:
        """SQL for each entity's probability of being found: that one of its changed records is in a sample, and then the entity itself."""
        parts = [
            f"SELECT _record_id, {side}_id AS _canonical_id, {member.compared.sample.probability} AS p FROM {self.table(f'changed_{member.number}')}"
            for member in self.members
            if member.compared is not None
            for side in SIDES
        ]
        parts.append("SELECT NULL::uuid AS _record_id, NULL::uuid AS _canonical_id, 0.0 AS p WHERE false")
        return f"SELECT _canonical_id, round((1 - product(1 - p)) * {sample.probability}, 9) AS probability FROM ({' UNION '.join(parts)}) GROUP BY 1"

    @property
    def _least(self) -> float:
        return min((member.compared.sample.probability for member in self.members if member.compared), default=1.0)

    def _count(self, condition: str, sample: Sample) -> Estimate:
        rows = self.engine.rows(f"SELECT probability, count(*) FROM {self.table('pairs')} WHERE {condition} GROUP BY 1")
        return weigh(dict(rows), self._least * sample.probability)

    def _moved(self) -> Iterator[tuple[float, int]]:
        found: dict[float, int] = {}
        for member in self.members:
            if member.compared is not None:
                changed = self.table(f"changed_{member.number}")
                count = self.engine.value(f"SELECT count(*) FROM {changed} WHERE _sampled AND old_id <> new_id")
                share = member.compared.sample.probability
                found[share] = found.get(share, 0) + count
        yield from found.items()

    def _values(self, sample: Sample) -> Iterator[ValueImpact]:
        for name in self._both:
            old, new = quote(f"old.{name}"), quote(f"new.{name}")
            condition = f"_before AND _after AND {old} IS DISTINCT FROM {new}"
            values = self._count(condition, sample)
            if values.found:
                yield ValueImpact(name, values, tuple(self._examples(name, old, new, condition)))

    def _examples(self, name: str, old: str, new: str, condition: str) -> Iterator[tuple[str, str | None, str | None]]:
        definitions = [standards.elements[name] for standards in self.versions.values() if name in standards.elements]
        rows = self.engine.rows(
            f"SELECT _canonical_id::varchar, {old}, {new} FROM {self.table('pairs')} WHERE {condition} ORDER BY 1 LIMIT {EXAMPLES}"
        )
        yield from ((entity, shown(before, definitions), shown(after, definitions)) for entity, before, after in rows)

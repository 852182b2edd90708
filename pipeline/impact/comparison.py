"""What becomes of one dataset's rows under two versions of the standard, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.batches import Batch
from contracts.model import Contract, Department
from core.engine import Engine, literal, quote
from pipeline.changes import Changes
from pipeline.delivery.comparing import torn
from pipeline.gates import gate
from pipeline.impact.sampling import Estimate, Sample
from pipeline.impact.trial import issues_column
from pipeline.plan import ROW
from pipeline.state import dataset_elements
from standards.masked import is_personal, masked_raw, masked_value
from standards.model import DataElement, Standards, Title

EXAMPLES = 3


@dataclass(frozen=True)
class RuleImpact:
    """How many rows have an issue, with its severity, under the one version and under the other."""

    rule: str
    old: Estimate
    new: Estimate


@dataclass(frozen=True)
class Example:
    """One row's value, masked: as received, and what would be published and found under each version."""

    position: int
    raw: str | None
    old: str | None
    old_issues: str
    new: str | None
    new_issues: str


@dataclass(frozen=True)
class ElementImpact:
    """One column of a dataset: rows whose published value changes, and the rules that find more or fewer rows. `_row` is the whole record."""

    element: str
    column: str
    values: Estimate
    rules: tuple[RuleImpact, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class DatasetImpact:
    """One dataset. `stopped` rows would be quarantined that are accepted, `released` ones the other way round, `values` stay accepted and change.

    `gate` says in words why a delivery would now be stopped whole, `faults` what the contract would no longer agree with. Where it
    `is_outdated`, the contract asks for other columns, or has another key, since the delivery, which is tried by the one of its day.
    """

    contract_id: str
    title: Title
    department: Department
    batch_id: str
    pinned: str
    columns: Mapping[str, str]
    rows: int
    looked_at: int
    touched: Estimate
    stopped: Estimate
    released: Estimate
    values: Estimate
    elements: tuple[ElementImpact, ...]
    gate: tuple[str, ...]
    faults: tuple[str, ...]
    is_outdated: bool


@dataclass(frozen=True)
class Compared:
    """A dataset whose rows have been tried under both versions: tables `old_<n>` and `new_<n>` of the engine, with `_sampled`."""

    contract: Contract
    batch: Batch
    number: int
    landed: str
    sample: Sample
    old: Standards
    new: Standards
    is_outdated: bool

    def elements(self, standards: Standards) -> list[str]:
        """The elements that the dataset supplies under a version."""
        return dataset_elements(self.contract, standards)

    @property
    def both(self) -> list[str]:
        """The elements that the dataset supplies under either version."""
        return list(dict.fromkeys([*self.elements(self.old), *self.elements(self.new)]))

    def side(self, name: str, element: str) -> str:
        """SQL for the published text of an element under `old` or `new`."""
        known = element in self.elements(self.old if name == "old" else self.new)
        return f"{name}.{quote(element)}::varchar" if known else "NULL::varchar"

    def issues(self, name: str, element: str) -> str:
        """SQL for the issues of an element under `old` or `new`, as words."""
        known = element == ROW or element in self.elements(self.old if name == "old" else self.new)
        return f"{name}.{quote(issues_column(element))}" if known else "''"

    def differs(self, element: str) -> str:
        """SQL for whether an accepted row would be published with another value."""
        return f"(NOT old._stopped AND NOT new._stopped AND {self.side('old', element)} IS DISTINCT FROM {self.side('new', element)})"

    @property
    def rows(self) -> str:
        """SQL for the sampled rows under both versions."""
        return f"(SELECT * FROM old_{self.number} WHERE _sampled) old JOIN new_{self.number} new USING (_position)"


def dataset_impact(engine: Engine, item: Compared, touched: Sequence[str], faults: Sequence[str]) -> DatasetImpact:
    """Count what changes in a dataset."""
    names = item.both
    stopped, released = "NOT old._stopped AND new._stopped", "old._stopped AND NOT new._stopped"
    anything = " OR ".join(["false", *map(item.differs, names)])
    filters = [f"old._stopped <> new._stopped OR {anything}", stopped, released, anything, *map(item.differs, names)]
    looked_at, *counts = engine.row(
        f"SELECT count(*), {', '.join(f'count(*) FILTER ({condition})' for condition in filters)} FROM {item.rows}",
        doing="comparing versions",
    )
    (touched_rows, *whole), by_element = [item.sample.scale(count) for count in counts[:4]], dict(zip(names, counts[4:], strict=True))
    return DatasetImpact(
        contract_id=item.contract.id,
        title=item.contract.title,
        department=item.contract.department,
        batch_id=item.batch.batch_id,
        pinned=item.batch.standard_version,
        columns={name: _column(item.contract, name) for name in names if name in touched},
        rows=item.sample.population,
        looked_at=looked_at,
        touched=touched_rows,
        stopped=whole[0],
        released=whole[1],
        values=whole[2],
        elements=tuple(_elements(engine, item, by_element)),
        gate=tuple(_gate(engine, item)),
        faults=tuple(faults),
        is_outdated=item.is_outdated,
    )


def _column(contract: Contract, element: str) -> str:
    source = contract.elements.get(element)
    return source.column if source else ""


def _elements(engine: Engine, item: Compared, changed: Mapping[str, int]) -> Iterator[ElementImpact]:
    for name in (*item.both, ROW):
        rules = tuple(_rules(engine, item, name))
        if rules or changed.get(name):
            examples = tuple(_examples(engine, item, name)) if name != ROW else ()
            yield ElementImpact(name, _column(item.contract, name), item.sample.scale(changed.get(name, 0)), rules, examples)


def _rules(engine: Engine, item: Compared, element: str) -> Iterator[RuleImpact]:
    """Rules whose number of rows is another under the new version; rows with an issue and its severity count once."""
    counts = {}
    for side in ("old", "new"):
        words = f"SELECT {item.issues(side, element)} AS words FROM {item.rows}"
        found = f"SELECT unnest(string_split(words, ' ')) AS rule, n FROM (SELECT words, count(*) AS n FROM ({words}) WHERE words <> '' GROUP BY 1)"
        counts[side] = dict(engine.rows(f"SELECT rule, sum(n)::bigint FROM ({found}) GROUP BY 1", doing="counting issues"))
    for rule in sorted({*counts["old"], *counts["new"]}):
        old, new = counts["old"].get(rule, 0), counts["new"].get(rule, 0)
        if old != new:
            yield RuleImpact(rule, item.sample.scale(old), item.sample.scale(new))


def _examples(engine: Engine, item: Compared, element: str) -> Iterator[Example]:
    """A few rows, each with another pair of findings."""
    source = item.contract.elements.get(element)
    raw = f"l.{quote(source.column)}" if source else literal(item.contract.constants[element])
    before, after = item.issues("old", element), item.issues("new", element)
    rows = engine.rows(
        f"SELECT _position, {raw}, {item.side('old', element)}, {before}, {item.side('new', element)}, {after} FROM {item.rows} "
        f"JOIN {item.landed} l USING (_position) WHERE {item.differs(element)} OR {before} <> {after} "
        f"QUALIFY row_number() OVER (PARTITION BY {before}, {after} ORDER BY _position) <= {EXAMPLES} ORDER BY _position LIMIT {EXAMPLES}",
        doing="looking for examples",
    )
    definitions = [standards.elements[element] for standards in (item.old, item.new) if element in standards.elements]
    for position, given, old, old_issues, new, new_issues in rows:
        yield Example(position, shown(given, definitions), shown(old, definitions), old_issues, shown(new, definitions), new_issues)


def shown(value: str | None, definitions: Sequence[DataElement]) -> str | None:
    """A value as either version allows it to be shown: by the stricter of the two."""
    for element in definitions:
        value = masked_value(value, element) if is_personal(element) else masked_raw(value, element)
    return value


def _gate(engine: Engine, item: Compared) -> Iterator[str]:
    """Reasons why the contract's gate would stop the delivery under the new version and does not under the old one."""
    known, found = (_gate_reasons(engine, item, side) for side in ("old", "new"))
    yield from found if not known else ()


def _gate_reasons(engine: Engine, item: Compared, side: str) -> list[str]:
    names = [name for name in item.contract.assertions.fill_rates if name in item.both]
    fills = ", ".join(f"count({item.side(side, name)})" for name in names)
    total, stopped, *filled = engine.row(
        f"SELECT count(*), count(*) FILTER ({side}._stopped){', ' if fills else ''}{fills} FROM {item.rows}", doing="trying the gate"
    )
    landed = item.batch.landed or 0
    quarantined = round(stopped * item.sample.population / total) if total else 0
    return gate(
        item.contract,
        Changes(landed, item.batch.repeated or 0, 0, 0, 0),
        quarantined,
        {name: (total, count) for name, count in zip(names, filled, strict=True)},
        unreadable=torn(item.batch),
    )

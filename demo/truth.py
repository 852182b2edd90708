"""Holds published tables against the known truth: entities found, and per data element values right, wrong, missing and invented.

The same yardstick is laid on each department's standardized data alone, so that the hub's gain over the best single source shows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table as RichTable

from demo.city import Truth
from demo.dice import Flags, Ints
from demo.text import Text

IDENTITY = {
    "population": ("resident_id",),
    "legal_entity": ("unified_social_credit_code",),
    "certificate": ("certificate_type_name", "certificate_number"),
}
TITLES = {"population": ("人口", "Population"), "legal_entity": ("法人", "Legal entities"), "certificate": ("电子证照", "Certificates")}


@dataclass(frozen=True)
class ElementAccount:
    """Values of one data element, over all true entities: `right + wrong + missing` are those that have a true value.

    `invented` are values published of found entities that truly have none.
    """

    element: str
    right: int
    wrong: int
    missing: int
    invented: int

    @property
    def right_share(self) -> float:
        """Share of the true values that were published right."""
        return _share(self.right, self.right + self.wrong + self.missing)


@dataclass(frozen=True)
class TableAccount:
    """One table against the truth: `rows = found + repeated + phantom + unidentified`."""

    name: str
    entities: int
    rows: int
    found: int
    repeated: int
    phantom: int
    unidentified: int
    elements: tuple[ElementAccount, ...]

    @property
    def found_share(self) -> float:
        """Share of the true entities that are in the table."""
        return _share(self.found, self.entities)

    @property
    def right(self) -> int:
        """Right values of all elements."""
        return sum(element.right for element in self.elements)

    @property
    def right_share(self) -> float:
        """Share of all true values that are there and right."""
        return _share(self.right, sum(element.right + element.wrong + element.missing for element in self.elements))

    @property
    def wrong_share(self) -> float:
        """Share of the published values that are wrong or invented: what a reader has to fear."""
        wrong = sum(element.wrong + element.invented for element in self.elements)
        return _share(wrong, wrong + self.right)


@dataclass(frozen=True)
class RegistryAccount:
    """A base table beside the best single source of its registry, if there is one."""

    registry: str
    published: TableAccount
    best_source: TableAccount | None


@dataclass(frozen=True)
class Account:
    """The account of a day."""

    day: int
    registries: tuple[RegistryAccount, ...]

    def of(self, registry: str) -> RegistryAccount:
        """Return the account of one registry."""
        return next(entry for entry in self.registries if entry.registry == registry)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def account(truth: Truth, published: Mapping[str, pa.Table], single_sources: Mapping[str, Mapping[str, pa.Table]] | None = None) -> Account:
    """Return the account of the published tables (registry → table), beside the best single source (registry → dataset → table).

    Columns are named by data element; those the truth does not have are passed over. The best source is the one with most right values.
    """
    registries = []
    for registry, table in published.items():
        sources = (single_sources or {}).get(registry, {})
        accounts = [compare(registry, truth.table(registry), source, name) for name, source in sorted(sources.items())]
        best = max(accounts, key=lambda one: one.right, default=None)
        registries.append(RegistryAccount(registry, compare(registry, truth.table(registry), table, "published"), best))
    return Account(truth.day, tuple(registries))


def compare(registry: str, truth: pa.Table, table: pa.Table, name: str) -> TableAccount:
    """Return the account of one table; of several rows with one identity the first counts, the others are `repeated`."""
    places, known = _places(registry, truth, table)
    true_rows, rows = _first_rows(places)
    return TableAccount(
        name=name,
        entities=truth.num_rows,
        rows=table.num_rows,
        found=len(rows),
        repeated=int(np.sum(places >= 0)) - len(rows),
        phantom=int(np.sum(known & (places < 0))),
        unidentified=int(np.sum(~known)),
        elements=tuple(
            _element(element, truth[element], table[element] if element in table.column_names else None, true_rows, rows)
            for element in truth.column_names
        ),
    )


def answers(registry: str, truth: pa.Table, table: pa.Table) -> Iterator[tuple[Ints, Flags, Flags, Flags]]:
    """For each element of the truth that a table has: places in the truth of the entities found, and of these whether there is a true value,
    whether one is given, and whether they are equal."""
    true_rows, rows = _first_rows(_places(registry, truth, table)[0])
    for element in truth.column_names:
        if element in table.column_names:
            yield true_rows, *_answers(_text(truth[element]).take(pa.array(true_rows)), _text(table[element]).take(pa.array(rows)))


def _answers(wanted: Text, given: Text) -> tuple[Flags, Flags, Flags]:
    return _flags(pc.is_valid(wanted)), _flags(pc.is_valid(given)), _flags(pc.fill_null(pc.equal(wanted, given), False))


def _places(registry: str, truth: pa.Table, table: pa.Table) -> tuple[Ints, Flags]:
    """For each row of a table its place in the truth (-1: none), and whether it has an identity at all."""
    true_keys, keys = _identity(registry, truth), _identity(registry, table)
    places = np.asarray(pc.fill_null(pc.index_in(keys, pc.drop_null(true_keys)), -1)).astype(np.int64)
    return places, np.asarray(pc.is_valid(keys))


def _first_rows(places: Ints) -> tuple[Ints, Ints]:
    """Return the places of the truth that occur, and for each the first row of the table that has it."""
    found, first = np.unique(places, return_index=True)
    keep = found >= 0
    return found[keep], first[keep].astype(np.int64)


def _identity(registry: str, table: pa.Table) -> Text:
    columns = IDENTITY[registry]
    if any(column not in table.column_names for column in columns):
        return pa.nulls(table.num_rows, pa.string())
    return pc.binary_join_element_wise(*(_text(table[column]) for column in columns), "\x1f")


def _text(column: Text) -> Text:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array if array.type == pa.string() else pc.cast(array, pa.string())


def _element(element: str, truth: Text, published: Text | None, true_rows: Ints, rows: Ints) -> ElementAccount:
    expected = _text(truth)
    has_truth = int(len(expected) - expected.null_count)
    if published is None:
        return ElementAccount(element, 0, 0, has_truth, 0)
    wanted, given = expected.take(pa.array(true_rows)), _text(published).take(pa.array(rows))
    asked, answered, equal = _answers(wanted, given)
    right, wrong = int(np.sum(equal)), int(np.sum(asked & answered & ~equal))
    return ElementAccount(element, right, wrong, has_truth - right - wrong, int(np.sum(answered & ~asked)))


def _flags(column: Text) -> Flags:
    return np.asarray(column, dtype=np.bool_)


def render(result: Account) -> RenderableType:
    """Return the account for a terminal: one table for the registries, one per registry for the elements."""
    overview = _table(f"与真值对照 Account against the truth · 第 {result.day} 天 day {result.day}")
    overview.caption = "汇聚库与最佳单一来源 The hub, and the best single source beside it"
    for number, heading in enumerate(OVERVIEW):
        overview.add_column(heading, justify="left" if number < 2 else "right", no_wrap=True)
    for entry in result.registries:
        overview.add_row(" ".join(TITLES[entry.registry]), "汇聚库 the hub", *_figures(entry.published))
        if entry.best_source is not None:
            overview.add_row("", entry.best_source.name, *_figures(entry.best_source), style="dim")
    return Group(overview, *(_elements_table(entry) for entry in result.registries))


OVERVIEW = (
    "库\nRegistry",
    "来源\nFrom",
    "真实数\nTrue entities",
    "已发布\nFound",
    "占比\nShare",
    "重复\nTwice",
    "虚增\nPhantom",
    "值正确\nValues right",
    "所发布中有误\nWrong of those given",
)
ELEMENTS = (
    "数据元\nElement",
    "正确\nRight",
    "错误\nWrong",
    "缺失\nMissing",
    "无中生有\nInvented",
    "正确率\nRight share",
    "最佳单一来源\nBest single source",
)


def _table(title: str) -> RichTable:
    return RichTable(title=title, title_justify="left", caption_justify="left", box=SIMPLE_HEAD)


def _figures(table: TableAccount) -> tuple[str, ...]:
    return (
        f"{table.entities:,}",
        f"{table.found:,}",
        f"{table.found_share:.2%}",
        f"{table.repeated:,}",
        f"{table.phantom + table.unidentified:,}",
        f"{table.right_share:.2%}",
        f"{table.wrong_share:.2%}",
    )


def _elements_table(entry: RegistryAccount) -> RichTable:
    table = _table(" ".join(TITLES[entry.registry]))
    for heading in ELEMENTS:
        table.add_column(heading, justify="left" if "Element" in heading else "right", no_wrap=True)
    best = {element.element: element for element in entry.best_source.elements} if entry.best_source else {}
    for element in entry.published.elements:
        numbers = (f"{number:,}" for number in (element.right, element.wrong, element.missing, element.invented))
        single = f"{best[element.element].right_share:.2%}" if element.element in best else ""
        table.add_row(element.element, *numbers, f"{element.right_share:.2%}", single)
    return table

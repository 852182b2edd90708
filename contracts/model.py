"""The data contract: what a department supplies, and on what terms.

One YAML file per dataset. It maps the department's own columns to data elements and holds what is peculiar to that department; lengths,
patterns and codes are the standard's. The published JSON Schema (`contract.schema.json`) is rendered from this model, so an editor that
completes the one agrees with the other. Sharing classes and update cycles are those of the national catalog of government data resources
(政务信息资源共享管理暂行办法, State Council document 51 of 2016).
"""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from contracts.drift import Drift
from contracts.parts import ColumnName, DatasetId, Identifier, Part
from contracts.sources import Source
from contracts.tracking import Cursor, Log
from standards.model import Title

# The five fields of cron with their ranges, names of months and days left out: numbers read the same in every country.
_CRON_FIELDS = {
    "minute": "[0-5]?[0-9]",
    "hour": "([01]?[0-9]|2[0-3])",
    "day": "([1-9]|0[1-9]|[12][0-9]|3[01])",
    "month": "(0?[1-9]|1[0-2])",
    "weekday": "[0-7]",
}


def _cron_pattern() -> str:
    def field(number: str) -> str:
        part = rf"(\*|{number}(-{number})?)(/[1-9][0-9]?)?"
        return f"{part}(,{part})*"

    return "^" + " +".join(field(number) for number in _CRON_FIELDS.values()) + "$"


_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"

Share = Annotated[float, Field(ge=0, le=1)]
# Each format has to name a year, or every date would fall into 1900; two digits of one name their century, which nobody can guess.
DateFormat = Annotated[
    str,
    Field(
        pattern=r"^[^%]*(%[^y][^%]*)*(%Y|%y\([0-9]{4}\))[^%]*(%[^y][^%]*)*$",
        description=(
            'How the source writes a date, as in strftime: "%Y%m%d", "%d/%m/%Y". A year of two digits says from which year on its hundred '
            'years run: "%y(1930)%m%d" is 1930 to 2029.'
        ),
    ),
]
Lookup = Annotated[dict[str, str], Field(description='Source value to standard code, both quoted: {"M": "1"}.')]


class Department(Part):
    """The supplying body."""

    id: Identifier = Field(description="Short id of the department, as in `public_security`.")
    title: Title = Field(description="Name of the department.")
    contact: str = Field(default="", description="Where the hub reports trouble: an office mailbox or telephone number, not a person's.")


# Attributes that contracts did not have from the beginning: of a mapping, and by the part they stand in ("" is the contract itself).
_LATER = ("written_in", "unit")
_LATER_PARTS = {"": ("cursor", "log", "drift", "ended"), "reading": ("replica", "source_digest"), "retention": ("history_days",)}


class Mapping(Part):
    """One data element that a source column feeds."""

    element: Identifier = Field(description="Id of the data element.")
    formats: tuple[DateFormat, ...] = Field(
        default=(), strict=False, description="Date formats of this column, tried in order; declared, never guessed."
    )
    lookup: Lookup = Field(default_factory=dict)
    written_in: Identifier | None = Field(
        default=None, description="Another code list in which the column is written; its codes are translated: entity_status_36104."
    )
    unit: str | None = Field(default=None, min_length=1, description="What the bare numbers of the column count: 万元.")


class AsOf(Part):
    """The source column that says from when a record held."""

    column: ColumnName
    formats: tuple[DateFormat, ...] = Field(default=(), strict=False, description="Date formats of this column, tried in order.")


class ElementSource(Part):
    """Where the values of one data element come from."""

    column: str
    formats: tuple[str, ...] = ()
    lookup: dict[str, str] = Field(default_factory=dict)
    written_in: str | None = None
    unit: str | None = None


class Assertions(Part):
    """What a delivery must satisfy before it may be used; a failed assertion stops the batch."""

    least_rows: int = Field(default=1, ge=0, description="Fewest rows that a delivery can have.")
    fill_rates: dict[str, Share] = Field(default_factory=dict, description="Least share of rows with a value, per data element.")
    largest_shrink: Share = Field(default=0.2, description="Largest share of the records that may disappear at once.")
    largest_quarantine: Share = Field(default=0.2, description="Largest share of the rows that may be set aside or unreadable.")


class Schedule(Part):
    """When the dataset is collected."""

    cron: str | None = Field(
        default=None,
        pattern=_cron_pattern(),
        max_length=100,
        description='Five cron fields, Beijing time: "0 2 * * *"; left out, only on demand.',
    )
    retries: int = Field(default=2, ge=0, le=20, description="How often a failed attempt is repeated.")
    retry_seconds: int = Field(default=60, ge=0, description="Pause before a repetition.")


class Reading(Part):
    """How the hub behaves on the department's system."""

    window: str | None = Field(
        default=None, pattern=f"^{_TIME}-{_TIME}$", description='Hours in which reading is welcome, Beijing time: "22:00-06:00".'
    )
    statement_timeout_seconds: int = Field(default=600, ge=1, description="Longest time one statement may run on the source.")
    rows_per_second: int | None = Field(default=None, ge=1, description="Most rows read per second.")
    replica: Identifier | None = Field(
        default=None, description="Name of a connection to a copy of the database: it is read in place of the source while it answers."
    )
    source_digest: bool | None = Field(
        default=None,
        description="Whether a database computes count and digests of the rows itself: for the receipt, where it costs the source about "
        "another read, and in PostgreSQL to tell which rows differ, where it spares one. Left out, it does unless rows_per_second is set; "
        "false: it only counts.",
    )


class Sharing(Part):
    """On what terms other departments may use the dataset."""

    sharing_class: Literal["unconditional", "conditional", "none"] = Field(
        default="conditional", alias="class", description="unconditional (无条件共享), conditional (有条件共享) or none (不予共享)."
    )
    legal_basis: str = Field(default="", description="Law or policy; a dataset that is not shared at all must name one.")


class Retention(Part):
    """How long each layer keeps the dataset."""

    landing_days: int = Field(default=365, ge=1, description="Days for which deliveries are kept as received.")
    history_days: int | None = Field(
        default=None, ge=1, description="Days back to which older states of the standardized table can be read; left out, all of them."
    )


class Ended(Part):
    """That a dataset is collected no more, and what becomes of the records that it has."""

    reason: str = Field(min_length=1, pattern=r"\S", description="Why: the department closed the system.")
    records: Literal["kept", "withdrawn"] = Field(
        description="kept: they stay in the base tables as they were read last. withdrawn: they leave them with the next publication."
    )


_MappingInput = Identifier | Mapping


def _as_mappings(columns: Any) -> Any:
    """Write each short form out: an id, or a list of ids, becomes a list of mappings."""
    if not isinstance(columns, dict):
        return columns
    lists = {name: value if isinstance(value, list | tuple) else [value] for name, value in columns.items()}
    return {name: tuple({"element": item} if isinstance(item, str) else item for item in items) for name, items in lists.items()}


def _as_tuple(key: Any) -> Any:
    return (key,) if isinstance(key, str) else tuple(key) if isinstance(key, list) else key


_Filled = Field(min_length=1)
_ColumnsInput = Annotated[dict[ColumnName, _MappingInput | Annotated[list[_MappingInput], _Filled]], _Filled]
Columns = Annotated[
    dict[ColumnName, Annotated[tuple[Mapping, ...], _Filled]], _Filled, BeforeValidator(_as_mappings, json_schema_input_type=_ColumnsInput)
]
RecordKey = Annotated[
    tuple[ColumnName, ...], _Filled, BeforeValidator(_as_tuple, json_schema_input_type=ColumnName | Annotated[list[ColumnName], _Filled])
]
AsOfColumn = Annotated[
    AsOf | None,
    BeforeValidator(lambda value: {"column": value} if isinstance(value, str) else value, json_schema_input_type=ColumnName | AsOf | None),
]

WHOLE_ROW = "*"


class Contract(Part):
    """What a department supplies, and on what terms."""

    id: DatasetId = Field(description="`<department>__<dataset>`, as in `public_security__resident`.")
    title: Title = Field(description="Name of the dataset.")
    department: Department = Field(description="Who supplies it.")
    feeds: tuple[Identifier, ...] = Field(
        min_length=1, strict=False, description="Base registries it feeds: population, legal_entity, certificate, geography, credit."
    )
    source: Source = Field(description="Where it is read.")
    record_key: RecordKey = Field(description='Source columns that make a record the same record next time; "*" means the whole row.')
    change_tracking: Literal["snapshot", "cursor", "log"] = Field(
        default="snapshot",
        description="How changes are found: snapshot compares whole deliveries; cursor reads what a column says is new, and now and then all; "
        "log reads the records that the database's own log of changes names (PostgreSQL).",
    )
    cursor: Cursor | None = Field(default=None, description="Which column says what is new; for change_tracking: cursor.")
    log: Log | None = Field(default=None, description="What the log is called and how much of it may be kept; for change_tracking: log.")
    columns: Columns = Field(description="Source column to data element: an id, a list of ids, or an object with formats or lookup.")
    constants: dict[str, str] = Field(default_factory=dict, description="Data element to one standard value that holds for every row.")
    as_of: AsOfColumn = Field(
        default=None,
        description="Source column with the date from which a record holds, whatever the time of day; one still to come counts as none.",
    )
    ignore: tuple[ColumnName, ...] = Field(default=(), strict=False, description="Source columns that are deliberately not used.")
    assertions: Assertions = Field(default_factory=Assertions, description="What a delivery must satisfy.")
    drift: Drift | None = Field(default=None, description="What is done where the source is not what it was; left out, as its parts say.")
    schedule: Schedule = Field(default_factory=Schedule, description="When it is collected.")
    reading: Reading = Field(default_factory=Reading, description="How the source is treated.")
    update_cycle: Literal["realtime", "daily", "weekly", "monthly", "quarterly", "yearly", "irregular"] = Field(
        default="irregular", description="How often the department brings the dataset up to date."
    )
    sharing: Sharing = Field(default_factory=Sharing, description="On what terms others may use it.")
    retention: Retention = Field(default_factory=Retention, description="How long it is kept.")
    ended: Ended | None = Field(default=None, description="That it is collected no more; left out, it is collected.")

    @cached_property
    def elements(self) -> dict[str, ElementSource]:
        """Data element to the source column that feeds it; one column may feed several elements."""
        return {
            mapping.element: ElementSource(column=column, **mapping.model_dump(exclude={"element"}))
            for column, mappings in self.columns.items()
            for mapping in mappings
        }

    @cached_property
    def source_columns(self) -> tuple[str, ...]:
        """Source columns that must be there, in the contract's order: mapped ones, then those of the key and the as-of date."""
        named = [*self.columns, *(() if self.whole_row_is_key else self.record_key), *((self.as_of.column,) if self.as_of else ())]
        return tuple(dict.fromkeys(named))

    @property
    def whole_row_is_key(self) -> bool:
        """Whether the record has no key of its own, so that a changed row is another record."""
        return self.record_key == (WHOLE_ROW,)

    def counts_in(self, registry: str) -> bool:
        """Whether a registry may use its records: it feeds it, they are shared, and they were not withdrawn when it ended."""
        is_withdrawn = self.ended is not None and self.ended.records == "withdrawn"
        return registry in self.feeds and self.sharing.sharing_class != "none" and not is_withdrawn

    @property
    def drift_policy(self) -> Drift:
        """What is done where the source is not what it was."""
        return self.drift or Drift()

    @property
    def tracking_columns(self) -> tuple[str, ...]:
        """Columns that say what is new. They are landed, and are no part of what a record says."""
        return (self.cursor.column,) if self.cursor else ()

    def is_read(self, column: str) -> bool:
        """Whether a column found in the source is read: every one is, unless it is ignored and needed for nothing else."""
        return column in self.source_columns or column in self.tracking_columns or column not in self.ignore

    @property
    def digest(self) -> str:
        """sha256 of the contract's canonical JSON: short and long forms of the same contract have the same digest."""
        document = self.model_dump(mode="json", by_alias=True)
        # Attributes that came later count only where they are given: a contract that says nothing new stays the same contract.
        for mapping in (mapping for mappings in document["columns"].values() for mapping in mappings):
            for name in _LATER:
                if mapping[name] is None:
                    del mapping[name]
        for place, names in _LATER_PARTS.items():
            part = document[place] if place else document
            for name in names:
                if part[name] is None:
                    del part[name]
        # JSON objects have no order, but the order of columns is part of a row's canonical text.
        document["columns"] = list(document["columns"].items())
        return hashlib.sha256(json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

"""The data standard as values: data elements (ISO/IEC 11179), code lists, schemas, issue types and cross-field rules.

Everything here is frozen and refuses unknown keys. Nothing here imports an engine, so every layer may hold these values.
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from standards.day import reading_day

Text = Annotated[str, Field(min_length=1)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
IssueName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]

Sureness = Literal["verified", "single", "memory"]
Representation = Literal["name", "identifier", "code", "date", "text", "number", "flag"]
DataType = Literal["string", "date", "integer", "decimal"]
Classification = Literal["public", "internal", "personal", "sensitive"]
# GB/T 43697-2024: general, important and core data; annex H (informative) parts general data into four levels.
Grade = Literal["general-1", "general-2", "general-3", "general-4", "important", "core"]
PersonalInformation = Literal["none", "personal", "sensitive"]
Mask = Literal["none", "name", "identifier", "phone", "address", "full"]
Severity = Literal["error", "warning", "repaired"]
Dimension = Literal["normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"]
# Who can set something right: the department by its records, the vendor of its system by what the system writes, the owner of the standards by
# a list or rule, the data center by contract and pipeline, the person concerned by a declaration, the holder of an entry by registering a change.
Fixer = Literal["department", "vendor", "standards", "hub", "citizen", "holder"]
Obligation = Literal["mandatory", "optional"]

ANY_CLASS = "any"  # as object class: an element that may stand in every schema
TODAY = "today"  # as `maximum` of a date: the day of the run, Beijing time
UNKNOWN = "unknown"  # as clause of a source: nobody has seen where in the standard it stands
OPEN_END = "9999-12-31"  # how an open-ended validity (长期) is stored


class Definition(BaseModel):
    """Base of every definition: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(Definition):
    """A title or sentence in both languages of the hub."""

    zh: Text
    en: Text


class CodeTitle(Definition):
    """The name of a code; few standards give an English one."""

    zh: Text
    en: str = ""


class Source(Definition):
    """The standard a definition comes from, and how sure that is: seen twice, seen once, or from memory.

    `clause` is where in the standard, as clause, table or short name; of a data element it is always said, be it `unknown`.
    """

    standard: Text
    clause: str = ""
    sureness: Sureness

    @property
    def citation(self) -> str:
        """The standard and, where it is known, the clause."""
        return self.standard if self.clause in ("", UNKNOWN) else f"{self.standard} {self.clause}"


class Help(Definition):
    """Where a person looks for help with a value: the body that answers for it, and the paper on which it stands."""

    authority: Title
    document: Title


class DataElement(Definition):
    """The smallest unit of meaning; every product (schema, check, form, mask, document) is rendered from it.

    `classification` says how a value may be shown, `grade` is its level under GB/T 43697, `personal_information` what it is under the
    Personal Information Protection Law and GB/T 35273, and `personal_category` which of their kinds (code list `sensitive_pi`).
    """

    id: Identifier
    title: Title
    definition: Title
    source: Source
    object_class: Identifier
    representation: Representation
    type: Identifier
    data_type: DataType = "string"
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    code_list: Identifier | None = None
    minimum: str | None = None
    maximum: str | None = None
    classification: Classification
    grade: Grade
    personal_information: PersonalInformation
    personal_category: Identifier | None = None
    mask: Mask
    help: Help
    aliases: tuple[Text, ...] = ()


class Code(Definition):
    """One code of a list. A renamed unit has two entries with one code; `valid_to` is exclusive, empty means without an end.

    Either is a year, which stands for its first day, or an ISO date. What ends in days to come is still in force.

    `sureness` is given where it is less than that of the list; `attributes` are columns that the list declares beyond the common ones.
    """

    code: Text
    title: CodeTitle
    aliases: tuple[str, ...] = ()
    valid_from: str = ""
    valid_to: str = ""
    parent: str = ""
    level: str = ""
    successors: tuple[str, ...] = ()
    sureness: Sureness | Literal[""] = ""
    attributes: dict[str, str] = {}

    def is_in_force(self, day: str) -> bool:
        """Whether the entry holds on a day (ISO)."""
        return self.valid_from <= day and (not self.valid_to or day < self.valid_to)

    @property
    def is_current(self) -> bool:
        """Whether it holds on the day for which the standard is read."""
        return self.is_in_force(reading_day())

    @property
    def has_ended(self) -> bool:
        """Whether it held before that day and no longer does."""
        return bool(self.valid_to) and self.valid_to <= reading_day()


class SaysNothing(Definition):
    """The codes of a list by which a record says that something is unknown or was not stated, and where the standard gives them that meaning.

    What is something else than all that the list names (其他) is known, and no such code.
    """

    codes: tuple[Text, ...] = Field(min_length=1)
    source: Source


class CodeList(Definition):
    """The allowed values of an element. Codes with their spellings, known fixes and known junk never overlap.

    `attributes` names further columns of the codes; `endings` are words that a name may have behind it (法国籍); `used_for` says what a list is
    there for that no element draws its values from. `leads_to` names, for another list, the attribute that holds its codes (several, parted
    by `|`, lead nowhere): a column may then be written in this list. `prefix` names the attribute that may stand in front of a code.
    What `says_nothing` stands back behind every other code where sources are merged.
    """

    id: Identifier
    title: Title
    source: Source
    codes: tuple[Code, ...]
    attributes: dict[Identifier, Title] = {}
    used_for: Title | None = None
    leads_to: dict[Identifier, Identifier] = {}
    prefix: Identifier | None = None
    endings: tuple[Text, ...] = ()
    fixes: dict[str, str] = {}
    junk: tuple[str, ...] = ()
    says_nothing: SaysNothing | None = None

    @property
    def current(self) -> tuple[str, ...]:
        """The codes in force on the day for which the standard is read, in the order of the list."""
        day = reading_day()
        return tuple(code.code for code in self.codes if code.is_in_force(day))

    @property
    def is_dated(self) -> bool:
        """Whether any code says from when or until when it holds."""
        return any(code.valid_from or code.valid_to for code in self.codes)


class SchemaUse(Definition):
    """One element in one schema. `required`: missing is an error; `critical`: a wrong value quarantines the row.

    `obligation` is what the standard asks of a complete record. The hub insists on less: a source that lacks a mandatory element is still read.
    """

    element: DataElement
    required: bool = False
    critical: bool = False
    obligation: Obligation = "optional"


class Schema(Definition):
    """One base registry: its table, its elements in order, and the elements that identify a record.

    `position` is its place where registries stand side by side, `short` a name for narrow places, `one` what a page about one entity is called,
    `counted` what stands behind a number of them. `about` names the registries that its records say something of: their elements may stand in it.
    `context` is what a table is about that feeds it (`vocabulary/contexts.csv`); without one, nothing of it is proposed for a column.
    """

    id: Identifier
    title: Title
    position: int = 0
    short: Title | None = None
    one: Title | None = None
    counted: Title | None = None
    about: tuple[Identifier, ...] = ()
    context: Identifier | None = None
    table: Identifier
    identity: tuple[Identifier, ...]
    uses: tuple[SchemaUse, ...]

    @property
    def elements(self) -> tuple[DataElement, ...]:
        """The elements, in the order of the columns."""
        return tuple(use.element for use in self.uses)

    def use(self, element_id: str) -> SchemaUse | None:
        """The use of one element, or None where the schema does not have it."""
        return next((use for use in self.uses if use.element.id == element_id), None)


class IssueType(Definition):
    """A kind of finding: how bad, on which dimension of GB/T 36344, what to do and who can do it."""

    id: IssueName
    severity: Severity
    dimension: Dimension
    title: Title
    message: Title
    fixer: Fixer


class CrossRule(Definition):
    """A rule over several elements of one record; `expression` names a function of `standards/cross_rules.py` over the values of `needs`.

    `sureness` is how sure the rule itself is; one that was seen in one place or remembered says so wherever it is shown.
    """

    id: IssueName
    schema_id: Identifier = Field(alias="schema")
    needs: tuple[Identifier, ...] = Field(min_length=2)
    issue_type: IssueName
    severity: Severity
    dimension: Dimension
    message: Title
    expression: Identifier
    fixer: Fixer
    sureness: Sureness = "verified"


class Release(Definition):
    """What `version.yml` says: the number, the Beijing day from which the standard is in force, and what changed."""

    version: Annotated[str, Field(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4}){1,2}$")]
    in_force_from: date
    title: Title


class Standards(Definition):
    """One version of everything; definitions by id, in a fixed order."""

    release: Release
    elements: dict[str, DataElement]
    code_lists: dict[str, CodeList]
    schemas: dict[str, Schema]
    issue_types: dict[str, IssueType]
    cross_rules: tuple[CrossRule, ...]

    @property
    def version(self) -> str:
        """The number of this version; a batch pins it."""
        return self.release.version

    @property
    def registries(self) -> tuple[Schema, ...]:
        """The schemas in the order in which people speak of them."""
        return tuple(sorted(self.schemas.values(), key=lambda schema: (schema.position, schema.id)))

    @property
    def proposed(self) -> tuple[DataElement, ...]:
        """The elements that may be proposed for a column: those of registries with a context, and those of every one."""
        return tuple(
            element
            for element in self.elements.values()
            if element.object_class == ANY_CLASS or ((schema := self.schemas.get(element.object_class)) is not None and schema.context)
        )

    @model_validator(mode="after")
    def _ids_are_keys(self) -> Self:
        for group in (self.elements, self.code_lists, self.schemas, self.issue_types):
            for key, item in group.items():
                if key != item.id:
                    raise ValueError(f"{item.id} is filed under {key}")
        return self

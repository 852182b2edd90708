"""Where a dataset is read: a table of a database, files of one of several forms, or an API."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.parts import ColumnName, Identifier, Part

_Connection = Annotated[Identifier, Field(description="Name of the connection that says in which folder the files lie.")]
_Path = Annotated[
    str,
    Field(
        min_length=1,
        description='File below the connection\'s folder, or a pattern ("rk_*.csv"): all that match are one delivery, in name order. '
        "Files may be gzip-compressed or in a zip archive.",
    ),
]
_Encoding = Annotated[str | None, Field(description="Encoding; left out, it is found: byte-order mark, then UTF-8, then GB18030.")]
_Header = Annotated[bool, Field(description='False where the first line is already data; columns are then named "1", "2", ….')]
_HeaderRow = Annotated[int | None, Field(ge=1, description="Line of the header; left out, it is found by the contract's columns.")]


class DatabaseSource(Part):
    """A table or view of a database."""

    kind: Literal["postgresql", "mysql", "sqlite", "sql"] = Field(
        description="A database: postgresql, mysql (also MariaDB) or sqlite; sql for every other, told by its address (SQL Server, Oracle, …)."
    )
    connection: Identifier = Field(description="Name of the connection; its address is set up outside, never in a contract.")
    object: str = Field(min_length=1, description='Table or view, with its schema where there is one: "hj.t_rkxx".')


class CsvSource(Part):
    """Text files with separated values."""

    kind: Literal["csv"] = Field(description="Text files with separated values.")
    connection: _Connection
    path: _Path
    encoding: _Encoding = None
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="What separates values.")
    header: _Header = True
    header_row: _HeaderRow = None


class WorkbookSource(Part):
    """A sheet of a workbook (xlsx, xls, ods)."""

    kind: Literal["xlsx"] = Field(description="Workbooks: xlsx, xls or ods.")
    connection: _Connection
    path: _Path
    sheet: str | None = Field(default=None, min_length=1, description="Name of the sheet; left out, the first that is not hidden.")
    header: _Header = True
    header_row: _HeaderRow = None


class JsonLinesSource(Part):
    """Text files with a JSON object in each line."""

    kind: Literal["jsonl"] = Field(
        description='JSON lines: an object a line. Its members are the columns; "/address/city" reaches into an object within.'
    )
    connection: _Connection
    path: _Path
    encoding: _Encoding = None


class FixedField(Part):
    """The places of one column in a line."""

    name: ColumnName
    start: int = Field(ge=1, description="First place, counted from 1.")
    width: int = Field(ge=1, description="How many places.")


class FixedWidthSource(Part):
    """Text files in which every value has its own places in the line."""

    kind: Literal["fixed"] = Field(description="Lines of fixed width.")
    connection: _Connection
    path: _Path
    encoding: _Encoding = None
    unit: Literal["characters", "bytes"] = Field(
        default="characters",
        description="What places count: characters, or bytes of the encoding as older systems do (a Han character is two).",
    )
    skipped_lines: int = Field(default=0, ge=0, description="Lines before the first record.")
    line_width: int | None = Field(default=None, ge=1, description="Width of every line; a line of another width is then not read.")
    fields: tuple[FixedField, ...] = Field(min_length=1, strict=False, description="The columns with their places.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [field.name for field in self.fields]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"fields: each name stands once; {', '.join(repeated)} stands more often")
        return self


class XmlSource(Part):
    """XML documents with an element for each record."""

    kind: Literal["xml"] = Field(
        description='XML documents. Child elements are the columns ("address/city" where nested), attributes too, with "@" in front.'
    )
    connection: _Connection
    path: _Path
    encoding: _Encoding = None
    record: str = Field(min_length=1, description="Name, without prefix, of the element that stands for a record.")


_Pointer = Annotated[str, Field(pattern="^(/[^/]*)*$")]


class Paging(Part):
    """How an API hands out more records than one answer holds."""

    by: Literal["page", "offset", "cursor", "link"] = Field(
        description="page: numbered pages; offset: how many records to pass over; cursor: a mark out of the last answer; link: a Link header."
    )
    parameter: str = Field(default="page", min_length=1, description="Parameter for the page, the offset or the cursor.")
    first: int = Field(default=1, ge=0, description="Number of the first page.")
    size: int | None = Field(default=None, ge=1, le=100_000, description="Records asked for in one answer.")
    size_parameter: str | None = Field(default=None, min_length=1, description="Parameter for that: page_size.")
    cursor: _Pointer | None = Field(default=None, description='Where in an answer the next cursor stands: "/data/next".')

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by == "cursor" and not self.cursor:
            raise ValueError('paging: by cursor needs `cursor`, the place of the next one in an answer: "/data/next"')
        if self.size_parameter and not self.size:
            raise ValueError("paging: `size_parameter` needs `size`, how many records to ask for")
        return self


class HttpSource(Part):
    """Records that an HTTP API hands out as JSON, page by page."""

    kind: Literal["http"] = Field(
        description='A JSON API. Members of its records are the columns; "/address/city" reaches into an object within.'
    )
    connection: Identifier = Field(description="Name of the connection with the API's address and what it asks of its callers.")
    path: str = Field(min_length=1, description="Path below the connection's address: v1/taxpayers.")
    method: Literal["GET", "POST"] = Field(default="GET", description="POST sends the parameters as a JSON object.")
    parameters: dict[str, str] = Field(default_factory=dict, description="Parameters of every call, none of them secret.")
    records: _Pointer = Field(
        default="", description='Where in an answer the list of records stands: "/data/items"; left out, it is the answer.'
    )
    total: _Pointer | None = Field(
        default=None,
        description='Where an answer says how many records there are in all: "/data/total". A read of another number is refused.',
    )
    paging: Paging | None = Field(default=None, description="How there is more than one answer; left out, there is one.")
    most_pages: int = Field(default=10_000, ge=1, description="An API that hands out more pages than this is not believed.")
    requests_per_minute: int | None = Field(default=None, ge=1, description="Most calls in a minute.")


FileSource = CsvSource | WorkbookSource | JsonLinesSource | FixedWidthSource | XmlSource
Source = Annotated[
    DatabaseSource | CsvSource | WorkbookSource | JsonLinesSource | FixedWidthSource | XmlSource | HttpSource,
    Field(discriminator="kind"),
]

"""Where a dataset is read: a table of a database, or files of one of several forms."""

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

    kind: Literal["postgresql", "mysql", "sqlite"] = Field(description="A database: postgresql, mysql (also MariaDB) or sqlite.")
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
    sheet: str | None = Field(default=None, min_length=1, description="Name of the sheet; left out, the first.")
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


FileSource = CsvSource | WorkbookSource | JsonLinesSource | FixedWidthSource | XmlSource
Source = Annotated[
    DatabaseSource | CsvSource | WorkbookSource | JsonLinesSource | FixedWidthSource | XmlSource, Field(discriminator="kind")
]

"""How the changes of a dataset are found, where whole deliveries are not compared every time."""

from pydantic import Field

from contracts.parts import ColumnName, Part


class Cursor(Part):
    """A column that rises with every change: the time of the change, or a number."""

    column: ColumnName
    overlap: int = Field(
        default=600,
        ge=0,
        description="How far below the highest value seen reading begins again, for changes that were committed late: seconds of a time, "
        "or so many of a number.",
    )
    sweep_hours: int = Field(
        default=24,
        ge=1,
        description="After so many hours the whole table is read and compared: that finds deletes, and what the cursor has missed.",
    )

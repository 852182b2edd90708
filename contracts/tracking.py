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
        description="After so many hours all rows are compared, by their digests where the source can tell them: that finds deletes, and what "
        "the cursor has missed.",
    )


class Log(Part):
    """The source's own log of changes (PostgreSQL, logical replication)."""

    publication: str = Field(
        min_length=1,
        description="The publication of the source's database that has the table; the department makes it: CREATE PUBLICATION govhub FOR TABLE …",
    )
    alert_retained_mb: int = Field(default=256, ge=1, description="So much log kept for the hub is told with the batch.")
    most_retained_mb: int = Field(
        default=1024, ge=1, description="Beyond so much log kept for the hub, the hub gives it up and reads the whole table anew."
    )
    server_bound: bool = Field(
        default=True,
        description="The server itself bounds the log that it keeps (max_slot_wal_keep_size), so that a hub that is gone fills no disk. "
        "False: the department has agreed to go without.",
    )
    most_changes: int = Field(default=200_000, ge=1, description="With more changed records than this the whole table is read instead.")

"""What the parts of a contract have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NAME = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
DatasetId = Annotated[str, Field(pattern=f"^{NAME}__{NAME}$")]
Identifier = Annotated[str, Field(pattern=f"^{NAME}$")]
ColumnName = Annotated[str, Field(min_length=1, description="A column as the source names it.")]


class Part(BaseModel):
    """A part of a contract: frozen, without unknown keys, and nothing is converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

"""What is to be done where a source is no longer what it was when it was last accepted."""

from typing import Annotated, Literal

from pydantic import Field

from contracts.parts import Part

Policy = Literal["stop", "carry_on", "accept"]


class Drift(Part):
    """Per kind of change: stop the batch and ask a person, carry on without what changed, or accept it. Each is noted with the batch."""

    new: Policy = Field(default="carry_on", description="A column that was not there; it is landed, and published once it is mapped.")
    missing: Policy = Field(default="stop", description="A column of the contract is gone; to carry on is to read it as empty.")
    renamed: Policy = Field(
        default="stop",
        description="A column of the contract is gone and another says the same; to accept is to read that one in its place.",
    )
    retyped: Policy = Field(default="carry_on", description="A column has another type, or values of another form.")
    encoding: Policy = Field(default="carry_on", description="Another encoding or collation.")
    codes: Policy = Field(default="carry_on", description="Many more values than before are in no code list and no lookup.")
    volume: Policy = Field(default="carry_on", description="Many more or fewer rows than before.")
    code_jump: Annotated[float, Field(ge=0, le=1)] = Field(default=0.05, description="By how much the share of unknown codes may rise.")
    volume_change: float = Field(default=0.5, ge=0, description="By which share the number of rows may change.")

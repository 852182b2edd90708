"""Several values: elements of which the world has more than one at once, and the roles in which it has them, as data.

A person is registered at one address, lives at another and owns a third; a company bore another name before. The value that survivorship chooses
stands in the column of its element; the others stand beside it (`registries.further_values`), each under the first role that fits it.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from standards.comparable_characters import Kind
from standards.model import DataElement, Title


class Role(BaseModel):
    """What a value is to its entity, and which values have this role: those that fulfil all that is said here.

    `elements`: supplied as one of these, which are others than the one whose values they join. `departments`: the best
    of the sources that say it is one of theirs. `begins_with`: its first characters. `earlier`: no newest record of a source says it of a day
    as late as the newest on which one says the chosen value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    title: Title
    elements: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    begins_with: tuple[str, ...] = ()
    earlier: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether every value of its elements has it that had none of the roles before."""
        return not (self.departments or self.begins_with or self.earlier)

    def is_for(self, element: str, supplied_as: str) -> bool:
        """Whether a value of an element, supplied as this one or another, may have it."""
        return supplied_as in self.elements if self.elements else supplied_as == element


class Several(BaseModel):
    """The roles of the values of one element, the first that fits counts; `compared_as` says which spellings are one value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    compared_as: Kind | None = None
    roles: tuple[Role, ...] = Field(min_length=1)

    @property
    def tells_earlier(self) -> bool:
        """Whether a role depends on days."""
        return any(role.earlier for role in self.roles)

    def supplied_as(self, element: str) -> tuple[str, ...]:
        """The elements whose values are values of this one, itself first."""
        return tuple(dict.fromkeys([element, *(name for role in self.roles for name in role.elements)]))

    def roles_of(self, element: str, supplied_as: str, department: str) -> list[Role]:
        """The roles among which the value itself and its day decide."""
        return [role for role in self.roles if role.is_for(element, supplied_as) and department in (role.departments or (department,))]

    def faults(self, element: str) -> Iterator[str]:
        """What is wrong in itself."""
        names = [role.id for role in self.roles]
        for twice in sorted({name for name in names if names.count(name) > 1}):
            yield f"the role {twice} is named twice"
        for role in self.roles:
            if element in role.elements:
                yield f"{role.id}: values of {element} are meant anyway"
        for name in self.supplied_as(element):
            certain = [role.is_certain for role in self.roles if role.is_for(element, name)]
            if certain.count(True) != 1 or not certain[-1]:
                yield f"exactly the last role for values supplied as {name} has to be without departments, begins_with and earlier"


def is_alike(element: DataElement, other: DataElement) -> bool:
    """Whether values of one may be shown and compared as values of the other are."""
    return (element.type, element.classification, element.mask) == (other.type, other.classification, other.mask)

"""What is particular to one base registry, as data: identity rule, survivorship and gate. Everything else is shared code."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import DefinitionError, Fault, RequestError
from standards.model import Standards

FOLDER = Path(__file__).parent / "definitions"


class IdentityRule(BaseModel):
    """The rule by which equal identifiers mean one entity. Its elements are the `identity` of the schema; its version is part of every link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int


class FeedRule(BaseModel):
    """How far back the change feed is answered: the changes of that many publications, the newest included.

    Whoever asks for older ones starts anew from a state, which is the feed compacted: one row per entity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    publications: int = Field(ge=1)


class RegistryDefinition(BaseModel):
    """One base registry. Without a `feed` rule all changes are answered for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int
    identity: IdentityRule
    largest_shrink: float = Field(ge=0, le=1)
    feed: FeedRule | None = None
    ranks: dict[str, tuple[str, ...]]

    def rank(self, element: str, department: str) -> int:
        """Whose word counts: the smaller the earlier. A department that is not named comes after all that are."""
        order = self.ranks.get(element, self.ranks["default"])
        fallback = self.ranks["default"]
        if department in order:
            return order.index(department)
        return len(order) + (fallback.index(department) if department in fallback else len(fallback))


@cache
def load_definitions() -> dict[str, RegistryDefinition]:
    """Read all definitions. Raises DefinitionError with every fault of every file."""
    faults: list[Fault] = []
    found: dict[str, RegistryDefinition] = {}
    for path in sorted(FOLDER.glob("*.yml")):
        try:
            definition = RegistryDefinition.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            faults += [Fault(path.name, ".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
            continue
        if definition.id != path.stem:
            faults.append(Fault(path.name, "id", f"expected {path.stem}, the name of the file"))
        if "default" not in definition.ranks:
            faults.append(Fault(path.name, "ranks", "expected an entry `default`"))
        found[definition.id] = definition
    if faults:
        raise DefinitionError(faults)
    return found


def check_definitions(standards: Standards) -> list[Fault]:
    """Faults of the definitions against the standard: unknown registries, ranks for elements that the schema does not have."""
    return [
        Fault(f"{definition.id}.yml", f"ranks.{name}", f"the schema {definition.id} has no such element")
        for definition in load_definitions().values()
        for name in definition.ranks
        if name != "default" and (definition.id not in standards.schemas or standards.schemas[definition.id].use(name) is None)
    ]


def get_definition(registry: str) -> RegistryDefinition:
    """Return one definition. Raises RequestError, naming those there are."""
    definitions = load_definitions()
    if registry not in definitions:
        raise RequestError(f"there is no registry {registry}", hint=f"registries are: {', '.join(definitions)}")
    return definitions[registry]

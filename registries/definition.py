"""What is particular to one base registry, as data: identity rule, survivorship and gate. Everything else is shared code."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import DefinitionError, Fault, RequestError
from registries.several import Several, is_alike
from standards.documents import read_yaml
from standards.model import Standards

FOLDER = Path(__file__).parent / "definitions"


class IdentityRule(BaseModel):
    """The rule by which equal identifiers mean one entity. Its elements are the `identity` of the schema; its version is part of every link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int


class Crowd(BaseModel):
    """A source that has more than so many values of one of the elements under one identifier does not know whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    elements: tuple[str, ...] = Field(min_length=1)
    more_than: int = Field(ge=1)

    @model_validator(mode="before")
    @classmethod
    def _one_element(cls, value: Any) -> Any:
        # As the versions have it that publications were made with when there was one.
        return {"elements": [value["element"]], "more_than": value.get("more_than")} if "element" in value else value


class ConflictRule(BaseModel):
    """When records with the same identifier are clearly not of one entity (`pipeline.publication.conflicts`).

    `disagree`: in each of the groups at least one element differs; the group that is compared fastest first. Its version is part of every line
    that it makes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int
    disagree: tuple[tuple[str, ...], ...] = ()
    crowd: Crowd | None = None

    @property
    def name(self) -> str:
        """How links and candidate pairs name it."""
        return f"{self.id}/{self.version}"

    @property
    def elements(self) -> tuple[str, ...]:
        """Everything that it looks at, each once."""
        named = [name for group in self.disagree for name in group]
        return tuple(dict.fromkeys([*named, *(self.crowd.elements if self.crowd else ())]))


class PartOf(BaseModel):
    """Where a code stands in another: from the `first` character on, `length` of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    element: str
    first: int = Field(ge=1)
    length: int = Field(ge=1)


class EarlierCode(BaseModel):
    """A code that an entity had before its identifier; records that show only that are of the one entity that has it.

    `part_of` says where the identifier holds it. `bits` is how much its agreement says, beside the scores of models. Its version is part of
    every judgement that it makes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int
    element: str
    part_of: PartOf | None = None
    bits: float = Field(gt=0)

    @property
    def name(self) -> str:
        """How judgements and candidate pairs name it."""
        return f"{self.id}/{self.version}"


class FeedRule(BaseModel):
    """How far back the change feed is answered: the changes of that many publications, the newest included.

    Whoever asks for older ones starts anew from a state, which is the feed compacted: one row per entity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    publications: int = Field(ge=1)


class Words(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Rank(BaseModel):
    """Whose word counts for an element, and why.

    `sources` are departments in order; several in a list of their own count alike, and `then` decides between them: the newest record, the
    fullest, or the value that most of them say. Where a day stands in the element `stopped_by`, no source says anything of later days,
    but those that `may_go_on`: who is dead does not move.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str | tuple[str, ...], ...] = Field(min_length=1)
    then: Literal["newest", "fullest", "most_frequent"] | None = None
    stopped_by: str | None = None
    may_go_on: tuple[str, ...] = ()
    reason: Words | None = None
    legal_basis: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_list(cls, value: Any) -> Any:
        return {"sources": value} if isinstance(value, list | tuple) else value

    @property
    def tiers(self) -> tuple[tuple[str, ...], ...]:
        """Departments that count alike, best first."""
        return tuple((item,) if isinstance(item, str) else item for item in self.sources)

    @property
    def departments(self) -> tuple[str, ...]:
        """All departments that are named, best first."""
        return tuple(name for tier in self.tiers for name in tier)


class Agreement(BaseModel):
    """Chosen values that have to fit: `element` goes with what was chosen for `follows`.

    By province, a division code goes with an address: it is taken from the source of the address, and from another one only where the address
    names no other province. By value, it is taken in the order of its sources, from those that say nothing else of `follows`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    element: str
    follows: str
    by: Literal["province", "value"] = "province"
    reason: Words


class Limits(BaseModel):
    """Shares of a source's records: values emptied, values that became others, values that became one and the same; and of the records that are
    new, those that have one value (`uniform`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    emptied: float | None = Field(default=None, ge=0, le=1)
    changed: float | None = Field(default=None, ge=0, le=1)
    same: float | None = Field(default=None, ge=0, le=1)
    uniform: float | None = Field(default=None, ge=0, le=1)


class SourceLimits(BaseModel):
    """How much of what a source says may change from one publication to the next; beyond that a person has to look at it.

    `elements` have limits of their own. A source of fewer than `least_records` is not looked at, nor are fewer new records: a share says little
    of few. Of new records there is nothing to compare with; one value in many of them is looked at where an element has a limit for that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    emptied: float = Field(ge=0, le=1)
    changed: float = Field(ge=0, le=1)
    same: float = Field(ge=0, le=1)
    least_records: int = Field(ge=1)
    elements: dict[str, Limits] = {}

    @property
    def smallest(self) -> float:
        """A source of which no larger share has changed is within all limits."""
        own: list[float] = [value for limits in self.elements.values() for value in limits.model_dump().values() if value is not None]
        return min([self.emptied, self.changed, self.same, *own])

    def of(self, element: str) -> dict[str, float]:
        """The limits of one element, by kind."""
        own = self.elements.get(element, Limits()).model_dump(exclude_none=True)
        return {"emptied": self.emptied, "changed": self.changed, "same": self.same, **own}


class RegistryDefinition(BaseModel):
    """One base registry. Without a `feed` rule all changes are answered for ever; without `sources` they may change as they like.

    An element that is not in `several` has one value. A row is `dated_by` all records that speak for their sources, or by those that are believed
    of their day (`registries.survivorship`): what publications before that rule were made with says nothing of it, and is replayed so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int
    identity: IdentityRule
    largest_shrink: float = Field(ge=0, le=1)
    feed: FeedRule | None = None
    conflict: ConflictRule | None = None
    earlier_codes: tuple[EarlierCode, ...] = ()
    ranks: dict[str, Rank]
    agreements: tuple[Agreement, ...] = ()
    several: dict[str, Several] = {}
    sources: SourceLimits | None = None
    dated_by: Literal["all", "believed"] = "all"

    def rank_of(self, element: str) -> Rank:
        """The order that holds for an element: its own, or that of all elements without one."""
        return self.ranks.get(element, self.ranks["default"])

    def rank(self, element: str, department: str) -> int:
        """Whose word counts: the smaller the earlier. A department that is not named comes after all that are, in the order of `default`."""
        tiers, fallback = self.rank_of(element).tiers, self.ranks["default"].departments
        for place, tier in enumerate(tiers):
            if department in tier:
                return place
        return len(tiers) + (fallback.index(department) if department in fallback else len(fallback))

    def agreement_of(self, element: str) -> Agreement | None:
        """What an element has to fit, if anything."""
        return next((item for item in self.agreements if item.element == element), None)

    def order_of(self, element: str) -> dict[str, Any]:
        """The rule by which an element is chosen, and the roles of the values beside it, as data."""
        order = self.rank_of(element).model_dump(mode="json", exclude_defaults=True)
        if agreement := self.agreement_of(element):
            order["agrees_with"] = agreement.model_dump(mode="json", exclude={"element"}, exclude_defaults=True)
        if several := self.several.get(element):
            order["beside"] = [role.title.model_dump() for role in several.roles]
        return order

    def faults(self) -> Iterator[tuple[str, str]]:
        """Key and text of what is wrong in itself."""
        if "default" not in self.ranks:
            yield "ranks", "expected an entry `default`"
        for name, rank in self.ranks.items():
            named = rank.departments
            for twice in sorted({item for item in named if named.count(item) > 1}):
                yield f"ranks.{name}.sources", f"{twice} is named twice"
            if rank.then and all(len(tier) == 1 for tier in rank.tiers):
                yield f"ranks.{name}.then", "nothing to decide: no two sources count alike"
            if rank.may_go_on and not rank.stopped_by:
                yield f"ranks.{name}.may_go_on", "nothing stops them: there is no `stopped_by`"
            if rank.stopped_by and self.ranks.get(rank.stopped_by, self.ranks.get("default", rank)).stopped_by:
                yield f"ranks.{name}.stopped_by", f"{rank.stopped_by} is itself stopped by another element"
        followers = {item.element for item in self.agreements}
        for item in self.agreements:
            if item.follows in followers:
                yield f"agreements.{item.element}", f"{item.follows} follows another element itself"
        for name, several in self.several.items():
            yield from ((f"several.{name}", text) for text in several.faults(name))
            if name in followers:
                yield f"several.{name}", "follows another element, of which there is one"

    def named_elements(self) -> Iterator[tuple[str, str]]:
        """Key and name of every element that is mentioned."""
        for name, rank in self.ranks.items():
            if name != "default":
                yield f"ranks.{name}", name
            if rank.stopped_by:
                yield f"ranks.{name}.stopped_by", rank.stopped_by
        for name in self.sources.elements if self.sources else ():
            yield f"sources.elements.{name}", name
        for name in self.conflict.elements if self.conflict else ():
            yield f"conflict.{name}", name
        for code in self.earlier_codes:
            yield f"earlier_codes.{code.id}", code.element
            if code.part_of:
                yield f"earlier_codes.{code.id}.part_of", code.part_of.element
        for item in self.agreements:
            yield f"agreements.{item.element}", item.element
            yield f"agreements.{item.element}.follows", item.follows
        for name, several in self.several.items():
            yield from ((f"several.{name}", other) for other in several.supplied_as(name))


@cache
def load_definitions() -> dict[str, RegistryDefinition]:
    """Read all definitions. Raises DefinitionError with every fault of every file."""
    faults: list[Fault] = []
    found: dict[str, RegistryDefinition] = {}
    for path in sorted(FOLDER.glob("*.yml")):
        body, findings = read_yaml(path)
        faults += [Fault(path.name, key, text) for key, text in findings]
        if body is None:
            continue
        try:
            definition = RegistryDefinition.model_validate(body)
        except ValidationError as error:
            faults += [Fault(path.name, ".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
            continue
        if definition.id != path.stem:
            faults.append(Fault(path.name, "id", f"expected {path.stem}, the name of the file"))
        faults += [Fault(path.name, key, text) for key, text in definition.faults()]
        found[definition.id] = definition
    if faults:
        raise DefinitionError(faults)
    return found


def check_definitions(standards: Standards) -> list[Fault]:
    """Faults of the definitions against the standard: registries and elements that it does not have, days that are none."""
    return [
        Fault(f"{definition.id}.yml", key, text)
        for definition in load_definitions().values()
        for key, text in _unknown(definition, standards)
    ]


def _unknown(definition: RegistryDefinition, standards: Standards) -> Iterator[tuple[str, str]]:
    schema = standards.schemas.get(definition.id)
    if schema is None:
        yield "id", f"the standard has no schema {definition.id}"
        return
    for key, name in definition.named_elements():
        if schema.use(name) is None:
            yield key, f"the schema {definition.id} has no element {name}"
        elif key.endswith(".stopped_by") and standards.elements[name].data_type != "date":
            yield key, f"{name} is no date"
    for name, several in definition.several.items():
        known = [standards.elements[other] for other in several.supplied_as(name) if schema.use(other)]
        if not all(is_alike(known[0], other) for other in known):
            yield f"several.{name}", "values that are to stand together have different types, classifications or masks"


def get_definition(registry: str) -> RegistryDefinition:
    """Return one definition. Raises RequestError, naming those there are."""
    definitions = load_definitions()
    if registry not in definitions:
        raise RequestError(f"there is no registry {registry}", hint=f"registries are: {', '.join(definitions)}")
    return definitions[registry]

"""A linkage model as data: what is prepared, compared and blocked, and from which score on two records are one (`registries/models/*.yml`).

What the model has learned stands beside it (`<model>.json`, written by `./hub linkage train`) and is versioned with it: parameters of
another version are refused. Weights are in bits: the binary logarithm of how much more often a level occurs among records of one entity.
"""

import hashlib
import json
import re
from collections import Counter
from itertools import chain
from math import log2
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import DefinitionError, Fault, RequestError
from standards.documents import read_yaml

FOLDER = Path(__file__).parents[1] / "models"
Recipe = Literal["person_name", "organization_name", "address"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Part):
    """A text in both languages."""

    zh: str
    en: str


class Level(_Part):
    """One degree of likeness. `when` is SQL over prepared columns of both sides (`name_l`, `name_r`); the last level of a comparison has none.

    With `frequency`, a prepared column, agreeing on a rare value counts for more than on a common one. `sharers` are the others with whom an
    entity usually has such a value in common (a household its address and telephone), whatever the records of a training say. Pairs on a level
    that is `clerical` are for a person, however much else speaks for them: twins agree on all but a character of their names.
    """

    title: Words
    when: str = ""
    frequency: str | None = None
    sharers: float = 0.0
    clerical: bool = False


class Comparison(_Part):
    """What is compared: of its levels, the strongest first, the first that holds counts. Where a column of `needs` is null, none does."""

    id: str = Field(pattern="^[a-z][a-z0-9_]*$")
    title: Words
    needs: tuple[str, ...] = Field(min_length=1)
    levels: tuple[Level, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _only_the_last_holds_always(self) -> Self:
        if [bool(level.when) for level in self.levels] != [True] * (len(self.levels) - 1) + [False]:
            raise ValueError("every level but the last has a condition")
        return self


class Training(_Part):
    """How the parameters are learned.

    By `label`, where records with an identifier are there: pairs with the same one show how records of one entity differ. One that more than
    `largest_label` records have is none (an authority that puts its own code on others). Otherwise without any truth: pairs that agree on one
    of `certain` are of one entity, a share `recall` of all such pairs; each of `passes` finds pairs that agree on its columns, and learns from
    them how all other comparisons turn out. Every level is granted the share `least` of the pairs of one entity: records to come have faults
    that those of the training had not.
    """

    label: str | None = None
    largest_label: int = 12
    certain: tuple[tuple[str, ...], ...] = ()
    recall: float = Field(default=1.0, gt=0, le=1)
    passes: tuple[tuple[str, ...], ...] = ()
    least: float = Field(default=0.001, gt=0, lt=1)
    random_pairs: int = Field(default=400_000, gt=0)
    seed: int = 1

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.label) == bool(self.certain and self.passes):
            raise ValueError("expected either a label, or rules that are certain and passes")
        return self


class Thresholds(_Part):
    """Scores in bits: from `automatic` on two records are one, from `review` on a person decides, below they are two.

    Two records of one dataset are one from `duplicate` on: a register seldom has somebody twice. A pair that beats its best rival by less
    than `margin` is for a person as well (`registries.linkage.verdicts`).
    """

    automatic: float
    review: float
    duplicate: float
    margin: float = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.review <= self.automatic <= self.duplicate:
            raise ValueError("expected review, automatic and duplicate in this order")
        return self


class LinkageModel(_Part):
    """How records of one registry are linked without an identifier.

    `prepared` cuts an element into parts (`registries.linkage.prepare`), `columns` adds SQL over elements and parts. `blocking` lists the
    columns that two records have to agree on, one way of several, to be compared at all; a column may hold a list, of which one value is
    enough. Values that more than `largest_block` pairs share are passed over: they tell nobody apart.
    """

    id: str
    version: int = Field(ge=1)
    title: Words
    elements: tuple[str, ...] = Field(min_length=1)
    prepared: dict[str, Recipe] = {}
    columns: dict[str, str] = {}
    comparisons: tuple[Comparison, ...] = Field(min_length=1)
    blocking: tuple[tuple[str, ...], ...] = Field(min_length=1)
    largest_block: int = Field(default=1_000_000, gt=0)
    training: Training
    thresholds: Thresholds

    @property
    def frequencies(self) -> list[str]:
        """The prepared columns of which rare values count for more than common ones."""
        named = {level.frequency for comparison in self.comparisons for level in comparison.levels}
        return sorted(name for name in named if name)

    @property
    def for_blocking(self) -> "LinkageModel":
        """The same model with nothing prepared but what is asked of every record: what its blocking rules look at, and what is counted."""
        wanted, columns = {*chain.from_iterable(self.blocking), *self.frequencies}, {}
        # A column may stand on those before it.
        for name, sql in reversed(self.columns.items()):
            if name in wanted:
                columns[name] = sql
                wanted |= set(re.findall(r"\w+", sql))
        prepared = {element: recipe for element, recipe in self.prepared.items() if any(name.startswith(f"{element}_") for name in wanted)}
        return self.model_copy(update={"prepared": prepared, "columns": dict(reversed(columns.items()))})

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        ids = Counter(comparison.id for comparison in self.comparisons)
        if repeated := [name for name, count in ids.items() if count > 1]:
            raise ValueError(f"comparisons occur twice: {', '.join(repeated)}")
        if unknown := [name for name in self.prepared if name not in self.elements]:
            raise ValueError(f"prepared, but no element of the model: {', '.join(unknown)}")
        return self


class Learned(_Part):
    """What one level has been learned to mean: its share among pairs of one entity (`m`) and among all other pairs (`u`)."""

    m: float = Field(gt=0, le=1)
    u: float = Field(gt=0, le=1)

    @property
    def weight(self) -> float:
        """Bits that speak for (or, below zero, against) one entity."""
        return log2(self.m / self.u)


_LEAST_U = 1e-6
_SIGNIFICANT = 4


def learned_share(m: object, u: object, least: float) -> Learned:
    """What a level has been learned to mean, from shares that may be unknown or too small to be believed; `least` is that of `m`."""
    return Learned(m=_share(m, least), u=_share(u, _LEAST_U))


def _share(found: object, least: float) -> float:
    return rounded(min(max(float(found), least), 1.0)) if isinstance(found, float | int) else least


def rounded(value: float) -> float:
    """To four significant digits: more of them depend on the order of sums, and mean nothing."""
    return float(f"{value:.{_SIGNIFICANT}g}")


class Parameters(_Part):
    """What a model has learned, and from what. `prior` is the share of pairs of one entity among all pairs of the training's records."""

    model: str
    version: int
    trained_on: str
    records: int
    data: str
    prior: float = Field(gt=0, lt=1)
    comparisons: dict[str, tuple[Learned, ...]]

    @property
    def name(self) -> str:
        """What its judgements are said to be by: the model, its version, and which of the parameters learned for that (`+`, eight characters of
        their digest), so that a score can be worked out again after another training.
        """
        learned = json.dumps([self.prior, self.model_dump(include={"comparisons"})], sort_keys=True).encode()
        return f"{self.model}/{self.version}+{hashlib.sha256(learned).hexdigest()[:8]}"

    @property
    def prior_weight(self) -> float:
        """Bits from which every score starts: the odds of one entity before anything is compared."""
        return log2(self.prior / (1 - self.prior))


class Trained(_Part):
    """A model with its parameters: all that prediction needs."""

    model: LinkageModel
    parameters: Parameters

    @model_validator(mode="after")
    def _of_one_another(self) -> Self:
        expected = {comparison.id: len(comparison.levels) for comparison in self.model.comparisons}
        found = {name: len(levels) for name, levels in self.parameters.comparisons.items()}
        if (self.parameters.model, self.parameters.version, found) != (self.model.id, self.model.version, expected):
            raise ValueError("the parameters are those of another model or version")
        return self


def read_model(path: Path) -> LinkageModel:
    """Read one model. Raises DefinitionError with every fault."""
    body, findings = read_yaml(path)
    if findings:
        raise DefinitionError([Fault(path.name, key, text) for key, text in findings])
    try:
        model = LinkageModel.model_validate(body)
    except ValidationError as error:
        raise DefinitionError([Fault(path.name, ".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]) from None
    if model.id != path.stem:
        raise DefinitionError([Fault(path.name, "id", f"expected {path.stem}, the name of the file")])
    return model


def read_trained(path: Path, learned: Path | None = None) -> Trained:
    """Read a model and its parameters, by default those beside it.

    Raises DefinitionError where they do not fit, RequestError where it has not been trained.
    """
    model, learned = read_model(path), learned or path.with_suffix(".json")
    if not learned.is_file():
        raise RequestError(f"the model {model.id} has not been trained", hint=f"./hub linkage train {model.id}")
    try:
        return Trained(model=model, parameters=Parameters.model_validate(json.loads(learned.read_text(encoding="utf-8"))))
    except ValidationError as error:
        raise DefinitionError([Fault(learned.name, ".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]) from None


def model_path(registry: str) -> Path:
    """Where the model of a registry stands. Raises RequestError, naming those there are."""
    path = FOLDER / f"{registry}.yml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in FOLDER.glob("*.yml")))
        raise RequestError(f"there is no linkage model {registry}", hint=f"models are: {known}")
    return path


def learned_folder(home: Path) -> Path:
    """Where an installation keeps what models have learned from its own records."""
    return home / "linkage"


def learned_path(home: Path, registry: str) -> Path:
    """The file of one model there: what counts now."""
    return learned_folder(home) / f"{registry}.json"


def kept_path(home: Path, learned: Parameters) -> Path:
    """The file there of parameters by their name, which stays when others count."""
    return learned_folder(home) / f"{learned.name.replace('/', '-')}.json"


def load_trained(registry: str, home: Path | None = None) -> Trained:
    """The model of a registry with what this installation has taught it, if anything, else with the parameters that it came with.

    Parameters that the installation learned for another version of the model do not count any more.
    """
    path = model_path(registry)
    if home is not None and (own := learned_path(home, registry)).is_file():
        try:
            return read_trained(path, own)
        except DefinitionError:
            return read_trained(path)
    return read_trained(path)

"""The word lists of the city and the rates of its faults and changes, read from the YAML files of this folder."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parent


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(_Strict):
    """Parts of personal names and the shares of the ethnic groups."""

    surnames: tuple[str, ...]
    given_male: tuple[str, ...]
    given_female: tuple[str, ...]
    rare: tuple[str, ...]
    rare_share: float
    first_parts: tuple[str, ...]
    second_parts: tuple[str, ...]
    ethnic: dict[str, tuple[float, str]]
    dotted: tuple[str, ...]


class County(_Strict):
    """A county of the city; `former` are withdrawn codes of its area."""

    code: str
    name: str
    weight: float
    former: tuple[str, ...]


class Withdrawn(_Strict):
    """A county that no longer exists and the one that took over."""

    old: str
    old_code: str
    now: str
    now_code: str


class Places(_Strict):
    """Where the city lies and how its addresses and telephone numbers are composed."""

    province: str
    prefecture: str
    short: str
    counties: tuple[County, ...]
    withdrawn: Withdrawn
    streets: tuple[str, ...]
    communities: tuple[str, ...]
    mobile_prefixes: tuple[str, ...]
    area_code: str


class Trade(_Strict):
    """A line of business."""

    name: str
    scope: str
    weight: float
    transport: bool = False


class Form(_Strict):
    """A legal form: GB/T 20091 code, ending of the name, CA16 entity type and first characters of the credit code."""

    code: str
    form: str
    entity_type: str
    prefix: str
    weight: float


class Trades(_Strict):
    """Parts of organization names."""

    trades: tuple[Trade, ...]
    cores: tuple[str, ...]
    forms: tuple[Form, ...]


class Changes(_Strict):
    """Shares of what happens in a day."""

    people: dict[str, float]
    births: float
    organizations: dict[str, float]
    new_organizations: float
    certificates: dict[str, float]


Rates = dict[str, dict[str, dict[str, float]]]


def _load(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


@cache
def names() -> Names:
    """Return the parts of personal names."""
    return Names.model_validate(_load("names.yml"))


@cache
def places() -> Places:
    """Return the places."""
    return Places.model_validate(_load("places.yml"))


@cache
def trades() -> Trades:
    """Return the parts of organization names."""
    return Trades.model_validate(_load("trades.yml"))


@cache
def changes() -> Changes:
    """Return the shares of daily changes."""
    return Changes.model_validate(_load("changes.yml"))


@cache
def fault_rates() -> Rates:
    """Return dataset → column (or `rows`) → fault → share."""
    return {dataset: columns for dataset, columns in _load("faults.yml").items() if dataset != "ragged_lines"}


@cache
def ragged_lines() -> dict[str, float]:
    """Return dataset → share of lines with a wrong number of fields."""
    rates: dict[str, float] = _load("faults.yml")["ragged_lines"]
    return rates

"""How old a dataset may be under the update cycle that its contract promises."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

_FILE = Path(__file__).with_name("update_cycles.yml")


class Cycle(BaseModel):
    """One update cycle, in days, and how old the last accepted delivery may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: float = Field(gt=0)
    allowed_days: float = Field(gt=0)

    @property
    def allowed(self) -> timedelta:
        """Longest time since the last accepted delivery."""
        return timedelta(days=self.allowed_days)


@cache
def load_cycles() -> Mapping[str, Cycle]:
    """Every cycle that promises something, by the word that contracts have for it."""
    return TypeAdapter(dict[str, Cycle]).validate_python(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def allowed_age(update_cycle: str) -> timedelta | None:
    """How old a dataset of this cycle may be; None where nothing is promised."""
    cycle = load_cycles().get(update_cycle)
    return None if cycle is None else cycle.allowed

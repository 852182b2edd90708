"""What is worked out from the codes in force, kept until a code comes into force or ends."""

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from standards.day import reading_day
from standards.loader import load_standards

P = ParamSpec("P")
T = TypeVar("T")


def while_in_force(function: Callable[P, T]) -> Callable[P, T]:
    """Keep the answers of a function of codes in force, for as long as the same codes are."""

    @lru_cache(maxsize=128)
    @wraps(function)
    def kept(_turn: str, *arguments: P.args, **named: P.kwargs) -> T:
        return function(*arguments, **named)

    answer_of: Callable[..., T] = kept

    @wraps(function)
    def answer(*arguments: P.args, **named: P.kwargs) -> T:
        return answer_of(last_turn(), *arguments, **named)

    return answer


def last_turn() -> str:
    """The last day, up to the one for which the standard is read, on which a code of any list came into force or ended."""
    turns = _turns()
    place = bisect_right(turns, reading_day())
    return turns[place - 1] if place else ""


@lru_cache(maxsize=1)
def _turns() -> list[str]:
    codes = (code for code_list in load_standards().code_lists.values() for code in code_list.codes)
    return sorted({day for code in codes for day in (code.valid_from, code.valid_to) if day})

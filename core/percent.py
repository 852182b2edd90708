"""Shares in per cent, for those who compare one with a limit: nothing that is not so reads as none, as all, or as the limit."""

from decimal import Decimal
from math import isclose

_MOST_DECIMALS = 9


def percent(share: float, limit: float | None = None) -> str:
    """A measured share, with one decimal or as many as keep it apart from 0 and 100 %, and from a limit that it does not equal."""
    others = [other for other in (0, 1, limit) if other is not None and not isclose(share, other)]
    texts = [f"{share:.{decimals}%}" for decimals in range(1, _MOST_DECIMALS + 1)]
    return next((text for text in texts if not any(_says(text, other) for other in others)), texts[-1])


def limit_percent(limit: float) -> str:
    """A limit as it was declared."""
    texts = [f"{limit:.{decimals}%}" for decimals in range(_MOST_DECIMALS + 1)]
    return next((text for text in texts if _says(text, limit)), texts[-1])


def part_of(whole: int, limit: float) -> Decimal:
    """What a limit is of a number, as it was declared: floating point makes more or less than 29 of 29 % of 100."""
    return Decimal(str(limit)) * whole


def _says(text: str, share: float) -> bool:
    return isclose(float(text[:-1]), share * 100)

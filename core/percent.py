"""Shares in per cent, for those who compare one with a limit: nothing that is not so reads as none or as all."""

from math import isclose

_DECIMALS = range(5)


def percent(share: float, least: int = 1) -> str:
    """A measured share, with `least` decimals or as many as keep it apart from 0 and 100 %."""
    texts = [f"{share:.{decimals}%}" for decimals in _DECIMALS if decimals >= least]
    if share in (0, 1):
        return texts[0]
    return next((text for text in texts if float(text[:-1]) not in (0, 100)), texts[-1])


def limit_percent(limit: float) -> str:
    """A limit as it was declared, to a ten thousandth of a per cent."""
    texts = (f"{limit:.{decimals}%}" for decimals in _DECIMALS)
    return next((text for text in texts if isclose(float(text[:-1]), limit * 100)), f"{limit:.4%}")

"""Masks: how a value may be shown outside lake and databases. Which mask applies is an attribute of the data element."""

from collections.abc import Callable

DOT = "*"


def _name(value: str) -> str:
    return value[:1] + DOT * min(len(value) - 1, 5) if len(value) > 1 else DOT * len(value)


def _identifier(value: str) -> str:
    """Keep the first four characters (the province and city of a Chinese identifier) of a long one, nothing of a short one."""
    return value[:4] + DOT * (len(value) - 4) if len(value) >= 12 else DOT * len(value)


def _phone(value: str) -> str:
    return value[:3] + DOT * max(len(value) - 3, 0) if len(value) >= 7 else DOT * len(value)


def _address(value: str) -> str:
    return value[:6] + DOT * min(max(len(value) - 6, 0), 8) if len(value) > 6 else DOT * len(value)


def _full(value: str) -> str:
    return DOT * min(len(value), 8)


MASKS: dict[str, Callable[[str], str]] = {
    "none": lambda value: value,
    "name": _name,
    "identifier": _identifier,
    "phone": _phone,
    "address": _address,
    "full": _full,
}


def mask(value: str | None, kind: str) -> str | None:
    """Return the value as it may be shown; null stays null."""
    return None if value is None else MASKS[kind](value)

"""Short ways of writing many names: `(a|b)` is one of several, with `?` behind it or in square brackets it may be missing.

`{group}` stands for the names of a group.
"""

import re
from collections.abc import Mapping
from itertools import product


def expand(template: str, groups: Mapping[str, str]) -> list[str]:
    """Every name a template stands for, each once, in the template's order. Raises ValueError for one that is not well formed."""
    written = _with_groups(template, groups)
    names, rest = _choices(written)
    if rest:
        raise ValueError(f"{template}: unbalanced at {rest}")
    return list(dict.fromkeys(name for name in names if name))


def _with_groups(template: str, groups: Mapping[str, str]) -> str:
    while (found := re.search(r"\{(\w+)\}", template)) is not None:
        if found[1] not in groups:
            raise ValueError(f"{template}: there is no group {found[1]}")
        template = template.replace(found[0], groups[found[1]])
    return template


def _choices(text: str) -> tuple[list[str], str]:
    """The alternatives up to a closing bracket, and what stands behind it."""
    found: list[str] = []
    sequence: list[list[str]] = []
    while text and text[0] not in ")]":
        if text[0] == "|":
            found += _joined(sequence)
            sequence, text = [], text[1:]
        elif text[0] in "([":
            optional = text[0] == "["
            inner, rest = _choices(text[1:])
            if not rest:
                raise ValueError("a bracket is not closed")
            text = rest[1:]
            if text.startswith("?"):
                optional, text = True, text[1:]
            sequence.append([*inner, ""] if optional else inner)
        else:
            plain = re.match(r"[^()\[\]|]+", text)
            assert plain is not None
            sequence.append([plain[0]])
            text = text[plain.end() :]
    return found + _joined(sequence), text


def _joined(sequence: list[list[str]]) -> list[str]:
    return ["".join(parts) for parts in product(*sequence)]

"""Forms that need no look of their own: whatever a value type calls sure has them anyway.

`sure_forms.yml` lists them by value type, as digests of an element's `pattern`; tests look for counterexamples. A form that is not listed, as
one that was just edited, is looked at on every row: slower, and right.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from standards.model import DataElement

ANY = "any"  # the type builds what it calls sure from the form itself
PRESENT = "present"  # the type calls nothing sure that stands for a missing value


def is_implied(element: DataElement) -> bool:
    """Whether everything that the element's type calls sure has the element's form."""
    listed = _listed().get(element.type, ())
    return element.pattern is None or ANY in listed or form_digest(element.pattern) in listed


def is_present(element: DataElement) -> bool:
    """Whether nothing that stands for a missing value is sure to the element's type."""
    return PRESENT in _listed().get(element.type, ())


def form_digest(pattern: str) -> str:
    """How a form is named in the list."""
    return hashlib.sha256(pattern.encode()).hexdigest()[:12]


@cache
def _listed() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
    return found

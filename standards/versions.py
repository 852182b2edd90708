"""A version of the standard as one document: what its digest is taken over, and what the catalog keeps.

Attributes at their defaults are left out, so that a new optional attribute changes no digest.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from standards.model import DataElement, Standards


def digest(standards: Standards) -> str:
    """sha256 of the canonical document; comments and the layout of files do not count, every definition does."""
    return _digest(_This(standards, id(standards)))


@dataclass(frozen=True)
class _This:
    """One object, not its like: every batch asks for the digest of the standard that the process has loaded, which never changes."""

    standards: Standards = field(compare=False)
    number: int


@lru_cache(maxsize=2)
def _digest(this: _This) -> str:
    return hashlib.sha256(_document(this.standards)).hexdigest()


def pack(standards: Standards) -> bytes:
    """The document, compressed: the divisions alone are some thousand codes."""
    return _pack(_This(standards, id(standards)))


@lru_cache(maxsize=2)
def _pack(this: _This) -> bytes:
    return zlib.compress(_document(this.standards), 9)


@lru_cache(maxsize=4)
def unpack(packed: bytes) -> Standards:
    """The standard of a packed document, made once."""
    return Standards.model_validate_json(zlib.decompress(packed))


@lru_cache(maxsize=64)
def elements_of(packed: bytes, schema: str) -> tuple[str, ...]:
    """The ids of a schema's elements in a packed document, in order; also where the rest of it is an older program's and cannot be read."""
    uses = json.loads(zlib.decompress(packed))["schemas"][schema]["uses"]
    return tuple(use["element"]["id"] for use in uses)


@lru_cache(maxsize=64)
def merged_by(packed: bytes, schema: str) -> tuple[object, ...]:
    """What of a packed document decides how every entity of a registry is linked and merged: elements, identity, the provinces by which
    addresses and divisions are held together, and the codes that say nothing. Empty where there is no such schema.
    """
    document = json.loads(zlib.decompress(packed))
    if schema not in document["schemas"]:
        return ()
    divisions = document["code_lists"].get("division", {"codes": []})["codes"]
    provinces = sorted(json.dumps(code, sort_keys=True) for code in divisions if code.get("level") == "province")
    silent = sorted((element, tuple(codes)) for element, codes in _silent(document, schema))
    return frozenset(elements_of(packed, schema)), tuple(document["schemas"][schema]["identity"]), tuple(provinces), tuple(silent)


def _silent(document: Mapping[str, Any], schema: str) -> Iterator[tuple[str, list[str]]]:
    """The elements of a schema in a document whose lists have codes that say nothing, with these."""
    for use in document["schemas"][schema]["uses"]:
        code_list = document["code_lists"].get(use["element"].get("code_list"), {})
        if "says_nothing" in code_list:
            yield use["element"]["id"], sorted(code_list["says_nothing"]["codes"])


def data_types_of(packed: bytes) -> dict[str, str]:
    """The data type of each element in a packed document; also of one that an older program has kept."""
    elements = json.loads(zlib.decompress(packed))["elements"]
    return {name: element.get("data_type", DataElement.model_fields["data_type"].default) for name, element in elements.items()}


def retyped(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Elements whose data type changed, each in words: values that are kept under one name cannot be of two types."""
    return [
        f"{name} is of data type {kind}, and values of it are kept as {before[name]}"
        for name, kind in after.items()
        if before.get(name, kind) != kind
    ]


def data_types(standards: Standards) -> dict[str, str]:
    """The data type of each element."""
    return {element.id: element.data_type for element in standards.elements.values()}


def _document(standards: Standards) -> bytes:
    return standards.model_dump_json(by_alias=True, exclude_defaults=True).encode()

"""Matching by identifier: records with the same identity belong to the same entity.

A canonical id is minted from the identity under a secret key, so it is opaque, the same on every run, and free of the person's number.
"""

from collections.abc import Sequence

from core.digests import SEPARATOR, digest
from core.engine import literal, quote
from registries.definition import RegistryDefinition


def canonical_id(definition: RegistryDefinition, identity: Sequence[str]) -> str:
    """SQL for a record's canonical id, null where a part of its identity is missing. The statement binds `$canonical_key`."""
    parts = f" || {SEPARATOR} || ".join(quote(element) for element in identity)
    head = f"$canonical_key || {SEPARATOR} || {literal(definition.id)} || {SEPARATOR} || {literal(definition.identity.id)} || {SEPARATOR}"
    # One null part makes the whole text null, and so the id.
    return digest(f"{head} || {parts}")

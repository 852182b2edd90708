"""Matching by identifier: records with the same identity belong to the same entity.

A canonical id is minted from the identity under a secret key, so it is opaque, the same on every run, and free of the person's number.
"""

import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from core.digests import SEPARATOR, digest
from core.engine import quote
from registries.definition import RegistryDefinition


def canonical_key(definition: RegistryDefinition, secret: str) -> str:
    """The key of one registry's canonical ids, derived from the installation's secret: 32 hexadecimal digits.

    Short on purpose: key and identity number together fit one block of the hash, which halves what a canonical id costs.
    """
    purpose = f"{definition.id}/{definition.identity.id}"
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:32]


def minted(key: str, identity: Sequence[str]) -> UUID:
    """The canonical id of an identity, given as the texts of its parts, under the key that `canonical_key` derives: what `canonical_id` computes."""
    return UUID(bytes=hashlib.sha256("\x1f".join((key, *identity)).encode()).digest()[:16])


def canonical_id(identity: Sequence[str]) -> str:
    """SQL for a record's canonical id, null where a part of its identity is missing. The statement binds `$canonical_key`."""
    parts = f" || {SEPARATOR} || ".join(quote(element) for element in identity)
    # One null part makes the whole text null, and so the id.
    return digest(f"$canonical_key || {SEPARATOR} || {parts}")

"""Secret keys of the digests: they live in `HUB_HOME/keys`, outside databases and lake, and are never rotated in place.

A plain hash of an identity number can be undone by trying all numbers; a keyed one cannot.
"""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from core.errors import StoreError
from core.settings import Settings

RECORD_KEY = "record-1"
CANONICAL_KEY = "canonical-1"


def load_key(settings: Settings, key_id: str) -> str:
    """Return the key as 64 hexadecimal digits; the first call on an installation makes it.

    Raises StoreError where a key is missing although the installation already holds data: a new key would silently change every id.
    """
    path = settings.home / "keys" / key_id
    if path.exists():
        return path.read_text().strip()
    if any(settings.landing.glob("*/*/manifest.json")):
        raise StoreError(
            f"the key {key_id} is missing from {path.parent} although data has been landed with it",
            hint="put the folder keys/ back from where its copy is kept; a new key would change every id",
        )
    return _make_key(path)


def proof(key: bytes) -> str:
    """What tells a key from another and does not give it away."""
    return hmac.new(key, b"govhub backup", "sha256").hexdigest()


def _make_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(secrets.token_hex(32) + "\n")
    draft.chmod(0o600)
    with contextlib.suppress(FileExistsError):  # another process was first: then its key counts
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()

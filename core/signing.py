"""Signatures of the hub. Private keys live in `HUB_HOME/keys`, outside databases and lake; a key is never replaced under its id.

Ed25519 (RFC 8032) by `cryptography`; SM2 (GB/T 32918) by the system's OpenSSL 3, where the installation demands national algorithms: no
library for Python that is kept as well signs with it. To change keys, name another id in HUB_SIGNING_KEY: what was signed before stays
checkable by the public keys, which remain beside them.
"""

import base64
import contextlib
import hashlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import RequestError, StoreError
from core.settings import Settings

ED25519, SM2 = "Ed25519", "SM2"
# Who signs, as the standard puts it into the digest: the value for those who have agreed on none (GM/T 0009).
_SM2_SIGNER = "distid:1234567812345678"


@dataclass(frozen=True)
class Signer:
    """A key that signs, and its public half as PEM."""

    key_id: str
    algorithm: str
    public_key: str
    _private: Path

    def sign(self, message: bytes) -> str:
        """The signature of a message, in base64."""
        signed = _sm2_signature(self._private, message) if self.algorithm == SM2 else _ed25519_signature(self._private, message)
        return base64.b64encode(signed).decode()


def default_key_id(algorithm: str) -> str:
    """The id of an installation's first key."""
    return f"receipt-{algorithm.lower()}-1"


def load_signer(settings: Settings) -> Signer:
    """The key with which this installation signs; its first use makes it.

    Raises StoreError where its private half is gone, or where SM2 is asked for and OpenSSL cannot do it.
    """
    key_id, algorithm = settings.signing_key or default_key_id(settings.signature), settings.signature
    private, public = key_paths(settings, key_id)
    if public.exists() and not private.exists():
        raise StoreError(
            f"the private half of the key {key_id} is gone",
            hint="put keys/ back from where its copy is kept, or sign from now on with a new key: HUB_SIGNING_KEY=another-id",
        )
    if not private.exists():
        _make(private, public, algorithm)
    signer = Signer(key_id, algorithm, public.read_text() if public.exists() else _publish(private, public, algorithm), private)
    if algorithm_of(signer.public_key) != algorithm:
        raise RequestError(
            f"the key {key_id} is none of {algorithm}", hint="name another in HUB_SIGNING_KEY, or set HUB_SIGNATURE as before"
        )
    return signer


def key_paths(settings: Settings, key_id: str) -> tuple[Path, Path]:
    """Where the two halves of a key lie."""
    folder = settings.home / "keys"
    return folder / f"{key_id}.pem", folder / f"{key_id}.pub"


def public_keys(settings: Settings) -> dict[str, str]:
    """Every public key of the installation (PEM) by id, also those that sign no more."""
    return {path.stem: path.read_text() for path in sorted((settings.home / "keys").glob("*.pub"))}


def algorithm_of(public_key: str) -> str:
    """What a public key is for, by its length: those of Ed25519 have 44 bytes, those of SM2 91."""
    return ED25519 if len(_der(public_key)) == 44 else SM2


def fingerprint(public_key: str) -> str:
    """sha256 of a public key's DER form: what two people compare on the telephone."""
    return hashlib.sha256(_der(public_key)).hexdigest()


def _der(public_key: str) -> bytes:
    return base64.b64decode("".join(line for line in public_key.splitlines() if not line.startswith("-")))


def _make(private: Path, public: Path, algorithm: str) -> None:
    private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = private.with_name(f".{private.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_openssl("genpkey", "-algorithm", "SM2") if algorithm == SM2 else _new_ed25519())
    with contextlib.suppress(FileExistsError):  # another process was first: then its key counts
        os.link(draft, private)
    draft.unlink()
    _publish(private, public, algorithm)


def _publish(private: Path, public: Path, algorithm: str) -> str:
    text = _openssl("pkey", "-in", str(private), "-pubout").decode() if algorithm == SM2 else _ed25519_public(private)
    draft = public.with_name(f".{public.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(public)
    return text


def _new_ed25519() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _ed25519_public(private: Path) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(private.read_bytes(), None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _ed25519_signature(private: Path, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key.sign(message)


def _sm2_signature(private: Path, message: bytes) -> bytes:
    # OpenSSL reads what it signs from a file only: it has to know the length beforehand.
    with tempfile.NamedTemporaryFile(dir=private.parent, prefix=".message-") as file:
        file.write(message)
        file.flush()
        options = ("-rawin", "-digest", "sm3", "-pkeyopt", _SM2_SIGNER)
        return _openssl("pkeyutl", "-sign", "-inkey", str(private), *options, "-in", file.name)


def _openssl(*arguments: str) -> bytes:
    """What the system's OpenSSL answers; raises StoreError where it is missing or refuses."""
    hint = "install OpenSSL 3 (the program openssl), or sign with Ed25519: HUB_SIGNATURE=ed25519"
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True, timeout=60, check=False)  # noqa: S607
    except (OSError, subprocess.TimeoutExpired):
        raise StoreError("SM2 needs the program openssl, which cannot be run", hint=hint) from None
    if done.returncode:
        raise StoreError("the program openssl cannot sign with SM2", hint=hint)
    return done.stdout

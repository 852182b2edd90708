#!/usr/bin/env python3
"""Check a receipt of the hub without the hub: its signature, the sums of its digests, and every equation of its ledger.

    python verify_receipt.py receipt.json --key receipt-ed25519-1.pub

Needs Python 3.8 or later and `cryptography`, nothing else; this file can be copied anywhere. The public key comes from the hub's data centre
by a way of its own (`./hub keys --export`): a key that came with the receipt would prove nothing. Ends with 0 where everything holds, with 1
where something does not, with 2 where a file cannot be read.

A receipt is `{"receipt": {…}, "signature": "base64"}`. Signed are the UTF-8 bytes of the inner document as JSON with sorted keys and without
blanks; it has no number that is not an integer, so there is one such text. Ed25519 is RFC 8032; SM2 is GB/T 32918.2 over SM3 (GB/T 32905),
with the signer's id 1234567812345678.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

FORMAT = "govhub receipt 1"
LEAST_ROWS = 100  # a partition of fewer shows no digest
WHOLE = 1 << 128
_DIGEST = re.compile("[0-9a-f]{32}")
_FILE = re.compile("[0-9a-f]{64}")

# The curve of SM2 (GB/T 32918.5).
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
_SIGNER = b"1234567812345678"
# What stands before the point in the DER form of a public key of this curve.
_SM2_KEY = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")

Point = Optional[Tuple[int, int]]


def canonical(document: Any) -> bytes:
    """The bytes of a document that are signed."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("utf-8")


def signature_holds(message: bytes, signature: bytes, algorithm: str, public_key: str) -> bool:
    """Whether a signature of a message is right under a public key (PEM). Raises ValueError where the key is of another kind."""
    return _sm2_holds(message, signature, public_key) if algorithm == "SM2" else _ed25519_holds(message, signature, public_key)


def _ed25519_holds(message: bytes, signature: bytes, public_key: str) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key.encode("ascii", "replace"))
    except UnsupportedAlgorithm:
        raise ValueError("the key is no Ed25519 key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the key is no Ed25519 key")
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def sm2_point(public_key: str) -> tuple[int, int]:
    """The point of a public key (PEM) of SM2; raises ValueError where it is none."""
    body = "".join(line for line in public_key.splitlines() if not line.startswith("-"))
    der = base64.b64decode(body, validate=True)
    if not der.startswith(_SM2_KEY) or len(der) != len(_SM2_KEY) + 64:
        raise ValueError("the key is no SM2 key")
    x, y = (int.from_bytes(der[start : start + 32], "big") for start in (len(_SM2_KEY), len(_SM2_KEY) + 32))
    if max(x, y) >= _P or (y * y - x * x * x - _A * x - _B) % _P:
        raise ValueError("the key is no point of the curve of SM2")
    return x, y


def _sm2_holds(message: bytes, signature: bytes, public_key: str) -> bool:
    """GB/T 32918.2, 7.1. Verifying handles no secret, so plain arithmetic does."""
    point = sm2_point(public_key)
    parts = _der_integers(signature)
    if parts is None:
        return False
    r, s = parts
    t = (r + s) % _N
    if not (0 < r < _N and 0 < s < _N and t):
        return False
    numbers = b"".join(number.to_bytes(32, "big") for number in (_A, _B, *_G, *point))
    signer = _sm3((len(_SIGNER) * 8).to_bytes(2, "big") + _SIGNER + numbers)
    found = _plus(_times(s, _G), _times(t, point))
    return found is not None and (int.from_bytes(_sm3(signer + message), "big") + found[0] - r) % _N == 0


def _sm3(data: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def _der_integers(signature: bytes) -> tuple[int, int] | None:
    """r and s of a signature in DER, None where it is not exactly that."""
    found, place = [], 2
    if len(signature) < 8 or signature[0] != 0x30 or signature[1] != len(signature) - 2:
        return None
    for _ in range(2):
        if len(signature) < place + 2 or signature[place] != 0x02:
            return None
        end = place + 2 + signature[place + 1]
        found.append(int.from_bytes(signature[place + 2 : end], "big"))
        place = end
    return (found[0], found[1]) if place == len(signature) else None


def _plus(first: Point, second: Point) -> Point:
    if first is None or second is None:
        return second if first is None else first
    (x1, y1), (x2, y2) = first, second
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    slope = (3 * x1 * x1 + _A) * pow(2 * y1, -1, _P) if first == second else (y2 - y1) * pow(x2 - x1, -1, _P)
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _times(number: int, point: Point) -> Point:
    result: Point = None
    while number:
        if number & 1:
            result = _plus(result, point)
        point = _plus(point, point)
        number >>= 1
    return result


def check(document: Any, public_key: str) -> list[str]:
    """Everything that does not hold in a receipt, in words; nothing where all does."""
    try:
        receipt = document["receipt"]
        if receipt["format"] != FORMAT:
            return ["format: it is no receipt of the form that is known here"]
        return [*_signature(document, receipt, public_key), *equations(receipt)]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        return [f"form: it is no whole receipt ({type(error).__name__})"]


def _signature(document: dict[str, Any], receipt: dict[str, Any], public_key: str) -> Iterator[str]:
    if sorted(document) != ["receipt", "signature"]:
        yield "form: something stands beside receipt and signature that nobody has signed"
    if receipt["algorithm"] not in ("Ed25519", "SM2"):
        yield "signature: an algorithm that is not known here"
        return
    try:
        signature = base64.b64decode(document["signature"], validate=True)
        right = signature_holds(canonical(receipt), signature, receipt["algorithm"], public_key)
    except (ValueError, binascii.Error) as error:
        yield f"signature: it cannot be checked with this key ({error})"
        return
    if not right:
        yield "signature: it is not that of this document under this key"


def equations(receipt: dict[str, Any]) -> Iterator[str]:
    """Equations of the ledger and sums of digests that do not hold."""
    rows, records = receipt["rows"], receipt["records"]
    if rows["landed"] is not None:
        yield from _equation("read = landed + unreadable", rows["read"], [rows["landed"], rows["unreadable"]])
    if rows["accepted"] is not None:
        parts = [rows[name] for name in ("accepted", "unchanged", "repeated", "quarantined")]
        yield from _equation("landed = accepted + unchanged + repeated + quarantined", rows["landed"], parts)
        parts = [records["previous"], records["inserted"], -records["deleted"]]
        yield from _equation("records = previous + inserted - deleted", records["records"], parts)
    if receipt["landing"] is not None:
        yield from _equation("landing: its rows = landed", receipt["landing"]["rows"], [rows["landed"]])
        yield from _sums("landing", receipt["landing"])
    if receipt["source"] is not None:
        yield from _source(receipt["source"], rows)


def _equation(words: str, whole: int, parts: list[int]) -> Iterator[str]:
    if not all(type(number) is int for number in [whole, *parts]) or min(whole, *map(abs, parts)) < 0 or whole != sum(parts):
        yield f"{words}: {whole} and {' + '.join(map(str, parts))}"


def _sums(name: str, account: dict[str, Any]) -> Iterator[str]:
    """Partitions are those of one fineness, have enough rows each, and add up to the whole, in rows and in digests."""
    parts, digest = account["partitions"], account["digest"]
    if digest is None:
        if parts or account["rows"] >= LEAST_ROWS:
            yield f"{name}: the digest of all rows is missing"
        return
    bits = len(parts).bit_length() - 1
    if [part["part"] for part in parts] != ([format(number, f"0{bits}b") for number in range(1 << bits)] if bits else [""]):
        yield f"{name}: partitions are missing or out of order"
    if any(part["rows"] < LEAST_ROWS for part in parts):
        yield f"{name}: a partition has too few rows to show a digest"
    if not all(_DIGEST.fullmatch(text) for text in [digest, *(part["digest"] for part in parts)]):
        yield f"{name}: a digest is not one"
        return
    yield from _equation(f"{name}: rows = those of its partitions", account["rows"], [part["rows"] for part in parts])
    if sum(int(part["digest"], 16) for part in parts) % WHOLE != int(digest, 16):
        yield f"{name}: digest = sum of those of its partitions does not hold"


def _source(source: dict[str, Any], rows: dict[str, Any]) -> Iterator[str]:
    """What the source said: its sums, and whether the verdict is what the two accounts say."""
    if not all(_FILE.fullmatch(str(file.get("sha256"))) for file in source.get("files", [])):
        yield "source: the digest of a file is not one"
    said, landed = source["said"], source["landed"]
    if said is not None and landed is not None:
        yield from _sums("source", said)
        yield from _sums("landed of the source's columns", landed)
    verdict = _verdict(source, rows)
    if source["verdict"] != verdict:
        yield f"source: the verdict is {source['verdict']}, the accounts say {verdict}"
    if source["verdict"] != "equal" and not (source["reason"] or source["not_comparable"] or verdict == "different"):
        yield "source: it does not say why not everything was compared"


def _verdict(source: dict[str, Any], rows: dict[str, Any]) -> str:
    if source["rows"] is None:
        return "not comparable"
    said, landed = source["said"], source["landed"]
    if source["rows"] != rows["read"] or (said is not None and said["rows"] != source["rows"]) or said != landed:
        return "different"
    if said is None:
        return "counted"
    return "equal in part" if source["not_comparable"] else "equal"


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the document. Of a name that stands twice in it readers see one value, and not all of them the same."""
    twice = sorted(name for name, times in Counter(name for name, _ in members).items() if times > 1)
    if twice:
        raise ValueError(f"no receipt: {', '.join(twice)} stands more than once in one object")
    return dict(members)


def _read(path: str) -> bytes:
    """What a file holds. Raises ValueError, with its name, where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None


def _document(path: str) -> Any:
    """A receipt. Raises ValueError where the file is none."""
    try:
        return json.loads(_read(path).decode("utf-8"), object_pairs_hook=_once)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise ValueError(f"{path} is no receipt: ./hub receipt BATCH --out FILE writes one") from None


def _key(path: str) -> str:
    """A public key. Raises ValueError where the file is none."""
    try:
        return _read(path).decode("ascii")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no public key: ./hub keys --export ID --out FILE writes one") from None


def main(arguments: list[str] | None = None) -> int:
    """Check one receipt; the exit status."""
    parser = argparse.ArgumentParser(description="Check a receipt of the hub: signature, digests, equations.")
    parser.add_argument("receipt", help="the receipt, a JSON file")
    parser.add_argument("--key", required=True, help="public key of the hub (PEM)")
    parser.add_argument("--file", action="append", default=[], help="a delivered file that is to be the one which the hub read")
    given = parser.parse_args(arguments)
    try:
        document, public_key = _document(given.receipt), _key(given.key)
        files = {path: hashlib.sha256(_read(path)).hexdigest() for path in given.file}
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    found = check(document, public_key)
    if not found:
        read = {file["sha256"] for file in (document["receipt"]["source"] or {}).get("files", [])}
        found = [f"{path} is none of the files that the hub read" for path, digest in files.items() if digest not in read]
    print("\n".join(found) if found else "signature, digests and equations hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""Identifiers with right check characters, many at once.

GB 11643 (residents), GB 32100 and GB 11714 (organizations), GB/T 36904 (electronic certificates).

Written apart from `standards/` on purpose: the truth must not be computed by the code that is held against it.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from demo.dice import Ints
from demo.text import Days, Text, digit_matrix, from_bytes, parts_of

RESIDENT_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
RESIDENT_CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
USCC_ALPHABET = np.frombuffer(b"0123456789ABCDEFGHJKLMNPQRTUWXY", dtype=np.uint8)
USCC_WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
ORGANIZATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
ORGANIZATION_CHECKS = np.frombuffer(b"0X987654321", dtype=np.uint8)  # by sum mod 11: 11 - 0 is written 0, 11 - 1 is written X
BASE_36 = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
# The last sequences below those kept for people born before 1900: hardly ever issued, so that a made-up number is most likely nobody's.
LAST_SEQUENCE = 995


def ranks(group: Ints) -> Ints:
    """Return for each place how many earlier places have the same group."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    sizes = np.diff(np.append(starts, len(ordered)))
    result = np.empty(len(group), dtype=np.int64)
    result[order] = np.arange(len(group)) - np.repeat(starts, sizes)
    return result


def sequences(division: Ints, birth: Days, sex: Ints) -> Ints:
    """Return sequence numbers, from the top down, unique within division and day; odd for men (1), even for women (2)."""
    group = (division * 100_000 + birth.astype(np.int64) + 50_000) * 4 + sex
    return np.where(sex == 1, LAST_SEQUENCE, LAST_SEQUENCE - 1) - 2 * ranks(group)


def resident_ids(division: Ints, birth: Days, sequence: Ints) -> Text:
    """Return 18-character resident identity numbers."""
    year, month, day = parts_of(birth)
    numbers = np.hstack([digit_matrix(division, 6), digit_matrix(year * 10000 + month * 100 + day, 8), digit_matrix(sequence, 3)])
    checks = RESIDENT_CHECKS[(numbers.astype(np.int64) @ RESIDENT_WEIGHTS) % 11]
    return from_bytes(np.hstack([numbers + np.uint8(48), checks[:, None]]))


def codes_of(text: Text, width: int) -> NDArray[np.uint8]:
    """Return the ASCII codes of strings that all have the same width."""
    array = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    return np.array(array.to_pylist(), dtype=f"S{width}").view(np.uint8).reshape(len(array), width)


def _values(codes: NDArray[np.uint8], alphabet: NDArray[np.uint8]) -> Ints:
    table = np.zeros(128, dtype=np.int64)
    table[alphabet] = np.arange(len(alphabet))
    return table[codes]


def credit_codes(prefixes: Text, division: Ints, ordinal: Ints) -> Text:
    """Return unified social credit codes; the organization code begins with XG, which no office has issued."""
    body = np.empty((len(ordinal), 8), dtype=np.uint8)
    body[:, 0], body[:, 1] = ord("X"), ord("G")
    rest = ordinal * 1_000_003 % 31**6
    for column in range(7, 1, -1):
        body[:, column] = USCC_ALPHABET[rest % 31]
        rest = rest // 31
    organization_check = ORGANIZATION_CHECKS[(_values(body, BASE_36) @ ORGANIZATION_WEIGHTS) % 11]
    front = np.hstack([codes_of(prefixes, 2), digit_matrix(division, 6) + np.uint8(48), body, organization_check[:, None]])
    check = USCC_ALPHABET[(31 - (_values(front, USCC_ALPHABET) @ USCC_WEIGHTS) % 31) % 31]
    return from_bytes(np.hstack([front, check[:, None]]))


def certificate_identifiers(type_code: str, issuer: Text, serial: Ints, version: Ints) -> Text:
    """Return electronic certificate identifiers (GB/T 36904): root, type, issuer, serial, version and a MOD 37,36 check."""
    count = len(serial)
    fixed = np.tile(np.frombuffer(type_code.encode(), dtype=np.uint8), (count, 1))
    sections = [fixed, codes_of(issuer, 18), digit_matrix(serial, 20) + np.uint8(48), digit_matrix(version, 3) + np.uint8(48)]
    values = _values(np.hstack(sections), BASE_36)
    running = np.full(count, 36, dtype=np.int64)
    for column in range(values.shape[1]):
        running = (running + values[:, column]) % 36
        running = np.where(running == 0, 36, running) * 2 % 37
    check = BASE_36[(37 - running) % 36]
    dot = np.full((count, 1), ord("."), dtype=np.uint8)
    root = np.tile(np.frombuffer(b"1.2.156.3005.2", dtype=np.uint8), (count, 1))
    pieces = [root, *(piece for section in [*sections, check[:, None]] for piece in (dot, section))]
    return from_bytes(np.hstack(pieces))

"""A made-up value of each element, for whoever fills in a template: right in form and check characters, and nobody's.

Bodies of identifiers use sequence 981 and letters that no authority assigns (examples.yml); check characters are computed here in plain
Python from the standards' own rules, so that an example also tests the expressions that read it.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml

from standards.model import DataElement, Standards
from standards.render.choices import choices

EXAMPLES = Path(__file__).with_name("examples.yml")
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANIZATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def example(element: DataElement, standards: Standards) -> str:
    """A value that the standard accepts as it is; empty where nobody wrote one down."""
    if element.type in ("code", "long_code") and element.code_list is not None:
        # Lists begin and end with what is unknown or other; an ordinary code stands between.
        codes = standards.code_lists[element.code_list].current
        return codes[len(codes) // 2]
    listed = _listed()
    if element.id in listed["elements"]:
        return listed["elements"][element.id]
    body = listed["types"].get(element.type, "")
    return _CHECKED[element.type](body) if body and element.type in _CHECKED else body


def shown_example(element: DataElement, standards: Standards) -> str:
    """The example as it is put into a cell: the choice, where there is a drop-down."""
    value = example(element, standards)
    return next((choice for choice, code in choices(element, standards).items() if code == value), value)


@cache
def _listed() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(EXAMPLES.read_text(encoding="utf-8"))
    return found


def _resident_id(body: str) -> str:
    """GB 11643-1999: ISO 7064 MOD 11-2."""
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def _organization_code(body: str) -> str:
    """GB 11714-1997."""
    rest = 11 - sum(_LETTERS.index(letter) * weight for letter, weight in zip(body, _ORGANIZATION_WEIGHTS, strict=True)) % 11
    return body + {10: "X", 11: "0"}.get(rest, str(rest))


def _credit_code(body: str) -> str:
    """GB 32100-2015 over authority, category, region and organization code."""
    whole = body[:8] + _organization_code(body[8:])
    return whole + _CREDIT[-sum(_CREDIT.index(letter) * 3**place for place, letter in enumerate(whole)) % 31]


def _registration_number(body: str) -> str:
    """GS 15-2006: ISO 7064 MOD 11,10."""
    product = 10
    for digit in body:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return body + str((11 - product) % 10)


def _foreign_card(body: str) -> str:
    """ICAO 9303: weights 7-3-1, letters counted from ten on."""
    return body + str(sum(_LETTERS.index(letter) * (7, 3, 1)[place % 3] for place, letter in enumerate(body)) % 10)


def _certificate_identifier(body: str) -> str:
    """GB/T 36904-2018: ISO 7064 MOD 37,36 over type, issuer, serial and version; the issuer is a credit code."""
    root, type_code, issuer, serial, version = body.rsplit(".", 4)
    issuer = _credit_code(issuer)
    product = 36
    for letter in type_code + issuer + serial + version:
        product = ((product + _LETTERS.index(letter)) % 36 or 36) * 2 % 37
    return ".".join((root, type_code, issuer, serial, version, _LETTERS[(37 - product) % 36]))


_CHECKED: dict[str, Callable[[str], str]] = {
    "resident_id": _resident_id,
    "uscc": _credit_code,
    "holder_code": _credit_code,
    "foreign_card": _foreign_card,
    "organization_code": _organization_code,
    "registration_number": _registration_number,
    "certificate_identifier": _certificate_identifier,
}

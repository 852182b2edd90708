"""Made-up identifiers with right check characters, in plain Python, as an oracle for the expressions."""

USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def make_resident_id(body: str) -> str:
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def make_organization_code(body: str) -> str:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    rest = 11 - sum(ALPHANUMERIC.index(c) * w for c, w in zip(body, weights, strict=True)) % 11
    return body + {10: "X", 11: "0"}.get(rest, str(rest))


def make_uscc(region: str, organization: str) -> str:
    body = region + make_organization_code(organization)
    return body + USCC[(31 - sum(USCC.index(c) * 3**place for place, c in enumerate(body)) % 31) % 31]


def make_certificate_identifier(type_code: str, issuer: str, serial: str, version: str = "001") -> str:
    product = 36
    for character in type_code + issuer + serial + version:
        product = ((product + ALPHANUMERIC.index(character)) % 36 or 36) * 2 % 37
    check = ALPHANUMERIC[(37 - product) % 36]
    return f"1.2.156.3005.2.{type_code}.{issuer}.{serial}.{version}.{check}"

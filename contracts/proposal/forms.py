"""What the form of a value says: a date, a number, a name of a person or an organization, an address. Forms are told, not checked."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from contracts.proposal.vocabulary import rows
from core.clock import beijing_text
from standards.model import DataElement

COVERED = re.compile(r"[*＊●█]|[Xx×]{4,}")
DATE = re.compile(
    r"^(?:[12][0-9]{3}[-/.年][0-9]{1,2}(?:[-/.月](?:[0-9]{1,2}日?)?)?|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][12][0-9]{3}"
    r"|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{6})?|[234][0-9]{4}(?:[.][0-9]+)?|[1-9][0-9]{11,12}|9999-12-31|长期|永久)"
    r"(?:[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]+)?)?(?:Z|[+]08:?00)?)?$"
)
_YEAR = re.compile("(?<![0-9])(?:19|20|99)[0-9]{2}")
_NUMBER = re.compile(r"^[-+￥¥$]?[0-9][0-9,]*(?:[.][0-9]+)?(?:E[+][0-9]+)?%?$", re.IGNORECASE)
MONEY = re.compile(r"^[0-9][0-9,，.]*[(（]?(?:[亿万千百]*[元圆]|万)?[)）]?(?:.{0,8})$")
IDENTIFIER = re.compile(
    r"^[0-9A-Za-z\u3400-\u9fff()（）〔〕\[\]【】﹝﹞第号字\-_/. #]*[0-9][0-9A-Za-z\u3400-\u9fff()（）〔〕\[\]【】﹝﹞第号字\-_/. #]*$"
)
UUID = re.compile(r"^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$", re.IGNORECASE)
_SENTENCE = re.compile("[，。；;、：]")


@lru_cache(maxsize=1)
def _words() -> dict[str, tuple[str, ...]]:
    return {row["kind"]: tuple(row["words"].split()) for row in rows("content")}


def is_ahead(value: str) -> bool:
    """Whether a date lies in a year to come, or has no end."""
    found = _YEAR.search(value)
    return found[0] > beijing_text(datetime.now(UTC))[:4] if found else value in ("长期", "永久")


def follows(element: DataElement) -> Callable[[str], object]:
    """The test of an element's own pattern and length, blanks left out."""
    if element.pattern is None:
        return bool
    pattern, longest = re.compile(element.pattern), element.max_length or 10_000
    return lambda value: len(value) <= longest and pattern.search(re.sub(r"\s+", "", value).upper())


def is_number(value: str) -> bool:
    """Whether a text is a number, with marks of thousands or an exponent."""
    return bool(_NUMBER.match(value))


def is_dated_text(value: str) -> bool:
    """Whether a text is a date and not one of digits only, which an identifier could be."""
    return bool(DATE.match(value)) and not value.isdigit()


def is_named(value: str) -> bool:
    """Whether a text can be the name of something."""
    return 2 <= len(value) <= 60 and not is_number(value) and not UUID.match(value)


def is_prose(value: str) -> bool:
    """Whether a text is a sentence rather than a name."""
    return (len(value) >= 12 and bool(_SENTENCE.search(value))) or len(value) >= 30


def is_person(value: str) -> bool:
    """Whether a text has the form of a person's name: two to four characters behind a family name, or parts joined by a dot."""
    if re.fullmatch("[\u3400-\u9fff]{2,4}", value):
        return value[0] in _words()["surname"] or value[:2] in _words()["surname"]
    return bool(re.fullmatch("[\u3400-\u9fff]{1,10}(?:[·•．][\u3400-\u9fff]{1,10})+", value))


def is_organization(value: str) -> bool:
    """Whether a text ends as names of organizations do."""
    text = re.sub("[(（][^()（）]*[)）]$", "", value.strip())
    return 4 <= len(text) <= 60 and text.endswith(_words()["organization_end"])


def is_address(value: str) -> bool:
    """Whether a text is made of places from the large to the small."""
    return len(value) >= 5 and sum(word in value for word in _words()["address_word"]) >= 2 and not is_organization(value)


def is_place(value: str) -> bool:
    """Whether a short text names a division."""
    return 2 <= len(value) <= 12 and value.endswith(("省", "市", "区", "县", "旗", "州", "盟"))

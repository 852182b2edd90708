"""Address in full, from province to door: the divisions by their full current names, then the rest as written, without blanks.

The spellings of the divisions are too many for an expression: `standards.spellings.readings` gives those of the heads that occur.
"""

from functools import lru_cache

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, StringValue

from standards.characters import simplified
from standards.division_paths import (
    full_path_patterns,
    head_pattern,
    lost_pattern,
    name_characters,
    path_pattern,
    province_pattern,
    second_pattern,
)
from standards.in_force import while_in_force
from standards.model import DataElement
from standards.patterns import DECODED_WRONG, HAN, han_except
from standards.types.general import in_groups, is_lossy, is_masked, let, without_blanks

_HAN = han_except(DECODED_WRONG)


# The last characters of divisions.
_UNITS = "省市区县旗盟州"
# Frequent characters of places; those that are in no name of a division end the search for one.
_PLACES = "号弄巷街路道大街园村组社楼室幢栋座层厦场院庄开发业技术"
# Of so many characters at a time, a text is told the others: less often than for fewer, with less to look up than for more.
_GROUP = 64


def ready(element: DataElement) -> str:
    """The form of an address that needs no repair behind its head."""
    return f"^[{HAN}]{{2}}[{HAN}0-9A-Za-z（）·、，#-]+$"


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Addresses of ordinary characters behind their divisions; an X may cover something, and a unit among characters of names repeat one."""
    return ibis.cases(*((raw.re_search(path + _rest()), True) for path in full_path_patterns()), else_=False)


@lru_cache(maxsize=1)
def _rest() -> str:
    """What follows the divisions and does not begin with the name of another: no unit before the first character that is in no name.

    A comma may part two addresses, so it is left to `issues`.
    """
    other = "".join(sorted(set(_PLACES) - name_characters()))
    within = han_except(_UNITS + other + DECODED_WRONG)
    beyond = f"[{other}0-9A-WYZa-wyz（][{_HAN}0-9A-WYZa-wyz（）·#-]*"
    return f"(?:[{within}][{within}）·#-]*(?:{beyond})?|{beyond})$"


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """Without blanks."""
    return without_blanks(text)


def spelling_key(text: StringValue) -> StringValue:
    """The head of an address: its divisions as they are written."""
    return let(text, lambda whole: whole.substr(0, whole.length() - _rest_length(whole)))


def _rest_length(text: StringValue) -> IntegerValue:
    """Traditional characters are simplified for the look-up only."""
    return in_groups(text, _traditional()).re_replace(head_pattern(), "").length()


@while_in_force
def _traditional() -> tuple[tuple[str, str], ...]:
    """The traditional characters that decide whether a head is one, and the simplified ones, in groups."""
    heads = set(head_pattern())
    pairs = {old: new for old, new in simplified().items() if {old, new} & heads}
    olds, news = "".join(pairs), "".join(pairs.values())
    return tuple((olds[start : start + _GROUP], news[start : start + _GROUP]) for start in range(0, len(olds), _GROUP))


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Addresses that do not begin with a division that exists, that end with it, and those with lost or covered characters."""
    return {
        "no-division": ~value.re_search(province_pattern()) | value.re_search(lost_pattern()),
        "division-only": ibis.cases((value.re_search(f"[{_UNITS}]$"), value.re_replace(path_pattern(), "") == ""), else_=False),
        "several-values": value.re_search(second_pattern()),
        "masked-value": is_masked(value),
        "lossy-encoding": is_lossy(value),
    }

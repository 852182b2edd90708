"""Percentage: a decimal number with the sign of per cent, `12.5%`; also read in words (百分之十二点五), per thousand (‰) and as a multiple (倍).

The point is moved in the text, so no digit is lost to arithmetic. A bare number may be a percentage or a share of one: it is refused, unless
the contract says what the numbers of the column count (`unit`).
"""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.model import DataElement
from standards.types.general import let, without_blanks

_STANDARD = "^(?:0|-?(?:0[.][0-9]*[1-9]|[1-9][0-9]*(?:[.][0-9]*[1-9])?))%$"
_BARE = "^[+-]?[0-9.,]+$"
_NUMBER = "([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+|)(?:[.]([0-9]+))?"
# By how many places the point moves from a sign, or from the words in front, to percent.
_SIGNS = {"%": 0, "‰": -1, "倍": 2}
_WORDS = {"百分之": 0, "千分之": -1, "万分之": -2}
_NUMERALS, _DIGITS = "零〇一二两三四五六七八九点", "001223456789."
_SPOKEN = "^(?:[1-9]千)?0?(?:[1-9]百)?0?(?:[1-9]?十)?0?[0-9]?(?:[.][0-9]+)?$"


def ready(element: DataElement) -> str:
    """The form of a percentage that needs no repair."""
    return _STANDARD


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Percentages in their form."""
    return raw.re_search(_STANDARD)


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The number with the sign of per cent, where the unit is said; any other text stays."""
    compact = (
        without_blanks(text).translate("％﹪٪，．", "%%%,.").re_replace("^负", "-").re_replace("^(.*分之)负", r"-\1").re_replace("^[+]", "")
    )
    return let(compact, _read).coalesce(text)


def _read(given: StringValue) -> StringValue:
    """Null where there is no number with a unit."""
    branches = []
    for sign, places in _SIGNS.items():
        pattern = f"^-?{_NUMBER}{sign}$"
        branches.append((given.re_search(pattern), _moved(given.re_replace(pattern, r"0\1.\2").replace(",", ""), places)))
    for words, places in _WORDS.items():
        number = let(given.re_replace(f"^-?{words}", ""), _counted)
        branches.append((given.re_search(f"^-?{words}"), _moved(number, places)))
    amount = ibis.cases((given.re_search("[0-9]|分之."), ibis.cases(*branches, else_=ibis.null("string"))), else_=ibis.null("string"))
    return let(let(amount, _tidy), lambda number: _signed(number, given) + ibis.literal("%"))


def _signed(number: StringValue, given: StringValue) -> StringValue:
    return ibis.cases((given.re_search("^-") & (number != "0"), ibis.literal("-") + number), else_=number)


def _moved(number: StringValue, places: int) -> StringValue:
    """A number with a point, multiplied by a power of ten."""
    zeros = "0" * abs(places)
    if places < 0:
        return (ibis.literal(zeros) + number).re_replace(f"^([0-9]+)([0-9]{{{-places}}})[.]", r"\1.\2")
    return (number + ibis.literal(zeros)).re_replace(f"[.]([0-9]{{{places}}})", r"\1.") if places else number


def _counted(text: StringValue) -> StringValue:
    """A number with a point of one that is written in digits or spoken; null where it is none."""
    spoken = text.translate(_NUMERALS, _DIGITS).re_replace("^百$", "1百")
    tagged = (
        spoken.re_replace("[.].*$", "")
        .replace("0", "")
        .re_replace("^(?:([0-9])千)?(?:([0-9])百)?(?:([0-9]?)(十))?([0-9])?$", r"a\1b\2c\3\4d\5e")
    )
    filled = (
        tagged.replace("c十", "c1").replace("十", "").replace("ab", "a0b").replace("bc", "b0c").replace("cd", "c0d").replace("de", "d0e")
    )
    whole, fraction = filled.re_replace("[a-e]", ""), spoken.re_replace("^[^.]*[.]?", "")
    return ibis.cases(
        (text.re_search(f"^{_NUMBER}$") & text.re_search("[0-9]"), text.re_replace(f"^{_NUMBER}$", r"0\1.\2").replace(",", "")),
        (spoken.re_search(_SPOKEN) & spoken.re_search("[0-9十]"), whole + ibis.literal(".") + fraction),
        else_=ibis.null("string"),
    )


def _tidy(number: StringValue) -> StringValue:
    return number.re_replace("^0+([0-9])", r"\1").re_replace("([.][0-9]*[1-9])0+$", r"\1").re_replace("[.]0*$", "")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Numbers of which nobody knows what they count."""
    return {"unit-missing": value.re_search(_BARE)}

"""Sum of money in units of ten thousand with its currency (GB/T 36104-2018 zczb, GB/T 12406): `500 CNY` is five million yuan.

The point is moved in the text, so no digit is lost to arithmetic. A sum without a unit, or with an informal one, is refused.
"""

import ibis
from ibis.expr.types import BooleanValue, StringValue

from standards.characters import lookup_characters
from standards.in_force import while_in_force
from standards.loader import load_standards
from standards.model import DataElement
from standards.patterns import one_of
from standards.types.general import let, where, without_blanks

# Places by which the point moves from a unit to units of ten thousand.
_PLACES = {
    "": -4,
    "十": -3,
    "百": -2,
    "千": -1,
    "万": 0,
    "十万": 1,
    "百万": 2,
    "千万": 3,
    "亿": 4,
    "十亿": 5,
    "百亿": 6,
    "千亿": 7,
    "万亿": 8,
}
_AMOUNT = "^(?:0|[1-9][0-9]*)(?:[.][0-9]*[1-9])?"
_NUMBER = "([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:[.]([0-9]+))?"
# Signs that stand for one currency in Chinese records; a dollar sign alone does not.
_SIGNS = {
    "￥": "CNY",
    "¥": "CNY",
    "CN¥": "CNY",
    "€": "EUR",
    "£": "GBP",
    "US$": "USD",
    "HK$": "HKD",
    "AU$": "AUD",
    "A$": "AUD",
    "CA$": "CAD",
}
_SIGNS |= {"C$": "CAD", "S$": "SGD", "NT$": "TWD", "JP¥": "JPY", "₩": "KRW", "₽": "RUB", "฿": "THB"}
_NUMERALS, _DIGITS = "零〇一二两三四五六七八九壹贰弍叁叄肆伍陆柒捌玖拾佰仟点", "0012234567891223345678" + "9十百千."
_ONE_NUMBER = "^[^0-9.,十百千万亿]*[0-9.,十百千万亿]+[^0-9.,十百千万亿]*$"
_SECTION = "([0-9]{1,4}|0?(?:[1-9]千)?0?(?:[1-9]百)?0?(?:[1-9]?十)?0?[1-9]?)"
_SPOKEN = f"^(?:{_SECTION}亿)?(?:{_SECTION}万)?{_SECTION}$"
# Without 零 in front of it, the last digit may count the unit below the one before it or ones: 一万五.
_UNSURE = "[亿万千百][1-9](?:[亿万]|$)"


def ready(element: DataElement) -> str:
    """The form of a sum that needs no repair."""
    return _standard_pattern()


def sure(raw: StringValue, element: DataElement, today: str) -> BooleanValue:
    """Sums in their form, in a currency that exists."""
    return raw.re_search(_standard_pattern())


def normalize(text: StringValue, element: DataElement) -> StringValue:
    """The number in units of ten thousand and the letters of its currency, where both are said; any other text stays."""
    traditional, simple = lookup_characters()
    simplified = where(without_blanks(text).upper(), f"[{traditional}]", lambda part: part.translate(traditional, simple))
    compact = simplified.translate("，（）圆" + _NUMERALS, ",()元" + _DIGITS)
    plain = compact.re_replace("[(]([^0-9()]*)[)]", r"\1").re_replace("^大写[:：]?|大写[:：]?|[。.;；]+$", "")
    whole = plain.re_replace("([元万亿])[整正]", r"\1").re_replace("[整正]$", "")
    return let(whole, lambda given: ibis.cases((given.re_search(_untidy_pattern()), _tidied(given)), else_=_read(given))).coalesce(text)


def _tidied(given: StringValue) -> StringValue:
    untidy = _untidy_pattern()
    return _without_idle_zeros(given.re_replace(untidy, r"\1")) + ibis.literal(" ") + given.re_replace(untidy, r"\2")


def _read(given: StringValue) -> StringValue:
    """Null where amount or currency cannot be told."""
    currency = let(given.re_replace("[0-9.,十百千万亿]", ""), _currency)
    # Whoever writes ten thousands and no currency counts yuan; a bare number may be either unit.
    implied = ibis.cases((given.re_search("^[0-9.,十百千万亿]+[万亿]$"), "CNY"), else_=ibis.null("string"))
    amount = ibis.cases((given.re_search(_ONE_NUMBER), let(given.re_replace("[^0-9.,十百千万亿]", ""), _amount)), else_=ibis.null("string"))
    return amount + ibis.literal(" ") + currency.coalesce(implied)


def _currency(word: StringValue) -> StringValue:
    """The currency that all the words beside a number name, before and behind it."""
    often = [(word.re_search(pattern), letters) for letters, pattern in _word_patterns().items()]
    return ibis.cases(*often, else_=word.cases(*_currencies().items(), else_=ibis.null("string")))


def _amount(text: StringValue) -> StringValue:
    """The number in units of ten thousand, null where there is none."""
    branches = []
    for unit, places in _PLACES.items():
        pattern = f"^{_NUMBER}{unit}$"
        branches.append((text.re_search(pattern), _moved(text.re_replace(pattern, r"\1.\2").replace(",", ""), places)))
    spoken = text.re_search(_SPOKEN) & text.re_search("[1-9十]") & ~text.re_search(_UNSURE)
    moved = ibis.cases(*branches, (spoken, _moved(_counted(text), -4)), else_=ibis.null("string"))
    return let(moved, _without_idle_zeros)


def _moved(number: StringValue, places: int) -> StringValue:
    """A number with a point, multiplied by a power of ten."""
    zeros = "0" * abs(places)
    if places < 0:
        return (ibis.literal(zeros) + number).re_replace(f"^([0-9]+)([0-9]{{{-places}}})[.]", r"\1.\2")
    return (number + ibis.literal(zeros)).re_replace(f"[.]([0-9]{{{places}}})", r"\1.") if places else number


def _counted(text: StringValue) -> StringValue:
    """The digits of a spoken number, four to each section, with a point at the end."""
    sections = (let(text.re_replace(_SPOKEN, rf"\{group}"), _section) for group in (1, 2, 3))
    high, middle, low = sections
    return high + middle + low + ibis.literal(".")


def _section(text: StringValue) -> StringValue:
    """Four digits: 3千5十 is 3050."""
    tagged = text.replace("0", "").re_replace("^(?:([0-9])千)?(?:([0-9])百)?(?:([0-9]?)(十))?([0-9])?$", r"a\1b\2c\3\4d\5e")
    tens = tagged.replace("c十", "c1").replace("十", "")
    filled = tens.replace("ab", "a0b").replace("bc", "b0c").replace("cd", "c0d").replace("de", "d0e").re_replace("[a-e]", "")
    return ibis.cases((text.re_search("[千百十]"), filled), else_=text.lpad(4, "0"))


def _without_idle_zeros(number: StringValue) -> StringValue:
    return number.re_replace("^0+([0-9])", r"\1").re_replace("([.][0-9]*[1-9])0+$", r"\1").re_replace("[.]0*$", "")


def issues(value: StringValue, element: DataElement, today: str) -> dict[str, BooleanValue]:
    """Sums in a currency that does not exist."""
    return {"unknown-code": ~value.re_search(_standard_pattern()) & value.re_search(f"{_AMOUNT} [A-Z]{{3}}$")}


@while_in_force
def _currencies() -> dict[str, str]:
    """The name and letters of a currency, also with 元 on the other side of the number."""
    words = {word: code.code for code in load_standards().code_lists["currency"].codes for word in (code.code, code.title.zh.upper())}
    return {f"元{word}": letters for word, letters in words.items()} | {f"{word}元": letters for word, letters in words.items()} | words


@while_in_force
def _word_patterns() -> dict[str, str]:
    """For each currency with several names or a sign: one or more of them, and 元 as often as one likes."""
    found: dict[str, str] = {}
    for code in load_standards().code_lists["currency"].codes:
        signs = [sign for sign, letters in _SIGNS.items() if letters == code.code]
        if any(not alias.isdigit() for alias in code.aliases) or signs:
            words = (code.code, code.title.zh, *code.aliases, *signs)
            # A number in front of a sum is not the number of its currency.
            names = one_of(word.replace("圆", "元") for word in words if not word.isdigit())
            found[code.code] = f"^元*(?:{names}元*)+$"
    return found


@while_in_force
def _standard_pattern() -> str:
    return f"{_AMOUNT} {one_of(load_standards().code_lists['currency'].current)}$"


@while_in_force
def _untidy_pattern() -> str:
    """The standard form without its blank or with idle zeros."""
    return f"^([0-9]+(?:[.][0-9]+)?)({one_of(load_standards().code_lists['currency'].current)})$"

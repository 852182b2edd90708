"""Rules that hold for every element: invisible characters, outer blanks, width, labels, spreadsheet marks, missing-value markers.

They run only on texts that are not already in the form of their element, so a step may cost more than the whole of a clean row.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import ibis
import yaml
from ibis.expr.types import BooleanValue, IntegerValue, StringValue, Value

from standards.labels import Labels
from standards.patterns import BLANK, DASHES, HAN, INVISIBLE, one_of

# What departments write where they have no value; compared in capitals, without blanks and the marks around it.
MISSING: tuple[str, ...] = tuple(
    marker
    for group in yaml.safe_load(Path(__file__).parents[1].joinpath("missing.yml").read_text(encoding="utf-8"))["markers"]
    for marker in group
)
# Marks that say nothing by themselves; a star, a question mark and a number sign say that something is covered or lost.
_MARKS = r"/\\.。·…、,，;；:：_~～+=|<>《》()（）\[\]【】{}\"'“”‘’`!！^$&@" + DASHES
_ONLY_MARKS = f"^[{BLANK}{_MARKS}]*$"
# Nothing but zeros, whatever stands between them (0000-00-00 00:00:00).
_ZEROS = f"^(?:0[{BLANK}/.:(){DASHES}]*){{6,}}$"
_FULL = "０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ－．／＋＝＿＃％＆＊＠＇＂＄＼\u3000"  # noqa: E501
_HALF = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-./+=_#%&*@'\"$\\ "
_WIDTHS = tuple((_FULL[start:end], _HALF[start:end]) for start, end in ((0, 10), (10, 36), (36, 62), (62, len(_FULL))))
# Marks that a spreadsheet takes for the start of a text, and the formula that gives one; quotes around the whole.
_OPENING, _CLOSING = f"^(?:['‘’`´{BLANK}]|=?\")+", f'["{BLANK}]+$'
_QUOTED = (f"^[{BLANK}]*'([^']*)'[{BLANK}]*$", f"^[{BLANK}]*[“‘]([^“”‘’]*)[”’][{BLANK}]*$")
# A label has no digits; behind it stand a colon or an equals sign, or brackets around it.
_SEPARATOR = "[:：﹕︰∶=]"
_LABELED = f"^[{BLANK}]*[^0-9:：﹕︰∶=]{{1,80}}{_SEPARATOR}"
_BEHIND_LABEL = f"{_SEPARATOR}[\\s\\S]*$"
_LABEL = f"^[^:：﹕︰∶=]*{_SEPARATOR}+[{BLANK}]*"
_WORD = f"^[^{BLANK}]+[{BLANK}]+"
_BRACKETED = f"^[【\\[]([^】\\]0-9]{{1,20}})[】\\]][{BLANK}]*"
REPEATED = f"^(?:{'|'.join(f'{digit}{{6,}}' for digit in range(10))})$"
_REPEATED_APART = f"^(?:{'|'.join(f'(?:{digit}[{BLANK}]*){{6,}}' for digit in range(10))})$"
MASKED = "[*＊●█■▇]{2,}|[Xx×]{4,}"
# Characters that a wrong decoding leaves, and what a spreadsheet shows instead of a value.
LOSSY = "�|锟斤|斤拷|烫烫烫|屯屯屯|ï¿½|\\?\\?|[\ue000-\uf8ff]|^#(?:VALUE|REF|NAME|DIV/0|NUM|NULL|N/A|SPILL|CALC|GETTING_DATA)[!?]?$|^#+$"


def let(value: Value, body: Callable[..., Value]) -> Value:
    """`body(value)` with `value` computed once, however often the body names it. An expression has no variables otherwise."""
    return ibis.array([value]).map(body)[0]


def where(text: StringValue, pattern: str, change: Callable[[StringValue], StringValue]) -> StringValue:
    """Change only the texts in which the pattern occurs."""
    return let(text, lambda part: ibis.cases((part.re_search(pattern), change(part)), else_=part))


def clean(raw: StringValue, labels: Labels | None, keep: Collection[str] = ()) -> StringValue:
    """The text by the general rules, null for a missing-value marker, unless the marker is a spelling (`keep`) of the element itself."""
    text = _half_width(raw.re_replace(f"[{INVISIBLE}]", ""))
    text = where(text, _wrapped(labels), lambda part: _unwrapped(part, labels))
    text = where(text, f"^[0-9][0-9{BLANK}]*\\.0+$", lambda part: part.re_replace(f"[{BLANK}]*\\.0+$", ""))
    return let(text, lambda part: ibis.cases((is_missing(part, keep), ibis.null("string")), else_=part))


def _half_width(text: StringValue) -> StringValue:
    """Full-width digits, letters and marks at half width."""
    return in_groups(text, _WIDTHS)


def in_groups(text: StringValue, groups: Sequence[tuple[str, str]]) -> StringValue:
    """Characters in place of others, given as pairs of texts of the same length: a few at a time, since a table is made anew for each text. No
    character of one pair is put in place by another.
    """

    def each(part: StringValue) -> StringValue:
        for pair in groups:
            part = where(part, f"[{pair[0]}]", partial(_translated, pair=pair))
        return part

    return where(text, f"[{''.join(old for old, _ in groups)}]", each)


def _translated(text: StringValue, pair: tuple[str, str]) -> StringValue:
    return text.translate(*pair)


def _wrapped(labels: Labels | None) -> str:
    """What a text has that may have a quote, a blank or a label around it."""
    signs = [f"['‘’`´\"“”=【\\[:：﹕︰∶{BLANK}]"]
    if labels and labels.bare:
        signs.append(f"^{labels.bare}")
    if labels and labels.touches:
        signs.append(f"^[{HAN}]{{2,12}}[0-9]")
    return "|".join(signs)


def _unwrapped(text: StringValue, labels: Labels | None) -> StringValue:
    bare = _unquoted(text)
    return _unquoted(without_label(bare, labels)) if labels else bare


def _unquoted(text: StringValue) -> StringValue:
    """Without quotes and blanks around it."""
    for pattern in _QUOTED:
        text = text.re_replace(pattern, r"\1")
    return text.re_replace(f"{_OPENING}|{_CLOSING}", "")


def without_label(text: StringValue, labels: Labels) -> StringValue:
    """The text without a label that names the element, or one of its kind, in front of it."""
    coloned = where(
        text,
        _LABELED,
        lambda part: ibis.cases((_is_label(part.re_replace(_BEHIND_LABEL, ""), labels), part.re_replace(_LABEL, "")), else_=part),
    )
    bracketed = where(
        coloned,
        _BRACKETED,
        lambda part: ibis.cases(
            (_is_label(part.re_replace(f"{_BRACKETED}[\\s\\S]*$", r"\1"), labels), part.re_replace(_BRACKETED, "")), else_=part
        ),
    )
    spaced = where(
        bracketed,
        f"^[^0-9{BLANK}]{{1,16}}[{BLANK}]+[^{BLANK}]",
        lambda part: ibis.cases(
            (_is_spaced_label(part.re_replace(f"[{BLANK}][\\s\\S]*$", ""), labels), part.re_replace(_WORD, "")), else_=part
        ),
    )
    worded = spaced.re_replace(f"^(?i:{labels.english})[{BLANK}]+([^{BLANK}])", r"\1") if labels.english else spaced
    if labels.bare:
        return worded.re_replace(f"^{labels.bare}(.)", r"\1")
    if not labels.touches:
        return worded
    return where(
        worded,
        f"^[{HAN}]{{2,12}}[0-9]",
        lambda part: ibis.cases((_is_label(part.re_replace("[0-9][\\s\\S]*$", ""), labels), part.re_replace(f"^[{HAN}]+", "")), else_=part),
    )


def _is_spaced_label(text: StringValue, labels: Labels) -> BooleanValue:
    return _is_label(text, labels) & text.re_search(labels.spaced) if labels.spaced else _is_label(text, labels)


def _is_label(text: StringValue, labels: Labels) -> BooleanValue:
    key = text.re_replace(f"[(（][^)）]*[)）]|[{BLANK}._【】\\[\\]-]+", "").upper()
    if labels.simple[0]:
        key = where(key, f"[{labels.simple[0]}]", lambda part: part.translate(*labels.simple))
    if not labels.ends:
        return key.re_search(labels.whole)
    return let(key, lambda name: name.re_search(labels.whole) | (name.re_search(labels.ends) & ~name.re_search(labels.others)))


def trim(text: StringValue) -> StringValue:
    """Without blanks of any kind around it."""
    return text.re_replace(f"^[{BLANK}]+|[{BLANK}]+$", "")


def is_missing(text: StringValue, keep: Collection[str] = ()) -> BooleanValue:
    """Whether a trimmed text only says that there is no value."""
    markers = [marker for marker in MISSING if marker not in keep]
    # No marker has one of these digits: a text that has is none, but for one digit over and over.
    telling = "".join(digit for digit in "123456789" if not any(digit in marker for marker in markers))
    word = without_blanks(text).upper().re_replace(f"^[{_MARKS}]+|[{_MARKS}]+$", "")
    # A pattern, since a list is looked up for all texts, also those that have been told before.
    known = f"^{one_of(markers)}$"
    said = text.upper().re_search(known) | word.re_search(known) | text.re_search(f"{_ONLY_MARKS}|{_ZEROS}")
    repeated = text.re_search(_REPEATED_APART)
    return ibis.cases((text.re_search(f"[{telling}]"), repeated), else_=said | repeated) if telling else said | repeated


def without_blanks(text: StringValue) -> StringValue:
    """Without any blank inside."""
    return text.re_replace(f"[{BLANK}]+", "")


def is_masked(value: StringValue) -> BooleanValue:
    """Whether parts of the value are covered."""
    return value.re_search(MASKED)


def is_lossy(value: StringValue) -> BooleanValue:
    """Whether characters were lost on the way."""
    return value.re_search(LOSSY)


def weighted_sum(number: IntegerValue, weights: tuple[int, ...], modulus: int) -> IntegerValue:
    """Sum of digit × weight over the decimal digits of a number, up to multiples of the modulus.

    Digit k is (n mod 10^(k+1) − n mod 10^k) / 10^k, and dividing by 10^k is multiplying by its inverse, so remainders alone do:
    a third of the cost of taking the digits out one by one.
    """
    factors = [0] * (len(weights) + 1)
    for place, weight in enumerate(reversed(weights)):
        factor = weight * pow(10, -place, modulus)
        factors[place + 1] += factor
        factors[place] -= factor
    terms = [
        (number if place == len(weights) else number % 10**place) * (factor % modulus)
        for place, factor in enumerate(factors)
        if place and factor % modulus
    ]
    return sum(terms[1:], start=terms[0])


def character_sum(code: StringValue, alphabet: str, start: int, weights: tuple[int, ...]) -> IntegerValue:
    """Sum of place in the alphabet × weight over the characters from `start` on.

    They are taken from blocks of nine: short texts are kept in place by the engine and cost half.
    """
    terms = []
    for place, weight in enumerate(weights):
        block, within = divmod(start + place, 9)
        terms.append(ibis.literal(alphabet).find(code.substr(block * 9, 9).substr(within, 1)) * weight)
    return sum(terms[1:], start=terms[0])
